"""The official classifications."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from workbook import paths
from workbook.language import listed, said
from workbook.params.base import FileName, Section, Share, Year

# A standard by its name, or with some of its own classes: name:01,02.
Standard = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(:[0-9A-Za-z.,]+)?$")]


class OwnStandard(Section):
    """A standard that the study brings: its file, and what its document says of itself."""

    file: FileName = Field(
        description="CSV or xlsx of its classes and GB/T 4754 codes; `fusion standard FILE` checks it"
    )
    edition: Literal["2002", "2011", "2017"] | None = Field(
        None,
        description="edition of GB/T 4754 of its codes; empty = the one that the file's head names, else 2017",
    )
    counts: str | None = Field(
        None,
        pattern=r"^\d+(/\d+)*( \+ \d+(/\d+)*)*$",
        description="classes by level that its document states, e.g. 9/40/189",
    )
    compared_with: Standard | None = Field(
        None,
        description="installed standard that it replaces or stands beside; empty = the study's own choice",
    )
    title_en: str | None = Field(None, description="title in English")
    title_zh: str | None = Field(None, description="title in Chinese")
    issuer: str | None = Field(None, description="who issued it")


class Classification(Section):
    """Which official standards define the two industries."""

    standards: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], OwnStandard] = Field(
        default_factory=dict,
        description="standards of your own, by the name under which they are chosen: their file, or {file: …, edition: …}",
    )
    services_standard: Standard = Field(
        "modern_services_2023",
        description="standard that says what modern services are: any of data/classification/standards or your own; "
        "some of its classes as name:01,02",
    )
    manufacturing_standard: Standard = Field(
        "three_new_2018",
        description="standard that says what advanced manufacturing is (three_new_2018: its class 02)",
    )
    partial_share: Share = Field(
        0.5,
        description="point estimate's share of a class marked * (partly in the standard); the bounds are always shown",
    )
    partial_coefficients: Literal["equal", "file", "estimated"] = Field(
        "equal",
        description="point shares of classes marked *: partial_share for all; from coefficients_file; or estimated from the "
        "units that report revenue by class, where enough do",
    )
    coefficients_file: FileName | None = Field(
        None, description="CSV with standard, gbt_code, coefficient (0 to 1), for partial_coefficients: file"
    )
    edition_evidence: Literal["none", "own_later_code"] = Field(
        "none",
        description="whether an ambiguous code may be settled by the same enterprise's first code of a newer edition, flagged",
    )
    split_weights: Literal["none", "file", "later_codes"] = Field(
        "none",
        description="points within the intervals of split codes: none; from split_weights_file; or later_codes, the shares of "
        "the panel's own enterprises that bore the code and now bear each successor",
    )
    split_weights_file: FileName | None = Field(
        None,
        description="CSV with edition, code, part, weight (adding up to 1), for split_weights: file; with part_edition 2011 the "
        "parts of a code of 2002 are classes of 2011",
    )
    lists: list[FileName] = Field(
        default_factory=list,
        description="official lists of units (CSV or Excel, columns of data/classification/lists_template.csv): they tag fields, "
        "modes and actors",
    )
    actor_year: Year | None = Field(
        None,
        description="year whose features sort enterprises into kinds of actor, before treatment; empty = each one's first",
    )

    @field_validator("standards", mode="before")
    @classmethod
    def _files(cls, given: Any) -> Any:
        """A file alone stands for ``{file: …}``."""
        if not isinstance(given, dict):
            return given
        return {name: {"file": one} if isinstance(one, str) else one for name, one in given.items()}

    @model_validator(mode="after")
    def _named(self) -> Classification:
        for name, one in self.standards.items():
            self.known(f"classification.standards.{name}.compared_with", one.compared_with)
        self.known("classification.services_standard", self.services_standard)
        self.known("classification.manufacturing_standard", self.manufacturing_standard)
        return self

    def known(self, key: str, standard: str | None) -> None:
        """Refuse a standard that the project has not and the study does not bring."""
        shipped = sorted(f.stem for f in (paths.ROOT / "data/classification/standards").glob("*.csv"))
        known, name = [*shipped, *self.standards], (standard or "").partition(":")[0]
        if standard and name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = said("params.did_you_mean", near=near[0]) if near else ""
            raise ValueError(said("params.rule.standard", key=key, name=name, hint=hint, known=listed(known)))

    @model_validator(mode="after")
    def _coefficients(self) -> Classification:
        if (self.partial_coefficients == "file") != (self.coefficients_file is not None):
            raise ValueError(said("params.rule.coefficients"))
        if (self.split_weights == "file") != (self.split_weights_file is not None):
            raise ValueError(said("params.rule.split_weights"))
        return self
