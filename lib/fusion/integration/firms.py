"""Integration F and integrated revenue I of firm-years, with what is known at least and at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, ref

import ibis
import numpy as np
import pandas as pd

from fusion import engine as database
from fusion.integration import engine, special
from fusion.integration.errors import IntegrationError
from fusion.integration.pairing import fill
from fusion.integration.relatedness import Grid, Relatedness, stages
from fusion.language import said

FEWEST_MEAN = 20  # firm-years that a path's mean relatedness rests on
CHUNK = 1_000_000
BY_STAGE = "integration_by_"  # beginning of the columns of its parts
_HELD: WeakKeyDictionary[Any, ref[Grid]] = WeakKeyDictionary()  # the grid of each connection


@dataclass(frozen=True)
class Settings:
    """What is judgement in the pairing.

    Attributes
    ----------
    mix : float
        Share of services at which the mix counts as full, 0.2 to 0.5. At 0.5 both sides count alike.
    unknown : float
        Relatedness of services of which neither class, activities nor path say anything.
    common : bool
        Classes of services are not used for firms, though some tell them: one tier, so that ranks compare.
    withheld : float, optional
        By default sums: all that each firm tells is used, and services of which neither classes nor activities are told
        have the mean relatedness of their path. A value makes it ranks: such services have this relatedness in years in
        which activities are asked for, and what only some tell counts for nobody (`engine.RANKED`), so that nobody rises by
        leaving an item out.
    """

    mix: float = 0.5
    unknown: float = 0.6
    common: bool = False
    withheld: float | None = None

    def __post_init__(self) -> None:
        if not 0.2 <= self.mix <= 0.5 or not 0 <= self.unknown <= 1 or not 0 <= (self.withheld or 0) <= 1:
            raise IntegrationError(said("integration.settings", mix=self.mix, unknown=self.unknown))

    def words(self) -> dict[str, str]:
        """What the engine's statements are filled with."""
        # A yuan of service needs (1 − m)/m yuan of goods: at m = .5 one.
        ratio = self.mix / (1 - self.mix)
        return {
            "ratio": repr(ratio),
            "scale": repr(1 / self.mix),
            "default": repr(self.unknown),
            "least": str(FEWEST_MEAN),
            "withheld": "NULL" if self.withheld is None else repr(self.withheld),
        }


def integration(panel: ibis.Table, made: Relatedness, settings: Settings | None = None) -> ibis.Table:
    """Integration of every firm-year with revenue.

    Parameters
    ----------
    panel : ibis.Table
        On DuckDB: firm_id, year, and of `engine.COLUMNS` what there is.
    made : Relatedness
    settings : Settings, optional

    Returns
    -------
    ibis.Table
        firm_id, year; tier (0 nothing told, 1 service revenue, 2 its classes, 4 the tied share); goods, services,
        volume (万元; volume is revenue and products placed at customers); low, point, high: F in [0, 1]. ``point`` is
        missing where services are not told, or the goods of a services firm are open, and in a panel without industry
        codes, which does not say who makes what. I is F × volume.
    """
    chosen = settings or Settings()
    con = panel.get_backend()
    _prepare(con, made.grid)
    con.create_table("_source", engine.asked(panel), temp=True, overwrite=True)
    _run(con, "_source", chosen, learn=not _kept(con, made))
    _score(con, made, chosen)
    found = con.sql("SELECT * EXCLUDE (row, special) FROM _scored ORDER BY firm_id, year")
    if "ind4" not in panel.columns:
        found = found.mutate(point=ibis.null("float64"))
    return found.cache()


def means(panel: ibis.Table) -> pd.DataFrame:
    """Mean relatedness by path that the last `integration` of a panel took for services whose class is not told.

    Returns
    -------
    pandas.DataFrame
        path (`relatedness.ALL`, the last: all together), mean, n (firm-years).
    """
    return panel.get_backend().sql(engine.MEANS_TOLD).to_pandas()


def contributions(panel: ibis.Table, made: Relatedness, settings: Settings | None = None) -> pd.DataFrame:
    """Integrated revenue of each firm-year by stage of its services: where F comes from.

    Where several pairings are best, the marginal class is shared in proportion to revenue. Rows of `integration` alone
    that have a point and one class of goods.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, stage, stages_possible (of a code that may be several classes), amount (万元); over stages they add up
        to I.
    """
    integration(panel, made, settings)
    mix = (settings or Settings()).mix
    keys = ["firm_id", "year", "stage", "stages_possible"]
    con = panel.get_backend()
    lines = con.raw_sql(
        "SELECT l.row, l.code, l.amount, l.r, r.goods_low AS room, r.firm_id, r.year, r.edition, s.point * s.volume AS sum "
        "FROM _lines AS l JOIN _rows AS r USING (row) JOIN _scored AS s USING (row) WHERE s.point > 0"
    ).df()
    if not len(lines):
        return pd.DataFrame(columns=[*keys, "amount"])
    row, units = pd.factorize(lines["row"])
    room = lines.drop_duplicates("row").set_index("row")["room"].reindex(units).to_numpy() * mix / (1 - mix)
    paired = fill(room, row, lines["amount"], lines["r"]) * lines["r"] / mix
    # A reported tied share, contracts and several goods fix the sum; classes then only say how it is shared.
    total = np.bincount(row, paired, minlength=len(units))
    share = np.divide(paired, total[row], out=np.zeros(len(lines)), where=total[row] > 0)
    named = lines.merge(stages(), on=["edition", "code"], how="left")[keys[2:]].fillna("other")
    made_of = lines.assign(**{c: named[c].to_numpy() for c in named}, amount=share * lines["sum"])
    return made_of.groupby(keys, as_index=False)["amount"].sum()


def by_stage(panel: ibis.Table, made: Relatedness, settings: Settings, found: pd.DataFrame) -> pd.DataFrame:
    """Integration of each firm-year by stage of its services: columns that add up to it.

    Parameters
    ----------
    panel, made, settings
        As `integration` took them.
    found : pandas.DataFrame
        What it returned.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, ``integration_by_<stage>`` (points of F, %; zero where nothing is of the stage) of firm-years with a
        point.
    """
    keys = ["firm_id", "year"]
    amounts = (
        contributions(panel, made, settings).groupby([*keys, "stage"])["amount"].sum().unstack(fill_value=0.0)
    )
    told = found.loc[found["point"].notna(), [*keys, "volume"]].set_index(keys)
    points = 100 * amounts.reindex(told.index, fill_value=0.0).div(told["volume"], axis=0)
    return points.fillna(0.0).add_prefix(BY_STAGE).rename_axis(columns=None).reset_index()


def columns(found: pd.DataFrame, fullest: pd.DataFrame) -> pd.DataFrame:
    """Integration as later notebooks read it.

    Parameters
    ----------
    found, fullest : pandas.DataFrame
        As `integration` returns, at the study's tier and with the most that each firm tells.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, integration, integration_low, integration_high (%), integrated_revenue (万元), integration_tier;
        integration_classes (%): of firms that tell the classes of their services, or the tied share, alone.
    """
    table = found[["firm_id", "year"]].copy()
    for name, column in (("integration", "point"), ("integration_low", "low"), ("integration_high", "high")):
        table[name] = 100 * found[column].astype(float)
    table = table.assign(
        integrated_revenue=found["point"].astype(float) * found["volume"], integration_tier=found["tier"]
    )
    told = fullest.loc[fullest["tier"] >= 2, ["firm_id", "year"]]
    told = told.assign(integration_classes=100 * fullest["point"].astype(float))
    return table.merge(told, on=["firm_id", "year"], how="left")


def year_before(table: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The table with the firm's value of the year before (``<name>_before``) of those columns that it has."""
    there = [name for name in names if name in table]
    earlier = table[["firm_id", "year", *there]].assign(year=table["year"] + 1)
    earlier = earlier.rename(columns={name: f"{name}_before" for name in there})
    return table.merge(earlier, on=["firm_id", "year"], how="left")


def beside(scored: pd.DataFrame, *measures: pd.DataFrame) -> pd.DataFrame:
    """Scores with measures beside them, by firm and year; a measure that nobody has is left out."""
    keys = ["firm_id", "year"]
    for table in measures:
        scored = scored.merge(table, on=keys, how="left")
        empty = [c for c in table.columns if c not in keys and scored[c].isna().all()]
        scored = scored.drop(columns=empty)
    return scored


def stream(
    source: Path, target: Path, made: Relatedness, settings: Settings | None = None, memory: str = "1GB"
) -> None:
    """The same for panels larger than memory, from Parquet to Parquet, a million firm-years at a time.

    Mean relatedness by path is learned from the first of them, where no earlier panel's is given.
    """
    chosen = settings or Settings()
    con = database.opened(source.parent, target, memory=memory, threads=2, ordered=False)
    _prepare(con, made.grid)
    kept = _kept(con, made)
    for number, part in enumerate(_parts(con, source)):
        con.raw_sql(f"CREATE OR REPLACE TEMP VIEW _source AS {part}")
        _run(con, "_source", chosen, learn=number == 0 and not kept)
        _score(con, made, chosen)
        file = target / f"part_{number:05d}.parquet"
        con.raw_sql(f"COPY (SELECT * EXCLUDE (row, special) FROM _scored) TO '{file}' (FORMAT parquet)")


# -- inside ------------------------------------------------------------------------------------
def _prepare(con: Any, found: Grid) -> None:
    """Give a connection the grid, unless it is the one that it holds."""
    held = _HELD.get(con.con)
    if held is not None and held() is found:
        return
    for macro in engine.MACROS:
        con.raw_sql(macro)
    con.create_table("_goods", found.goods, temp=True, overwrite=True)
    con.create_table("_cells", found.cells, temp=True, overwrite=True)
    con.raw_sql(engine.CLASSES)
    _HELD[con.con] = ref(found)


def _kept(con: Any, made: Relatedness) -> bool:
    """Whether an earlier panel's mean relatedness by path holds; it is given to the connection then."""
    if made.means is None:
        return False
    con.create_table("_kept_means", made.means, temp=True, overwrite=True)
    con.raw_sql(engine.KEPT_MEANS)
    return True


def _run(con: Any, source: str, settings: Settings, learn: bool = True) -> None:
    read = [engine.TOLD, engine.UNKNOWN, engine.ROWS]
    means = [engine.MEANS] if learn else []
    before = [engine.GIVEN, *read, *means]
    if settings.withheld is not None:
        less = (engine.RANKED_COMMON,) if settings.common else ()
        before += [*engine.RANKED, *less, *read]
    before += engine.COMMON if settings.common else ()
    for statement in [*before, engine.UNTOLD, engine.LINES, engine.SUMS, engine.SHORT]:
        con.raw_sql(statement.format(source=source, **settings.words()))


def _score(con: Any, made: Relatedness, settings: Settings) -> None:
    ranked = settings.withheld is not None
    con.raw_sql(f"CREATE OR REPLACE TEMP TABLE _scored AS {engine.RESULT.format(**settings.words())}")
    special.solve(con, made, settings.mix, ranked)
    if ranked and not settings.common:
        con.raw_sql(engine.UNRANKED)


def _parts(con: Any, source: Path) -> Iterator[str]:
    """Queries of the parts: firms by the remainder of their hash, so that a firm's years stay together."""
    read = f"read_parquet({database.literal(source)})"
    columns = set(con.sql(f"FROM {read}").columns)
    count = con.raw_sql(f"SELECT count(*) FROM {read}").fetchone()[0]
    asked = ", ".join(
        f"CAST({name} AS {kind}) AS {name}" if name in columns else f"CAST(NULL AS {kind}) AS {name}"
        for name, kind in engine.COLUMNS.items()
    )
    parts = -(-count // CHUNK)
    for i in range(parts):
        yield f"SELECT firm_id, year, {asked} FROM {read} WHERE hash(firm_id) % {parts} = {i}"
