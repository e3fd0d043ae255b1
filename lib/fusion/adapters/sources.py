"""A study's source, whatever it is: the generator, files by an adapter, a file or loader as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fusion.adapters import panel as adapted_panel
from fusion.panel import readers, synthetic

SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Opened:
    """A source that was read.

    Parameters
    ----------
    raw : fusion.panel.readers.Raw
        Its rows, typed by the contract.
    adapted : Source or None
        What became of each row and header, where an adapter read it.
    truth : pandas.DataFrame or None
        What the generator knows of each row of a synthetic panel.
    """

    raw: readers.Raw
    adapted: adapted_panel.Source | None = None
    truth: pd.DataFrame | None = None


def opened(
    con: Any,
    source: str | Sequence[str],
    adapter: str | None,
    made: tuple[synthetic.Settings, int],
    *,
    root: Path,
    contract: str,
    extra_columns: Mapping[str, Any] | None,
    **how: Any,
) -> Opened:
    """Read a study's source.

    Parameters
    ----------
    con : ibis DuckDB backend
    source : str or sequence of str
        ``"synthetic"``, a file, a loader ``package:function``, or, with an adapter, several files.
    adapter : str, optional
        Name of a built-in adapter, or the file of one.
    made : tuple of Settings and int
        What the generator is asked for, with its seed.
    root : pathlib.Path
        Folder to which relative names refer.
    contract, extra_columns, **how
        As `readers.read` takes them; the generator needs none of ``how``.

    Raises
    ------
    PanelError
        If the source cannot be read, or several files are given without an adapter.
    """
    given: dict[str, Any] = {"contract": contract, "extra_columns": extra_columns}
    if source == SYNTHETIC:
        rows, truth = synthetic.generate(*made)
        return Opened(readers.take(con, rows, **given), truth=truth)
    if adapter is not None:
        adapted = adapted_panel.read(con, source, adapter, root=root, **given, **how)
        return Opened(adapted.raw, adapted)
    return Opened(readers.read(con, str(source), root=root, **given, **how))
