"""The lines of a table of columns, from its long frame of estimates and what its notebook says of its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbook.exhibits.words import COLON, JOIN, MISSING, Filler, missing, number

HIDDEN = "[c]"
ALL = "all"
# A name in a condition, or a text in quotes.
NAME = re.compile(r'"[^"]*"|[^\W\d]\w*')
# A value of a column as a term (estimators.tables.levels), and how a study writes all of them.
LEVEL = " = "
LEVELS = re.compile(r"levels\((\w+).*\)")
COUNTS = ("n", "units", "clusters", "clusters_2")
UNDER = {"se": "std_error", "t": "statistic", "p": "p_value"}
# Lines that say what a column is; where all agree the note says it.
SAID = ("errors", "sample", "weights", "estimator", "like")


@dataclass(frozen=True)
class Line:
    """A printed line.

    Attributes
    ----------
    kind : {"panel", "head", "coef", "under", "foot", "test"}
    cells : list of str
        What names the line, then a cell for each column.
    values : list
        The cells' numbers at full precision; None where there is none.
    formats : list of str
        How a spreadsheet shows each number.
    """

    kind: str
    cells: list[str]
    values: list[Any] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Grid:
    """A table as it is printed.

    Attributes
    ----------
    heads : list of list of (str, int)
        Lines of heads over the columns, each text with the number of columns that it stands over.
    lines : list of Line
    columns : int
        Columns beside the one that names the lines.
    landscape : bool
        Whether its page is turned.
    """

    heads: list[list[tuple[str, int]]]
    lines: list[Line]
    columns: int
    landscape: bool = False

    def flat(self) -> pd.DataFrame:
        """As a table of one line of heads, for programs that know no other."""
        names = [" ".join(filter(None, parts)) for parts in zip(*map(_spread, self.heads), strict=True)]
        cells = [line.cells for line in self.lines]
        return pd.DataFrame(dict(enumerate(zip(*cells, strict=True)))).set_axis(["", *names], axis=1)


def grid(
    frame: pd.DataFrame, table: Mapping[str, Any], filler: Filler, hidden: pd.DataFrame | None = None
) -> Grid:
    """The lines of a table.

    Parameters
    ----------
    frame : DataFrame
        ``panel column kind term``, estimates and foot (``estimators.tables.long``).
    table : mapping
        The table's settings and what its columns are (``estimators.tables.laid_out``).
    filler : Filler
        The language.
    hidden : DataFrame of bool, optional
        Cells that secrecy took away.
    """
    return _Maker(frame, table, filler, hidden).made()


class _Maker:
    def __init__(
        self, frame: pd.DataFrame, table: Mapping[str, Any], filler: Filler, hidden: pd.DataFrame | None
    ) -> None:
        self.table, self.filler, self.words = table, filler, filler.words
        self.panels = table["panels"]
        self.columns = max(len(panel["columns"]) for panel in self.panels)
        self.common = table["common"]
        digits = table["digits"]
        given = digits if isinstance(digits, dict) else dict.fromkeys(("coef", "under", "stats"), digits)
        self.digits = {name: given.get(name, 3) for name in ("coef", "under", "stats")}
        self.cells = {
            (row["panel"], int(row["column"]), row["term"]): (row, position)
            for position, row in enumerate(frame.to_dict("records"))
        }
        self.hidden = hidden
        self.columns_named = filler.words.columns()
        self.names: dict[str, Any] = dict(filler.parameters.get("names") or {})

    def made(self) -> Grid:
        several = len(self.panels) > 1
        first = self._heads(self.panels[0])
        lines: list[Line] = []
        feet = [list(self._foot(panel)) for panel in self.panels]
        same = [line for line in feet[0] if all(line.cells in [o.cells for o in foot] for foot in feet)]
        for panel, foot in zip(self.panels, feet, strict=True):
            if several:
                lines.append(Line("panel", [self._panel(panel), *[""] * self.columns]))
                lines += [Line("head", ["", *_spread(h)]) for h in self._heads(panel) if h not in first]
            lines += self._coefficients(panel)
            own = [line for line in foot if not several or line.cells not in [o.cells for o in same]]
            lines += [*(own if several else foot), *self._tests(panel)]
        lines += same if several else []
        return Grid(first, lines, self.columns, bool(self.table["landscape"]))

    # -- heads ---------------------------------------------------------------------------------
    def _heads(self, panel: Mapping[str, Any]) -> list[list[tuple[str, int]]]:
        columns = panel["columns"]
        rows = [[self._said(one["group"]) for one in columns]]
        if "outcome" not in self.common:
            rows.append([self._label(one["outcome"]) for one in columns])
        rows.append([self._head(one) for one in columns])
        kept = [_joined(row) for row in rows if any(row)]
        kept.append([(f"({number})", 1) for number in range(1, len(columns) + 1)])
        short = self.columns - len(columns)
        return [[*row, *[("", 1)] * short] for row in kept]

    def _head(self, column: Mapping[str, Any]) -> str:
        if column["head"]:
            return self._said(column["head"])
        if column["stage"]:
            return self.words.of("table_word", "first_stage")
        if column["value"]:
            return self._label(LEVEL.join(column["value"]))
        return ""

    def _panel(self, panel: Mapping[str, Any]) -> str:
        return self.words.of("table_word", "panel").replace("@", str(panel["panel"])) + self._said(
            panel["head"]
        )

    # -- coefficients ----------------------------------------------------------------------------
    def _coefficients(self, panel: Mapping[str, Any]) -> Iterator[Line]:
        for term in self._terms(panel):
            cells = [self._cell(panel, n, term) for n in range(1, self.columns + 1)]
            label = self._label(term)
            top, below = [self._estimate(cell) for cell in cells], [self._under(cell) for cell in cells]
            yield Line(
                "coef",
                [label, *(c[0] for c in top)],
                [None, *(c[1] for c in top)],
                ["", *(c[2] for c in top)],
            )
            yield Line(
                "under",
                ["", *(c[0] for c in below)],
                [None, *(c[1] for c in below)],
                ["", *(c[2] for c in below)],
            )

    def _terms(self, panel: Mapping[str, Any]) -> list[str]:
        rows = [
            row for (letter, number, _), (row, _) in self.cells.items() if letter == panel["panel"] and number
        ]
        show = self.table["show"]
        if show and show != [ALL]:
            found = dict.fromkeys(row["term"] for row in rows)
            return [term for name in show for term in found if term == name or term.startswith(_levels(name))]
        kinds = ("treatment", "control", "constant") if show else ("treatment",)
        found = dict.fromkeys(row["term"] for kind in kinds for row in rows if row["kind"] == kind)
        return list(found) or list(dict.fromkeys(row["term"] for row in rows))

    def _cell(self, panel: Mapping[str, Any], column: int, term: str) -> Any:
        return self.cells.get((panel["panel"], column, term))

    def _estimate(self, cell: Any) -> tuple[str, Any, str]:
        if cell is None:
            return "", None, ""
        row, position = cell
        if self._is_hidden(position, "estimate"):
            return HIDDEN, None, ""
        if missing(row["estimate"]):
            return MISSING, None, ""
        mark = "†" if row["one"] == "all" else ""
        stars = "*" * sum(row["p_value"] < p for p in self.table["stars"] or [])
        places = "0." + "0" * self.digits["coef"] if self.digits["coef"] else "0"
        shown = number(float(row["estimate"]), f",.{self.digits['coef']}f")
        return (
            shown + stars + mark,
            float(row["estimate"]),
            f'{places}"{stars}{mark}"' if stars + mark else places,
        )

    def _under(self, cell: Any) -> tuple[str, Any, str]:
        if cell is None:
            return "", None, ""
        row, position = cell
        spec, kind = f",.{self.digits['under']}f", self.table["under"]
        names = ["ci_low", "ci_high"] if kind == "ci" else [UNDER[kind]]
        if any(self._is_hidden(position, name) for name in names):
            return HIDDEN, None, ""
        if missing(row["estimate"]):
            return "", None, ""
        mark = "†" if row["one"] == "errors" else ""
        shown = [number(float(row[name]), spec) for name in names]
        if kind == "ci":
            return f"[{', '.join(shown)}]{mark}", None, ""
        places = "0." + "0" * self.digits["under"] if self.digits["under"] else "0"
        return f"({shown[0]}){mark}", float(row[names[0]]), f'"("{places}"){mark}"'

    # -- foot --------------------------------------------------------------------------------------
    def _foot(self, panel: Mapping[str, Any]) -> Iterator[Line]:
        columns = panel["columns"]
        for stat in self.table["stats"]:
            if stat == "effects":
                yield from self._effects(columns)
            elif stat == "controls":
                if any(one["controls"] for p in self.panels for one in p["columns"]):
                    yield self._flags(
                        self.words.of("table_stat", "controls"), [bool(one["controls"]) for one in columns]
                    )
            elif stat in SAID:
                yield from self._spoken(stat, columns)
            else:
                yield from self._numbers(stat, panel)
        for stat in ("errors", "sample", "like", "estimator", "weights"):
            if stat not in self.common and stat not in self.table["stats"]:
                yield from self._spoken(stat, columns)
        names = dict.fromkeys(name for one in columns for name in one["mark"])
        for name in names:
            marks = [one["mark"].get(name, False) for one in columns]
            cells = [self._flag(mark) if isinstance(mark, bool) else self._both(mark) for mark in marks]
            yield Line("foot", [self._both(name), *self._padded(cells)])

    def _effects(self, columns: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
        every = dict.fromkeys(
            name for panel in self.panels for one in panel["columns"] for name in one["effects"]
        )
        for name in every:
            group, sloped, of = name.partition("~")
            word = self.words.of("table_word", "slopes" if sloped else "effects")
            label = word.replace("@", self.words.of("effects", group)).replace("#", self._label(of))
            label = label[:1].upper() + label[1:]
            yield self._flags(label, [name in one["effects"] for one in columns])

    def _spoken(self, stat: str, columns: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
        label = self.words.of("table_stat", stat)
        yield Line("foot", [label, *self._padded([self._of(stat, one) for one in columns])])

    def _of(self, stat: str, column: Mapping[str, Any]) -> str:
        value = column[stat]
        if stat == "errors":
            word = self.words.of("table_errors", value)
            return word + (
                COLON[self.words.language] + self.words.of("effects", column["cluster"])
                if column["cluster"]
                else ""
            )
        if stat == "sample":
            return JOIN[self.words.language].join(map(self._sample, value)) or self.words.of(
                "table_word", "all"
            )
        if stat == "weights":
            return self._label(value) if value else MISSING
        return self.words.of("table_estimator" if stat == "estimator" else "table_like", value)

    def _sample(self, name: str) -> str:
        known = self.names.get(name)
        return str(known[self.words.language]) if known else NAME.sub(self._word, self.words.of("own", name))

    def _word(self, found: re.Match[str]) -> str:
        """A column in a condition by its label; texts in quotes stay."""
        name = found[0]
        return self._label(name) if name in self.columns_named else name

    def _label(self, name: str) -> str:
        column, sign, value = name.partition(LEVEL)
        if sign:
            return self._label(column) + COLON[self.words.language] + self.words.of("value", value)
        known = self.names.get(name)
        return str(known[self.words.language]) if known else self.words.label(name, unit=False)

    def _numbers(self, stat: str, panel: Mapping[str, Any]) -> Iterator[Line]:
        cells, values = [], []
        spec = ",.0f" if stat in COUNTS else f",.{self.digits['stats']}f"
        for column in range(1, self.columns + 1):
            rows = [c for (letter, n, _), c in self.cells.items() if (letter, n) == (panel["panel"], column)]
            gone = bool(rows) and any(self._is_hidden(position, stat) for _, position in rows)
            value = next((row[stat] for row, _ in rows if not missing(row[stat])), None)
            values.append(None if gone or value is None else float(value))
            empty = "" if not rows else MISSING
            cells.append(HIDDEN if gone else empty if value is None else number(float(value), spec))
        if any(value is not None for value in values) or HIDDEN in cells:
            places = "0" if stat in COUNTS else "0." + "0" * self.digits["stats"]
            formats = ["", *[places] * len(cells)]
            yield Line("foot", [self.words.of("table_stat", stat), *cells], [None, *values], formats)

    def _tests(self, panel: Mapping[str, Any]) -> Iterator[Line]:
        for (letter, column, term), (row, position) in self.cells.items():
            if letter != panel["panel"] or column:
                continue
            how, rest = term.split(":", 1)
            names, of = rest.rsplit(":", 1)
            said = JOIN[self.words.language].join(
                self._label(LEVELS.sub(r"\1", name)) for name in names.split("*")
            )
            where = " = ".join(f"({n})" for n in of.split(","))
            label = self.words.of("table_word", how).replace("@", said).replace("#", where)
            gone = self._is_hidden(position, "p_value")
            shown = HIDDEN if gone else number(float(row["p_value"]), f".{self.digits['stats']}f")
            cells = ["" if n != int(of.split(",")[-1]) else shown for n in range(1, self.columns + 1)]
            values = [None if gone or not cell else float(row["p_value"]) for cell in cells]
            yield Line("test", [label, *cells], [None, *values], ["", *["0.000"] * len(cells)])

    # -- words ---------------------------------------------------------------------------------------
    def _flags(self, label: str, flags: Sequence[bool]) -> Line:
        return Line("foot", [label, *self._padded([self._flag(one) for one in flags])])

    def _flag(self, flag: bool) -> str:
        return self.words.of("table_flag", flag)

    def _padded(self, cells: Sequence[str]) -> list[str]:
        return [*cells, *[""] * (self.columns - len(cells))]

    def _said(self, text: Mapping[str, str] | None) -> str:
        return str(text[self.words.language]) if text else ""

    def _both(self, text: str) -> str:
        """``English | 中文``: the part that fits."""
        first, _, second = (part.strip() for part in text.partition("|"))
        return (second or first) if self.words.language == "zh" else first

    def _is_hidden(self, position: int, name: str) -> bool:
        return self.hidden is not None and name in self.hidden and bool(self.hidden[name].iloc[position])


def _levels(name: str) -> str:
    """How terms of ``levels(x)`` begin; for another name no term does."""
    found = LEVELS.fullmatch(name)
    return f"{found[1]}{LEVEL}" if found else f"{name}{LEVEL}{LEVEL}"


def _joined(row: Sequence[str]) -> list[tuple[str, int]]:
    """Neighbours of the same head under one."""
    found: list[tuple[str, int]] = []
    for text in row:
        if found and text and found[-1][0] == text:
            found[-1] = (text, found[-1][1] + 1)
        else:
            found.append((text, 1))
    return found


def _spread(row: Sequence[tuple[str, int]]) -> list[str]:
    return [text for text, span in row for _ in range(span)]
