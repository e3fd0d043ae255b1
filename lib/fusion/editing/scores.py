"""Which telephone calls matter: doubts ranked by what they do to the totals that are published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from fusion.editing.settings import Floats
from fusion.editing.slips import Found
from fusion.panel.contract import ROW

WHOLE = "total"  # the publication cell of all units
DIGITS = 12  # of sums
LINE = [
    "unit",
    "year",
    ROW,
    "item",
    "value",
    "predicted",
    "low",
    "high",
    "factor",
    "slip",
    "put_right",
    "whole",
]


@dataclass(frozen=True)
class Publication:
    """What is published of which totals.

    Attributes
    ----------
    items : sequence of str
        Money items whose totals are published.
    cells : mapping of str to float
        Columns by which they are published besides the total (district, path), each with the weight ω of its cells;
        that of the total is 1. A judgement.
    """

    items: Sequence[str]
    cells: Mapping[str, float]

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each kind of cell."""
        return {WHOLE: 1.0, **self.cells}


def doubts(table: ibis.Table, found: Found, publication: Publication) -> pd.DataFrame:
    """Every doubtful cell of the published items, with what it is expected to be.

    Parameters
    ----------
    table : ibis.Table
        The returns that ``found`` judged, with the columns of ``publication``.
    found : Found
        What was found in them.
    publication : Publication
        What is published.

    Returns
    -------
    pandas.DataFrame
        ``unit, year, source_row, item, value, predicted, low, high, factor, slip, put_right, whole`` and the columns of
        ``publication.cells``. ``predicted``: the expectation over all states, x·Σ P(k)·10^−k; ``low`` to ``high``: ± two
        standard deviations of it; ``put_right``: x·10^−k where P is above one half, else x. ``whole``: the form as a whole is
        named.
    """
    cells = found.cells.set_index(["position", "item"])
    odd = found.rows.loc[found.rows["form"] > 0].index.union(found.cells["position"].unique())
    rows = found.rows.loc[odd].assign(position=odd)
    wide = table.semi_join(ibis.memtable(rows[[ROW]]), ROW) if len(rows) else table.limit(0)
    wide = wide.select(ROW, *publication.cells, *publication.items).to_pandas()
    lines = rows.merge(wide, on=ROW).melt(
        id_vars=["position", "unit", "year", ROW, "form", "factor", "shrink", "shrink2", *publication.cells],
        value_vars=list(publication.items),
        var_name="item",
    )
    quiet = [(int(r), i) in found.confirmed for r, i in zip(lines[ROW], lines["item"], strict=True)]
    lines = lines.loc[~np.array(quiet, bool)]
    own = cells.reindex(pd.MultiIndex.from_frame(lines[["position", "item"]]))
    lines["value"] = lines["value"].astype(float)
    return _expected(lines.loc[lines["value"].notna()], own.loc[lines["value"].notna().to_numpy()], found)


def _expected(lines: pd.DataFrame, own: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Expectation and spread of each cell, from its form's states and its own."""
    own = own.fillna({"slip": 0.0, "factor": 0.0, "shrink": 1.0, "shrink2": 1.0, "sigma": 0.05})
    value = lines["value"].to_numpy(float)
    cell_slip, cell_factor, cell_shrink, cell_shrink2, sigma = (
        own[c].to_numpy(float) for c in ("slip", "factor", "shrink", "shrink2", "sigma")
    )
    mean = lines["shrink"].to_numpy(float) * cell_shrink
    square = lines["shrink2"].to_numpy(float) * cell_shrink2
    predicted = value * mean
    spread = np.sqrt(np.maximum(value**2 * (square - mean**2), 0.0) + (predicted * sigma * np.log(10)) ** 2)
    named = found.settings.named
    form = np.where(lines["form"] > named, lines["factor"], 0)
    factor = form + np.where(cell_slip > named, cell_factor, 0)
    likely = np.where(lines["form"].to_numpy(float) >= cell_slip, lines["factor"], cell_factor)
    out = lines.assign(
        predicted=predicted,
        low=np.where(value > 0, np.maximum(predicted - 2 * spread, 0.0), predicted - 2 * spread),
        high=predicted + 2 * spread,
        slip=1.0 - (1.0 - lines["form"].to_numpy(float)) * (1.0 - cell_slip),
        factor=np.where(factor != 0, factor, likely).astype(int),
        put_right=value * 10.0 ** -factor.astype(float),
        whole=lines["form"] > named,
    )
    keep = (out["slip"] > 1e-3) | (np.abs(out["predicted"] - out["value"]) > 1e-3 * np.abs(out["value"]))
    columns = [*LINE, *[c for c in out if c not in (*LINE, "position", "form", "shrink", "shrink2")]]
    return out.loc[keep, columns].reset_index(drop=True)


def totals(table: ibis.Table, lines: pd.DataFrame, publication: Publication) -> pd.DataFrame:
    """Published totals as reported, with the named slips put right, and as expected.

    Returns
    -------
    pandas.DataFrame
        ``kind`` (``total`` or a column of ``publication.cells``), ``cell``, ``year, item, reported, put_right, expected,
        doubtful`` (Σ|Eδ|), ``units``.
    """
    frames = [_totals_by(table, lines, publication, kind) for kind in publication.weights]
    return pd.concat(frames, ignore_index=True)


def _steady(total: float) -> float:
    """A sum to twelve digits: its last bits hang on the order of rows, and on how many threads share them."""
    return float(f"{total:.{DIGITS}g}")


def _totals_by(table: ibis.Table, lines: pd.DataFrame, publication: Publication, kind: str) -> pd.DataFrame:
    label = ibis.literal(WHOLE) if kind == WHOLE else table[kind].cast("string")
    base = table.select(
        cell=label,
        year=table["year"].cast("int64"),
        **{c: table[c].cast("float64") for c in publication.items},
    )
    base = base.filter(base["cell"].notnull())  # noqa: PD004
    asked = {f"s_{c}": base[c].sum() for c in publication.items} | {
        f"n_{c}": base[c].count() for c in publication.items
    }
    wide = base.group_by(["cell", "year"]).aggregate(**asked).order_by("cell", "year").to_pandas()
    long = pd.concat(
        [
            wide[["cell", "year"]].assign(item=c, reported=wide[f"s_{c}"].map(_steady), units=wide[f"n_{c}"])
            for c in publication.items
        ]
    )
    moved = lines.assign(
        cell=WHOLE if kind == WHOLE else lines[kind].astype(str),
        year=lines["year"].astype("int64"),
        right=lines["put_right"] - lines["value"],
        delta=lines["predicted"] - lines["value"],
        doubtful=(lines["predicted"] - lines["value"]).abs(),
    )
    if kind != WHOLE:
        moved = moved.loc[lines[kind].notna()]
    sums = moved.groupby(["cell", "year", "item"], as_index=False)[["right", "delta", "doubtful"]].sum()
    out = long.merge(sums, on=["cell", "year", "item"], how="left").fillna(
        {"right": 0, "delta": 0, "doubtful": 0}
    )
    out["put_right"], out["expected"] = out["reported"] + out["right"], out["reported"] + out["delta"]
    columns = ["kind", "cell", "year", "item", "reported", "put_right", "expected", "doubtful", "units"]
    return out.assign(kind=kind)[columns]


def ranked(lines: pd.DataFrame, sums: pd.DataFrame, publication: Publication) -> pd.DataFrame:
    """Calls (a unit and year) by what they move, with each cell's part.

    Parameters
    ----------
    lines : pandas.DataFrame
        :func:`doubts`.
    sums : pandas.DataFrame
        :func:`totals`.

    Returns
    -------
    pandas.DataFrame
        ``lines`` with ``expected_change`` (Eδ = value − predicted), ``of_total`` and ``of_growth`` (what the cell does to the
        total of its year and to its growth, as shares), ``score`` (Σ over publication cells of ω times the largest of the
        effects on level, on growth and, as the base, on next year's growth), ``call`` (sum of the scores of the unit and
        year) and ``rank`` of the call, from 1.
    """
    lines = lines.assign(expected_change=lines["value"] - lines["predicted"])
    size = lines["expected_change"].abs().to_numpy()
    score = np.zeros(len(lines))
    for kind, weight in publication.weights.items():
        level, growth, base = _effects(lines, sums, kind, size)
        score += weight * np.fmax(np.fmax(np.nan_to_num(level), np.nan_to_num(growth)), np.nan_to_num(base))
        if kind == WHOLE:
            lines = lines.assign(of_total=level, of_growth=growth)
    lines["score"] = score
    call = lines.groupby(["unit", "year"])["score"].transform("sum")
    lines["call"] = call
    order = lines.sort_values(
        ["call", "unit", "year", "score"], ascending=[False, True, True, False], kind="stable"
    )
    key = order["unit"].astype(str) + "\0" + order["year"].astype(str)
    return order.assign(rank=pd.factorize(key)[0] + 1).reset_index(drop=True)


def _effects(
    lines: pd.DataFrame, sums: pd.DataFrame, kind: str, size: Floats
) -> tuple[Floats, Floats, Floats]:
    """|Eδ| over the expected total, over that of the year before, and what the base does to next year's growth."""
    expected = sums.loc[sums["kind"] == kind].set_index(["cell", "year", "item"])["expected"]
    cell = np.full(len(lines), WHOLE, dtype=object) if kind == WHOLE else lines[kind].astype(str).to_numpy()

    def at(shift: int) -> Floats:
        keys = pd.MultiIndex.from_arrays([cell, lines["year"].to_numpy("int64") + shift, lines["item"]])
        found = expected.reindex(keys).to_numpy(float)
        return np.where(found > 0, found, np.nan)

    now, before, after = at(0), at(-1), at(1)
    return size / now, size / before, size * after / now**2


def open_cells(sums: pd.DataFrame, share: float = 0.01, points: float = 0.001) -> pd.DataFrame:
    """Published totals that unresolved doubts may still move: where calls should go on.

    Parameters
    ----------
    sums : pandas.DataFrame
        :func:`totals` of what is still unresolved.
    share, points : float
        A total is done when Σ|Eδ| is below ``share`` of it, and its part in growth below the larger of ``points`` and
        one hundredth of the growth. Judgements.

    Returns
    -------
    pandas.DataFrame
        Lines of ``sums`` not yet done, with ``growth`` (expected) and ``growth_doubt``.
    """
    ordered = sums.sort_values(["kind", "cell", "item", "year"], kind="stable", ignore_index=True)
    group = ordered.groupby(["kind", "cell", "item"])
    before = group["expected"].shift().where(group["year"].diff() == 1)
    doubt_before = group["doubtful"].shift().where(group["year"].diff() == 1)
    growth = ordered["expected"] / before - 1
    doubt = ordered["doubtful"] / before + (1 + growth).abs() * doubt_before / before
    level_done = ordered["doubtful"] < share * ordered["expected"].abs()
    growth_done = doubt.isna() | (doubt < np.maximum(points, 0.01 * growth.abs()))
    return ordered.assign(growth=growth, growth_doubt=doubt).loc[~(level_done & growth_done)]
