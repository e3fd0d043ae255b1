"""Regions: what neighbours could pair, location quotients, co-agglomeration.

H is the same programme on a region's summed revenue, both kinds of firms: H = F (within firms) + B, B ≥ 0 what neighbours
could pair. It is potential, not integration.
"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.classification.enterprises import in_question
from fusion.classification.kinds import MAKES, OTHER, SERVES
from fusion.integration.firms import Settings, integration
from fusion.integration.pairing import pairs
from fusion.integration.relatedness import Relatedness

Floats = NDArray[np.float64]
_SOLD = """
SELECT d.region, r.edition, l.code, sum(l.amount) AS amount FROM _lines AS l JOIN _rows AS r USING (row)
JOIN _region AS d USING (firm_id, year)
WHERE r.year = {year} AND l.code <> '' GROUP BY ALL
UNION ALL
SELECT d.region, r.edition, main, sum(r.services) FROM _rows AS r JOIN _region AS d USING (firm_id, year)
WHERE r.year = {year} AND NOT maker AND untold > 0 GROUP BY ALL"""
_MADE = """
SELECT d.region, r.edition, r.goods_code AS code, sum(r.goods_low) AS amount
FROM _rows AS r JOIN _region AS d USING (firm_id, year)
WHERE r.year = {year} AND r.services IS NOT NULL AND r.goods_low > 0 AND r.goods_code <> '' GROUP BY ALL"""
# Of a services firm whose goods are open, what is certain: it is in the pool, and so in what the pool is set against.
_OWN = """
SELECT d.region, sum(coalesce(s.point, s.low) * s.volume) FILTER (told) / sum(s.volume) FILTER (told) AS within,
  sum(s.volume) FILTER (told) AS volume, count(DISTINCT s.firm_id) FILTER (told) AS units,
  100 * (1 - sum(s.volume) FILTER (told) / sum(s.volume)) AS silent
FROM (SELECT *, services IS NOT NULL AS told FROM _scored) AS s JOIN _region AS d USING (firm_id, year)
WHERE s.year = {year} GROUP BY ALL HAVING bool_or(told)"""
_QUIET = """
SELECT d.region, s.firm_id AS unit, coalesce(sum(s.volume) FILTER (s.services IS NULL), 0) AS silent_part,
  sum(s.volume) AS silent_whole
FROM _scored AS s JOIN _region AS d USING (firm_id, year) WHERE s.year = {year} GROUP BY ALL ORDER BY ALL"""


def pooled(panel: ibis.Table, made: Relatedness, settings: Settings, by: str, year: int) -> pd.DataFrame:
    """Integration within firms and what a region could pair.

    Parameters
    ----------
    panel : ibis.Table
        On DuckDB.
    made : Relatedness
    settings : Settings
    by : str
        Column of the panel: the region.
    year : int

    Returns
    -------
    pandas.DataFrame
        region, units (that tell), silent (share of revenue of those that do not, %), within (F_d), pooled (H_d), between
        (B_d), in percent of the revenue of those that tell, makers and services firms alike; most within first. A services firm
        whose goods are open counts at what is certain. A code that may be several classes has the mean of their relatedness;
        where there is one, pooled_least and pooled_most are by the least and the greatest of it, between which the pool surely
        is. Empty without the column.
    """
    columns = ["region", "units", "silent", "within", "pooled", "between"]
    if by not in panel.columns:
        return pd.DataFrame(columns=columns)
    integration(panel, made, settings)
    con = panel.get_backend()
    named = panel.select("firm_id", "year", region=panel[by].cast("string"))
    places = named.filter(named["region"].notnull())  # noqa: PD004 (Ibis)
    con.create_table("_region", places, temp=True, overwrite=True)  # type: ignore[attr-defined]
    sold, goods, own = (con.raw_sql(q.format(year=year)).df() for q in (_SOLD, _MADE, _OWN))  # type: ignore[attr-defined]
    rows = own.set_index("region")
    shares, services, related, names = [], [], [], []
    for region, volume in rows["volume"].items():
        p, q = (
            _by_code(t[t["region"] == region], axis)
            for t, axis in ((goods, made.r.index), (sold, made.r.columns))
        )
        if len(p) and len(q):
            names.append(region)
            shares.append(p["amount"].to_numpy() / volume / (2 * (1 - settings.mix)))
            services.append(q["amount"].to_numpy() / volume / (2 * settings.mix))
            related.append(_related(made.r, p["classes"], q["classes"]))
    could = {
        how: _could(names, shares, services, [r[how] for r in related]) for how in ("mean", "least", "most")
    }
    table = rows.assign(within=100 * rows["within"], pooled=could["mean"]).reset_index()
    # What firms pair themselves can be paired in the pool, too; it lacks what makers sell without a class.
    table["pooled"] = table["pooled"].clip(lower=table["within"])
    table["between"] = table["pooled"] - table["within"]
    if not could["least"].equals(could["most"]):
        ends = {
            f"pooled_{how}": table["region"].map(could[how]).clip(lower=table["within"])
            for how in ("least", "most")
        }
        table, columns = table.assign(**ends), [*columns, *ends]
    return table.sort_values("within", ascending=False)[columns].reset_index(drop=True)


def most(pool: pd.DataFrame) -> pd.Series | None:
    """The region of `pooled` whose neighbours could pair most; none where it is known of no region."""
    known = pool["between"].dropna()
    return None if known.empty else pool.loc[known.idxmax()]


def silent_parts(panel: ibis.Table, by: str, year: int) -> pd.DataFrame:
    """Whose revenue is behind the share of those that do not tell, after `pooled` of the same panel.

    Parameters
    ----------
    panel : ibis.Table
        That `pooled` was asked of.
    by : str
        Column of the panel: the region.
    year : int

    Returns
    -------
    pandas.DataFrame
        region, unit, silent_part (revenue if it does not tell, else 0), silent_whole (revenue). Empty without the column.
    """
    if by not in panel.columns:
        return pd.DataFrame(columns=["region", "unit", "silent_part", "silent_whole"])
    con = panel.get_backend()
    return con.raw_sql(_QUIET.format(year=year)).df()  # type: ignore[attr-defined, no-any-return]


def _could(
    names: list[object], shares: list[Floats], services: list[Floats], related: list[Floats]
) -> pd.Series:
    """What each region could pair, percent."""
    best = pairs(shares, services, related)
    found = {n: 200 * float((pi * r).sum()) for n, pi, r in zip(names, best, related, strict=True)}
    return pd.Series(found, dtype=float)


def location(panel: pd.DataFrame, by: str, size: str, year: int) -> pd.DataFrame:
    """Location quotients of making and serving by region: share of the region over share of all.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, the two columns, and kind (`classification.kinds`).
    by, size : str
        Columns of the region and of the size (persons, value added).
    year : int

    Returns
    -------
    pandas.DataFrame
        region, units, manufacturing, services (quotients); those without one of the two kinds in all of the panel have
        no quotient. Empty where a column lacks.
    """
    if not {by, size, "kind"} <= set(panel):
        return pd.DataFrame(columns=["region", "units", MAKES, SERVES])
    data = panel[(panel["year"] == year) & panel[size].gt(0) & panel["kind"].ne("")].dropna(subset=[by])
    data = data.assign(region=data[by].astype("str"))
    table = data.pivot_table(index="region", columns="kind", values=size, aggfunc="sum", fill_value=0.0)
    table = table.reindex(columns=[MAKES, SERVES, OTHER], fill_value=0.0)
    whole = table.sum(axis=1)
    out = table[[MAKES, SERVES]].div(whole, axis=0) / (table[[MAKES, SERVES]].sum() / whole.sum())
    units = data.groupby("region")["firm_id"].nunique()
    return out.replace([np.inf], np.nan).assign(units=units).reset_index()[["region", "units", MAKES, SERVES]]


def together(
    panel: pd.DataFrame, by: str, size: str, year: int, draws: int = 199, seed: int = 1
) -> pd.DataFrame:
    """Co-agglomeration of making and serving (after Ellison, Glaeser and Kerr), with permutations of regions.

    γ = Σ_d (s_Md − x_d)(s_Sd − x_d) / (1 − Σ x_d²). Chance is not zero where the two make up all there is: kinds are dealt
    anew to firms, with their sizes and places.

    Returns
    -------
    pandas.DataFrame
        One row: units, gamma, chance (mean of permutations), low, high (90 % of them). Empty where a kind is absent.
    """
    names = ["units", "gamma", "chance", "low", "high"]
    if not {by, size, "kind"} <= set(panel):
        return pd.DataFrame(columns=names)
    data = panel[(panel["year"] == year) & panel[size].gt(0) & panel["kind"].ne("")].dropna(subset=[by])
    kind, place = data["kind"].to_numpy(), pd.factorize(data[by])[0]
    w = data[size].to_numpy(float)
    if not {MAKES, SERVES} <= set(kind) or place.max(initial=0) < 1:
        return pd.DataFrame(columns=names)
    x = np.bincount(place, w) / w.sum()

    def gamma(of: np.ndarray) -> float:
        m, s = (np.bincount(place, w * (of == k), minlength=len(x)) for k in (MAKES, SERVES))
        return float(((m / m.sum() - x) * (s / s.sum() - x)).sum() / (1 - (x**2).sum()))

    rng = np.random.default_rng(seed)
    chance = np.array([gamma(rng.permutation(kind)) for _ in range(draws)])
    low, high = np.quantile(chance, [0.05, 0.95])
    row = {
        "units": data["firm_id"].nunique(),
        "gamma": gamma(kind),
        "chance": chance.mean(),
        "low": low,
        "high": high,
    }
    return pd.DataFrame([row])


# -- inside ------------------------------------------------------------------------------------
def _by_code(lines: pd.DataFrame, known: pd.Index) -> pd.DataFrame:
    """Amounts by code with the classes of 2017 that it may be, of those whose relatedness is known."""
    lines = lines.dropna(subset=["code"]).groupby(["edition", "code"], as_index=False)["amount"].sum()
    may = in_question()[["edition", "code", "code_2017"]].merge(lines[["edition", "code"]])
    may = may[may["code_2017"].isin(known)]
    classes = may.groupby(["edition", "code"])["code_2017"].agg(list).rename("classes").reset_index()
    # Codes that are one class add up: fewer lines to pair.
    table = lines.merge(classes, on=["edition", "code"]).assign(key=lambda t: t["classes"].map(tuple))
    return (
        table.groupby("key")
        .agg(amount=("amount", "sum"), classes=("classes", "first"))
        .reset_index(drop=True)
    )


def _related(r: pd.DataFrame, goods: pd.Series, services: pd.Series) -> dict[str, Floats]:
    """Mean, least and greatest relatedness of the classes that codes of goods and of services may be."""
    rows, j = _places(r.index, goods)
    columns, k = _places(r.columns, services)
    cells = r.to_numpy()[np.ix_(rows, columns)]

    def over(what: np.ufunc) -> Floats:
        return np.asarray(what.reduceat(what.reduceat(cells, j, axis=0), k, axis=1))

    counts = np.outer(np.diff([*j, len(rows)]), np.diff([*k, len(columns)]))
    return {"mean": over(np.add) / counts, "least": over(np.minimum), "most": over(np.maximum)}


def _places(known: pd.Index, classes: pd.Series) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the classes of all codes stand, one code after the other, and where each code begins."""
    lengths = np.array([len(one) for one in classes])
    every = [name for one in classes for name in one]
    return known.get_indexer(every), np.cumsum(lengths) - lengths  # type: ignore[arg-type]
