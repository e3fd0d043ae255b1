"""The audit."""

from __future__ import annotations

from pydantic import Field

from fusion.workbook.params.base import Section


class Audit(Section):
    """What only a person can say."""

    statements: dict[str, str] = Field(
        default_factory=dict, description="number of an audit point, quoted: the sentence that answers it"
    )
