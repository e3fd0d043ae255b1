"""Every sentence that the gate says, in English and Chinese, from ``data/secrecy/words.csv``."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from workbook import paths
from workbook.publish.secrecy.rules import Rules

TABLE = paths.DATA / "secrecy" / "words.csv"
MARK = "[c]"
Labels = Callable[[str, str], str]


@cache
def _sentences() -> dict[str, dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return {row["key"]: row for row in csv.DictReader(stream)}


def say(key: str, language: str, /, **values: Any) -> str:
    """One sentence of ``data/secrecy/words.csv`` with its values filled in."""
    return _sentences()[key][language].format(**values)


def rules_said(rules: Rules, language: str) -> str:
    """The rules in words, for the record of what was released."""
    parts = [say("rules", language, **vars(rules) | {"share": f"{rules.dominance_share:.0%}"})]
    for name in ("min_df", "count_base", "amount_base"):
        value = getattr(rules, name)
        parts += [say(f"rules.{name}", language, value=value)] if value else []
    return say("join", language).join(parts)


def plain(name: str, language: str) -> str:
    """A field's name as it is, where nobody knows a label for it."""
    return name


@dataclass(frozen=True)
class Finding:
    """What one rule says of a cell, a column or an exhibit.

    Parameters
    ----------
    exhibit, rule : str
        Name of the exhibit; key of the sentence.
    row : mapping, optional
        Labels of the row.
    column : str, optional
        The column's field name.
    values : mapping
        Numbers that the sentence holds.
    """

    exhibit: str
    rule: str
    row: Mapping[str, str] | None = None
    column: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def said(self, language: str, label: Labels = plain) -> str:
        """The finding as a sentence.

        Parameters
        ----------
        language : str
            ``"en"`` or ``"zh"``.
        label : callable
            Label of a field or a level, given its name and the language.
        """
        return say(
            "finding", language, where=self.where(language, label), what=self.what(language, label)
        ).strip()

    def where(self, language: str, label: Labels = plain) -> str:
        """Exhibit, row and column."""
        parts = [self.exhibit]
        if self.row:
            listed = say("join", language).join(f"{label(k, language)} {v}" for k, v in self.row.items())
            parts.append(say("row", language, row=listed))
        if self.column:
            parts.append(say("column", language, column=label(self.column, language)))
        return say("join", language).join(parts)

    def what(self, language: str, label: Labels = plain) -> str:
        """What is the matter."""
        return say(self.rule, language, **_labelled(self.values, language, label))


def _labelled(values: Mapping[str, Any], language: str, label: Labels) -> dict[str, Any]:
    """Values of a sentence: further findings as where they are, fields by their labels, lists joined."""
    join = say("join", language)

    def said(name: str, value: Any) -> Any:
        if isinstance(value, Finding):
            return value.where(language, label)
        if isinstance(value, Suggestion):
            return value.said(language, label)
        if isinstance(value, tuple):
            return join.join(str(said(name, v)) for v in value)
        return label(value, language) if name in ("field", "fields") else value

    return {name: said(name, value) for name, value in values.items()}


@dataclass(frozen=True)
class Suggestion:
    """The smallest change of an exhibit that would pass, and others that would too.

    Parameters
    ----------
    kind : str
        ``"merge"``, ``"drop"``, ``"round"``, ``"source"`` (the change of another exhibit) or ``"none"``.
    values : mapping
        Which levels, columns or base.
    lost : float
        Share of the exhibit's numbers that the change costs.
    alone : bool
        Whether it was judged by the exhibit's own cells alone: what hangs together with it is too large to be judged anew.
    others : tuple of Suggestion
        Changes that would pass too, dearer ones last.
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    lost: float = 0.0
    alone: bool = False
    others: tuple[Suggestion, ...] = ()

    def said(self, language: str, label: Labels = plain) -> str:
        """The change as a sentence, other ways after it."""
        first = say(f"suggest.{self.kind}", language, **_labelled(self.values, language, label))
        if self.alone:
            first = say("suggest.alone", language, change=first)
        if not self.others:
            return first
        rest = [other.said(language, label) for other in self.others]
        return say("suggest.or", language, first=first, rest=say("semicolon", language).join(rest))
