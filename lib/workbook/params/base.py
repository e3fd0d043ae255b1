"""Types that the sections share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Year = Annotated[int, Field(ge=1900, le=2100)]
Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class Section(BaseModel):
    """A group of parameters: unknown keys are errors, and types are not bent (the code 0111 stays text)."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_default=True)


def in_order(section: Any, first: str, last: str) -> Any:
    """Refuse a range of years the wrong way round."""
    a, b = getattr(section, first), getattr(section, last)
    if a > b:
        raise ValueError(f"{first} = {a} is after {last} = {b}; give the earlier year first")
    return section
