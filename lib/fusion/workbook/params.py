"""Every choice of a study, with its type, default, range and reason.

This model is the single source: it writes ``params/base.yaml`` and ``params/schema.json``, checks each
study's file, and holds the notebooks' parameters cells to the same names and values.

Sections only group the file: a field's name is unique over all of them, because a notebook's
parameters cell names the fields that it reads (and is run again when one of those changes).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Year = Annotated[int, Field(ge=1900, le=2100)]
Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Notebook = Literal[
    "01_panel",
    "02_classification",
    "03_indicators",
    "04_description",
    "05_effects",
    "10_audit",
]


class Section(BaseModel):
    """A group of parameters: unknown keys are errors, and types are not bent (the code 0111 stays text)."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_default=True)


class ExtraColumn(Section):
    """A column that the panel contract does not know, declared by the study that brings it."""

    label_en: str = Field(description="label in English")
    label_zh: str = Field(description="label in Chinese")
    type: Literal["float", "int", "str", "bool"] = Field("float", description="type")
    unit: str = Field("", description="unit, e.g. 万元, %, 1987 USD; empty for none")
    minimum: float | None = Field(None, description="smallest allowed value")
    maximum: float | None = Field(None, description="largest allowed value")


class Derived(Section):
    """A column computed from another by one declared transformation, within units over time where it lags."""

    name: Column = Field(description="name of the new column")
    of: list[Column] = Field(min_length=1, description="columns it is computed from, in order")
    how: Literal[
        "log", "log1p", "lag", "growth", "difference", "ratio", "log_ratio", "sum", "post", "product"
    ] = Field(
        description="log; log1p = ln(1+x); lag = value of the year before; difference = x − lag; growth = ln x − ln lag; "
        "ratio = first/second; log_ratio = ln(first/second); sum; product; post = 1 from the year in the column on, "
        "0 before and where it is empty"
    )
    label_en: str = Field(description="label in English")
    label_zh: str = Field(description="label in Chinese")
    unit: str = Field("", description="unit; empty for none")


def _in_order(section: Any, first: str, last: str) -> Any:
    """Refuse a range of years the wrong way round."""
    a, b = getattr(section, first), getattr(section, last)
    if a > b:
        raise ValueError(f"{first} = {a} is after {last} = {b}; give the earlier year first")
    return section


class Study(Section):
    """What the study is, in words, and which notebooks it runs."""

    title_en: str = Field("Untitled study", description="title in English")
    title_zh: str = Field("未命名研究", description="title in Chinese")
    question_en: str = Field("", description="the question, one sentence, English")
    question_zh: str = Field("", description="the question, one sentence, Chinese")
    estimand_en: str = Field("", description="what is estimated: for whom, compared with what; English")
    estimand_zh: str = Field("", description="the same in Chinese")
    data_en: str = Field("", description="where the data come from; English")
    data_zh: str = Field("", description="the same in Chinese")
    licence: str = Field("", description="licence of the data")
    synthetic: bool = Field(False, description="true when the data are made up: every page then says so")
    cannot_en: list[str] = Field(default_factory=list, description="what these data cannot answer; English")
    cannot_zh: list[str] = Field(default_factory=list, description="the same in Chinese")
    notebooks: list[Notebook] = Field(
        default_factory=lambda: list(Notebook.__args__),  # type: ignore[attr-defined]
        min_length=1,
        description="notebooks that run, in this order; one that needs another's output says so",
    )
    language: Literal["en", "zh"] = Field("en", description="language of exhibits and pages")
    seed: int = Field(20260101, ge=0, description="seed of every random draw")


class Panel(Section):
    """Where the panel comes from and which rows stay."""

    source: str = Field(
        "synthetic",
        description="'synthetic'; a file (csv, parquet, dta, xlsx), relative to this study's file or the project; "
        "or a loader 'package:function' that returns a table",
    )
    contract: Literal["enterprise", "minimal"] = Field(
        "enterprise",
        description="enterprise = all required columns of data/contract/panel.csv; minimal = firm_id and year only",
    )
    rename: dict[str, Column] = Field(default_factory=dict, description="source header: contract's name")
    money_unit: Literal["元", "千元", "万元", "百万元", "亿元"] | None = Field(
        None,
        description="unit of money columns in the source; never guessed: a file under 'enterprise' must state it",
    )
    encoding: Literal["auto", "utf-8", "gb18030"] = Field(
        "auto", description="of a CSV; auto = UTF-8 if it decodes, else GB18030 if it decodes, else an error"
    )
    sheet: str | None = Field(None, description="sheet of an Excel file; needed when it has more than one")
    extra_columns: dict[Column, ExtraColumn] = Field(
        default_factory=dict, description="columns beyond the contract, each declared"
    )
    derive: list[Derived] = Field(
        default_factory=list, description="columns computed after the checks, in order"
    )
    first_year: Year = Field(2012, description="first year kept")
    last_year: Year = Field(2023, description="last year kept")
    keep_industries: list[Annotated[str, Field(pattern=r"^([A-T]|[0-9]{2,4})$")]] = Field(
        default_factory=list,
        description="GB/T 4754 sections (letters) or code prefixes kept, quoted; empty = all",
    )
    min_employees: float = Field(
        0, ge=0, description="rows with fewer employees are dropped; 8 is usual in the field"
    )
    positive_revenue: bool = Field(False, description="drop rows whose revenue is missing or not above zero")
    on_violation: Literal["stop", "set_aside"] = Field(
        "stop",
        description="rows that break a hard rule: stop the run, or set them aside in the quality queue",
    )

    @model_validator(mode="after")
    def _years(self) -> Panel:
        return _in_order(self, "first_year", "last_year")


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
        0.0, description="share of rows whose money columns are in 千元 instead of 万元"
    )
    dgp_heaping: Share = Field(
        0.0, description="share of firms just below the reporting line that report just above it"
    )
    dgp_missingness: float = Field(1.0, ge=0, le=1.5, description="scale of missing cells; 0 = complete")

    @model_validator(mode="after")
    def _years(self) -> Synthetic:
        return _in_order(self, "dgp_first_year", "dgp_last_year")


class Classification(Section):
    """Which official standards define the two industries."""

    services_standard: Literal["modern_services_2023", "hightech_services_2018", "scitech_services_2018"] = (
        Field("modern_services_2023", description="standard that says what modern services are")
    )
    manufacturing_standard: Literal["three_new_2018", "hightech_manufacturing_2017"] = Field(
        "three_new_2018",
        description="standard that says what advanced manufacturing is (三新 2018: its class 02)",
    )
    partial_share: Share = Field(
        0.5,
        description="point estimate's share of a class marked * (partly in the standard); the bounds are always shown",
    )
    crosswalk_confidence: Literal["high", "medium", "low"] = Field(
        "high",
        description="lowest confidence at which a 2011 code is taken over to 2017; below it the row stays unmapped",
    )


class Indicators(Section):
    """The indicator system and the fusion index."""

    indicators: list[Annotated[str, Field(pattern=r"^[A-E][1-9]$")]] = Field(
        default_factory=lambda: [
            "A1",
            "A2",
            "B1",
            "B2",
            "B3",
            "C1",
            "C2",
            "C3",
            "C5",
            "C8",
            "D4",
            "E1",
            "E2",
            "E7",
        ],
        min_length=1,
        description="indicator codes of data/indicators/indicators.csv; the default is the 14 core ones",
    )
    index_exclude: list[Annotated[str, Field(pattern=r"^[A-E][1-9]$")]] = Field(
        default_factory=lambda: ["B1", "B2", "B3", "C3", "C5"],
        description="kept out of the index that enters regressions, because they are outcomes or mechanisms",
    )
    winsor_tail: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.01, description="share cut to the quantile at each end"
    )
    normalise: Literal["minmax", "rank", "zscore"] = Field(
        "minmax", description="normalisation of each indicator"
    )
    bounds: Literal["pooled", "yearly"] = Field(
        "pooled", description="bounds over all years (scores compare over time) or by year"
    )
    weights: Literal["entropy", "equal"] = Field(
        "entropy", description="weights of indicators within a chain"
    )
    chain_weights: Literal["equal", "entropy"] = Field("equal", description="weights of the five chains")
    min_chain_share: Share = Field(
        0.6, description="share of a chain's indicators that a firm-year must have, else no score"
    )


class Description(Section):
    """Who is treated, since when, and what effect could be found at all."""

    start_column: Column | None = Field(
        None, description="column with the year in which treatment starts (empty = never); none: no cohorts"
    )
    covariates: list[Column] = Field(
        default_factory=list, description="columns of table 1 and the balance table"
    )
    test_size: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.05, description="size of two-sided tests; intervals are 1 − size"
    )
    power: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        0.8, description="power of the minimum detectable effect"
    )


class Effects(Section):
    """The regressions."""

    outcome: Column | None = Field(None, description="outcome column; none: no regressions")
    other_outcomes: list[Column] = Field(
        default_factory=list, description="further outcomes, each regressed as in the ladder's last step"
    )
    treatments: list[Column] = Field(default_factory=list, description="regressors of interest")
    controls: list[Column] = Field(default_factory=list, description="control columns")
    fixed_effects: list[list[Annotated[str, Field(pattern=r"^[a-z0-9_]+(\*[a-z0-9_]+)*$")]]] = Field(
        default_factory=lambda: [
            ["firm_id"],
            ["firm_id", "year"],
            ["firm_id", "division*year"],
            ["firm_id", "division*year", "district*year"],
        ],
        min_length=1,
        description="the ladder: each step's effects; a*b = one effect for each pair of levels",
    )
    cluster: Column = Field(
        "firm_id", description="column of clusters: the level at which treatment is assigned"
    )
    singletons: Literal["keep", "drop"] = Field("drop", description="rows alone in an effect")
    other_estimators: list[Literal["pooled", "random_effects", "first_differences"]] = Field(
        default_factory=list, description="estimators shown beside fixed effects"
    )
    random_effects_controls: list[Column] = Field(
        default_factory=list, description="time-constant controls added to random effects only"
    )


class Audit(Section):
    """What only a person can say."""

    statements: dict[str, str] = Field(
        default_factory=dict, description="number of an audit point, quoted: the sentence that answers it"
    )


class Parameters(Section):
    """A study's file: sections of parameters."""

    study: Study = Field(default_factory=Study)
    panel: Panel = Field(default_factory=Panel)
    synthetic: Synthetic = Field(default_factory=Synthetic)
    classification: Classification = Field(default_factory=Classification)
    indicators: Indicators = Field(default_factory=Indicators)
    description: Description = Field(default_factory=Description)
    effects: Effects = Field(default_factory=Effects)
    audit: Audit = Field(default_factory=Audit)

    @model_validator(mode="after")
    def _combinations(self) -> Parameters:
        """Refuse combinations that cannot be meant."""
        if (self.panel.source == "synthetic") != self.study.synthetic:
            raise ValueError(
                f"study.synthetic = {str(self.study.synthetic).lower()} with panel.source = '{self.panel.source}': "
                "it must be true when, and only when, the source is 'synthetic'"
            )
        return self

    def flat(self) -> dict[str, Any]:
        """All parameters by their unique names, as plain values that papermill can inject."""
        sections = self.model_dump(mode="json")
        return {name: value for section in sections.values() for name, value in section.items()}
