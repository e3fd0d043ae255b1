"""Tables as they are printed: read back from the executed notebooks, so that digits are decided once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path


@dataclass
class Printed:
    """A printed table: header, rows of text, which columns hold numbers, what stands below."""

    caption: str = ""
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    numeric: list[bool] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


def table(notebook: Path, id: str) -> Printed | None:
    """The table that a cell of an executed notebook shows; None if it shows none.

    Parameters
    ----------
    notebook : Path
        Executed notebook.
    id : str
        The exhibit's id, which its cell bears as a tag.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if id in cell["metadata"].get("tags", []):
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/html", []))
                if f'id="exhibit-{id}"' in text and "<table" in text:
                    reader = _Reader()
                    reader.feed(text)
                    return reader.found
    return None


class _Reader(HTMLParser):
    """Reads what ``rendering.table_html`` writes."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Printed()
        self.part, self.text, self.open = "", "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row, or a piece of text."""
        kinds = (dict(attrs).get("class") or "").split()
        if tag in ("thead", "tbody"):
            self.part = tag
        elif tag == "tr" and self.part == "tbody":
            self.found.rows.append([])
        elif tag in ("th", "td", "caption", "p"):
            self.text, self.open = "", True
            if tag == "th" and self.part == "thead":
                self.found.numeric.append("num" in kinds)

    def handle_endtag(self, tag: str) -> None:
        """Take over a piece of text."""
        if tag in ("th", "td", "caption", "p") and self.open:
            self.open = False
            if tag == "caption":
                self.found.caption = self.text
            elif tag == "p":
                self.found.below.append(self.text)
            elif self.part == "thead":
                self.found.header.append(self.text)
            else:
                self.found.rows[-1].append(self.text)

    def handle_data(self, data: str) -> None:
        """Gather text."""
        if self.open:
            self.text += data
