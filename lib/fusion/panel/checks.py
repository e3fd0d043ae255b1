"""Hold a panel to its contract: every violation at once, as a table.

Bounds, allowed values and code formats follow from the contract's columns; rules between columns are SQL
(``data/contract/rules.csv``), evaluated in DuckDB into one verdict column each. DuckDB also leaves out the
rows in which nothing is broken; pandera judges the others and lists all failing cells. Its pandas backend
is used: the Ibis one names failing rows by position in an unordered table, does not list the rows of a
duplicate key, and writes every case into its message.
"""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003, PD004
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from fusion.language import current, said
from fusion.panel import apart, codes
from fusion.panel.cast import COUNTED
from fusion.panel.contract import KEYS, PATTERNS, ROW, Column, Rule, contract, rules
from fusion.panel.errors import PanelError, examples
from fusion.panel.readers import Raw

QUALITY = [
    "rule", "severity", "row", "unit", "year", "field", "value", "message_en", "message_zh", "set_aside",
    "emptied",
]  # fmt: skip
VERDICT = "rule:"
VALUE = "value:"
NOTHING = pd.DataFrame({"rule": [], "field": [], "row": []})
SHOWN = 3
DERIVED = {"ind4_known", "ind4_reused", "edition_due"}
WORDS = re.compile(r"[a-z_][a-z0-9_]*")
GENERAL = {
    "key_missing": ("no value in a key column", "关键列为空"),
    "duplicate_row": (
        "row entered twice, identical in every column; the first is kept",
        "整行重复；保留第一行",
    ),
    "duplicate_key": (
        "several different rows for one unit and year; none is kept, for nothing says which is right",
        "同一单位同一年份有多行不同数据；无从判断孰对，均不保留",
    ),
}
BOUNDS = {
    "below_minimum": ("a value below its column's minimum", "数值小于该列下限"),
    "above_maximum": ("a value above its column's maximum", "数值大于该列上限"),
    "not_allowed": ("a value that its column does not allow", "取值不在允许范围内"),
    "code_format": (
        "not a code of its column: not its digits, or a letter that contradicts them",
        "不是该列的代码：位数不符，或字母与代码矛盾",
    ),
}
RULE_WORDS = ("rule", "field", "severity", "message_en", "message_zh")


def check(raw: Raw, on_violation: str = "stop") -> pd.DataFrame:
    """All violations of a panel.

    Parameters
    ----------
    raw : Raw
        What a reader returned.
    on_violation : {"stop", "set_aside"}
        ``stop`` raises when a row breaks a rule of severity ``error``; ``set_aside`` marks what
        :func:`fusion.panel.clean.sample` then leaves out first: the row, or, where one cell is wrong by itself, that
        cell (:mod:`fusion.panel.apart`).

    Returns
    -------
    pandas.DataFrame
        ``rule, severity, row, unit, year, field, value, message_en, message_zh``, ``set_aside`` (the row is left out),
        ``emptied`` (the cell is); one line for each violation, never cut short. Of identical rows the first is kept and
        only the copies are listed; of different rows with one key none is kept.

    Raises
    ------
    PanelError
        Under ``stop``: counts by rule, first examples, and how to mend.
    """
    if on_violation not in ("stop", "set_aside"):
        raise PanelError(said("panel.on_violation", on_violation=on_violation))
    applied = applicable(list(raw.columns))
    suspects = _suspects(_verdicts(raw, applied), raw.columns).to_pandas()
    parts = [_judge(suspects, raw.columns, applied), _duplicates(raw.table)]
    cases = pd.concat([part for part in parts if len(part)] or [NOTHING], ignore_index=True)
    quality = _told(raw, cases)
    errors = quality["severity"].eq("error")
    if on_violation == "stop" and errors.any():
        raise PanelError(_report(raw, quality.loc[errors]))
    read = {rule.rule: sorted(needs(rule)) for rule in applied}
    quality["set_aside"], quality["emptied"] = apart.of_cells(quality, read)
    return quality.sort_values(["severity", "rule", "row"], kind="stable", ignore_index=True)[QUALITY]


def applicable(columns: Sequence[str]) -> list[Rule]:
    """Rules between columns all of whose columns are there."""
    return [rule for rule in rules() if needs(rule) <= set(columns)]


def needs(rule: Rule) -> set[str]:
    """Columns that a rule reads (``prev_x`` and ``next_x`` need ``x``)."""
    named = {c.column for c in contract()}
    words = {re.sub(r"^(prev|next)_", "", word) for word in WORDS.findall(rule.expression)}
    if words & DERIVED:
        words |= {"ind4", "class_version"}
    return (words & named) | {rule.field}


def schema(columns: Mapping[str, Column], verdicts: Sequence[str] = ()) -> pa.DataFrameSchema:
    """The contract as a pandera schema.

    Parameters
    ----------
    columns : mapping of str to Column
        Columns of the table.
    verdicts : sequence of str
        Names of verdict columns (``rule:…``), which must not be false.
    """
    held = {
        name: pa.Column(checks=_bounds(c), nullable=name not in KEYS)
        for name, c in columns.items()
        if _is_held(c)
    }
    judged = {name: pa.Column(checks=pa.Check(lambda ok: ok, name=name), nullable=True) for name in verdicts}
    return pa.DataFrameSchema({**held, **judged})


def summary(quality: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Violations by rule and field, with the rules that found nothing and those that could not be applied.

    Returns
    -------
    pandas.DataFrame
        ``rule, field, severity, message_en, message_zh, status`` (``found``, ``none``, ``not applied``),
        ``cells, rows, firms, set_aside, emptied``. No identifiers.
    """
    # Of what is only counted one line stands for all its cells, and its value is their number.
    counted = quality["rule"].isin(COUNTED) & quality["row"].isna()
    cells = pd.to_numeric(quality["value"].where(counted), errors="coerce").fillna(1)
    told = (
        quality.assign(cells=cells)
        .groupby(["rule", "field", "severity"], sort=False)
        .agg(
            message_en=("message_en", "first"),
            message_zh=("message_zh", "first"),
            cells=("cells", "sum"),
            rows=("row", "nunique"),
            firms=("unit", lambda u: u[u != ""].nunique()),
            set_aside=("set_aside", "sum"),
            emptied=("emptied", "sum"),
        )
    )
    told = told.reset_index().assign(status="found")
    header = [
        "rule",
        "field",
        "severity",
        "message_en",
        "message_zh",
        "status",
        "cells",
        "rows",
        "firms",
        "set_aside",
        "emptied",
    ]
    silent = [line for line in _checked(columns) if line["rule"] not in set(told["rule"])]
    both = [part for part in (told, pd.DataFrame(silent)) if len(part)]
    counts = ["cells", "rows", "firms", "set_aside", "emptied"]
    table = pd.concat(both, ignore_index=True).reindex(columns=header)
    return table.assign(**table[counts].fillna(0).astype("int64"))


def _checked(columns: Mapping[str, Column]) -> list[dict[str, str]]:
    """Every check there is, with whether these columns allow it."""
    bounds = {check.error for column in columns.values() for check in _bounds(column)}
    general = GENERAL | {n: w for n, w in BOUNDS.items() if n in bounds}
    lines = [
        {"rule": name, "field": "", "severity": "error", "message_en": en, "message_zh": zh, "status": "none"}
        for name, (en, zh) in general.items()
    ]
    applied = {rule.rule for rule in applicable(list(columns))}
    for r in rules():
        status = "none" if r.rule in applied else "not applied"
        lines.append({name: getattr(r, name) for name in RULE_WORDS} | {"status": status})
    return lines


def broken(raw: Raw) -> pd.DataFrame:
    """Rules of severity ``error`` between columns of one row that rows break.

    Returns
    -------
    pandas.DataFrame
        ``row, rule``, in order.
    """
    held = [
        rule
        for rule in applicable(list(raw.columns))
        if rule.severity == "error" and not _neighbour_words([rule])
    ]
    told = _stated(_with_codes(raw.table, codes.due(raw.editions)), [], held).to_pandas()
    long = told.melt(id_vars=[ROW], var_name="rule", value_name="kept")
    found = long.loc[~long["kept"].astype(bool)].rename(columns={ROW: "row"})
    return found.assign(rule=found["rule"].str.removeprefix(VERDICT))[["row", "rule"]].sort_values(
        ["row", "rule"], ignore_index=True
    )


# -- verdicts of the rules between columns -----------------------------------------------------
def _verdicts(raw: Raw, applied: Sequence[Rule]) -> ibis.Table:
    """The columns to be judged and, for each rule, whether the row keeps it (what cannot be told is no violation)."""
    table = _with_codes(raw.table, codes.due(raw.editions))
    alone = [rule for rule in applied if not _neighbour_words([rule])]
    near = [rule for rule in applied if rule not in alone]
    held = [*KEYS, *(name for name, c in raw.columns.items() if _is_held(c) and name not in KEYS)]
    stated = _stated(table, held, alone)
    if not near:
        return stated
    # The years beside a row need a sort by firm, which costs by its width: only what these rules read goes in.
    read = {word.split("_", 1)[1] for word in _neighbour_words(near)}.union(*(needs(rule) for rule in near))
    derived = DERIVED & set(table.columns)
    narrow = table.select(ROW, *KEYS, *sorted((read | derived) - set(KEYS)))
    beside = _stated(_neighbours(narrow, near), [], near)
    kept = table.get_backend().create_table("fusion_beside", beside, temp=True, overwrite=True)
    return stated.join(kept, ROW)


def _stated(table: ibis.Table, held: Sequence[str], applied: Sequence[Rule]) -> ibis.Table:
    """``source_row``, the columns to hold, and a verdict for each rule."""
    verdicts = [f'coalesce({rule.expression}, true) AS "{VERDICT}{rule.rule}"' for rule in applied]
    names = [f'"{name}"' for name in (ROW, *held)]  # quoted: a column may be called union
    listed = ", ".join([*names, *verdicts])
    return table.alias("panel").sql(f"SELECT {listed} FROM panel", dialect="duckdb")


def _suspects(stated: ibis.Table, columns: Mapping[str, Column]) -> ibis.Table:
    """The rows in which something is broken: pandera lists what, but need not see the sound millions."""
    broken = [~stated[name] for name in stated.columns if name.startswith(VERDICT)]
    broken += [stated[name].isnull() for name in KEYS]
    for name, column in columns.items():
        broken += _breaks(stated[name], column) if _is_held(column) else []
    return stated.filter(ibis.or_(*(test.fill_null(False) for test in broken))).order_by(ROW)


def _breaks(value: Any, column: Column) -> list[Any]:
    """The bounds of :func:`_bounds`, as expressions."""
    tests = []
    if column.minimum is not None:
        tests.append(value < column.minimum)
    if column.maximum is not None:
        tests.append(value > column.maximum)
    if column.allowed:
        tests.append(value.notin(column.allowed))
    if column.is_code:
        tests.append(~value.re_search(rf"^{PATTERNS[column.type]}\z"))
    return tests


def _with_codes(table: ibis.Table, due: Sequence[tuple[int, str]]) -> ibis.Table:
    """Add ``ind4_known`` and ``ind4_reused`` from the tables of all editions, and ``edition_due`` in the row's year."""
    if not {"ind4", "class_version"} <= set(table.columns):
        return table
    known = table.get_backend().create_table("fusion_classes", codes.classes(), temp=True, overwrite=True)
    joined = table.left_join(known, [table.class_version == known.edition, table.ind4 == known.code])
    # What is no code at all is reported once, as such, and not again as unknown.
    unknown = table.class_version.isin(codes.EDITIONS) & table.ind4.re_search(f"^{PATTERNS['code4']}$")
    return joined.select(
        *table.columns,
        ind4_known=ibis.cases((known.known, True), (unknown, False)),
        ind4_reused=known.reused.fill_null(False),
        edition_due=ibis.cases(*((table.year >= year, edition) for year, edition in due)),
    )


def _neighbour_words(applied: Sequence[Rule]) -> set[str]:
    """``prev_x`` and ``next_x`` that rules read."""
    words = {word for rule in applied for word in WORDS.findall(rule.expression)}
    return {word for word in words if word.startswith(("prev_", "next_"))}


def _neighbours(table: ibis.Table, applied: Sequence[Rule]) -> ibis.Table:
    """Add ``prev_x`` and ``next_x``: the firm's value of the year before and after; NULL where that year is missing."""
    window = ibis.window(group_by="firm_id", order_by=["year", ROW])
    steps = {"prev": (lambda x: x.lag(), -1), "next": (lambda x: x.lead(), 1)}
    added = {}
    for word in sorted(_neighbour_words(applied)):
        side, column = word.split("_", 1)
        move, gap = steps[side]
        near = move(table.year).over(window) == table.year + gap
        added[word] = near.ifelse(move(table[column]).over(window), ibis.null(table[column].type()))
    return table.mutate(**added)


# -- pandera -----------------------------------------------------------------------------------
def _is_held(column: Column) -> bool:
    return column.column in KEYS or bool(_bounds(column))


def _bounds(column: Column) -> list[pa.Check]:
    checks = []
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum, error="below_minimum"))
    if column.maximum is not None:
        checks.append(pa.Check.le(column.maximum, error="above_maximum"))
    if column.allowed:
        checks.append(pa.Check.isin(list(column.allowed), error="not_allowed"))
    if column.is_code:
        # fullmatch by anchors: "$" alone would let a final line break pass.
        checks.append(pa.Check.str_matches(rf"^{PATTERNS[column.type]}\Z", error="code_format"))
    return checks


def _judge(frame: pd.DataFrame, columns: Mapping[str, Column], applied: Sequence[Rule]) -> pd.DataFrame:
    """Failing cells as ``rule, field, row``."""
    verdicts = [VERDICT + rule.rule for rule in applied]
    try:
        schema(columns, verdicts).validate(frame, lazy=True, inplace=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return NOTHING
    if cases["index"].isna().any():
        raise PanelError(
            said("panel.contract_not_applied", checks=cases.loc[cases["index"].isna(), "check"].tolist())
        )
    fields = {VERDICT + rule.rule: rule.field for rule in applied}
    return pd.DataFrame(
        {
            "rule": cases["check"].replace("not_nullable", "key_missing").str.removeprefix(VERDICT),
            "field": cases["column"].map(lambda c: fields.get(c, c)),
            "row": frame[ROW].to_numpy()[cases["index"].astype("int64")],
        }
    )


# -- duplicates --------------------------------------------------------------------------------
def _duplicates(table: ibis.Table) -> pd.DataFrame:
    """Rows that share a key (``rule, field, row``): copies of an identical row, or rows that contradict each other."""
    complete = table.filter(table.firm_id.notnull() & table.year.notnull())
    several = complete.group_by(KEYS).having(complete.count() > 1).aggregate()
    if several.limit(1).to_pandas().empty:  # most panels; a join costs by the table's width
        return NOTHING
    rows = complete.semi_join(several, KEYS).order_by(ROW).to_pandas()
    copy = rows.duplicated([c for c in rows.columns if c != ROW], keep="first")
    variants = rows.loc[~copy].groupby(list(KEYS))[ROW].transform("size")
    conflicting = rows.loc[~copy, ROW][variants > 1]
    found = {"duplicate_row": rows.loc[copy, ROW], "duplicate_key": conflicting}
    return pd.concat([pd.DataFrame({"rule": r, "field": "firm_id", "row": at}) for r, at in found.items()])


# -- the table and the message -----------------------------------------------------------------
def _told(raw: Raw, cases: pd.DataFrame) -> pd.DataFrame:
    """Give each case its firm, year, value and words; put what the reader told before it."""
    source = _source(raw, pd.concat([raw.quality["row"], cases["row"]]), cases["field"].unique().tolist())
    values = pd.Series("", index=cases.index, dtype="object")
    for field, part in cases.groupby("field"):
        values.loc[part.index] = source[VALUE + str(field)].reindex(part["row"]).to_numpy()
    found = cases.assign(value=values, **_words(cases, raw.columns))
    both = pd.concat([part for part in (raw.quality, found) if len(part)] or [raw.quality], ignore_index=True)
    # What is said of a whole file has no row; rows are counted from 1.
    keys = source.reindex(both["row"].astype("Int64").fillna(0).astype("int64"))
    return both.assign(
        row=both["row"].astype("Int64"),
        unit=keys["unit"].fillna("").astype("str").to_numpy(),
        year=keys["year"].astype("Int64").array,
        value=both["value"].fillna("").astype("str"),
        set_aside=False,
        emptied=False,
    ).reindex(columns=QUALITY)


def _source(raw: Raw, rows: pd.Series, fields: Sequence[str]) -> pd.DataFrame:
    """Firm, year and the fields' values (as text) of some rows, by ``source_row``."""
    con = raw.table.get_backend()
    listed = pd.DataFrame({ROW: rows.dropna().astype("int64").unique()})
    wanted = con.create_table("fusion_wanted", listed, temp=True, overwrite=True)
    texts = {VALUE + field: raw.table[field].cast("string") for field in fields}
    source = raw.table.select(ROW, unit=raw.table.firm_id, year=raw.table.year, **texts)
    return source.semi_join(wanted, ROW).to_pandas().set_index(ROW)


def _words(cases: pd.DataFrame, columns: Mapping[str, Column]) -> dict[str, pd.Series]:
    """Severity and messages of each case, looked up once for each rule and field."""
    known = {rule.rule: rule for rule in rules()}
    pairs = cases[["rule", "field"]].drop_duplicates().itertuples(index=False)
    words = {(rule, field): _sentence(rule, columns[field], known) for rule, field in pairs}
    found = pd.Series(
        [words[pair] for pair in zip(cases["rule"], cases["field"], strict=True)],
        index=cases.index,
        dtype=object,
    )
    names = ("severity", "message_en", "message_zh")
    return {name: found.map(lambda w, i=i: w[i]) for i, name in enumerate(names)}


def _sentence(rule: str, column: Column, known: Mapping[str, Rule]) -> tuple[str, str, str]:
    if rule in known:
        return known[rule].severity, known[rule].message_en, known[rule].message_zh
    if rule in GENERAL:
        return "error", *GENERAL[rule]
    unit = f" {column.unit}" if column.unit else ""
    allowed_en, allowed_zh = ", ".join(column.allowed), "、".join(column.allowed)
    sentences = {
        "below_minimum": (
            f"{column.label_en} below {_plain(column.minimum)}{unit}",
            f"{column.label_zh}小于 {_plain(column.minimum)}{unit}",
        ),
        "above_maximum": (
            f"{column.label_en} above {_plain(column.maximum)}{unit}",
            f"{column.label_zh}大于 {_plain(column.maximum)}{unit}",
        ),
        "not_allowed": (
            f"{column.label_en} is not one of: {allowed_en}",
            f"{column.label_zh}不在允许值之内：{allowed_zh}",
        ),
        "code_format": (
            f"{column.label_en} is not {column.width if column.is_code else ''} digits, as text, or a letter contradicts them",
            f"{column.label_zh}不是 {column.width if column.is_code else ''} 位数字文本，或字母与代码矛盾",
        ),
    }
    return "error", *sentences[rule]


def _plain(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}" if abs(bound) < 1e5 else f"{bound:.0f}"


def _report(raw: Raw, errors: pd.DataFrame) -> str:
    """Counts by rule with the first examples and the way to mend; its length does not grow with the table."""
    rows = errors["row"].nunique()
    lines = [said("panel.broken", source=raw.source, rows=rows, total=raw.rows, count=len(errors))]
    for _, part in errors.groupby(["rule", "field"], sort=False):
        lines.append(_line(part, raw))
    lines.append(said("panel.mend_broken"))
    return "\n".join(lines)


def _line(part: pd.DataFrame, raw: Raw) -> str:
    """One rule and field: how many, what it means, the first examples, how to mend."""
    first = part.iloc[0]
    shown = part.head(SHOWN)[["row", "unit", "year", "value"]].to_numpy().tolist()
    where = [
        said("panel.broken_cell", row=row, unit=unit or said("panel.no_firm"), year=year, value=value)
        for row, unit, year, value in shown
    ]
    more = said("panel.and_others", count=len(part) - SHOWN) if len(part) > SHOWN else ""
    told = said(
        "panel.broken_rule",
        rule=first["rule"],
        field=first["field"],
        count=len(part),
        message=first[f"message_{current()}"],
        where="; ".join(where),
        more=more,
    )
    sentences = [told, _mend(str(first["rule"]))]
    if first["rule"] in ("code_format", "code_unknown"):
        sentences.append(_suggest(part, raw))
    return " ".join(sentence for sentence in sentences if sentence)


def _mend(rule: str) -> str:
    """How to mend what breaks a rule; empty where nothing is known."""
    if rule in GENERAL:
        return said(f"panel.mend.{rule}")
    return next((getattr(one, f"mend_{current()}") for one in rules() if one.rule == rule), "")


def _suggest(part: pd.DataFrame, raw: Raw) -> str:
    """Codes that the broken ones may stand for; the reader decides, nothing is filled in."""
    width = raw.columns[str(part["field"].iloc[0])].width
    values = [str(value) for value in part["value"].unique()[:SHOWN]]
    found = {value: codes.candidates(value, width) for value in values}
    shown = [
        said("panel.may_be", value=value, maybe=examples(maybe)) for value, maybe in found.items() if maybe
    ]
    return said("panel.candidates", shown="; ".join(shown)) if shown else said("panel.codes_as_text")
