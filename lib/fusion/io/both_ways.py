"""What an input–output table says of manufacturing and services, both ways: tables for a reader, and exposures of units."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from fusion.io.algebra import Floats, leontief
from fusion.io.links import fusion_degree, linkages
from fusion.io.own import MAKES, SERVES, Own

MEASURES = {"direct": "a", "complete": "b", "distribution": "h"}
SIDES = ("upstream", "downstream")
NAMES = ("treated", "integration")
KEYS = ["firm_id", "year"]
SIZE = "operating_revenue"


def degrees(own: Own) -> pd.DataFrame:
    """Services in manufacturing and manufacturing in services, of all flows and of domestic ones.

    Returns
    -------
    pandas.DataFrame
        flows (all, domestic; domestic only where the table has imports), measure (direct, complete: per 100 of output;
        distribution: percent of the seller's output), services_in_manufacturing, manufacturing_in_services. Empty where the
        table has no sector of one of the two.
    """
    makes, serves = own.of(MAKES), own.of(SERVES)
    names = ["flows", "measure", "services_in_manufacturing", "manufacturing_in_services"]
    if not makes or not serves:
        return pd.DataFrame(columns=names)
    rows = []
    for flows in ("all", "domestic") if own.table.imports.any() else ("all",):
        found = fusion_degree(own.table, makes, serves, only_domestic=flows == "domestic")
        rows += [
            (flows, name, 100 * found[f"{k}_sm"], 100 * found[f"{k}_ms"]) for name, k in MEASURES.items()
        ]
    return pd.DataFrame(rows, columns=names)


def sectors(own: Own) -> pd.DataFrame:
    """Each sector's links.

    Returns
    -------
    pandas.DataFrame
        sector_en, sector_zh, kind, services, manufacturing (what it buys of both per 100 of output), influence, sensitivity,
        sensitivity_ghosh (mean 1); most influential first.
    """
    table, a = own.table, own.table.coefficients
    bought = {kind: 100 * a[table.positions(own.of(kind))].sum(axis=0) for kind in (SERVES, MAKES)}
    found = linkages(table).drop(columns="code").assign(kind=own.kinds, **bought)
    return found.sort_values("influence", ascending=False, ignore_index=True)


def service_exports(own: Own) -> pd.DataFrame:
    """Value added of service sectors in exports of goods: v_S L e_M / Σ e_M, with domestic coefficients.

    Returns
    -------
    pandas.DataFrame
        sector_en, sector_zh, share (percent of manufacturing's exports), direct (the part that manufacturers buy themselves, so
        that share less direct came through other sectors); largest first. Empty without exports of manufacturing, or a service
        sector. Where the table has no imports its coefficients count as domestic, and shares are too high by what is imported.
    """
    table = own.table
    makes, serves = (table.positions(own.of(kind)) for kind in (MAKES, SERVES))
    sold = np.zeros(len(table.output))
    sold[makes] = table.exports[makes]
    names = ["sector_en", "sector_zh", "share", "direct"]
    if not own.has_exports or sold.sum() <= 0 or not serves:
        return pd.DataFrame(columns=names)
    a = table.domestic_coefficients
    rate = np.divide(table.value_added, table.output, out=np.zeros_like(table.output), where=table.output > 0)
    called, first = leontief(a) @ sold, a @ sold
    rows = [
        (
            table.names_en[i],
            table.names_zh[i],
            100 * rate[i] * called[i] / sold.sum(),
            100 * rate[i] * first[i] / sold.sum(),
        )
        for i in serves
    ]
    found = pd.DataFrame(rows, columns=names)
    return found.sort_values("share", ascending=False, ignore_index=True)


def weights(own: Own) -> dict[str, pd.DataFrame]:
    """Shares by which sectors are linked, a sector's own left out.

    Returns
    -------
    dict of str to pandas.DataFrame
        upstream: of what a sector (row) buys, the share from each other (column); downstream: of what it sells to sectors, the
        share to each other. Rows add up to 1, or to 0 where there is nothing.
    """
    z = own.table.flows.copy()
    np.fill_diagonal(z, 0.0)
    codes = list(own.table.codes)
    made = {"upstream": _shares(z.T), "downstream": _shares(z)}
    return {side: pd.DataFrame(w, codes, codes) for side, w in made.items()}


def exposures(rows: pd.DataFrame, own: Own, columns: dict[str, str], weight: str) -> pd.DataFrame:
    """How exposed each unit is to what happens up and down its chain.

    With w the shares of `weights` and m the mean of a column over the units of a sector and year, weighted by size, the exposure
    of a unit of sector j is Σ_k w_jk m_kt / Σ_k w_jk over sectors k ≠ j of which the panel has units. A unit's own value, and
    those of its own sector, are in no part of it.

    Parameters
    ----------
    rows : pandas.DataFrame
        firm_id, year, division (two digits of GB/T 4754-2017; empty where open), the columns, the weight.
    own : Own
    columns : dict of str to str
        Column of each exposure's name: ``<side>_<name>``.
    weight : str
        Column of size; rows without a positive one are in no mean.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, sector, and for each side ``<side>_<name>`` and ``<side>_covered`` (share of its links whose sectors the
        panel has), rows of units whose division stands in the table.
    """
    data = rows.assign(sector=rows["division"].map(own.sector_of())).dropna(subset=["sector"])
    out = data[["firm_id", "year", "sector"]].copy()
    codes = list(own.table.codes)
    for name, column in columns.items():
        mean = _means(data, column, weight).reindex(columns=codes)
        there, known = mean.fillna(0.0).to_numpy(), mean.notna().to_numpy(float)
        at = mean.index.get_indexer(out["year"]), mean.columns.get_indexer(out["sector"])
        for side, w in weights(own).items():
            covered = known @ w.to_numpy().T
            sums = there @ w.to_numpy().T
            values = np.divide(sums, covered, out=np.full_like(sums, np.nan), where=covered > 0)
            out[f"{side}_{name}"] = values[at]
            out[f"{side}_covered"] = covered[at]
    return out


def beside(
    scored: pd.DataFrame, panel: ibis.Table, own: Own | None, treatments: Sequence[str], judged_on: str
) -> pd.DataFrame:
    """Scores with exposures to treatment and to integration up and down the chain; as they were without a table.

    Parameters
    ----------
    scored : pandas.DataFrame
        firm_id, year, and the column that units are judged on.
    panel : ibis.Table
        firm_id, year, division, operating_revenue, the treatments.
    own : Own, optional
    treatments : sequence of str
        Columns whose exposure is ``treated``; the first that the panel has.
    judged_on : str
        Column whose exposure is ``integration``.

    Returns
    -------
    pandas.DataFrame
        With io_sector, ``<side>_treated``, ``<side>_integration`` and ``<side>_covered``.
    """
    needed = [*KEYS, "division", SIZE]
    if own is None or not set(needed) <= set(panel.columns):
        return scored
    there = [c for c in treatments if c in panel.columns][:1]
    rows = panel.select(*needed, *there).to_pandas()
    columns = dict(zip(NAMES, there, strict=False))
    if judged_on in scored:
        rows, columns = (
            rows.merge(scored[[*KEYS, judged_on]], on=KEYS, how="left"),
            columns | {"integration": judged_on},
        )
    found = exposures(rows, own, columns, SIZE).rename(columns={"sector": "io_sector"})
    return scored.merge(found, on=KEYS, how="left")


def pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Each exposure of the rows that varies, with that of the other side."""
    both = [(f"{a}_{name}", f"{b}_{name}") for name in NAMES for a, b in (SIDES, SIDES[::-1])]
    return [(a, b) for a, b in both if all(c in rows and rows[c].std() > 0 for c in (a, b))]


def _means(data: pd.DataFrame, column: str, weight: str) -> pd.DataFrame:
    """Mean of a column over the units of each sector (columns) and year (rows), weighted by size."""
    told = data[data[column].notna() & data[weight].gt(0)]
    value = told[column].astype(float) * told[weight]
    sums = told.assign(part=value).groupby(["year", "sector"])[["part", weight]].sum()
    return (sums["part"] / sums[weight]).unstack("sector").reindex(sorted(set(data["year"])))


def _shares(z: Floats) -> Floats:
    whole = z.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(z, whole, out=np.zeros_like(z), where=whole > 0))
