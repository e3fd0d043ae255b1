"""What stays with a firm: path, ownership, district, class, size, productivity effect, entry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fusion.panel.synthetic.settings import Settings
from fusion.panel.synthetic.streams import Streams
from fusion.panel.synthetic.tables import Tables

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Firms:
    """Draws that do not change over time; arrays of length N.

    Attributes
    ----------
    path, owner, district : row numbers in ``paths.csv``, ``ownership.csv``, ``districts.csv``
    code : row number in ``Tables.codes``
    entry : first year, as a position in the range
    age : years since establishment at entry
    productivity : firm effect α, ln
    size : ln employees at average productivity; independent of the firm effect
    intensity : ln capital per worker, deviation from the path's
    """

    path: Ints
    owner: Ints
    district: Ints
    code: Ints
    entry: Ints
    age: Ints
    productivity: Floats
    size: Floats
    intensity: Floats


def draw_firms(settings: Settings, tables: Tables, streams: Streams) -> Firms:
    """Draw the firms of a panel."""
    n, value = settings.firms, tables.value
    path = _pick(streams("path"), tables.paths["firm_share"].to_numpy(), n)
    owner = _pick(streams("owner"), tables.ownership["firm_share"].to_numpy(), n)
    alpha = value["firm_sd"] * streams("firm effect").standard_normal(n)
    size = (
        value["size_mean"]
        + tables.paths["size_shift"].to_numpy()[path]
        + tables.ownership["size_shift"].to_numpy()[owner]
        + value["size_sd"] * streams("size").standard_normal(n)
    )
    last_entry = round(value["entry_until"] * (settings.n_years - 1))
    late = streams("late").random(n) >= value["present_first"]
    entry = np.where(late, streams("entry").integers(1, last_entry + 1, n), 0)
    return Firms(
        path=path,
        owner=owner,
        district=_pick(streams("district"), tables.districts["firm_share"].to_numpy(), n),
        code=_pick_class(streams("class"), tables, path),
        entry=entry,
        age=np.where(late, streams("age").integers(0, 8, n), streams("age").integers(1, 25, n)),
        productivity=alpha,
        size=size,
        intensity=value["capital_spread"] * streams("intensity").standard_normal(n),
    )


def _pick(rng: np.random.Generator, share: Floats, n: int) -> Ints:
    """`n` row numbers with probabilities proportional to `share`."""
    edges = np.cumsum(share) / np.sum(share)
    return np.minimum(np.searchsorted(edges, rng.random(n), side="right"), len(share) - 1)


def _pick_class(rng: np.random.Generator, tables: Tables, path: Ints) -> Ints:
    """A class of the firm's path for each firm, as a row number in ``Tables.codes``."""
    draw, codes = rng.random(len(path)), tables.codes
    chosen = np.zeros(len(path), dtype=np.int64)
    for number, name in enumerate(tables.paths["path"]):
        rows = np.flatnonzero(codes["path"] == name)
        weight = codes["weight"].to_numpy(dtype=float)[rows]
        mine = path == number
        found = np.searchsorted(np.cumsum(weight) / weight.sum(), draw[mine], side="right")
        chosen[mine] = rows[np.minimum(found, len(rows) - 1)]
    return chosen
