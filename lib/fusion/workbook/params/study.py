"""What the study is, and which notebooks it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fusion.workbook.params.base import Section

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
