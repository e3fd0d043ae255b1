"""What stands in files: every cell as text, and of each column what kind of values it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from fusion import engine
from fusion.adapters import stage
from fusion.adapters.errors import AdapterError
from fusion.adapters.headers import normalise
from fusion.adapters.layout import Layout
from fusion.adapters.match import match
from fusion.adapters.model import Adapter, load
from fusion.adapters.panel import choices, look_all
from fusion.adapters.report import scored
from fusion.adapters.units import split
from fusion.classification.codes import MISSING
from fusion.language import listed, said
from fusion.panel.cast import WIDE
from fusion.panel.contract import DATA, MONEY, contract

MOST_ROWS = 500_000  # of one file that are looked at
MOSTLY = 0.9  # share of filled cells that make a column what it is
YEARS = (1900, 2100)
KNOWN = 4  # contract's columns beside the keys that make a file one of enterprises
PLAIN = "wind"  # the built-in adapter for spreadsheets: it takes no unit for granted
TOTALS = ("合计", "总计", "小计", "平均", "Total", "total", "TOTAL", "Sum", "sum")
NOTES = ("数据来源", "资料来源", "注", "备注", "说明", "Source", "source", "Note", "note")
GROUPED = r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?%?$"  # 1,234.5; 1.234,5 is not guessed at
_NARROW = str.maketrans({**WIDE, "％": "%"})
TRUTHS = {"是": 1.0, "否": 0.0, "有": 1.0, "无": 0.0, "yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Word:
    """A row of ``data/start/words.csv``: headers that play a role."""

    role: str
    pattern: re.Pattern[str]
    name: str
    en: str
    zh: str


@dataclass
class Seen:
    """A column of the files.

    Attributes
    ----------
    key : str
        Its header, normalised, without unit.
    column : str
        The contract's column that a built-in adapter takes it for; empty for none.
    cells : pandas.Series
        Trimmed texts, missing where empty.
    values : pandas.Series
        The cells as numbers, also of yes and no; missing where they are none.
    """

    header: str
    key: str
    unit: str
    column: str
    cells: pd.Series
    values: pd.Series
    name: str = ""
    concluded: bool = False  # the contract's column was told from the cells

    @property
    def filled(self) -> int:
        """Cells that hold something."""
        return int(self.cells.notna().sum())

    @property
    def is_number(self) -> bool:
        """Whether nearly all its filled cells are numbers."""
        return bool(self.filled) and int(self.values.notna().sum()) >= MOSTLY * self.filled

    @property
    def is_truth(self) -> bool:
        """Whether it holds zeros and ones alone, and both."""
        return self.is_number and set(self.values.dropna().unique()) == {0.0, 1.0}

    @property
    def is_year(self) -> bool:
        """Whether its numbers are years."""
        found = self.values.dropna()
        return self.is_number and bool((found.between(*YEARS) & (found % 1 == 0)).mean() >= MOSTLY)

    @property
    def stated(self) -> pd.Series:
        """Its years, of dates the first four digits; what is no year of a panel is left out."""
        dates = pd.to_numeric(self.cells.str[:4], errors="coerce")
        found = self.values.where(self.values.between(*YEARS), dates.where(dates.between(*YEARS)))
        return found[found % 1 == 0]

    @property
    def in_words(self) -> dict[str, str]:
        """Values of its yes and no, where it is written so."""
        said_so = {c for c in self.cells.dropna().unique() if c.lower() in TRUTHS}
        return {c: str(int(TRUTHS[c.lower()])) for c in sorted(said_so)}


@dataclass
class Looked:
    """Files that were looked at, as one table."""

    files: list[Path]
    layouts: list[Layout]
    adapter: str
    columns: list[Seen]
    joined: bool = False
    scores: dict[str, int] = field(default_factory=dict)


@cache
def words() -> tuple[Word, ...]:
    """Headers that play a role, in the table's order."""
    table = pd.read_csv(DATA / "start" / "words.csv", dtype=str, keep_default_na=False)
    return tuple(
        Word(r["role"], re.compile(r["pattern"]), r["name"], r["en"], r["zh"])
        for r in table.to_dict("records")
    )


def role(key: str, wanted: str, whole: bool) -> Word | None:
    """The first row of a role whose pattern a header meets, as a whole or in a part."""
    return next(
        (
            w
            for w in words()
            if w.role == wanted and (w.pattern.fullmatch(key) if whole else w.pattern.search(key))
        ),
        None,
    )


def look(files: Sequence[Path]) -> Looked:
    """Look at files that make one panel.

    Raises
    ------
    AdapterError
        When one is no table, or several have neither one header nor keys to join them by.
    """
    chosen = choices("minimal")
    scores = scored(files, chosen)
    best = max(scores, key=lambda name: (scores[name], name == PLAIN))
    if scores.get(PLAIN, 0) >= scores[best] - 1:
        best = PLAIN
    adapter = load(best)
    layouts = look_all(files, adapter, chosen)
    if len(layouts) > len(files):
        raise AdapterError(said("start.wide", file=files[0].name))
    frames = [_frame(layout, adapter) for layout in layouts]
    same = all(list(f.columns) == list(frames[0].columns) for f in frames)
    table = pd.concat(frames, ignore_index=True) if same else _joined(frames, layouts)
    known = {h.text: c for layout in layouts for c, h in layout.mapping.single.items()}
    columns = [_seen(str(name), table[name], known.get(str(name), "")) for name in table.columns]
    _further(columns, scores)
    return Looked(list(files), layouts, best, columns, not same, scores)


def _further(columns: Sequence[Seen], scores: dict[str, int]) -> None:
    """Headers that another built-in adapter alone knows; money only where the header states its unit."""
    of_contract = {c.column: c for c in contract()}
    taken = {c.column for c in columns}
    for name in scores:
        adapter = load(name)
        found = match([c.header for c in columns if not c.column], adapter, of_contract).single
        for column in columns:
            of = next((to for to, h in found.items() if h.text == column.header), "")
            if (
                of
                and not column.column
                and of not in taken
                and (of_contract[of].unit != MONEY or column.unit)
            ):
                column.column, column.concluded = of, True
                taken.add(of)


def is_enterprise(columns: Sequence[Seen]) -> bool:
    """Whether the contract knows enough of the headers, and money among them, to read the file as one of enterprises."""
    of_contract = {c.column: c.unit for c in contract()}
    known = [c for c in columns if c.column and c.column not in ("firm_id", "year", "firm_name", "district")]
    money = [c for c in known if of_contract.get(c.column) == MONEY]
    return len(known) >= KNOWN and bool(money) and any(c.column == "firm_id" for c in columns)


def _frame(layout: Layout, adapter: Adapter) -> pd.DataFrame:
    """Rows of a file as texts, under its headers."""
    con = engine.opened(layout.path.parent)
    folder = stage.beside(con)
    staged = stage.stage(con, layout.looked, layout.header_at, len(layout.texts), "looked", folder)
    cells = ", ".join(f"trim(CAST(c{i} AS VARCHAR)) AS c{i}" for i in range(len(layout.texts)))
    frame = con.con.execute(f"SELECT {cells} FROM {staged.name} LIMIT {MOST_ROWS}").df()
    frame = frame.astype("object").where(frame.notna() & (frame != ""), None)
    first = frame.iloc[:, 0].astype("str")
    notes = first.str.startswith((*adapter.footers, *NOTES)) & frame.iloc[:, 1:].isna().all(axis=1)
    total = first.isin([*adapter.totals, *TOTALS])
    frame = frame.iloc[adapter.label_rows :][lambda f: ~(f.isna().all(axis=1) | notes | total)]
    named = [text or f"column {i + 1}" for i, text in enumerate(layout.texts)]
    return frame.set_axis(named, axis=1).loc[:, lambda f: ~f.columns.duplicated()].reset_index(drop=True)


def _joined(frames: Sequence[pd.DataFrame], layouts: Sequence[Layout]) -> pd.DataFrame:
    """Tables side by side, by the keys that a built-in adapter knows."""
    whole, keys = frames[0], []
    for layout in layouts:
        named = layout.mapping.single
        keys.append({h.text: k for k, h in named.items() if k in ("firm_id", "year")})
    if any("firm_id" not in found.values() for found in keys):
        raise AdapterError(said("start.no_join", files=listed(layout.path.name for layout in layouts)))
    whole = whole.rename(columns=keys[0])
    for frame, found in zip(frames[1:], keys[1:], strict=True):
        by = [k for k in ("firm_id", "year") if k in found.values() and k in whole.columns]
        other = frame.rename(columns=found).drop_duplicates(by)
        kept = [c for c in other.columns if c in by or c not in whole.columns]
        whole = whole.merge(other[kept], on=by, how="left")
    return whole.rename(columns={new: old for old, new in keys[0].items()})


def _seen(header: str, cells: pd.Series, column: str) -> Seen:
    plain, unit = split(normalise(header))
    texts = cells.map(lambda c: None if c is None or pd.isna(c) else str(c))
    # As the panel will read them: digits of full width, separators of thousands, percent signs.
    narrow = texts.str.translate(_NARROW)
    narrow = narrow.str.replace(",", "").where(narrow.str.match(GROUPED, na=False), narrow)
    numbers = pd.to_numeric(narrow.str.removesuffix("%"), errors="coerce")
    # A sign here and there among shares of one makes no column in per cent: 0.45 would be read as 0.45 %.
    percents = narrow.str.endswith("%", na=False) & numbers.notna()
    unit = unit or ("%" if percents.any() and percents.sum() >= MOSTLY * numbers.notna().sum() else None)
    yes = texts.str.lower().map(TRUTHS)
    years = pd.to_numeric(texts.str.extract(r"^([12]\d{3})\s*年[度末]?$")[0], errors="coerce")
    values = numbers.fillna(yes).fillna(years).astype("float64")
    absent = texts.str.upper().isin(MISSING)
    if values.notna().any() and values.notna().sum() >= MOSTLY * (texts.notna() & ~absent).sum():
        texts = texts.mask(absent, None)  # a word for missing in a column of numbers; Namibia's code is none
    return Seen(header, plain, unit or "", column, texts, values)
