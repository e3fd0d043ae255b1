"""Which form gives which indicator, and a supplementary form that gives what no annual form asks.

``data/adapters/forms.csv`` says which columns each form brings, from whom and in which years; what was recalled and not
seen in an export is marked there. ``supplementary.csv`` has the lines of the form, its adapter is ``supplementary.yaml``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from fusion.indicators import system
from fusion.language import told
from fusion.panel.contract import contract, rules

FOLDER = Path(__file__).resolve().parents[3] / "data" / "adapters"
ANNUAL, SURVEY = "annual", "supplementary"
FAMILIES = (ANNUAL, "establishments", "torch", "listed", "io_survey", SURVEY)
FILE = "两业融合补充调查表"
# Without whom no form makes sense: they identify the unit.
KEYS = frozenset({"firm_id", "year", "firm_name", "ind4", "class_version"})


@lru_cache
def forms() -> pd.DataFrame:
    """Forms: form, family, title_*, years_*, who_*, verified, columns (a tuple)."""
    table = pd.read_csv(FOLDER / "forms.csv", dtype=str, keep_default_na=False)
    own = tuple(dict.fromkeys(lines()["column"]))
    split = [
        own if f == "survey" else tuple(c.split("|"))
        for f, c in zip(table["form"], table["columns"], strict=True)
    ]
    return table.assign(columns=split)


@lru_cache
def lines() -> pd.DataFrame:
    """Lines of the supplementary form: line, name_*, unit, unit_en, column, code (of a class), explain_*."""
    return pd.read_csv(FOLDER / "supplementary.csv", dtype=str, keep_default_na=False)


def matrix(held: pd.DataFrame | None = None) -> pd.DataFrame:
    """Indicator × form × year × who can fill it.

    Parameters
    ----------
    held : pandas.DataFrame, optional
        column, year: which columns of a panel hold something in which year.

    Returns
    -------
    pandas.DataFrame
        code, chain, name_en, name_zh; a column of ``FAMILIES`` each: whether annual forms with this one give it (listed:
        this one alone); who_* and years_*: of the forms that add what annual forms lack; in_data: first and last
        year in which the panel has all of its columns.
    """
    columns = {f: KEYS.union(*forms().loc[forms()["family"] == f, "columns"]) for f in FAMILIES}
    given = {f: columns[f] if f == "listed" else columns[ANNUAL] | columns[f] for f in FAMILIES}
    lacking = {f: system.lacking(given[f]) for f in FAMILIES}
    table = system.system()[["code", "chain", "name_en", "name_zh"]].reset_index(drop=True)
    for family in FAMILIES:
        table[family] = ~table["code"].isin(list(lacking[family]))
    missing = [lacking[ANNUAL].get(code, []) for code in table["code"]]
    table[["who_en", "who_zh", "years_en", "years_zh"]] = [_who(columns) for columns in missing]
    table["in_data"] = "" if held is None else _spans(table["code"], held)
    return table


def write(folder: Path, language: str) -> list[Path]:
    """Write the supplementary form as an Excel and a Word file, in a language; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"{FILE}.xlsx": workbook(language), f"{FILE}.docx": document(language)}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in made]


def workbook(language: str) -> bytes:
    """The form as Excel: a sheet to fill in, one unit a row, red where a check fails, each head with its explanation."""
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.formatting.rule import FormulaRule
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    book, asked = Workbook(), lines()
    sheet: Any = book.active
    sheet.title = FILE
    heads = [*HEADS, *(header(row) for row in asked.to_dict("records"))]
    sheet.append(heads)
    notes = [said_in(language, "check_red")] * len(HEADS) + [
        line[f"explain_{language}"] for line in asked.to_dict("records")
    ]
    for cell, note in zip(sheet[1], notes, strict=True):
        cell.comment = Comment(note, "")
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[cell.column_letter].width = 16
    at = {
        row["line"]: get_column_letter(len(HEADS) + i + 1) for i, row in enumerate(asked.to_dict("records"))
    }
    red = PatternFill("solid", bgColor="FFC7CE")
    for columns, formula in _fails(at):
        of = " ".join(f"{column}2:{column}{ROWS + 1}" for column in columns)
        sheet.conditional_formatting.add(f"A2:C{ROWS + 1} {of}", FormulaRule([formula], fill=red))
    sheet.freeze_panes = "C2"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def document(language: str) -> bytes:
    """The form as Word: one page for one unit, then the explanations and the checks."""
    from docx import Document
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    made = Document()
    style = made.styles["Normal"]
    style.font.size, style.font.name = Pt(8.5), "Times New Roman"
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "SimSun")
    style.paragraph_format.space_after = Pt(0)
    page = made.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.top_margin = page.bottom_margin = page.left_margin = page.right_margin = Mm(15)
    made.add_paragraph().add_run(said_in(language, "title")).bold = True
    made.add_paragraph(said_in(language, "unit_line"))
    asked, unit = lines(), "unit" if language == "zh" else "unit_en"
    table = made.add_table(rows=1, cols=4, style="Table Grid")
    table.autofit = False
    rows = [[said_in(language, n) for n in ("item", "unit", "line", "this_year")]]
    rows += [[line[f"name_{language}"], line[unit], line["line"], ""] for line in asked.to_dict("records")]
    for cells, texts in zip(
        [table.rows[0].cells, *(table.add_row().cells for _ in rows[1:])], rows, strict=True
    ):
        for cell, text, width in zip(cells, texts, WIDTHS, strict=True):
            cell.text, cell.width = text, Mm(width)
    for column, width in zip(table.columns, WIDTHS, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        row.height = Mm(HEIGHT)  # at least
    made.add_paragraph(said_in(language, "signed"))
    made.add_page_break()
    made.add_paragraph().add_run(said_in(language, "explanations")).bold = True
    for line in asked.to_dict("records"):
        made.add_paragraph("  ".join((line["line"], line[f"name_{language}"], line[f"explain_{language}"])))
    made.add_paragraph().add_run(said_in(language, "check")).bold = True
    for text in checks(language):
        made.add_paragraph(text)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def checks(language: str) -> list[str]:
    """What must hold between lines: the sum of the classes, and the contract's rules over columns of the form."""
    numbers = {row["column"]: row["line"] for row in lines().iloc[::-1].to_dict("records")}
    found = [said_in(language, "sum_of_classes")]
    known = {c.column for c in contract()}
    for rule in rules():
        names = {name for name in known if name in _words(rule.expression)}
        if len(names) > 1 and names <= set(numbers):
            message = rule.message_zh if language == "zh" else rule.message_en
            found.append(
                f"{', '.join(sorted(numbers[n] for n in names))}: {said_in(language, 'not_so', message=message)}"
            )
    return found


def header(line: Mapping[str, str]) -> str:
    """What a line's column is called in the Excel file, as the adapter knows it."""
    return f"{line['line']} {line['name_zh']}（{line['unit']}）"


def said_in(language: str, name: str, **values: object) -> str:
    """A text of the form in its language, which is that of whoever fills it in."""
    return told(language, f"adapters.form.{name}", **values)


HEADS = ("统一社会信用代码", "单位详细名称", "年份")
ROWS = 2000  # rows of the Excel file that are checked
WIDTHS = (
    85,
    28,
    15,
    52,
)  # mm of the columns in Word: no name breaks, and the whole form stands on one page of A4
HEIGHT = 5  # mm
PART = re.compile(r"(\w+) <= (\w+) \+ 0\.1")


# -- inside ------------------------------------------------------------------------------------


def _who(missing: Collection[str]) -> tuple[str, str, str, str]:
    """Who can fill what annual forms lack, and in which years, by the forms that bring it (the supplementary one last)."""
    if not missing:
        return "", "", "", ""
    others = forms()[(forms()["family"] != ANNUAL)]
    having = others[[bool(set(missing) & set(c)) for c in others["columns"]]]
    years = {name: dict.fromkeys(y for y in having[name] if y) for name in ("years_en", "years_zh")}
    return (
        "; ".join(dict.fromkeys(having["who_en"])), "；".join(dict.fromkeys(having["who_zh"])),
        "; ".join(years["years_en"]), "；".join(years["years_zh"]),
    )  # fmt: skip


def _spans(codes: Iterable[str], held: pd.DataFrame) -> list[str]:
    """First and last year in which nothing lacks of an indicator, for each."""
    by_year = held.groupby("year")["column"].agg(frozenset)
    lacking = {int(year): system.lacking(columns) for year, columns in by_year.items()}
    whole = ([year for year, lacks in lacking.items() if code not in lacks] for code in codes)
    return [f"{years[0]}–{years[-1]}" if years else "" for years in whole]


def _fails(at: Mapping[str, str]) -> Iterator[tuple[list[str], str]]:
    """Columns and the formula of their second row: a part above its total; service revenue that is no sum of its classes."""
    for part, whole in _parts():
        one, all_ = f"${at[part]}2", f"${at[whole]}2"
        yield [at[part], at[whole]], f'AND({one}<>"",{all_}<>"",{one}>{all_}+0.1)'
    first, last, total = (f"${at[line]}2" for line in ("11", "26", "02"))
    yield [at["02"]], f'AND({total}<>"",ABS(SUM({first}:{last})-{total})>0.1)'


def _parts() -> list[tuple[str, str]]:
    """Lines of parts and of their totals, of the contract's rules over columns of the form."""
    numbers = {row["column"]: row["line"] for row in lines().iloc[::-1].to_dict("records")}
    found = [PART.fullmatch(rule.expression) for rule in rules()]
    named = [match.groups() for match in found if match]
    return [(numbers[a], numbers[b]) for a, b in named if a in numbers and b in numbers]


def _words(expression: str) -> set[str]:
    return set(re.findall(r"[a-z_0-9]+", expression))
