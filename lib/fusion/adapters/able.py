"""What the columns of a source allow, told before a study runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from fusion import engine
from fusion.adapters import panel
from fusion.indicators import system
from fusion.language import LANGUAGES, listed, said, speaking
from fusion.panel import readers
from fusion.panel.contract import ROW, contract

Reason = dict[str, str]


def indicators(columns: Collection[str]) -> dict[str, Reason | None]:
    """Which indicators columns give.

    Parameters
    ----------
    columns : collection of str
        Columns that hold something.

    Returns
    -------
    dict
        Code: None, or the reason why it cannot be computed, a sentence in each language.
    """
    gaps = system.lacking(columns)
    return {str(code): lack(gaps[code]) if code in gaps else None for code in system.system()["code"]}


def absent(columns: Collection[str]) -> frozenset[str]:
    """Columns of the contract that a source could bring and that these are not."""
    return frozenset(c.column for c in contract() if c.required != "derived") - frozenset(columns)


def lack(columns: Sequence[str]) -> Reason:
    """The sentence that the data lack some columns, with their labels, in each language."""
    labels = {c.column: {"en": c.label_en, "zh": c.label_zh} for c in contract()}
    told = {}
    for language in LANGUAGES:
        with speaking(language):
            named = listed(
                said("adapters.labelled", label=labels[c][language], column=c) if c in labels else c
                for c in columns
            )
            told[language] = said("adapters.lack", columns=named)
    return told


def refused(source: str | Sequence[str]) -> str:
    """Why a source may not be read as the user's settings are: it is code that nobody allowed. Empty if it may be."""
    loader = isinstance(source, str) and readers.LOADER.match(source)
    return (
        said("panel.loader_not_allowed", source=source) if loader and not readers.may_run(str(source)) else ""
    )


def every() -> frozenset[str]:
    """Columns of the synthetic panel: all of the contract's that are not derived."""
    return frozenset(c.column for c in contract() if c.required != "derived")


def read(source: str | Sequence[str], adapter: str | None, root: Path, **how: Any) -> readers.Raw | None:
    """What a study's source holds.

    Parameters
    ----------
    source : str or sequence of str
        As a study names it.
    adapter : str or None
    root : pathlib.Path
        Folder to which files refer.
    **how
        ``contract, rename, money_unit, encoding, sheet, extra_columns, editions``, as the readers take them.

    Returns
    -------
    Raw or None
        None for the synthetic panel, and for a loader, which is not called.

    Raises
    ------
    PanelError
        When the files cannot be read as the study says.
    """
    loader = isinstance(source, str) and readers.LOADER.match(source) and not os.path.exists(root / source)
    if source == "synthetic" or loader:
        return None
    files = [root / name for name in ([source] if isinstance(source, str) else source)]
    con = engine.opened(*(file.parent for file in files))
    if adapter is None:
        return readers.read(con, str(source), root=root, **how)
    return panel.read(con, source, adapter, root, **how).raw


def held(raw: readers.Raw) -> frozenset[str]:
    """Columns of what was read that hold something."""
    return system.held(raw.table) - {ROW}
