"""What stands in files: every cell as text, and of each column what kind of values it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd

from fusion import engine
from fusion.adapters import stage, wide
from fusion.adapters.errors import AdapterError
from fusion.adapters.expressions import COMMA, LAST_YEAR, SENTENCE
from fusion.adapters.headers import normalise
from fusion.adapters.layout import Choices, FileRows, Layout, account, staged, summed_rows
from fusion.adapters.layout import look as layout_of
from fusion.adapters.match import match
from fusion.adapters.model import Adapter, Spread, load
from fusion.adapters.panel import choices, look_all
from fusion.adapters.report import scored
from fusion.adapters.units import split
from fusion.classification.codes import MISSING
from fusion.language import listed, said
from fusion.panel import labelled
from fusion.panel.cast import WIDE
from fusion.panel.contract import DATA, MONEY, contract
from fusion.panel.sheets import KINDS

MOST_ROWS = 500_000  # of one file that are looked at
MOSTLY = 0.9  # share of filled cells that make a column what it is
YEARS = (1900, 2100)
KNOWN = 4  # contract's columns beside the keys that make a file one of enterprises
YEAR = "year"  # header of the years that no column holds
ITEM = re.compile(r"indicator|series|variable|指标|项目")  # headers of the cell that names a table's one item
PLACES: tuple[Literal["title", "sheet", "name"], ...] = ("title", "sheet", "name")  # where they may stand
# As keys of two tables meet: 2012-12-31 is 2012, 000001.SZ is 1.
KEYED: dict[str, Callable[[object], object]] = {
    "firm_id": lambda cell: re.sub(
        r"^(?:(?:SH|SZ|BJ)\.?)?0*(\d+)(?:\.[A-Z]+|\.0)?$", r"\1", str(cell).upper()
    ),
    "year": lambda cell: found[0] if (found := re.search(r"[12]\d{3}", str(cell))) else cell,
}
_NUMBERED = re.compile(
    r"(代码|编码|编号|代号|序号|名称|名|码|id|[ _]?(identifier|code|index|number|name|no))$"
)
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
    label: str = ""  # what the file calls it, beside its header
    categories: bool = False  # the file has a word for each of its numbers
    of_file: str = ""  # of several files that have one item each the one whose name names it

    @property
    def shown(self) -> str:
        """Its header, with what the file calls it where that alone is in words: B001101000 (营业收入)."""
        coded = self.label and self.header.isascii() and not self.label.isascii()
        return f"{self.header} ({self.label})" if coded else self.header

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
        """Its years, of dates the four digits at either end; what is no year of a panel is left out."""
        first = pd.to_numeric(self.cells.str[:4], errors="coerce")
        last = pd.to_numeric(self.cells.str.extract(LAST_YEAR)[0], errors="coerce")
        dates = first.where(first.between(*YEARS), last)
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
    years_by: str = ""  # who says the year where no column does: wide (headers), sheet, title, name
    comma: bool = False
    also: dict[str, list[str]] = field(default_factory=dict)  # a key's headers in the tables that join
    sheet: str = ""  # the one that is read, where a workbook has others
    spread: Spread | None = None
    rows: list[FileRows] = field(default_factory=list)  # of tables of which an adapter chooses rows
    repeated: list[Path] = field(
        default_factory=list
    )  # files to be joined that have several rows of a unit and year


@cache
def words() -> tuple[Word, ...]:
    """Headers that play a role, in the table's order."""
    table = pd.read_csv(DATA / "start" / "words.csv", dtype=str, keep_default_na=False)
    return tuple(
        Word(r["role"], re.compile(r["pattern"]), r["name"], r["en"], r["zh"])
        for r in table.to_dict("records")
    )


def role(key: str, wanted: str, whole: bool) -> Word | None:
    """The first row of a role whose pattern a header meets, as a whole or in a part; a unit's number or name is the unit's."""
    found = _role(key, wanted, whole)
    bare = _NUMBERED.sub("", key) if wanted == "unit" and whole else key
    return found if found or bare in ("", key) else _role(bare, wanted, whole)


def _role(key: str, wanted: str, whole: bool) -> Word | None:
    return next(
        (
            w
            for w in words()
            if w.role == wanted and (w.pattern.fullmatch(key) if whole else w.pattern.search(key))
        ),
        None,
    )


def look(files: Sequence[Path], spread: Spread | None = None) -> Looked:
    """Look at files that make one panel.

    Parameters
    ----------
    files : sequence of pathlib.Path
    spread : Spread, optional
        How those of them are spread that have items below one another.

    Raises
    ------
    AdapterError
        When one is no table, or several have neither one header nor keys to join them by.
    """
    chosen = choices("minimal")
    scores = _scored(files, chosen)
    best = max(scores, key=lambda name: (scores[name], name == PLAIN))
    if scores.get(PLAIN, 0) >= scores[best] - 1:
        best = PLAIN
    adapter = load(best).model_copy(update={"wide": True, "year_of": list(PLACES), "spread": spread})
    layouts = [layout for file in files for layout in _tables(file, adapter, chosen)]
    forms = adapter.combine == "forms"
    # Of establishments an adapter makes columns of their enterprise; they are no rows of the panel.
    layouts = [one for one in layouts if not forms or one.rule.role == "panel"] or layouts
    ruled: list[FileRows] = []
    frames = [_frame(layout, adapter, ruled) for layout in layouts]
    by, frames = _dated(layouts, _one_spelling(layouts, frames) if forms else frames)
    frames, items = _items(layouts, frames)
    comma = _commas(layouts, frames)
    stacked = _years_below(layouts, frames) if forms and by else None
    parts = [] if stacked is not None else _parts(layouts, frames)
    repeated: list[Path] = []
    table, also = (stacked, {}) if stacked is not None else _joined(parts, repeated)
    known = {h.text: c for layout in layouts for c, h in layout.mapping.single.items()}
    known |= {YEAR: "year"} if by else {}
    columns = [_seen(str(name), table[name], known.get(str(name), ""), comma) for name in table.columns]
    _further(columns, scores)
    _labels(files, layouts, columns)
    words_of = {h: words for layout in layouts for h, words in layout.looked.words.items()}
    for column in columns:
        column.of_file = items.get(column.header, "")
        column.categories = _worded(column, words_of.get(column.header, {}))
    sheets = {layout.looked.sheet for layout in layouts if layout.passed}
    return Looked(
        list(files),
        layouts,
        best,
        columns,
        len(parts) > 1,
        scores,
        by,
        comma,
        also,
        "".join(sheets) if len(sheets) == 1 and len(files) == 1 else "",
        spread,
        ruled,
        repeated,
    )


def _worded(column: Seen, words: Mapping[str, str]) -> bool:
    """Whether a labelled file has a word for each number of a column that is no yes and no."""
    found = column.values.dropna().unique()
    known = {float(code) for code in words if re.fullmatch(r"-?\d+(\.\d+)?", code)}
    return bool(words) and len(found) > 1 and not column.is_truth and set(found) <= known


def _one_spelling(layouts: Sequence[Layout], frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Frames in which a column of the contract has one header: forms of other years write 其中：, ;本年 or another code.

    Of an enterprise's two codes the older one, which is part of the newer, stands in both.
    """
    first: dict[str, str] = {}
    out = []
    for layout, frame in zip(layouts, frames, strict=True):
        own = {h.text: column for column, h in layout.mapping.single.items()}
        new = {text: first.setdefault(column, text) for text, column in own.items()}
        named = frame.rename(columns={a: b for a, b in new.items() if b == a or b not in frame.columns})
        key = first.get("firm_id")
        if key in named.columns and layout.ids:
            named[key] = named[key].map(lambda c: c[8:17] if isinstance(c, str) and len(c) == 18 else c)
        out.append(named)
    return out


def _years_below(layouts: Sequence[Layout], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Forms of one year side by side, years below each other."""
    years = [layout.rule.year for layout in layouts]
    tables = []
    for year in sorted({y for y in years if y is not None}):
        of = [i for i, y in enumerate(years) if y == year]
        tables.append(_joined(_parts([layouts[i] for i in of], [frames[i] for i in of]), [])[0])
    return pd.concat(tables, ignore_index=True)


def _labels(files: Sequence[Path], layouts: Sequence[Layout], columns: Sequence[Seen]) -> None:
    """What files call their columns: labels of Stata, SPSS and SAS, or of a row below the header; of one item its cell."""
    told = {
        h: t
        for file in files
        if file.suffix.lower() in labelled.KINDS
        for h, t in labelled.names(file).items()
    }
    below = [pair for one in layouts if one.labels for pair in zip(one.texts, one.labels[0], strict=False)]
    told |= {h: t for h, t in below if t and normalise(t) != normalise(h)}
    for column in columns:
        column.label = told.get(column.header, "")
        items = [c for c in columns if ITEM.search(c.key) and c.filled and (c.cells == c.cells.iloc[0]).all()]
        if column.header == wide.ALONE and items:
            column.label = str(items[-1].cells.dropna().iloc[0])


def _scored(files: Sequence[Path], chosen: Choices) -> dict[str, int]:
    """Headers that each built-in adapter knows; none where no sheet of a workbook is known by its headers."""
    try:
        return scored(files, chosen)
    except AdapterError:
        for file in files:
            _sheets(file, load(PLAIN), chosen)
        return {PLAIN: 0}


def _tables(file: Path, adapter: Adapter, chosen: Choices) -> list[Layout]:
    """Tables of a file: sheets whose headers are known, else those that are alike; a wide one once for each year."""
    try:
        found = look_all([file], adapter, chosen)
    except AdapterError:
        found = _sheets(file, adapter, chosen)
    years = wide.years(found[0].texts)
    own_year = any(role(normalise(text), "year", True) for text in found[0].texts)
    if not years or own_year or len(found) > 1:
        return [replace(one, of_year=()) for one in found[:1]] if own_year and found[0].of_year else found
    rule, sheet = found[0].rule, found[0].looked.sheet or None
    made = [layout_of(file, adapter, chosen, rule.model_copy(update={"year": y}), y, sheet) for y in years]
    return [replace(one, passed=found[0].passed) for one in made]


def _sheets(file: Path, adapter: Adapter, chosen: Choices) -> list[Layout]:
    """Sheets of a workbook that have one header: of several headers the one under which most stands."""
    names = stage.sheet_names(file) if file.suffix.lower() in KINDS else [None]
    alike: dict[tuple[str, ...], list[Layout]] = {}
    fault: AdapterError | None = None
    for name in names:
        try:
            one = layout_of(file, adapter, chosen, sheet=name)
        except AdapterError as error:
            fault = fault or error
            continue
        if sum(map(bool, one.texts)) > 1 and len(one.looked.rows) > one.header_at + 1:
            alike.setdefault(tuple(normalise(t) for t in one.texts), []).append(one)
    if not alike:
        raise fault or AdapterError(said("start.no_table", file=file.name))
    best = max(alike.values(), key=lambda of: sum(len(one.texts) * len(one.looked.rows) for one in of))
    passed = tuple(n for n in names if n and n not in {one.looked.sheet for one in best})
    return [replace(one, alone=len(best) == 1, passed=passed if len(best) == 1 else ()) for one in best]


def _dated(layouts: Sequence[Layout], frames: list[pd.DataFrame]) -> tuple[str, list[pd.DataFrame]]:
    """Where no header holds the year but headers, sheets, titles or names of files do: who says it, and frames with it."""
    years = [layout.rule.year for layout in layouts]
    held = any(role(normalise(str(text)), "year", True) for frame in frames for text in frame.columns)
    if held or None in years or len(set(years)) < 2:
        return "", frames
    by = "wide" if any(layout.of_year for layout in layouts) else layouts[0].dated.by
    return by, [f.assign(**{YEAR: str(year)}) for f, year in zip(frames, years, strict=True)]


def _items(
    layouts: Sequence[Layout], frames: list[pd.DataFrame]
) -> tuple[list[pd.DataFrame], dict[str, str]]:
    """Of several wide files of one item each that nothing names but the file: frames with its name, and files by items."""
    alone = [
        one.path for one, f in zip(layouts, frames, strict=True) if one.of_year and wide.ALONE in f.columns
    ]
    stems = {path: path.stem for path in dict.fromkeys(alone)}
    if len(stems) < 2 or len(set(stems.values())) < len(stems):
        return frames, {}
    made = [
        f.rename(columns={wide.ALONE: stems[one.path]}) if one.of_year and one.path in stems else f
        for one, f in zip(layouts, frames, strict=True)
    ]
    return made, {stem: path.name for path, stem in stems.items()}


def _parts(layouts: Sequence[Layout], frames: Sequence[pd.DataFrame]) -> list[tuple[Layout, pd.DataFrame]]:
    """Tables that are rows of one another: years of a wide file, sheets and files with one header."""
    alike: dict[object, list[int]] = {}
    for i, (layout, frame) in enumerate(zip(layouts, frames, strict=True)):
        alike.setdefault(layout.path if layout.of_year else tuple(frame.columns), []).append(i)
    return [(layouts[of[0]], pd.concat([frames[i] for i in of], ignore_index=True)) for of in alike.values()]


def _commas(layouts: Sequence[Layout], frames: Sequence[pd.DataFrame]) -> bool:
    """Whether text files that no comma parts write decimals with one, and none of their numbers with a point."""
    comma = point = False
    for layout, frame in zip(layouts, frames, strict=True):
        if layout.looked.kind != ".csv" or layout.looked.delimiter == ",":
            continue
        texts = pd.concat([frame[c] for c in frame.columns]).dropna().astype("str")
        comma |= bool(texts.str.fullmatch(r"[-+]?[\d.]*\d,\d+%?").any())
        point |= bool(texts.str.fullmatch(r"[-+]?\d+\.(\d{1,2}|\d{4,})%?|[-+]?\d{4,}\.\d+%?").any())
    return comma and not point


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


def _frame(layout: Layout, adapter: Adapter, chosen: list[FileRows]) -> pd.DataFrame:
    """Rows of a table as texts, under its headers; of a wide one those of its year.

    Of statements of two kinds, of quarters and restated ones, those that the adapter will read, which is told in ``chosen``.
    """
    con = engine.opened(layout.path.parent)
    folder = stage.beside(con)
    held, _ = staged(con, layout, "looked", folder)
    cells = ", ".join(f"trim(CAST(c{i} AS VARCHAR)) AS c{i}" for i in range(len(layout.texts)))
    known = {c.column: c for c in contract()}
    summed = [t.row - 1 for t in summed_rows(con, held.name, layout, known) if t.certain]
    table = held.name
    if adapter.keep or adapter.annual or adapter.repeats:
        chosen.append(account(con, held, layout, adapter, 0, known))
        table = f"(FROM {held.name}_why WHERE why IS NULL)"
    rows = con.con.execute(f"SELECT row, {cells} FROM {table} ORDER BY row LIMIT {MOST_ROWS}").df()
    frame = rows.set_index(rows["row"] - 1).drop(columns="row")
    frame = frame.astype("object").where(frame.notna() & (frame != ""), None)
    frame = frame[frame.index >= len(layout.labels)]
    first = frame.iloc[:, 0].astype("str")
    noted = first.str.startswith((*adapter.footers, *NOTES)) | first.str.contains(SENTENCE, regex=True)
    notes = noted & frame.iloc[:, 1:].isna().all(axis=1)
    total = first.isin([*adapter.totals, *TOTALS])
    empty = frame.iloc[:, list(layout.of_year)].isna().all(axis=1) if layout.of_year else False
    total |= frame.index.isin(summed)
    frame = frame[~(frame.isna().all(axis=1) | notes | total | empty)]
    texts = list(layout.texts)
    if layout.of_year and layout.rule.year is not None and layout.spreading is None:
        texts = list(wide.of_year(texts, layout.rule.year)[0])
        frame = frame.iloc[:, [i for i, text in enumerate(texts) if text]]
        texts = [text for text in texts if text]
    named = [text or f"column {i + 1}" for i, text in enumerate(texts)]
    return frame.set_axis(named, axis=1).loc[:, lambda f: ~f.columns.duplicated()].reset_index(drop=True)


def _joined(
    parts: Sequence[tuple[Layout, pd.DataFrame]], repeated: list[Path]
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Tables side by side, and headers of the keys in others than the first; files whose keys repeat go to ``repeated``."""
    if len(parts) == 1:
        return parts[0][1], {}
    named = [_keys_of(layout, frame) for layout, frame in parts]
    if any("firm_id" not in found for found in named):
        raise AdapterError(said("start.no_join", files=listed(layout.path.name for layout, _ in parts)))
    whole, own = parts[0][1], named[0]
    also: dict[str, list[str]] = {}
    for (layout, frame), found in zip(parts[1:], named[1:], strict=True):
        keys = [k for k in found if k in own]
        renamed = frame.rename(columns={found[k]: own[k] for k in keys})
        left, right = (
            [table[own[k]].map(KEYED[k]).rename(f"key {k}") for k in keys] for table in (whole, renamed)
        )
        kept = [c for c in renamed.columns if c not in whole.columns]
        every = pd.concat([renamed[kept], *right], axis=1)
        other = every.drop_duplicates([key.name for key in right])
        repeated += [layout.path] if len(other) < len(every) else []
        whole = pd.concat([whole, *left], axis=1).merge(other, on=[key.name for key in left], how="left")
        whole = whole.drop(columns=[key.name for key in left])
        for key in found:
            if key in own and found[key] != own[key]:
                also.setdefault(own[key], []).append(found[key])
    return whole, also


def _keys_of(layout: Layout, frame: pd.DataFrame) -> dict[str, str]:
    """Headers of unit and year: those that a built-in adapter knows, else those whose words say so."""
    known = {k: h.text for k, h in layout.mapping.single.items() if k in ("firm_id", "year")}
    for key, wanted in (("firm_id", "unit"), ("year", "year")):
        called = [str(c) for c in frame.columns if role(split(normalise(str(c)))[0], wanted, True)]
        if key not in known and called:
            known[key] = called[0]
    return known


def _seen(header: str, cells: pd.Series, column: str, comma: bool) -> Seen:
    plain, unit = split(normalise(header))
    texts = cells.map(lambda c: None if c is None or pd.isna(c) else str(c))
    if comma:
        pointed = texts.str.replace(".", "").str.replace(",", ".")
        texts = pointed.where(texts.str.fullmatch(COMMA, na=False), texts)
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
