"""Doubts for those who ask: a workbook a district or unit with room for answers, letters in Chinese, answers read back.

None of it is published: it names units.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbook import files, inert, paths
from workbook.language import current, listed, said, told

HOME = paths.DATA / "editing"
DISTRICTS = paths.DATA / "synthetic" / "districts.csv"
_ANSWER_ROWS = "FFF2CC"
_SHARES = {"slip": "0.00", "of_total": "0.0", "of_growth": "0.0"}
_LINE, _WIDE = 17, 0x2E80  # points of a line; characters from here on are wide
_ACROSS = 2  # sheets of A4 side by side: what is asked, and what it moves with room for the answer
_UNSAFE = re.compile(r"[^\w-]+")
MONEY = ("元", "千元", "万元", "百万元", "亿元")  # units in which a correction may stand
ALL = "*"  # all money of a form
_EXACT = 0.02  # of a power of ten, for a right value that was rounded
VALUES = ("value", "suggested", "predicted", "low", "high", "before")
_OTHERS = 6  # items that a letter names besides the first


def _table(name: str) -> list[dict[str, str]]:
    return _rows(HOME / name)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _forms(language: str) -> dict[str, str]:
    """Annual form of each column, else that of its establishments, as the table of forms names it."""
    rows = _rows(paths.DATA / "adapters" / "forms.csv")
    asked = [row for family in ("annual", "establishments") for row in rows if row["family"] == family]
    return {c: row[f"title_{language}"] for row in reversed(asked) for c in row["columns"].split("|")}


def check_code(unit: object, year: object, item: object, value: float) -> str:
    """What ties an answer to the value it is about."""
    return hashlib.sha256(f"{unit}|{int(float(str(year)))}|{item}|{value:.6g}".encode()).hexdigest()[:12]


def lines(folder: Path, language: str, most: int, least: float = 0.0) -> pd.DataFrame:
    """Doubts of a study that was run, in the words of the queue.

    Parameters
    ----------
    folder : Path
        The study's folder in the build.
    language : {"en", "zh"}
        Of items and doubts.
    most : int
        Calls at most.
    least : float
        P from which a cell is asked about.

    Returns
    -------
    pandas.DataFrame
        Columns of ``data/editing/queue.csv``, and ``item``, ``factor``.
    """
    outputs = folder / "01_panel"
    queue = files.frame(outputs / "queue.parquet")
    queue = queue.loc[queue["slip"] >= least].assign(
        doubt=lambda q: [_doubt(k, language) for k in q["factor"]]
    )
    queue = queue.rename(columns={"put_right": "suggested"})
    mended = files.frame(outputs / "mendings.parquet")
    mended["doubt"] = [
        said("publish.queue.balance") if np.isnan(slip) else _doubt(factor, language)
        for slip, factor in zip(mended["slip"], mended["factor"], strict=True)
    ]
    queue = pd.concat([queue, mended], ignore_index=True) if len(mended) else queue
    panel = files.frame(outputs / "panel.parquet")
    queue = _with_panel(queue, panel)
    labels = {row["column"]: row[f"label_{language}"] for row in _rows(paths.DATA / "contract" / "panel.csv")}
    queue["item_name"] = queue["item"].map(labels).fillna(queue["item"])
    queue["form"] = (
        queue["item"].map(_forms(language)).fillna("").mask(queue["made"], said("publish.queue.made"))
    )
    districts = {row["district"]: row[f"name_{language}"] for row in _rows(DISTRICTS)}
    code = queue["district"].astype("string").fillna("")
    queue["district_name"] = code.map(districts).fillna(code)
    queue["check"] = [
        check_code(u, y, i, v)
        for u, y, i, v in queue[["unit", "year", "item", "value"]].itertuples(index=False)
    ]
    order = queue.groupby(["unit", "year"], sort=False).ngroup()
    queue = queue.assign(rank=order + 1, whole=queue["whole"].astype(bool)).loc[order < most]
    queue = _as_filled_in(queue)
    for share in ("of_total", "of_growth"):
        queue[share] = 100.0 * queue[share]
    return queue.reset_index(drop=True)


def _as_filled_in(queue: pd.DataFrame) -> pd.DataFrame:
    """Values in the unit of the form; in the panel's where the form's is not known."""
    units = {row["column"]: row["unit"] for row in _rows(paths.DATA / "contract" / "panel.csv")}
    own = queue["filled_in"].replace("", np.nan)
    queue["measure"] = own.fillna(queue["item"].map(units)).fillna("")
    for money in VALUES:
        queue[money] = (queue[money].astype(float) * queue["filled_times"]).round(2)
    return queue


def _doubt(factor: float, language: str) -> str:
    """What is odd, in words."""
    times = 10 ** abs(int(factor))
    key = "publish.queue.too_large" if factor > 0 else "publish.queue.too_small"
    return said(key, times=f"{times:,}")


def _with_panel(queue: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Names, districts and values of the year before, where the panel has them."""
    known = panel.set_index(panel["firm_id"].astype(str))
    for column in ("firm_name", "district"):
        if column in panel:
            held = known[column].dropna()
            queue[column] = queue["unit"].astype(str).map(held[~held.index.duplicated(keep="last")])
        elif column not in queue:
            queue[column] = ""
    items = [c for c in queue["item"].unique() if c in panel]
    long = panel.melt(id_vars=["firm_id", "year"], value_vars=items, var_name="item", value_name="before")
    long = long.astype({"firm_id": str, "year": "int64"}).assign(year=lambda x: x["year"] + 1)
    queue = queue.astype({"year": "int64"}).assign(unit=queue["unit"].astype(str))
    return queue.merge(long.rename(columns={"firm_id": "unit"}), on=["unit", "year", "item"], how="left")


def write(asked: pd.DataFrame, folder: Path, by: str, language: str) -> list[Path]:
    """One workbook for each district (or unit), with room for answers, and one Word file of letters beside it.

    Parameters
    ----------
    asked : pandas.DataFrame
        As :func:`lines` gives it.
    folder : Path
        Where to write.
    by : {"district", "unit"}
        A file for each.
    language : {"en", "zh"}
        Of the heads; letters are in Chinese.

    Returns
    -------
    list of Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, part in asked.groupby(asked[by].fillna("").astype(str), sort=True):
        called = f"{name} {part['district_name'].iloc[0]}" if by == "district" and name else str(name)
        stem = _UNSAFE.sub("_", called)[:60] or "0"
        target = folder / f"{stem}.xlsx"
        _workbook(part, target, language)
        made += [target, _letters(part, folder / f"{stem}.docx")]
    return made


def _workbook(part: pd.DataFrame, target: Path, language: str) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill, Protection
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet: Any = book.active
    sheet.title = said("publish.queue.sheet")
    heads = _table("queue.csv")
    for i, head in enumerate(heads, 1):
        place = sheet.cell(1, i)
        inert.cell(place, head[f"head_{language}"])
        place.font, place.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(i)].width = int(head["width"])
    sheet.row_dimensions[1].height = _tall(heads, {h["column"]: h[f"head_{language}"] for h in heads})
    for r, row in enumerate(part.to_dict("records"), 2):
        sheet.row_dimensions[r].height = _tall(heads, row)
        for i, head in enumerate(heads, 1):
            place = sheet.cell(r, i)
            inert.cell(place, _plain(row.get(head["column"])))
            place.alignment = Alignment(wrap_text=True, vertical="top")
            if head["column"] in VALUES:
                place.number_format = _shown(row[head["column"]])
            place.number_format = _SHARES.get(head["column"], place.number_format)
            if head["answer"] == "yes":
                place.fill, place.protection = (
                    PatternFill("solid", fgColor=_ANSWER_ROWS),
                    Protection(locked=False),
                )
    allowed = ",".join(row[language] for row in _table("answers.csv"))
    pick = DataValidation(type="list", formula1=f'"{allowed}"', allow_blank=True)
    column = get_column_letter(1 + [h["column"] for h in heads].index("answer"))
    pick.add(f"{column}2:{column}{len(part) + 1}")
    sheet.add_data_validation(pick)
    sheet.freeze_panes, sheet.protection.sheet = "D2", True
    _on_paper(sheet)
    book.save(target)


def _tall(heads: list[dict[str, str]], row: dict[str, Any]) -> float:
    """Height of a row whose texts are broken at their columns' widths; a Chinese character is as wide as two letters."""
    texts = ((str(row.get(h["column"]) or ""), int(h["width"]) - 1) for h in heads)
    broken = (-(-sum(1 + (ord(sign) > _WIDE) for sign in text) // width) for text, width in texts if text)
    return float(_LINE * max(1, *broken))


def _on_paper(sheet: Any) -> None:
    """A4 across, two sheets side by side, who is asked on both, heads on each; no letter smaller than eight points."""
    from openpyxl.worksheet.page import PageMargins

    setup = sheet.page_setup
    setup.orientation, setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    setup.fitToWidth, setup.fitToHeight = _ACROSS, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.6, footer=0.25)
    sheet.print_title_rows, sheet.print_title_cols = "1:1", "A:B"
    sheet.oddFooter.center.text = "&P / &N"


def _shown(value: Any) -> str:
    """How Excel shows an amount: with decimals where it has any."""
    return "#,##0" if pd.notna(value) and float(value).is_integer() else "#,##0.00"


def _plain(value: Any) -> Any:
    """A value as Excel takes it."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return None
    return value.item() if isinstance(value, np.generic) else value


def _letters(part: pd.DataFrame, target: Path) -> Path:
    """A letter for each call, a page each."""
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    made = Document()
    style = made.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(12)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "SimSun")
    made.sections[0].page_width, made.sections[0].page_height = Mm(210), Mm(297)
    for position, (_, call) in enumerate(part.groupby("rank", sort=True)):
        if position:
            made.add_page_break()
        paragraphs = list(_letter(call))
        for i, text in enumerate(paragraphs):
            paragraph = made.add_paragraph()
            run = paragraph.add_run(inert.word(text))
            if i == 0:
                run.bold, run.font.size, paragraph.alignment = True, Pt(16), WD_ALIGN_PARAGRAPH.CENTER
            elif i == len(paragraphs) - 1:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            elif i > 1:
                paragraph.paragraph_format.first_line_indent = Pt(24)
    made.save(str(target))
    return target


def _letter(call: pd.DataFrame) -> Iterator[str]:
    """The paragraphs of one letter: nothing of other units, no totals."""
    first = call.loc[~call["made"]].iloc[0] if not call["made"].all() else call.iloc[0]
    more = call.loc[call["value"].notna() & ~call["made"]].drop(index=first.name, errors="ignore")
    same = more["file"].eq(first["file"])
    others, elsewhere = (_named(part.iloc[:_OTHERS]) for part in (more.loc[same], more.loc[~same]))
    name = first["firm_name"] if isinstance(first["firm_name"], str) and first["firm_name"] else _zh("you")
    values = {
        "name": name,
        "unit": first["unit"],
        "year": int(first["year"]),
        "form": (_forms("zh").get(first["item"]) if not first["made"] else "") or _zh("annual"),
        "item": first["item_name"],
        "value": _number(first["value"]),
        "measure": first["measure"],
        "compared": _compared(first),
        "others": _zh("others", others=others) if others else "",
        "elsewhere": _zh("elsewhere", others=elsewhere) if elsewhere else "",
    }
    text = (HOME / "letter.zh.md").read_text("utf-8")
    for paragraph in text.split("\n\n"):
        filled = paragraph.strip().format(**values)
        if filled:
            yield filled


def _named(part: pd.DataFrame) -> str:
    """Items with what was reported, one after the other."""
    items = part[["item_name", "value", "measure"]].itertuples(index=False)
    return "\u3001".join(f"{name} {_number(value)} {unit}" for name, value, unit in items)


def _number(value: float) -> str:
    """With thousands and at most two decimals."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _zh(key: str, **values: object) -> str:
    return told("zh", f"publish.letter.{key}", **values)


def _compared(first: pd.Series) -> str:
    """The value beside the year before."""
    before, value = first["before"], first["value"]
    if not (pd.notna(before) and before > 0 and value > 0):
        return _zh("unlike_peers" if pd.notna(first["slip"]) else "unlike_balance")
    times = value / before
    key = "times" if times >= 1 else "only"
    measure = first["measure"]
    return _zh(
        key, before=_number(before), measure=measure, times=f"{times:,.1f}", share=f"{100 * times:.2g}"
    )


def answers(
    sources: Sequence[Path], asked: pd.DataFrame, table: Callable[[Path], list[list[Any]]]
) -> tuple[pd.DataFrame, list[str]]:
    """Answers that came back, as corrections, and what cannot be applied.

    Parameters
    ----------
    sources : sequence of Path
        Workbooks that were sent out and filled in.
    asked : pandas.DataFrame
        The queue as it is now: an answer to a value that has changed since is stale.
    table : callable
        Gives the rows of a workbook's first sheet, or raises ValueError.

    Returns
    -------
    corrections : pandas.DataFrame
        As ``panel.corrections`` reads them.
    refused : list of str
        Each with file and row: damaged workbooks, unknown or stale check codes, no answer beside a value, a value beside
        "right as it is", none beside a mistake, no number, no date, two answers for one cell.
    """
    known = asked.drop_duplicates("check").set_index("check")
    kinds = {row[lang]: row for row in _table("answers.csv") for lang in ("zh", "en")}
    found: dict[str, dict[str, object]] = {}
    refused: list[str] = []
    for source in sources:
        try:
            rows = _filled(table(source))
        except ValueError as error:
            refused.append(said("publish.queue.unread", file=source.name, reason=error))
            continue
        for number, row in rows:
            if not any(row.get(c) for c in ("answer", "right")):
                continue
            fault = _fault(row, known.index, kinds, found)
            if fault:
                where = {"file": source.name, "row": number, "value": row.get("answer") or ""}
                refused.append(said(f"publish.queue.{fault}", **where, allowed=listed(_allowed())))
                continue
            kind = kinds[str(row["answer"])]
            if kind["kind"]:
                found[str(row["check"])] = _correction(row, known.loc[str(row["check"])], kind["kind"])
    corrected = pd.DataFrame(list(found.values()), columns=list(_CORRECTION))
    return corrected.drop_duplicates(["unit", "year", "field", "factor"], ignore_index=True), refused


def _allowed() -> list[str]:
    """Answers of the list in the reader's language."""
    return [row[current()] for row in _table("answers.csv")]


_CORRECTION = (
    "unit",
    "year",
    "field",
    "old",
    "new",
    "factor",
    "measure",
    "kind",
    "reason",
    "source",
    "who",
    "decided_at",
)


def _filled(cells: list[list[Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a workbook that came back, from 2, by the names of the queue's columns."""
    names = {row[f"head_{lang}"]: row["column"] for row in _table("queue.csv") for lang in ("zh", "en")}
    heads = [names.get(str(head).strip(), str(head)) for head in cells[0]] if cells else []
    for number, row in enumerate(cells[1:], 2):
        told = (cell.strip() or None if isinstance(cell, str) else cell for cell in row)
        yield number, dict(zip(heads, told, strict=False))


def _fault(row: dict[str, Any], known: pd.Index, kinds: dict[str, Any], found: dict[str, Any]) -> str:
    """Why an answer cannot be taken, as the name of a sentence; empty if it can."""
    answer, right = row.get("answer"), row.get("right")
    number = pd.to_numeric(str(right).replace(",", ""), errors="coerce") if right is not None else np.nan
    kind = kinds.get(str(answer), {}).get("kind")
    tests = {
        "unknown_code": str(row.get("check")) not in known,
        "twice": str(row.get("check")) in found,
        "no_answer": str(answer) not in kinds,
        "no_number": right is not None and not np.isfinite(number),
        "right_with_value": kind == "confirmed" and right is not None,
        "wrong_without_value": kind in ("slip", "other") and right is None,
        "no_date": bool(row.get("decided_at"))
        and pd.isna(pd.to_datetime(str(row["decided_at"])[:10], errors="coerce")),
        "no_signature": bool(kind) and not all(row.get(c) for c in ("who", "decided_at")),
    }
    return next((name for name, failed in tests.items() if failed), "")


def _correction(row: dict[str, Any], asked: pd.Series, kind: str) -> dict[str, object]:
    """A line of the file of corrections; a slip of unit where the whole form is doubted is one of all its money."""
    right = None if kind == "confirmed" else float(str(row["right"]).replace(",", ""))
    power = np.log10(asked["value"] / right) if right and asked["value"] / right > 0 else np.nan
    exact = right is not None and abs(power - round(power)) < _EXACT if np.isfinite(power) else False
    whole = bool(asked["whole"]) and (kind == "confirmed" or (kind == "slip" and exact))
    # Amounts stay in the unit of the form, others return to the panel's.
    amount = asked["measure"] in MONEY
    back = 1.0 if amount else 1.0 / asked["filled_times"]
    new = None if right is None else right * back
    cell = {"field": asked["item"], "old": asked["value"] * back, "new": new, "factor": ""}
    form = {"field": ALL, "old": "", "new": "", "factor": round(power) if exact else ""}
    return {
        "unit": asked["unit"],
        "year": int(asked["year"]),
        **(form if whole else cell if right is not None else cell | {"old": "", "new": ""}),
        "measure": asked["measure"] if amount else "",
        "kind": kind,
        "reason": row.get("reason") or str(row["answer"]),
        "source": "queue",
        "who": row["who"],
        "decided_at": str(row["decided_at"])[:10],
    }
