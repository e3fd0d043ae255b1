"""Types that the sections share, and what each parameter means in Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workbook.language import said

Share = Annotated[float, Field(ge=0, le=1)]
Year = Annotated[int, Field(ge=1900, le=2100)]
# A column's name, as expressions have it: Latin letters small, Chinese characters too.
LETTERS = "a-z一-鿿"
NAMED = rf"^[{LETTERS}][0-9_{LETTERS}]*$"
EFFECT = rf"^[0-9_{LETTERS}]+(\*[0-9_{LETTERS}]+)*$"  # a*b is one effect for each pair
# Addresses of a cluster, and what a study may set there.
MASTER = r"^(local(\[([1-9][0-9]{0,3}|\*)\])?|spark://[A-Za-z0-9.-]+:[0-9]{1,5}(,[A-Za-z0-9.-]+:[0-9]{1,5})*|sc://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$"
# Settings of size and speed alone: others name programs, files or addresses, which a study's file must not.
OPTION = (
    r"^spark\.(driver\.(memory|cores|maxResultSize|host|bindAddress)|executor\.(memory|memoryOverhead|cores|instances)"
    r"|cores\.max|default\.parallelism|memory\.(fraction|storageFraction)|network\.timeout|task\.maxFailures"
    r"|dynamicAllocation\.[A-Za-z.]+|sql\.(shuffle\.partitions|autoBroadcastJoinThreshold|files\.maxPartitionBytes"
    r"|adaptive\.[A-Za-z.]+))$"
)
VALUE = r"^[\w.-]{1,60}$"
Column = Annotated[str, Field(pattern=NAMED, max_length=60)]


@dataclass(frozen=True)
class Names:
    """What a text of a study's file names: a file, one with rows of units, or a folder.

    Such a parameter is looked up beside the study, refused where nothing is there, and packed (`checks.places`).
    """

    what: Literal["file", "rows", "folder"]


FileName = Annotated[str, Names("file")]
RowsName = Annotated[str, Names("rows")]  # under rules of secrecy it stays out of packages
FolderName = Annotated[str, Names("folder")]
CHINESE = Path(__file__).with_name("help.zh.yaml")


class Section(BaseModel):
    """A group of parameters: unknown keys are errors, and types are not bent (the code 0111 stays text)."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_default=True)


def in_order(section: Any, first: str, last: str) -> Any:
    """Refuse a range of years the wrong way round."""
    a, b = getattr(section, first), getattr(section, last)
    if a > b:
        raise ValueError(said("params.rule.years", first=first, a=a, last=last, b=b))
    return section


@cache
def chinese() -> dict[str, str]:
    """Meanings in Chinese by the parameter's name."""
    from ruamel.yaml import YAML

    return dict(YAML(typ="safe").load(CHINESE.read_text(encoding="utf-8")) or {})


def help_text(name: str, english: str, language: str) -> str:
    """What a parameter means, in a language; English where no translation is there."""
    return chinese().get(name, english) if language == "zh" else english
