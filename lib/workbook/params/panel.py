"""The panel: where it comes from, its columns, and the synthetic one."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from workbook.language import said
from workbook.params.base import Column, FileName, RowsName, Section, Share, Year, in_order

_LOADER = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


class ExtraColumn(Section):
    """A column that the panel contract does not know, declared by the study that brings it."""

    label_en: str = Field(description="label in English")
    label_zh: str = Field(description="label in Chinese")
    type: Literal["float", "int", "str", "bool", "auto"] = Field(
        "float", description="type; auto = a number if all its cells are, else text"
    )
    unit: str = Field("", description="unit, e.g. 万元, %, 1987 USD; empty for none")
    minimum: float | None = Field(None, description="smallest allowed value")
    maximum: float | None = Field(None, description="largest allowed value")
    kept_as: Column | None = Field(
        None, description="name from reading on; set by itself where the workbook has a column of this name"
    )


# A name of an expression: a letter, also a Chinese one; `$` for the columns of `each`.
NAMES = r"^[^\W\d]\w*$|^[\w$]*\$[\w$]*$"
Name = Annotated[str, Field(pattern=r"^[^\W\d]\w*$", max_length=60)]


def _rules(value: object) -> object:
    """Conditions by what they are called: by themselves where the study gives no name."""
    if isinstance(value, str):
        return {value: value}
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return {one: one for one in value}
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


class ColumnSpec(Section):
    """A column of the study, made of others by an expression; ``x: log(y)`` is short for ``x: {is: log(y)}``."""

    expression: str = Field(alias="is", description="expression, e.g. log(value_added / employees_avg)")
    each: list[str] | None = Field(
        None,
        description="columns that stand for $ in the name and in the expression, one new column for each",
    )
    name: str | None = Field(
        None, description="label, 'English | 中文 [unit]'; one language alone stands in both"
    )
    label_en: str = Field("", description="label in English, where `name` does not say")
    label_zh: str = Field("", description="label in Chinese, where `name` does not say")
    unit: str = Field("", description="unit, where `name` does not say; empty for none")

    def written(self, one: str | None) -> ColumnSpec:
        """It for one of `each`, with its labels; by what it is where there is none."""
        text = self.expression if one is None else self.expression.replace("$", one)
        en, zh, unit = labels(self.name or "")
        en, zh = self.label_en or en or zh or text, self.label_zh or zh or en or text
        told = {"expression": text, "each": None, "name": None, "label_en": en, "label_zh": zh}
        return self.model_copy(update=told | {"unit": self.unit or unit})


def labels(text: str) -> tuple[str, str, str]:
    """English, Chinese and unit of ``English | 中文 [unit]``.

    The part with Chinese is the Chinese; of two that both have it, such as ``Log 营收 | 营收（对数）``, the second.
    """
    words, _, unit = (
        text.strip().removesuffix("]").partition("[") if text.strip().endswith("]") else (text, "", "")
    )
    return *languages(words), unit.strip()


def languages(words: str) -> tuple[str, str]:
    """English and Chinese of ``English | 中文``, as `labels` reads it."""
    parts = [part.strip() for part in words.split("|") if part.strip()]
    chinese = [part for part in parts if re.search("[\u4e00-\u9fff]", part)]
    if len(parts) == len(chinese) == 2:
        return parts[0], parts[1]
    return " | ".join(part for part in parts if part not in chinese), " | ".join(chinese)


def _short(value: object) -> object:
    return {"is": value} if isinstance(value, str) else value


Spec = Annotated[ColumnSpec, BeforeValidator(_short)]
Value = str | int | float


class Panel(Section):
    """Where the panel comes from and which rows stay."""

    source: str | list[str] = Field(
        "synthetic",
        description="'synthetic'; a file (csv, parquet, dta, xlsx), relative to this study's file or the project, or with "
        "an adapter a folder of them or a list; or a loader 'package:function' that returns a table",
    )
    adapter: str | None = Field(
        None,
        description="layout of the files: bureau, csmar, wind (data/adapters), or a YAML file of your own that "
        "`fusion check FILE` wrote; empty = headers are the contract's names",
    )
    contract: Literal["enterprise", "minimal"] = Field(
        "enterprise",
        description="enterprise = all required columns of data/contract/panel.csv; minimal = firm_id and year only",
    )
    unit: Annotated[str, Field(pattern=r"^[^\n{}<>]{1,60}$")] | None = Field(
        None,
        description="what a unit of the panel is called in all texts where it is no firm: the English word in the singular, "
        "a stroke, the Chinese word",
    )
    editions: dict[Year, Literal["2002", "2011", "2017", "csrc2012"]] = Field(
        default_factory=dict,
        description="edition of the industry codes from each year on, e.g. {1998: '2002', 2013: '2011'}, where no column of "
        "the source states it (csrc2012: the securities regulator's divisions); comes before the adapter's",
    )
    rename: dict[str, Column] = Field(default_factory=dict, description="source header: contract's name")
    money_unit: Literal["元", "千元", "万元", "百万元", "亿元"] | None = Field(
        None,
        description="unit of money columns in the source; never guessed: a file under 'enterprise' must state it; with an "
        "adapter it comes before the adapter's",
    )
    encoding: Literal["auto", "utf-8", "gb18030", "windows-1252"] = Field(
        "auto",
        description="of a CSV; auto = UTF-8 if it decodes, Windows-1252 if what is beyond ASCII is single western letters, "
        "else GB18030 if it decodes, else an error",
    )
    sheet: str | None = Field(None, description="sheet of an Excel file; needed when it has more than one")
    extra_columns: dict[Column, ExtraColumn] = Field(
        default_factory=dict, description="columns beyond the contract, each declared"
    )
    columns: dict[Annotated[str, Field(pattern=NAMES, max_length=60)], Spec] = Field(
        default_factory=dict,
        description="columns made of others, name: expression (docs/expressions.md); also at the top of the file",
    )
    value_lists: dict[Name, list[Value]] = Field(
        default_factory=dict,
        description="values by the name of a list, for `in`; at the top of the file: lists",
    )
    samples: dict[Name, str] = Field(
        default_factory=dict,
        description="conditions by the name of a sample, counted on page 01; also at the top of the file",
    )
    where: Annotated[dict[str, str], BeforeValidator(_rules)] = Field(
        default_factory=dict,
        description="conditions that rows must meet to be kept: one, a list, or by what they are called; a missing "
        "value meets none and is counted apart; also at the top of the file",
    )
    quantiles: Literal["linear", "stata"] = Field(
        "linear",
        description="cut points of winsor, trim, bins and quantile: linear between values, or as Stata has them",
    )
    first_year: Year = Field(2012, description="first year kept")
    last_year: Year = Field(2023, description="last year kept")
    keep_industries: list[
        Annotated[str, Field(pattern=r"^([A-T]|[0-9]{2,4}|[a-z][a-z0-9_]*(:[0-9A-Za-z.,]+)?\??)$")]
    ] = Field(
        default_factory=list,
        description="GB/T 4754 sections (letters) or code prefixes kept, quoted; or standards, installed or the study's own "
        "(with ? also codes that may be in it); empty = all",
    )
    leave_out_listed: list[Literal["st", "pt", "b_shares", "finance"]] = Field(
        default_factory=list,
        description="listed firms that are dropped: st and pt by their names, b_shares by their codes, finance by section J",
    )
    min_employees: float = Field(
        0, ge=0, description="rows with fewer employees are dropped; 8 is usual in the field"
    )
    positive_revenue: bool = Field(False, description="drop rows whose revenue is missing or not above zero")
    on_violation: Literal["stop", "set_aside"] = Field(
        "stop",
        description="where a hard rule is broken: stop the run, or set aside in the quality queue the cell that is wrong by "
        "itself, or the row whose cells contradict each other",
    )
    deflators: FileName | None = Field(
        None,
        description="CSV of price indices by industry and year, with sources (data/contract/deflators_template.csv): growth at "
        "constant prices and productivity use them; refused where the panel has such prices of its own; none ships",
    )
    corrections: RowsName | None = Field(
        None,
        description="CSV or Excel of corrections that answers to queries gave (data/editing/README.md); applied before the "
        "checks, what was reported stays on record",
    )
    doubts: Literal["as_reported", "put_right", "expected"] = Field(
        "as_reported",
        description="money that is doubted and not answered: as reported; likely slips of unit put right; or replaced by what "
        "is expected",
    )
    published_items: list[Column] = Field(
        default_factory=lambda: ["operating_revenue", "service_revenue", "value_added"],
        description="money columns whose totals are published: doubts are ranked by what they do to these",
    )
    published_by: list[Column] = Field(
        default_factory=lambda: ["district"],
        description="columns by which those totals are published, too; their cells weigh a tenth of the total (judgement)",
    )
    needless_calls: float = Field(
        9,
        ge=1,
        le=99,
        description="needless calls that one missed slip is worth (judgement); doubts are listed from P = 1/(1 + this) on",
    )

    @model_validator(mode="after")
    def _written_out(self) -> Panel:
        """Each column of `each` in a line of its own."""
        found: dict[str, ColumnSpec] = {}
        for name, spec in self.columns.items():
            for one in spec.each or (None,):
                new = name if one is None else name.replace("$", one)
                if new in found or "$" in new or (one is not None and "$" not in name):
                    raise ValueError(said("params.rule.each", name=name))
                found[new] = spec.written(one)
        object.__setattr__(self, "columns", found)
        return self

    @model_validator(mode="after")
    def _adapted(self) -> Panel:
        many = isinstance(self.source, list)
        if many and (self.adapter is None or not self.source):
            raise ValueError(said("params.rule.several_files", source=self.source))
        if (
            self.adapter is not None
            and not many
            and (self.source == "synthetic" or _LOADER.match(str(self.source)))
        ):
            raise ValueError(said("params.rule.adapter", adapter=self.adapter, source=self.source))
        return self

    @model_validator(mode="after")
    def _years(self) -> Panel:
        return in_order(self, "first_year", "last_year")


class Synthetic(Section):
    """The synthetic panel: size and the modes that must raise an alarm. Zero switches a mode off."""

    dgp_firms: int = Field(3000, ge=50, le=2_000_000, description="firms ever in the panel")
    dgp_first_year: Year = Field(2012, description="first year")
    dgp_last_year: Year = Field(2023, description="last year")
    dgp_treated_share: Share = Field(
        0.16, description="share of firms that ever become pilots; 0.008 is realistic"
    )
    dgp_null_effect: bool = Field(False, description="pilots have no effect at all")
    dgp_trend: float = Field(
        0.0, ge=-0.1, le=0.1, description="extra productivity growth a year of treated firms, log points"
    )
    dgp_dip: float = Field(
        0.0, ge=-0.5, le=0.5, description="fall of productivity in the two years before adoption, log points"
    )
    dgp_spillover: float = Field(
        0.0,
        ge=-0.5,
        le=0.5,
        description="effect on untreated firms of the same path and district, share of the pilot effect",
    )
    dgp_anticipation: float = Field(
        0.0, ge=-0.5, le=0.5, description="effect in the year before adoption, share of the first effect"
    )
    dgp_misdated_share: Share = Field(0.0, description="share of pilots whose recorded start is a year off")
    dgp_underreporting: Share = Field(0.0, description="share of service revenue that is not reported")
    dgp_edition_break: Share = Field(
        0.0, description="share of firms whose industry code changes meaning, not activity, in 2017"
    )
    dgp_duplicate_ids: Share = Field(0.0, description="share of rows entered twice")
    dgp_unit_slips: Share = Field(
        0.0, description="share of rows whose money columns are in thousands of yuan instead of ten thousands"
    )
    dgp_heaping: Share = Field(
        0.0, description="share of firms just below the reporting line that report just above it"
    )
    dgp_missingness: float = Field(1.0, ge=0, le=1.5, description="scale of missing cells; 0 = complete")

    @model_validator(mode="after")
    def _years(self) -> Synthetic:
        return in_order(self, "dgp_first_year", "dgp_last_year")
