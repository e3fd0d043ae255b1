"""Which rows stay, and what each filter drops: the sample flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import pandas as pd
from ibis.expr.operations import InMemoryTable
from ibis.util import gen_name

from fusion.classification.enterprises import belonging
from fusion.language import said
from fusion.panel import codes, lines
from fusion.panel.contract import ROW
from fusion.panel.errors import PanelError, examples

FLOW = ["step", "reason_en", "reason_zh", "rows", "firms", "rows_dropped", "firms_dropped"]


class SampleFlow:
    """A table and the record of every filter applied to it.

    Parameters
    ----------
    table : ibis.Table
        With ``firm_id``.
    source_en, source_zh : str
        What the first line of the record says.

    Attributes
    ----------
    table : ibis.Table
        What is left, as an expression: nothing is computed but the counts.
    seen : ibis.Table
        What was left before rows were chosen: all that was read but what was set aside.
    """

    def __init__(self, table: ibis.Table, source_en: str = "rows read", source_zh: str = "读入行数") -> None:
        self.table = self.seen = table
        rows, firms = self._count()
        self._steps = [(source_en, source_zh, rows, firms, 0, 0)]

    def keep(self, predicate: Any, reason_en: str, reason_zh: str) -> SampleFlow:
        """Keep the rows for which a predicate is true (a NULL is not true), and count.

        Parameters
        ----------
        predicate : ibis boolean expression, or function of the table that gives one
        reason_en, reason_zh : str
            What is dropped and why.
        """
        kept = self.table.filter(predicate(self.table) if callable(predicate) else predicate)
        # As a view: a filter by a thousand codes would be put into words again by every one that follows.
        self.table = viewed(kept)
        return self._record(reason_en, reason_zh)

    def chosen(self, table: ibis.Table, rules: pd.DataFrame) -> SampleFlow:
        """Take over what a study's own conditions left, and their counts.

        Parameters
        ----------
        table : ibis.Table
            What is left.
        rules : pandas.DataFrame
            ``text, rows, units`` (that meet each), ``not_met``, ``missing`` (it cannot be told), in their order.
        """
        self.table = viewed(table)
        for rule in rules.itertuples():
            firms = self._steps[-1][3]
            gone = firms - rule.units
            lost = [(rule.not_met, f"not: {rule.text}", f"不满足：{rule.text}")]
            if rule.missing:
                why = f"missing, so that it cannot be told: {rule.text}", f"缺失，无从判断：{rule.text}"
                lost.append((rule.missing, *why))
            for i, (rows, en, zh) in enumerate(lost):
                last = i == len(lost) - 1
                before = self._steps[-1][2]
                self._steps.append(
                    (en, zh, before - rows, rule.units if last else firms, rows, gone if last else 0)
                )
        _not_empty(self)
        return self

    def to_frame(self) -> pd.DataFrame:
        """``step, reason_en, reason_zh, rows, firms, rows_dropped, firms_dropped``; step 0 is what was read."""
        frame = pd.DataFrame(self._steps, columns=FLOW[1:])
        frame.insert(0, "step", range(len(frame)))
        return frame

    def _record(self, reason_en: str, reason_zh: str) -> SampleFlow:
        rows, firms = self._count()
        before_rows, before_firms = self._steps[-1][2:4]
        self._steps.append((reason_en, reason_zh, rows, firms, before_rows - rows, before_firms - firms))
        return self

    def _count(self) -> tuple[int, int]:
        counts = self.table.aggregate(rows=self.table.count(), firms=self.table.firm_id.nunique()).to_pandas()
        return int(counts["rows"].iloc[0]), int(counts["firms"].iloc[0])


def sample(
    table: ibis.Table,
    quality: pd.DataFrame,
    *,
    first_year: int,
    last_year: int,
    keep_industries: Sequence[str] = (),
    min_employees: float = 0,
    positive_revenue: bool = False,
    leave_out_listed: Sequence[str] = (),
) -> SampleFlow:
    """Apply a study's filters in their order: rows and cells set aside, years, industries, size, revenue.

    Parameters
    ----------
    table, quality : ibis.Table, pandas.DataFrame
        Of a reader; of :func:`fusion.panel.checks.check`.
    first_year, last_year : int
        Years kept, both included.
    keep_industries : sequence of str
        GB/T 4754 sections (letters) or code prefixes, read in the edition of each row; or standards, by name: rows whose
        code is certainly in one, with ``?`` behind the name also those that may be. Rows without a code are dropped.
        Empty: all.
    min_employees : float
        Rows with fewer are dropped; rows that do not say are kept.
    leave_out_listed : sequence of {"st", "pt", "b_shares", "finance"}
        Kinds of listed firms, as :data:`LISTED` and the section of finance tell them.
    positive_revenue : bool
        Drop rows whose revenue is missing or not above zero.

    Raises
    ------
    PanelError
        When a filter needs a column that the panel lacks, or no row is left.
    """
    flow = SampleFlow(table)
    _set_aside(flow, quality)
    _emptied(flow, quality)
    flow.table = lines.marked(flow.table)
    flow.table = flow.seen = viewed(flow.table)
    years = f"{first_year}–{last_year}"
    flow.keep(flow.table.year.between(first_year, last_year), f"outside {years}", f"不在 {years} 年内")
    if keep_industries:
        _industries(flow, keep_industries)
    for kind in leave_out_listed:
        _listed(flow, kind)
    if min_employees > 0:
        _need(flow, "min_employees", "employees_avg")
        flow.keep(
            lambda t: (t.employees_avg >= min_employees).fill_null(True),
            f"fewer than {min_employees:g} employees (missing kept)",
            f"平均用工人数少于 {min_employees:g} 人（缺失保留）",
        )
    if positive_revenue:
        _need(flow, "positive_revenue", "operating_revenue")
        flow.keep(
            lambda t: t.operating_revenue > 0, "revenue missing or not above zero", "营业收入缺失或不大于零"
        )
    _not_empty(flow, quality)
    return flow


# How listed firms of a kind are known: column, pattern, words. A row that does not say is kept.
LISTED = {
    "st": (
        "firm_name",
        r"^[*S]*ST(?:[^A-Z]|$)",
        "names with ST (losses, or risk of delisting)",
        "名称带 ST（连续亏损或退市风险）",
    ),
    "pt": ("firm_name", r"^PT(?:[^A-Z]|$)", "names with PT (special transfer)", "名称带 PT（特别转让）"),
    "b_shares": ("firm_id", r"^(?:200|201|900)[0-9]{3}(?:[.][A-Z]+)?$", "B shares", "B 股"),
}


def viewed(table: ibis.Table) -> ibis.Table:
    """The same rows as a view of the engine: ibis then names it, and need not put all that it is made of into words anew."""
    con = table.get_backend()
    if table.op().find(InMemoryTable):  # a view would outlive it
        return table
    name = gen_name("fusion_seen")
    con.con.execute(f"CREATE TEMP VIEW {name} AS {con.compile(table)}")
    found = con.table(name)
    same = [found[c].type().copy(nullable=True) for c in found.columns] == [
        table[c].type().copy(nullable=True) for c in table.columns
    ]
    return found if same else table


# -- inside ------------------------------------------------------------------------------------
ASIDE = (
    "set aside: break a rule of the contract (see the quality table)",
    "违反契约规则，另列（见数据质量表）",
)


def _set_aside(flow: SampleFlow, quality: pd.DataFrame) -> None:
    aside = quality.loc[quality["set_aside"] & quality["row"].notna(), "row"].drop_duplicates()
    if aside.empty:
        return
    con = flow.table.get_backend()
    rows = con.create_table(
        "fusion_set_aside", pd.DataFrame({ROW: aside.astype("int64")}), temp=True, overwrite=True
    )
    flow.table = flow.table.anti_join(rows, ROW)
    flow._record(*ASIDE)


def _all_aside(quality: pd.DataFrame) -> str:
    """Which rule left no row: the one that most rows break, its column, a row and what stands there."""
    broken = quality[quality["set_aside"] & quality["row"].notna()]
    most = broken.groupby(["rule", "field"], sort=False)["row"].nunique().idxmax()
    rows = broken[(broken["rule"] == most[0]) & (broken["field"] == most[1])]
    first = rows.iloc[0]
    told = said("panel.reason", en=first["message_en"], zh=first["message_zh"])
    return said(
        "panel.all_aside",
        rows=rows["row"].nunique(),
        field=first["field"],
        told=told,
        row=int(first["row"]),
        value=str(first["value"])[:60],
    )


def _emptied(flow: SampleFlow, quality: pd.DataFrame) -> None:
    """Empty the cells that are wrong by themselves."""
    cells = quality.loc[quality["emptied"], ["row", "field"]].drop_duplicates()
    con = flow.table.get_backend()
    for field, part in cells.groupby("field"):
        if field not in flow.table.columns:
            continue
        rows = pd.DataFrame({"wrong_": part["row"].astype("int64")})
        wrong = con.create_table(f"fusion_emptied_{field}", rows, temp=True, overwrite=True)
        joined = flow.table.left_join(wrong, flow.table[ROW] == wrong["wrong_"])
        null = ibis.null(flow.table[field].type())
        cell = ibis.ifelse(joined["wrong_"].isnull(), joined[field], null)  # noqa: PD003 (Ibis)
        flow.table = joined.mutate(**{field: cell}).drop("wrong_")
    if len(cells):
        flow._record(
            "no row: cells that are wrong by themselves count as empty (see the quality table)",
            "不剔除行：自身有误的单元格按空值处理（见数据质量表）",
        )


def _industries(flow: SampleFlow, wanted: Sequence[str]) -> None:
    _need(flow, "keep_industries", "ind4")
    _need(flow, "keep_industries", "class_version")
    standards = [code for code in wanted if code[0].islower()]
    letters = {code for code in wanted if len(code) == 1}
    unknown = sorted(letters - set(codes.sections()["section"]))
    if unknown:
        raise PanelError(said("panel.no_section", unknown=examples(unknown)))
    held = dict(codes.inside(tuple(code for code in wanted if code not in standards)))
    for standard in standards:
        for edition, part in belonging(standard).groupby("edition"):
            held[str(edition)] = held.get(str(edition), frozenset()) | frozenset(part["code"])
    listed = ", ".join(wanted)
    flow.keep(
        lambda t: ibis.or_(*(_in_edition(t, edition, own) for edition, own in held.items())),
        f"outside industries {listed} of GB/T 4754, or without a code",
        f"不属于国民经济行业 {listed}，或无行业代码",
    )


def _listed(flow: SampleFlow, kind: str) -> None:
    if kind == "finance":
        _need(flow, "leave_out_listed", "ind4")
        _need(flow, "leave_out_listed", "class_version")
        held = codes.inside(("J",))
        flow.keep(
            lambda t: ~ibis.or_(*(_in_edition(t, edition, own) for edition, own in held.items())).fill_null(False),
            "finance (section J of GB/T 4754)", "金融业（GB/T 4754 门类 J）",
        )  # fmt: skip
        return
    column, pattern, en, zh = LISTED[kind]
    _need(flow, "leave_out_listed", column)
    flow.keep(lambda t: ~t[column].upper().re_search(pattern).fill_null(False), en, zh)


def _in_edition(table: Any, edition: str, own: frozenset[str]) -> Any:
    """Whether a row of that edition has one of the codes."""
    digits = table.ind4.re_replace("^[A-T]([0-9]{3})$", r"\1")  # a group with its letter
    return digits.isin(sorted(own)) & (table.class_version == edition)


def _need(flow: SampleFlow, parameter: str, column: str) -> None:
    if column not in flow.table.columns:
        raise PanelError(said("panel.filter_column", parameter=parameter, column=column))


def _not_empty(flow: SampleFlow, quality: pd.DataFrame | None = None) -> None:
    steps = flow.to_frame()
    if steps["rows"].iloc[-1] == 0:
        at = steps.loc[steps["rows"].eq(0)].iloc[0]
        if quality is not None and at["reason_en"] == ASIDE[0]:
            raise PanelError(_all_aside(quality))
        raise PanelError(
            said(
                "panel.nothing_left",
                step=at["step"],
                reason=said("panel.reason", en=at["reason_en"], zh=at["reason_zh"]),
                rows_dropped=at["rows_dropped"],
            )
        )
