"""The study, what of it is published, and what only a person can say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbook.language import said
from workbook.params.base import MASTER, OPTION, VALUE, FolderName, Section, Share


class Sentence(Section):
    """A sentence of the study's author in both languages."""

    en: str = Field(description="English")
    zh: str = Field(description="Chinese")


class Audit(Section):
    """What only a person can say."""

    statements: dict[str, str | Sentence] = Field(
        default_factory=dict,
        description="number of an audit point, quoted: the sentence that answers it, or {en: …, zh: …}",
    )


class Publish(Section):
    """What may leave the build. Common values stand here; a bureau's own rules come first."""

    secrecy: Literal["rules", "public"] = Field(
        "rules",
        description="rules = units were promised secrecy, and nothing is published that breaks the rules below; "
        "public = the rows themselves are public or synthetic",
    )
    rule_set: Literal["bureau", "strict"] = Field(
        "bureau",
        description="rules that the numbers below come from unless they are given: bureau = three units, dominance, "
        "p %; strict = as research services state them (sources: data/secrecy)",
    )
    min_units: Annotated[int, Field(ge=1)] | None = Field(
        None, description="fewest units behind a published number"
    )
    dominance_units: Annotated[int, Field(ge=1)] | None = Field(
        None, description="number of largest units that may not dominate a published total"
    )
    dominance_share: Share | None = Field(None, description="largest share of a total that they may hold")
    p_percent: Annotated[float, Field(ge=0, lt=100)] | None = Field(
        None, description="how closely, in percent, no unit's amount may be had from what is published"
    )
    min_df: Annotated[int, Field(ge=0)] | None = Field(
        None, description="fewest residual degrees of freedom behind a number of a model"
    )
    count_base: Annotated[float, Field(ge=0)] | None = Field(
        None, description="counts are published as multiples of this; 0 = as they are"
    )
    amount_base: Annotated[float, Field(ge=0)] | None = Field(
        None, description="amounts are published as multiples of this; 0 = as they are"
    )
    on_refusal: Literal["leave_out", "stop"] = Field(
        "leave_out",
        description="what happens to numbers that break a rule: leave_out = they are left out and named; "
        "stop = nothing of the study is published",
    )
    leave_out: list[str] = Field(
        default_factory=list, description="exhibits that are not published, by name, e.g. 02.paths"
    )
    earlier_releases: FolderName | None = Field(
        None, description="folder with the records of what was published before, beside the study's file"
    )


Notebook = Literal[
    "01_panel",
    "02_classification",
    "03_indicators",
    "04_description",
    "05_effects",
    "06_dynamics",
    "07_robustness",
    "08_heterogeneity",
    "09_evaluation",
    "10_audit",
    "11_tables",
    "12_variants",
    "13_designs",
]


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
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        "CN",
        description="country of the data, two letters (ISO 3166): studies of China come first for who reads Chinese",
    )
    synthetic: bool = Field(False, description="true when the data are made up: every page then says so")
    cannot_en: list[str] = Field(default_factory=list, description="what these data cannot answer; English")
    cannot_zh: list[str] = Field(default_factory=list, description="the same in Chinese")
    beside: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")], Sentence] = Field(
        default_factory=dict,
        description="other studies that show what this one leaves out, by name: {en: …, zh: …}, a sentence of its page before a "
        "link",
    )
    notebooks: list[Notebook] = Field(
        default_factory=lambda: list(Notebook.__args__),  # type: ignore[attr-defined]
        min_length=1,
        description="notebooks that run, in this order; one that needs another's output says so",
    )
    language: Literal["en", "zh"] = Field("en", description="language of exhibits and pages")
    seed: int = Field(20260101, ge=0, description="seed of every random draw")


class Engine(Section):
    """Where the panel's tables are computed: in this process, or on a cluster."""

    kind: Literal["duckdb", "spark"] = Field(
        "duckdb",
        description="engine of notebooks 01 and 02: duckdb = in this process; spark = Apache Spark, an extra "
        "(docs/engine.md)",
    )
    master: Annotated[str, Field(pattern=MASTER, max_length=300)] | None = Field(
        None,
        description="of spark: local[2] (cores of this machine), spark://host:7077, or sc://host:15002 (Spark Connect)",
    )
    options: dict[Annotated[str, Field(pattern=OPTION)], Annotated[str, Field(pattern=VALUE)]] = Field(
        default_factory=dict,
        description="of spark: settings of size and speed, e.g. spark.executor.memory: 4g",
    )

    @model_validator(mode="after")
    def _together(self) -> Engine:
        if self.kind == "spark" and self.master is None:
            raise ValueError(said("params.rule.engine_master"))
        if self.kind == "duckdb" and (self.master or self.options):
            raise ValueError(said("params.rule.engine_alone"))
        return self
