"""Every choice of a study, with its type, default, range and reason.

This model is the single source: it writes ``params/base.yaml`` and ``params/schema.json``, checks each
study's file, and holds the notebooks' parameters cells to the same names and values.

Sections only group the file: a field's name is unique over all of them, because a notebook's
parameters cell names the fields that it reads (and is run again when one of those changes).
Each section has a module of its own here.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from workbook.language import said
from workbook.params.base import Section
from workbook.params.classification import Classification
from workbook.params.dynamics import Dynamics
from workbook.params.effects import Description, Effects, Heterogeneity
from workbook.params.evaluation import Evaluation
from workbook.params.indicators import Indicators, Integration, Productivity
from workbook.params.panel import Panel, Synthetic
from workbook.params.printed.model import Printed
from workbook.params.robustness import Designs, Grid, Robustness
from workbook.params.study import Audit, Engine, Publish, Study


class Parameters(Section):
    """A study's file: sections of parameters."""

    study: Study = Field(default_factory=Study)
    engine: Engine = Field(default_factory=Engine)
    panel: Panel = Field(default_factory=Panel)
    synthetic: Synthetic = Field(default_factory=Synthetic)
    classification: Classification = Field(default_factory=Classification)
    integration: Integration = Field(default_factory=Integration)
    indicators: Indicators = Field(default_factory=Indicators)
    productivity: Productivity = Field(default_factory=Productivity)
    description: Description = Field(default_factory=Description)
    effects: Effects = Field(default_factory=Effects)
    dynamics: Dynamics = Field(default_factory=Dynamics)
    robustness: Robustness = Field(default_factory=Robustness)
    heterogeneity: Heterogeneity = Field(default_factory=Heterogeneity)
    designs: Designs = Field(default_factory=Designs)
    printed: Printed = Field(default_factory=Printed)
    evaluation: Evaluation = Field(default_factory=Evaluation)
    grid: Grid = Field(default_factory=Grid)
    audit: Audit = Field(default_factory=Audit)
    publish: Publish = Field(default_factory=Publish)

    @model_validator(mode="after")
    def _combinations(self) -> Parameters:
        """Refuse combinations that cannot be meant."""
        if (self.panel.source == "synthetic") != self.study.synthetic:
            raise ValueError(
                said(
                    "params.rule.synthetic",
                    stated=str(self.study.synthetic).lower(),
                    source=self.panel.source,
                )
            )
        for kept in self.panel.keep_industries:
            if kept[0].islower():
                self.classification.known("panel.keep_industries", kept.removesuffix("?"))
        return self

    def flat(self) -> dict[str, Any]:
        """All parameters by their unique names, as plain values that papermill can inject."""
        sections = self.model_dump(mode="json")
        return {name: value for section in sections.values() for name, value in section.items()}
