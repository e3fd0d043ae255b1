"""Normalisation: ten ways to a common scale, larger always better, whose bounds can be frozen.

Every way that does not rank is affine in the oriented value: z = (s − origin)/unit. What a score is measured
against is therefore one table (`fit`), which can be kept and used on later data (`score`), so that scores
compare over time. Formulas: OECD/JRC Handbook on Constructing Composite Indicators (2008), step 5; those of
the distances, percentile ranks and Borda are as in the R package COINr.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from fusion.composite.errors import CompositeError
from fusion.language import listed, said, word

Goalposts = Mapping[str, tuple[float, float]]

# origin and unit of z = (s − origin)/unit
AFFINE = ("minmax", "zscore", "normal", "target", "reference", "goalposts", "scaled", "share_of_max")
RANKED = ("rank", "percentile", "borda")
METHODS = AFFINE + RANKED


def orient(
    values: pd.DataFrame, directions: Mapping[str, str], optima: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Turn indicators so that larger is better.

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    directions : mapping
        ``'+'`` keeps a column, ``'-'`` changes its sign, ``'m'`` (moderate) gives −|x − x*|.
    optima : mapping, optional
        x* of each moderate column.

    Raises
    ------
    CompositeError
        When a column has no direction, an unknown one, or is moderate without an optimum.
    """
    turned = {}
    for column in values:
        x, way = values[column].astype(float), directions.get(str(column))
        if way == "m" and str(column) not in (optima or {}):
            raise CompositeError(said("composite.scale.optimum", column=column))
        if way not in ("+", "-", "m"):
            raise CompositeError(said("composite.scale.direction", column=column, way=way))
        turned[column] = (
            {"+": x, "-": -x}.get(way) if way != "m" else -(x - (optima or {})[str(column)]).abs()
        )
    return pd.DataFrame(turned, index=values.index, columns=values.columns)


def normalise(
    values: pd.DataFrame,
    directions: Mapping[str, str],
    how: str = "minmax",
    years: pd.Series | None = None,
    *,
    optima: Mapping[str, float] | None = None,
    targets: Mapping[str, float] | None = None,
    goalposts: Goalposts | None = None,
) -> pd.DataFrame:
    """Bring indicators to a common scale, larger always better; missing values stay missing.

    With s the oriented value (`orient`):

    - minmax: (s − min)/(max − min)
    - zscore: (s − mean)/sd, sd with divisor n
    - normal: the standard normal distribution at the z-score, so that all lie in (0, 1)
    - target: 1 − (t − s)/(t − min), t the declared target; above 1 beyond it
    - reference: the same with t the column's median, so that 1 is the typical unit
    - goalposts: (s − low)/(high − low) for declared goalposts, cut to [0, 1]
    - scaled: s/sd
    - share_of_max: s/max, for values ≥ 0 of direction '+'
    - rank: (r − ½)/n with mean ranks of ties
    - percentile: (r − 1)/(n − 1) with the lowest rank of ties
    - borda: r − 1 with the lowest rank of ties, the number of units that are beaten

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    directions : mapping
        ``'+'``, ``'-'`` or ``'m'`` for each column.
    how : str
        One of the above.
    years : pandas.Series, optional
        Scale within years; by default over all of them, so that scores compare over time.
    optima, targets, goalposts : mapping, optional
        By column, in the column's own unit.

    Raises
    ------
    CompositeError
        When a column has no two different values, or a year has none, under which no scale exists.
    """
    if how in RANKED:
        signed = orient(values, directions, optima)
        refuse_constant(signed, years)
        return _by_year(signed, years, how)
    table = fit(values, directions, how, years, optima=optima, targets=targets, goalposts=goalposts)
    return score(values, table, how, years)


def fit(
    values: pd.DataFrame,
    directions: Mapping[str, str],
    how: str = "minmax",
    years: pd.Series | None = None,
    *,
    optima: Mapping[str, float] | None = None,
    targets: Mapping[str, float] | None = None,
    goalposts: Goalposts | None = None,
) -> pd.DataFrame:
    """What scores are measured against: keep it to score later data by it.

    Returns
    -------
    pandas.DataFrame
        One row an indicator (and year): indicator, [year], direction, optimum, origin, unit, both of the
        oriented value.

    Raises
    ------
    CompositeError
        For ranks, which depend on who else is there and have nothing to freeze, and as `normalise`.
    """
    if how in RANKED:
        raise CompositeError(said("composite.scale.not_affine", how=how, affine=listed(AFFINE)))
    if how not in AFFINE:
        raise CompositeError(said("composite.scale.how", how=how, methods=listed(METHODS)))
    signed = _compared(orient(values, directions, optima), years)
    if how != "goalposts":
        refuse_constant(signed, years)
    declared = {"target": targets, "goalposts": goalposts}.get(how)
    groups = [(None, signed)] if years is None else list(signed.groupby(years.to_numpy()))
    parts = [_origin_and_unit(group, how, directions, declared).assign(year=year) for year, group in groups]
    table = pd.concat(parts, ignore_index=True)
    table.insert(1, "direction", [directions[c] for c in table["indicator"]])
    table.insert(2, "optimum", [(optima or {}).get(c, np.nan) for c in table["indicator"]])
    return table.drop(columns="year") if years is None else table


def score(
    values: pd.DataFrame, table: pd.DataFrame, how: str, years: pd.Series | None = None, *, cut: bool = False
) -> pd.DataFrame:
    """Scores of data by a table of `fit`, made from the same data or frozen from earlier ones.

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    table : pandas.DataFrame
        As `fit` returns it; with a ``year`` column each year is scored by its own rows.
    how : str
        The method by which the table was made.
    years : pandas.Series, optional
        Needed when the table has a year column.
    cut : bool
        Cut scores to [0, 1], for later data beyond frozen bounds (`minmax`, `target`).

    Raises
    ------
    CompositeError
        When an indicator or a year is not in the table, or ``years`` is missing.
    """
    lacking = [str(c) for c in values if c not in set(table["indicator"])]
    if lacking:
        raise CompositeError(said("composite.scale.no_bounds", lacking=listed(lacking)))
    rows = table.set_index("indicator")
    ways = rows["direction"].groupby(level=0).first().to_dict()
    optima = rows["optimum"].groupby(level=0).first().dropna().to_dict()
    signed = orient(values, ways, optima)
    if "year" not in table:
        z = (signed - rows.loc[values.columns, "origin"]) / rows.loc[values.columns, "unit"]
    else:
        z = _score_by_year(signed, table, years)
    return _finish(z, how, cut)


def _score_by_year(signed: pd.DataFrame, table: pd.DataFrame, years: pd.Series | None) -> pd.DataFrame:
    if years is None:
        raise CompositeError(said("composite.scale.years"))
    unknown = sorted(set(years) - set(table["year"]))
    if unknown:
        raise CompositeError(said("composite.scale.no_year", years=listed(unknown)))
    wide = table.pivot(index="year", columns="indicator", values=["origin", "unit"]).reindex(years.to_numpy())
    origin, unit = (wide[name][signed.columns].to_numpy() for name in ("origin", "unit"))
    return (signed - origin) / unit


def _finish(z: pd.DataFrame, how: str, cut: bool) -> pd.DataFrame:
    if how == "normal":
        from scipy.special import ndtr

        z = pd.DataFrame(ndtr(z.to_numpy(float)), index=z.index, columns=z.columns)
    if cut or how == "goalposts":
        z = z.clip(0, 1)
    return z


def _origin_and_unit(
    signed: pd.DataFrame, how: str, directions: Mapping[str, str], declared: Mapping[str, object] | None
) -> pd.DataFrame:
    low, high = signed.min(), signed.max()
    sd = signed.std(ddof=0)
    zero = 0.0 * low
    if how in ("target", "goalposts"):
        origin, end = _declared(signed, how, directions, declared or {})
        unit = end - origin
    else:
        origin, unit = {
            "minmax": (low, high - low),
            "zscore": (signed.mean(), sd),
            "normal": (signed.mean(), sd),
            "reference": (low, signed.median() - low),
            "scaled": (zero, sd),
            "share_of_max": (zero, high),
        }[how]
    if how == "share_of_max" and (low < 0).any():
        bad = ", ".join(str(c) for c in signed if low[c] < 0)
        raise CompositeError(said("composite.scale.share_of_max", bad=bad))
    _refuse_unit(unit, how)
    return pd.DataFrame({"origin": origin, "unit": unit}).rename_axis("indicator").reset_index()


def _declared(
    signed: pd.DataFrame, how: str, directions: Mapping[str, str], declared: Mapping[str, object]
) -> tuple[pd.Series, pd.Series]:
    """Origin and end of the scale from declared targets or goalposts, turned as the values are."""
    lacking = [str(c) for c in signed if c not in declared]
    if lacking:
        raise CompositeError(said("composite.scale.undeclared", how=how, lacking=listed(lacking)))
    sign = pd.Series({c: -1.0 if directions[str(c)] == "-" else 1.0 for c in signed})
    if any(directions[str(c)] == "m" for c in signed):
        raise CompositeError(said("composite.scale.moderate", how=how))
    if how == "target":
        return signed.min(), sign * pd.Series({c: float(declared[str(c)]) for c in signed})  # type: ignore[arg-type]
    ends = pd.DataFrame({c: sorted(declared[str(c)]) for c in signed})  # type: ignore[call-overload]
    low = ends.loc[0].where(sign > 0, -ends.loc[1])
    return low, ends.loc[1].where(sign > 0, -ends.loc[0])


def _refuse_unit(unit: pd.Series, how: str) -> None:
    bad = [str(c) for c in unit.index if unit[c] <= 0]
    if bad:
        raise CompositeError(said("composite.scale.no_length", how=how, bad=listed(bad)))


def refuse_constant(values: pd.DataFrame, years: pd.Series | None = None) -> None:
    """Refuse columns without two different values, by name and year.

    Raises
    ------
    CompositeError
    """
    for label, flat in _flat(values, years):
        if flat:
            raise CompositeError(
                said("composite.scale.flat", flat=listed(flat), label=word("composite.years", str(label)))
            )


def constant(values: pd.DataFrame, years: pd.Series | None = None) -> list[str]:
    """Columns that have no scale: without two different values, in all rows or in one of the years.

    Parameters
    ----------
    values : pandas.DataFrame
    years : pandas.Series, optional
        Of each row, where each year has a scale of its own.
    """
    bare = {name for _, flat in _flat(values, years) for name in flat}
    return [str(c) for c in values if str(c) in bare]


def _flat(values: pd.DataFrame, years: pd.Series | None) -> Iterator[tuple[object, list[str]]]:
    values = _compared(values, years)
    groups = [("all years", values)] if years is None else list(values.groupby(years.to_numpy()))
    for label, group in groups:
        same = group.min() == group.max()
        # A year without any value is a year in which the question was not asked: it needs no scale.
        yield label, [str(c) for c in group if same[c] or (years is None and not group[c].notna().any())]


def _compared(values: pd.DataFrame, years: pd.Series | None) -> pd.DataFrame:
    """Values without those that are the only one of their year, where each year has a scale of its own.

    One firm alone has nothing to be measured against: it has no score in that year, and the other years keep theirs.
    """
    if years is None:
        return values
    return values.where(values.notna().groupby(years.to_numpy()).transform("sum") > 1)


def _by_year(signed: pd.DataFrame, years: pd.Series | None, how: str) -> pd.DataFrame:
    if years is None:
        return _ranked(signed, how)
    groups = _compared(signed, years).groupby(years.to_numpy())
    return pd.concat([_ranked(group, how) for _, group in groups]).loc[signed.index]


def _ranked(values: pd.DataFrame, how: str) -> pd.DataFrame:
    if how == "rank":
        return (values.rank() - 0.5) / values.notna().sum()
    beaten = values.rank(method="min") - 1
    return beaten if how == "borda" else beaten / (values.notna().sum() - 1)
