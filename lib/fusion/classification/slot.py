"""A standard that is named and not held: a plain statement of why it is empty."""

from __future__ import annotations

from fusion.classification.tables import rows as table_rows
from fusion.classification.tables import standards
from fusion.language import told


def empty() -> list[dict[str, str]]:
    """Standards that are named and not held: standard, issuer, titles, year and what is said of each.

    One that has been filled in, as a file among the standards, is no longer among them.
    """
    return [row for row in table_rows("slots") if row["standard"] not in standards()]


def statement(language: str = "en") -> str:
    """What is said of the standards that are not held; empty when all are."""
    each = []
    for row in empty():
        title = row["title_zh"] if language == "zh" else f"{row['title_en']} ({row['year']})"
        place, fate = f"data/classification/slots/{row['standard']}.csv", row[f"said_{language}"]
        each.append(told(language, "classification.slot.not_held", title=title, fate=fate, place=place))
    return " ".join(each)
