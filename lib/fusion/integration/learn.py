"""What the panel itself says of relatedness: services that makers sell together with goods, and tied shares reported.

An earlier run's is taken in its place where next year's returns must not move the years before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import pandas as pd

from fusion import archives
from fusion.classification.editions import NATIONAL, successors
from fusion.integration import engine
from fusion.integration.errors import IntegrationError
from fusion.integration.relatedness import ALL, NOTHING, Choices, Relatedness, relatedness, together
from fusion.language import listed, said

_VOTES = """
SELECT firm_id, year, class_version AS edition, substr(ind4, 1, 2) AS division, service_revenue, service_revenue_tied,
  unnest(CASE WHEN len(amounts_told(service_rev_by_class)) = 0 THEN [NULL] ELSE amounts_told(service_rev_by_class) END) AS line
FROM _asked WHERE is_goods(ind4) AND service_rev_by_class IS NOT NULL AND {before}
"""


# What a row of the artefact tells, and the numbers that it has, which are zero or more.
TOGETHER, TIED, MEAN, STEP = "together", "tied", "mean", "step"
NUMBERS = {TOGETHER: ("n", "expected"), TIED: ("m", "tied"), MEAN: ("mean", "n"), STEP: ("slope", "error")}
NAMES = ("what", "division", "service", "path")
STEPS = ("units", "rows", "slope", "error", "spearman", "apart", "passing")
COLUMNS = (*NAMES, "n", "expected", "m", "tied", "mean", *STEPS)
SHARES = ("tied", "mean")  # at most 1
LARGEST = 1e15  # of counts and slopes: beyond whole numbers of double precision there is no count
UNKNOWN = ("mean", "error")  # missing where nobody, or one firm, tells it


@dataclass(frozen=True)
class Learned:
    """What a panel says of relatedness and of its own tiers of data.

    Attributes
    ----------
    met, tied : pandas.DataFrame
        As `observed` gives them.
    means : pandas.DataFrame or None
        Mean relatedness by path of an earlier run, as `firms.means` gave it; None without one.
    earlier : pandas.DataFrame or None
        Slopes between tiers of an earlier run, as `tiers.overlap` gave them; None without one.
    """

    met: pd.DataFrame
    tied: pd.DataFrame
    means: pd.DataFrame | None = None
    earlier: pd.DataFrame | None = None

    def related(self, choices: Choices) -> Relatedness:
        """Relatedness by it."""
        return replace(relatedness(choices, self.met, self.tied), means=self.means)

    def steps(self, found: pd.DataFrame) -> pd.DataFrame:
        """The slopes that hold: those of the earlier run, else those that were found."""
        return found if self.earlier is None else self.earlier

    def kept(self, means: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
        """All of it as one table, which a later run can take: `COLUMNS`, what no row has is missing."""
        parts = {TOGETHER: self.met, TIED: self.tied, MEAN: means, STEP: steps}
        rows = pd.concat([part.assign(what=what) for what, part in parts.items()], ignore_index=True)
        names = dict.fromkeys(NAMES, "string")
        return rows.reindex(columns=list(COLUMNS)).astype({**dict.fromkeys(COLUMNS, "float64"), **names})


def learned(panel: ibis.Table, start: str | None = None, earlier: Path | None = None) -> Learned:
    """What the panel says, or what an earlier run's panel said.

    Parameters
    ----------
    panel, start
        As `observed` takes them.
    earlier : pathlib.Path, optional
        Parquet of an earlier run's `Learned.kept`.

    Raises
    ------
    IntegrationError
        If the earlier file is none such.
    """
    return Learned(*observed(panel, start)) if earlier is None else read(earlier)


def read(file: Path) -> Learned:
    """What an earlier run learned.

    Raises
    ------
    IntegrationError
        With the file: that it is not there or no Parquet, lacks columns, or holds what no run writes.
    """
    try:
        table = archives.frame(file).reset_index(drop=True)
    except (OSError, ValueError) as error:  # pyarrow's are ValueErrors
        reason = "" if file.is_file() else f" ({error.__class__.__name__})"
        raise IntegrationError(said("integration.learned_unread", file=file.name, reason=reason)) from None
    numbers = [c for c in COLUMNS if c not in NAMES]
    lacking = [c for c in COLUMNS if c not in table.columns]
    lacking += [c for c in numbers if c not in lacking and not pd.api.types.is_numeric_dtype(table[c])]
    if lacking:
        raise IntegrationError(said("integration.learned_lacks", file=file.name, lacking=listed(lacking)))
    for fault in _faults(table):
        raise IntegrationError(said("integration.learned_wrong", file=file.name, **fault))
    table = table.astype({**dict.fromkeys(NAMES, "object"), **dict.fromkeys(numbers, "float64")})
    met, tied, means, steps = (table[table["what"] == what].reset_index(drop=True) for what in NUMBERS)
    return Learned(
        met[["division", "service", *NUMBERS[TOGETHER]]],
        tied[["division", "service", *NUMBERS[TIED]]],
        means[["path", *NUMBERS[MEAN]]].astype({"path": "string"}),
        steps[["path", *STEPS]],
    )


def observed(panel: ibis.Table, start: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Co-occurrence before the first unit was treated, and tied shares.

    Parameters
    ----------
    panel : ibis.Table
        On DuckDB.
    start : str, optional
        Column of start years: firm-years from the first of them on have no vote.

    Returns
    -------
    met : pandas.DataFrame
        division, service, n, expected; a firm has one vote. Classes of 2011 with several successors have none.
    reported : pandas.DataFrame
        division, service, m (firms that report a tied share and sell the class), tied (its mean).
    """
    con = panel.get_backend()
    first = panel[start].min().execute() if start and start in panel.columns else None
    con.create_table("_asked", engine.asked(panel), temp=True, overwrite=True)  # type: ignore[attr-defined]
    for macro in engine.MACROS:
        con.raw_sql(macro)  # type: ignore[attr-defined]
    before = "true" if first is None or pd.isna(first) else f"year < {int(first)}"
    query = "SELECT * EXCLUDE (line), line.key AS code, line.value AS amount FROM ({})"
    votes = con.raw_sql(query.format(_VOTES.format(before=before))).df()  # type: ignore[attr-defined]
    told = con.raw_sql(query.format(_VOTES.format(before="service_revenue_tied IS NOT NULL"))).df()  # type: ignore[attr-defined]
    if not len(votes) and not len(told):
        return NOTHING, pd.DataFrame(columns=["division", "service", "m", "tied"])
    sellers = _of_2017(votes[votes["amount"] > 0])
    tied = _of_2017(told[told["amount"] > 0])
    tied = tied.assign(tied=(tied["service_revenue_tied"] / tied["service_revenue"]).clip(0, 1))
    own = tied.groupby(["division", "service", "firm_id"])["tied"].mean().groupby(level=[0, 1])
    reported = own.agg(m="size", tied="mean").reset_index()
    return together(sellers, votes), reported


def _faults(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Cells of an earlier run's table that no run writes: row (from 1), column, value, what is allowed."""
    for row, what in enumerate(table["what"].tolist(), 1):
        if not isinstance(what, str) or what not in NUMBERS:
            yield {"row": row, "column": "what", "value": str(what)[:80], "allowed": listed(NUMBERS)}
    for what, columns in NUMBERS.items():
        own = table[table["what"] == what]
        for column in columns:
            top = 1.0 if column in SHARES else LARGEST
            wrong = ~own[column].between(0, top) & (own[column].notna() | (column not in UNKNOWN))
            for row in own.index[wrong][:1]:
                allowed = "0–1" if column in SHARES else f"0–{LARGEST:g}"
                yield {"row": row + 1, "column": column, "value": own.loc[row, column], "allowed": allowed}
    # A cell twice would count twice; a path without a slope takes that of all.
    cells = table[list(NAMES)].astype("object").fillna("").map(str)
    for row in cells.index[cells.duplicated()][:1]:
        value = " ".join(filter(None, cells.loc[row]))[:80]
        yield {"row": row + 1, "column": "what", "value": value, "allowed": said("integration.learned_once")}
    steps = table.loc[table["what"] == STEP, "path"]
    if len(steps) and not steps.eq(ALL).any():
        yield {"row": steps.index[0] + 1, "column": "path", "value": steps.iloc[0], "allowed": ALL}


def _of_2017(lines: pd.DataFrame) -> pd.DataFrame:
    one = [successors(e).query("mapping_status == 'matched'").assign(edition=e) for e in NATIONAL]
    known = pd.concat(one)[["edition", "code", "code_2017"]].rename(columns={"code_2017": "service"})
    return lines.merge(known, on=["edition", "code"])
