"""Growth of a total, like with like: what units that reported both years did, and what comes from who is there."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ("matched", "corrected", "put right", "entering", "leaving", "set aside", "missing", "imputed")
SPLIT = ("corrected", "put right")  # what was done to a value that was reported


def decompose(pairs: pd.DataFrame) -> pd.DataFrame:
    """Change of a total between two years as an exact sum over classes of units.

    A unit contributes (v₁ − v₀) / T₀, with v = 0 where nothing is published, in one class. A corrected unit is split: its raw
    change is matched, what an answer changed of it is ``corrected``, what was put right unasked ``put right``.

    Parameters
    ----------
    pairs : pandas.DataFrame
        One line a unit: ``before`` and ``after`` (published; NaN where not), ``kind`` (one of ``matched``, ``entering``,
        ``leaving``, ``set aside``, ``missing``, ``imputed``), and, where a value was corrected, ``raw_before`` and
        ``raw_after`` (as reported; NaN where equal) with ``how_before`` and ``how_after`` (of `SPLIT`; else corrected).

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
    split = _split(frame)
    frame["change"] -= split.groupby(level=0)["change"].sum().reindex(frame.index).fillna(0.0)
    both = pd.concat([frame, split])
    table = both.groupby("kind").agg(
        units=("change", "size"), before=("before", "sum"), after=("after", "sum"), points=("change", "sum")
    )
    table = table.reindex([c for c in CLASSES if c in table.index]).reset_index()
    start, end = frame["before"].sum(), frame["after"].sum()
    total = {"kind": "total", "units": len(frame), "before": start, "after": end, "points": end - start}
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    return table.assign(points=100.0 * table["points"] / start if start else np.nan)


def _split(frame: pd.DataFrame) -> pd.DataFrame:
    """What was done to reported values of matched units, a line a value: kind, change, before and after of zero."""
    matched, parts = frame.loc[frame["kind"] == "matched"], []
    for side, sign in (("before", -1.0), ("after", 1.0)):
        raw = matched.get(f"raw_{side}", pd.Series(np.nan, matched.index))
        how = matched.get(f"how_{side}", pd.Series(SPLIT[0], matched.index, dtype=object))
        change = (sign * (matched[side] - raw)).loc[raw.notna()]
        parts.append(pd.DataFrame({"kind": how.loc[change.index].fillna(SPLIT[0]), "change": change}))
    return pd.concat(parts).loc[lambda t: t["change"] != 0].assign(before=0.0, after=0.0)


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
