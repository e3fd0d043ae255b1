"""What goes out on A4: parts of Word files in the form of official papers, and pages of HTML that print on one sheet each.

Fonts and sizes as GB/T 9704-2012 has them: body in 仿宋, headings in 黑体 and 楷体, titles in 宋体.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BODY, HEADING, SECOND, TITLE = "FangSong", "SimHei", "KaiTi", "SimSun"
LATIN, MISSING = "Times New Roman", "–"
CHINESE = re.compile(r"[\u3400-\u9fff]")
DPI = 180
# Each `section` is one sheet of A4: what is printed is what is seen; on a telephone its text runs on, so that nothing is cut.
STYLE = """
@page{size:A4;margin:0}
*{box-sizing:border-box}
body{margin:0;background:#ddd;color:#111;font:10.5pt/1.5 "Times New Roman","FangSong","STFangsong","Noto Serif CJK SC",serif}
section{width:210mm;height:296mm;margin:0 auto;padding:12mm 18mm 12mm;background:#fff;overflow:hidden;position:relative;
break-after:page}
section:last-of-type{break-after:auto}
h1{font-size:17pt;line-height:1.25;margin:0 0 1.5mm;text-align:center;font-weight:700;
font-family:"Times New Roman","SimSun","Songti SC","Noto Serif CJK SC",serif}
h2{font-size:11pt;line-height:1.3;margin:1.8mm 0 .6mm;font-family:"SimHei","Heiti SC","Noto Sans CJK SC",sans-serif}
p{margin:0 0 1mm;text-align:justify}.indent{text-indent:2em}.under{text-align:center;color:#333}
.warn{border:1pt solid #a33;padding:.8mm 2mm;color:#811;margin-bottom:1mm}.small{font-size:9pt;line-height:1.3;margin-bottom:.5mm}
table{border-collapse:collapse;width:100%;font-size:9pt;line-height:1.3;
border-top:1.2pt solid #000;border-bottom:1.2pt solid #000}
th,td{padding:.35mm 1.5mm;overflow-wrap:anywhere;text-align:left;vertical-align:top}
thead th{border-bottom:.6pt solid #000;font-weight:700}
tbody th{font-weight:400}.n{text-align:right;font-variant-numeric:tabular-nums}.facts th{width:15%;color:#333}.facts td{width:35%}
img{display:block;width:100%;margin:1mm 0}.figures{display:flex;gap:4mm;margin:2mm 0}
.figures div{flex:1;border:.6pt solid #999;padding:2mm;text-align:center}.figures b{display:block;font-size:18pt;line-height:1.3}
.large p{font-size:12.5pt;line-height:1.75;margin-bottom:1.5mm}.large p.small{font-size:10pt}
.large h2{font-size:13.5pt}.large table{font-size:11pt}.large td,.large th{padding:1mm 1.5mm}
footer{position:absolute;left:18mm;right:18mm;bottom:9mm;font-size:8.5pt;color:#333;border-top:.6pt solid #999;padding-top:1mm}
@media print{body{background:none}}
@media screen and (max-width:800px){section{width:auto;height:auto;padding:4mm 3mm;overflow:visible;border-bottom:4px solid #999}
footer{position:static;margin-top:3mm}table{font-size:8pt}th,td{padding:.35mm .6mm}.figures{flex-wrap:wrap}}
"""


# -- texts ---------------------------------------------------------------------------------------
def filled(text: str, *values: object) -> str:
    """A sentence with values in the place of <1>, <2> …"""
    for number, value in enumerate(values, 1):
        text = text.replace(f"<{number}>", str(value))
    return text


def number(value: Any, form: str) -> str:
    """A number in Python's format with a true minus; a dash where there is none, and no sign on what rounds to nothing."""
    if value is None or pd.isna(value):
        return MISSING
    text = format(float(value), form)
    nothing = not any(digit in text for digit in "123456789")
    return text.lstrip("+-") if nothing else text.replace("-", "−")


def known(value: Any) -> bool:
    """Whether a text or number of a row is there."""
    return not (
        value is None or value == "" or value == MISSING or (not isinstance(value, str) and pd.isna(value))
    )


def in_doubt(frame: pd.DataFrame, axes: Mapping[str, str]) -> list[str]:
    """A sentence for each measure whose total the three largest doubts move: its growth, and that with them put right."""
    if "growth_three" not in frame:
        return []
    whole = frame[frame["group"] == axes["total"]]
    lines = []
    for row in whole.to_dict("records"):
        rates = [number(row[name], "+.1f") for name in ("growth", "growth_three")]
        lines += (
            [filled(axes["three"], row["measure"], *rates)]
            if rates[0] != rates[1] and known(row["growth_three"])
            else []
        )
    return lines


def short(text: Any, most: int) -> str:
    """A text that must fit its place: as wide as so many Latin letters; a Chinese character is as wide as two.

    What is cut ends with a whole word, unless one is as long as a third of the place.

    Examples
    --------
    >>> short("services, synthetic Shanghai panel", 28), short("上海合成企业面板", 9)
    ('services, synthetic…', '上海合…')
    """
    plain, wide = " ".join(str(text).split()), 0
    for place, sign in enumerate(plain):
        wide += 1 + (ord(sign) > 0x2E80)
        if wide > most:
            kept, gap, word = plain[: place - 1].rpartition(" ")
            whole = gap and len(word) < most / 3 and plain[place - 1].isalnum() and word.isascii()
            return f"{(kept if whole else plain[: place - 1]).rstrip(' ,;:')}…"
    return plain


def picture(figure: Figure) -> bytes:
    """A figure as PNG of 256 colours at most, which a drawing needs no more of, a third of the size; closed."""
    import matplotlib.pyplot as plt
    from PIL import Image

    stream = io.BytesIO()
    figure.set_dpi(DPI)
    # `tight` would draw the figure once more to find this box.
    box = figure.get_tightbbox().padded(plt.rcParams["savefig.pad_inches"])
    figure.savefig(stream, format="png", dpi=DPI, bbox_inches=box)
    plt.close(figure)
    made, whole = io.BytesIO(), Image.open(stream).convert("RGB")
    few = whole.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(made, "png", dpi=(DPI, DPI), optimize=True)
    return made.getvalue()


# -- HTML ----------------------------------------------------------------------------------------
def sheets(title: str, sections: Iterable[ElementTree.Element]) -> bytes:
    """A page of HTML with a sheet of A4 for each section; it needs no other file and asks for none."""
    root = ElementTree.Element("html", lang="zh-CN" if CHINESE.search(title) else "en")
    head, body = ElementTree.SubElement(root, "head"), ElementTree.SubElement(root, "body")
    ElementTree.SubElement(head, "meta", charset="utf-8")
    ElementTree.SubElement(head, "meta", name="viewport", content="width=device-width")
    ElementTree.SubElement(head, "title").text = title
    ElementTree.SubElement(head, "style").text = STYLE
    body.extend(sections)
    return b"<!DOCTYPE html>\n" + ElementTree.tostring(root, encoding="utf-8", method="html")


def add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """An element with its text; ``cls`` is its class. The tree makes texts inert when it is written."""
    own = {("class" if key == "cls" else key): value for key, value in attributes.items()}
    made = ElementTree.SubElement(parent, name, own)
    made.text = text
    return made


def html_table(
    parent: ElementTree.Element, heads: Sequence[str], lines: Iterable[Sequence[str]], texts: int = 1
) -> None:
    """A table with three rules; columns from ``texts`` on are numbers."""
    table = add(parent, "table")
    row = add(add(table, "thead"), "tr")
    for place, head in enumerate(heads):
        add(row, "th", head, scope="col", **({"cls": "n"} if place >= texts else {}))
    body = add(table, "tbody")
    for line in lines:
        row = add(body, "tr")
        for place, text in enumerate(line):
            if place:
                add(row, "td", text, **({"cls": "n"} if place >= texts else {}))
            else:
                add(row, "th", text, scope="row")


def html_picture(parent: ElementTree.Element, content: bytes, alt: str) -> None:
    """A picture inside the page."""
    add(parent, "img", src=f"data:image/png;base64,{base64.b64encode(content).decode()}", alt=alt)


# -- Word ----------------------------------------------------------------------------------------
def page(title: str, margins: Mapping[str, float]) -> Any:
    """An empty Word file on A4 with margins in millimetres."""
    from docx import Document
    from docx.shared import Mm

    made = Document()
    made.core_properties.title, made.core_properties.author = title[:255], ""
    sheet = made.sections[0]
    sheet.page_width, sheet.page_height = Mm(210), Mm(297)
    for side, width in margins.items():
        setattr(sheet, f"{side}_margin", Mm(width))
    return made


def say(
    made: Any,
    text: str,
    font: str,
    size: float,
    *,
    bold: bool = False,
    centred: bool = False,
    spacing: float = 28,
) -> Any:
    """A paragraph with a line spacing in points; what is not centred is indented by two characters."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = made.add_paragraph()
    paragraph.paragraph_format.line_spacing = Pt(spacing)
    paragraph.paragraph_format.space_after = paragraph.paragraph_format.space_before = Pt(0)
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    else:
        paragraph.paragraph_format.first_line_indent = Pt(2 * size)
    run(paragraph, text, font, size, bold=bold)
    return paragraph


def run(paragraph: Any, text: str, font: str, size: float, *, bold: bool = False) -> None:
    """Text in a paragraph: Latin letters in one font, Chinese in another."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    part = paragraph.add_run(text)
    part.font.name, part.font.size, part.bold = LATIN, Pt(size), bold
    part._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def table(
    made: Any,
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    size: float = 9,
    texts: int | None = None,
    widths: Sequence[float] = (),
) -> Any:
    """A table with a line round every cell; columns from ``texts`` on are numbers, widths in millimetres.

    Without heads it has lines alone.
    """
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    rows = [*([heads] if any(heads) else []), *lines]
    shape = made.add_table(rows=len(rows), cols=len(heads), style="Table Grid")
    for r, line in enumerate(rows):
        for c, (cell, text) in enumerate(zip(shape.rows[r].cells, line, strict=True)):
            own = cell.paragraphs[0]
            own.paragraph_format.space_after, own.paragraph_format.line_spacing = Pt(0), 1.0
            if texts is not None and c >= texts:
                own.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            run(own, text, BODY, size, bold=bool(any(heads)) and r == 0)
            if widths:
                cell.width = Mm(widths[c])
    return shape


def word_picture(made: Any, content: bytes, width: float) -> None:
    """A picture on a line of its own, as wide as so many millimetres."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    made.add_picture(io.BytesIO(content), width=Mm(width))
    own = made.paragraphs[-1]
    own.alignment, own.paragraph_format.space_after = WD_ALIGN_PARAGRAPH.CENTER, Pt(0)


def bytes_of(made: Any) -> bytes:
    """A Word file's content."""
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()
