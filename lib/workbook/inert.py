"""Texts that come from files, made inert: one function for each target.

Titles, labels, names, notes and codes are written by whoever made a study's file or its data. Nothing in them may act:
no markup on a page, no formula in a spreadsheet, no command in LaTeX, no escape sequence in a terminal. Each target has
its own function here and no other module escapes by itself (a test looks).
"""

from __future__ import annotations

import html as _html
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Control characters, marks that turn the direction of writing (what is read is then not what is there), halves of
# characters and what XML does not allow.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# Whatever some reader takes for the end of a line.
BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_MARKDOWN = re.compile(r"""([\\`*_{}\[\]<>()#+!|$~^&%-])""")
# A leading number and stop would begin a list, colons a block.
_FIRST = re.compile(r"^(\d*)([.):])")
# Spreadsheets run a cell that begins so, also in full width, and skip blanks and marks before it.
_RUNS = re.compile("^[\\s\ufeff\u200b]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"^[+-]?(\d+(,\d{3})*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*%?$")
# Longest text in a picture, in Word's properties, and in one cell of Excel.
DRAWN, PROPERTY, CELL = 120, 255, 32_767


def plain(value: object) -> str:
    """Text on one line without what cannot be printed; what all other functions begin with."""
    return UNPRINTABLE.sub("", BREAKS.sub(" ", str(value)))


def html(value: object) -> str:
    """For HTML, between tags and in quoted attributes."""
    return _html.escape(plain(value), quote=True)


def markdown(value: object) -> str:
    """For Markdown and MyST: no emphasis, link, formula, role, directive, substitution or HTML begins in it."""
    one = _MARKDOWN.sub(r"\\\1", " ".join(plain(value).split()))
    return _FIRST.sub(r"\1\\\2", one)


def code(value: object) -> str:
    """For a stretch of code between backticks in Markdown, where nothing is escaped."""
    return plain(value).replace("`", "'") or " "


def raw(content: str) -> str:
    """Finished HTML as a MyST block; on one line, so that nothing in it can close the block."""
    return "~~~{raw} html\n" + plain(content) + "\n~~~"


def tex(value: object) -> str:
    """For LaTeX: what it reserves is escaped, and signs that it lacks are mathematics."""
    return "".join(_TEX.get(character, character) for character in plain(value))


def word(value: object) -> str:
    """For a run of text in Word; the format itself escapes, but refuses control characters."""
    return plain(value)


def title_of_file(value: object) -> str:
    """For the title in a Word file's properties, which may not be longer than 255 characters."""
    return _short(plain(value), PROPERTY)


def cell(place: Any, value: Any) -> None:
    """Put a value into a cell of Excel; text is text, marked so that it stays text when someone edits the cell."""
    if not isinstance(value, str):
        place.value = value
        return
    text = _short(plain(value), CELL)
    place.value = text
    place.data_type = "s"  # openpyxl takes "=1+1" for a formula and "#N/A" for an error
    place.quotePrefix = bool(_RUNS.match(text))


def csv(value: Any) -> Any:
    """For a cell of CSV: text that a spreadsheet would run gets an apostrophe in front; numbers stay.

    The rule (also in SECURITY.md): text is on one line, tabs and line ends are blanks; if its first sign is ``=``, ``+``,
    ``-`` or ``@`` and it is no number, it is written with ``'`` before it, and so is text that begins with ``'``: who
    reads the file with a program takes one leading apostrophe away and has the text as it was.
    """
    if not isinstance(value, str):
        return value
    text = plain(value)
    runs = text.startswith("'") or (_RUNS.match(text) and not _NUMBER.match(text))
    return f"'{text}" if runs else text


def csv_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose texts and heads are as :func:`csv` writes them; numbers are not touched."""
    found = frame.copy(deep=False)
    for name in found.columns[
        [str(kind) in ("object", "str", "string", "category") for kind in found.dtypes]
    ]:
        found[name] = found[name].astype(object).map(csv, na_action="ignore")
    found.columns = found.columns.map(csv)
    return found


def drawn(value: object) -> str:
    """For a picture: one line of bearable length. Formulas are not read there (see ``exhibits.style``).

    matplotlib leaves labels that begin with ``_`` out of legends; a blank of no width before it keeps them.
    """
    text = _short(plain(value), DRAWN)
    return f"\u200b{text}" if text.startswith("_") else text


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


_TEX = {character: "\\" + character for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "→": r"$\rightarrow$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "✓": r"$\surd$",
    **{sign: f"$^{digit}$" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{sign: f"$_{digit}$" for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    "⁻": "$^-$",
    "′": "$'$",
    "∪": r"$\cup$",
    "∩": r"$\cap$",
    "∈": r"$\in$",
    "∑": r"$\sum$",
    "∏": r"$\prod$",
    "∝": r"$\propto$",
    "←": r"$\leftarrow$",
    "↔": r"$\leftrightarrow$",
    "≡": r"$\equiv$",
    "Δ": r"$\Delta$",
    "Σ": r"$\Sigma$",
    **{
        sign: f"$\\{name}$"
        for sign, name in {
            "α": "alpha",
            "β": "beta",
            "γ": "gamma",
            "δ": "delta",
            "ε": "varepsilon",
            "ζ": "zeta",
            "η": "eta",
            "θ": "theta",
            "κ": "kappa",
            "λ": "lambda",
            "μ": "mu",
            "ν": "nu",
            "π": "pi",
            "ρ": "rho",
            "σ": "sigma",
            "τ": "tau",
            "φ": "varphi",
            "χ": "chi",
            "ψ": "psi",
            "ω": "omega",
        }.items()
    },
}
