"""What a reader meets in the files of a site, as texts: pages, figures, documents, notebooks."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import docx
import openpyxl

# Code, programs, and formulas are no language's.
SILENT = {"code", "pre", "script", "style", "math"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
ATTRIBUTES = ("alt", "title", "aria-label", "placeholder", "content", "data-prompt-show", "data-prompt-hide")
TEX = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]|\$[^$\n]+\$|\$\$.*?\$\$", re.DOTALL)


class Page(HTMLParser):
    """The texts of a page, without what is silent or said to be in another language.

    Parameters
    ----------
    language : str
        The page's, as HTML names it.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language, self.open, self.texts = language, [], []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        quiet = tag in SILENT or (found.get("lang") or self.language) != self.language
        quiet = quiet or "math" in (found.get("class") or "").split()
        if not (quiet or self.quiet) and not (tag == "meta" and found.get("name") not in ("description",)):
            self.texts += [found[name] or "" for name in ATTRIBUTES if found.get(name)]
        if tag not in VOID:
            self.open.append((tag, quiet))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.quiet and data.strip():
            self.texts.append(data)

    @property
    def quiet(self) -> bool:
        return any(quiet for _, quiet in self.open)


def html(text: str, language: str) -> list[str]:
    """Texts of a page or of a part of one."""
    page = Page("zh-CN" if language == "zh" else "en")
    page.feed(text)
    return [TEX.sub(" ", one) for one in page.texts]


def svg(text: str) -> list[str]:
    """Texts of a figure."""
    return list(map(unescape, re.findall(r"<text[^>]*>([^<]*)</text>", text)))


def markdown(text: str) -> list[str]:
    """Texts of Markdown: code, links' targets and formulas are left out."""
    text = re.sub(r"~~~.*?~~~|```.*?```|`[^`]*`", " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|https?://\S+|\{[a-z-]+\}", " ", TEX.sub(" ", text))
    return [line for line in text.splitlines() if line.strip()]


def word(file: Path) -> list[str]:
    """Texts of a Word document, its title and its pictures' descriptions included."""
    document = docx.Document(str(file))
    texts = [p.text for p in document.paragraphs]
    texts += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    texts += [document.core_properties.title or "", document.core_properties.subject or ""]
    with zipfile.ZipFile(file) as parts:
        source = parts.read("word/document.xml").decode("utf-8")
    return [*texts, *re.findall(r'descr="([^"]*)"', source)]


def excel(file: Path) -> list[str]:
    """Names of sheets and texts of cells."""
    book = openpyxl.load_workbook(file, read_only=True)
    cells = (cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
    return [*book.sheetnames, *(cell for cell in cells if isinstance(cell, str) and not cell.startswith("="))]


def notebook(file: Path, language: str) -> Iterator[str]:
    """Texts of an executed notebook: prose, and what its exhibits show."""
    for cell in json.loads(file.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield from markdown("".join(cell["source"]))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            yield from html("".join(data.get("text/html", "")), language)
            if "text/html" not in data:
                yield from markdown("".join(data.get("text/markdown", "")))


def index(text: str) -> list[str]:
    """Titles that the search finds."""
    found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    return [
        *found.get("titles", []),
        *found.get("alltitles", {}),
        *(e[1] if isinstance(e, list) else str(e) for e in found.get("indexentries", {})),
    ]


def latex(text: str) -> list[str]:
    """Texts of a table in LaTeX: commands, their options and kinds of columns are left out."""
    text = re.sub(r"(?m)^\\(begin|end|setlength)\w*.*$", " ", text)
    text = re.sub(r"\\multicolumn\{\d+\}\{(?:[^{}]|\{[^{}]*\})*\}", " ", text)
    text = re.sub(r"(?<!\\)%.*|\\(begin|end|label|ref)(\{[^}]*\}|\[[^]]*\])*(\{[^}]*\})?", " ", text)
    text = re.sub(r"\\([%&#_$])", r"\1", re.sub(r"\\[A-Za-z]+|\$[^$]*\$", " ", text))
    return [cell.strip(" {}\\") for line in text.splitlines() for cell in line.split(" & ")]


def texts(site: Path, language: str) -> Iterator[tuple[Path, list[str]]]:
    """Every file of a site in a language, and its texts."""
    for file in sorted((site / language).rglob("*.html")):
        yield file, html(file.read_text("utf-8"), language)
    yield site / language / "searchindex.js", index((site / language / "searchindex.js").read_text("utf-8"))
    for file in sorted((site / "files").rglob("*")):
        if language in file.relative_to(site).parts and file.is_file():
            yield file, list(_of(file, language))


def _of(file: Path, language: str) -> list[str] | Iterator[str]:
    if file.suffix == ".ipynb":
        return notebook(file, language)
    if file.suffix == ".docx":
        return word(file)
    if file.suffix == ".xlsx":
        return excel(file)
    if file.suffix in (".svg", ".md", ".tex", ".html"):
        return {".svg": svg, ".md": markdown, ".tex": latex, ".html": lambda t: html(t, language)}[
            file.suffix
        ](file.read_text("utf-8"))
    return []
