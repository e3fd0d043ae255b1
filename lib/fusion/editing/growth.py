"""Growth of a total, like with like: what units that reported both years did, and what comes from who is there."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ("matched", "corrected", "entering", "leaving", "set aside", "missing", "imputed")


def decompose(pairs: pd.DataFrame) -> pd.DataFrame:
    """Change of a total between two years as an exact sum over classes of units.

    A unit contributes (v₁ − v₀) / T₀, with v = 0 where nothing is published, in one class. A corrected unit is split: its raw
    change is matched, what the correction changed of it is ``corrected``.

    Parameters
    ----------
    pairs : pandas.DataFrame
        One line a unit: ``before`` and ``after`` (published; NaN where not), ``kind`` (one of ``matched``, ``entering``,
        ``leaving``, ``set aside``, ``missing``, ``imputed``), and, where a value was corrected, ``raw_before`` and
        ``raw_after`` (as reported; NaN where equal).

    Returns
    -------
    pandas.DataFrame
        ``kind, units, before, after, points`` (contribution, in percentage points), a line a class and a last line
        ``total`` whose points are the growth of the total.

    Raises
    ------
    ValueError
        If a class is not known.
    """
    unknown = set(pairs["kind"]) - set(CLASSES)
    if unknown:
        raise ValueError(f"unknown classes {sorted(unknown)}; allowed: {', '.join(CLASSES)}")
    frame = pairs.assign(before=pairs["before"].fillna(0.0), after=pairs["after"].fillna(0.0))
    frame["change"] = frame["after"] - frame["before"]
    raw_before = frame.get("raw_before", pd.Series(np.nan, frame.index)).fillna(frame["before"])
    raw_after = frame.get("raw_after", pd.Series(np.nan, frame.index)).fillna(frame["after"])
    correction = (frame["change"] - (raw_after - raw_before)).where(frame["kind"] == "matched", 0.0)
    frame["change"] -= correction
    corrected = frame.loc[correction != 0].assign(kind="corrected", before=0.0, after=0.0, change=correction)
    both = pd.concat([frame, corrected])
    table = both.groupby("kind").agg(
        units=("change", "size"), before=("before", "sum"), after=("after", "sum"), points=("change", "sum")
    )
    table = table.reindex([c for c in CLASSES if c in table.index]).reset_index()
    start, end = frame["before"].sum(), frame["after"].sum()
    total = {"kind": "total", "units": len(frame), "before": start, "after": end, "points": end - start}
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    return table.assign(points=100.0 * table["points"] / start if start else np.nan)


def comparable(pairs: pd.DataFrame) -> float:
    """可比增速: growth over the units that answered in both years, as published."""
    matched = pairs.loc[pairs["kind"] == "matched"]
    start = matched["before"].sum()
    return float(matched["after"].sum() / start - 1.0) if start else float("nan")


def by_year(pairs: pd.DataFrame) -> pd.DataFrame:
    """Growth of every year, like with like and in its parts.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As :func:`decompose` takes it, with ``year``.

    Returns
    -------
    pandas.DataFrame
        ``year, units, matched_units, growth, comparable`` (per cent) and points by class.
    """
    lines = []
    for year, one in pairs.groupby("year"):
        table = decompose(one).set_index("kind")
        points = {name: float(table["points"].get(name, 0.0)) for name in CLASSES}
        head = {"year": int(year), "units": len(one), "matched_units": int(one["kind"].eq("matched").sum())}
        lines.append(
            head
            | {"growth": float(table.loc["total", "points"]), "comparable": 100.0 * comparable(one)}
            | points
        )
    return pd.DataFrame(lines, columns=["year", "units", "matched_units", "growth", "comparable", *CLASSES])
