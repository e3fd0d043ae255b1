"""What patterns of the model are called when a text does not meet one: nobody reads regular expressions."""

from __future__ import annotations

from workbook.language import said
from workbook.params.base import EFFECT, MASTER, NAMED, OPTION, VALUE

# By pattern the message ``params.pattern.…``.
WORDS = {
    NAMED: "column",
    EFFECT: "effects",
    r"^[A-Za-z][A-Za-z0-9_]*$": "name",
    r"^[^\W\d]\w*$": "name",
    r"^[^\W\d]\w*$|^[\w$]*\$[\w$]*$": "name",
    r"^[a-z][a-z0-9_]*$": "table",
    r"^[a-z][a-z0-9_]*(:[0-9A-Za-z.,]+)?$": "standard",
    "^[A-E][1-9]$": "indicator",
    r"^\d+(/\d+)*( \+ \d+(/\d+)*)*$": "counts",
    r"^[^\n{}<>]{1,60}$": "unit",
    r"^([A-T]|[0-9]{2,4}|[a-z][a-z0-9_]*(:[0-9A-Za-z.,]+)?\??)$": "industries",
    "^[A-Z]{2}$": "country",
    r"\.ya?ml$": "file",
    MASTER: "master",
    OPTION: "setting",
    VALUE: "setting_value",
}
# Patterns of the terms of tables, which hold one another.
TERMS = {"levels": "regressor", "~": "table_effects", "...": "term"}


def words(pattern: str) -> str:
    """A pattern in words of the present language; itself where it has none."""
    plain = pattern.replace("\\", "")
    name = WORDS.get(pattern) or next((word for sign, word in TERMS.items() if sign in plain), None)
    return said(f"params.pattern.{name}") if name else pattern
