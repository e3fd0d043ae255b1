"""Which column is the unit, the year, the treatment, the outcome and a control, and why."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass, field, replace

import pandas as pd

from fusion.adapters.errors import AdapterError
from fusion.adapters.expressions import LAST_YEAR
from fusion.adapters.headers import normalise
from fusion.adapters.model import Spread
from fusion.language import listed, said, word
from fusion.panel.contract import contract
from fusion.start.look import MOSTLY, Looked, Seen, Word, is_enterprise, role, words

ALONE = 0.98  # share of rows alone in their unit and year that make two columns the keys
CONTROLS = 4
CLUSTERS = 20  # fewest groups of districts by which errors are clustered
_ID = re.compile(r"([A-Za-z][A-Za-z_ ]{2,30}?)[_ ]?(?:ID|Id|id|[Cc]ode|[Nn]o\.?|[Nn]umber|[Nn]ame)")
CODE = re.compile(r"(id|code|no|number|代码|编码|编号)$")
DATE = re.compile(rf"[12]\d{{3}}[-/.年]\d{{1,2}}|{LAST_YEAR}")
SHORT_YEARS = re.compile(r"\d{2}|'\d{2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2}")
# Parts of a year: 2012Q1, 2012年第1季度, 2012-H1, 2012M03, 2012年3月, 2012-03.
PERIODS = re.compile(
    r"[12]\d{3}\s*[-/.年]?\s*(第?\s*[1-4一二三四]\s*季度?|[QqHh][1-4]|[Mm]\d{1,2}|\d{1,2}月|[上下]半年|[-/.]\d{1,2}([-/.]\d{1,2})?)"
)
ITEMS = 200  # most items of a file of items and their values
DISTINCT = 0.9  # share of rows that unit, year and item name, the first of several counted
UNITS = re.compile(r"(计量)?单位(名称)?|量纲|units?( of measure(ment)?)?|uom|unit_?measure")
# Numbers that stand for a missing value in many files, where no value is near them.
SENTINELS = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0, 999999.0)
OFTEN = 2
SKEWED = 3.0  # mean over median from which amounts are taken in logarithms
OWN_CONTROLS = {
    "ln_employees": "log(employees_avg)",
    "ln_capital_labour": "log_ratio(fixed_assets_net, employees_avg)",
}
LABELS = {
    "ln_lp": "Log value added per employee | 对数劳动生产率（增加值/人） [ln 万元/人]",
    "ln_rp": "Log revenue per employee | 对数人均营业收入 [ln 万元/人]",
    "ln_employees": "Log employees | 对数平均用工人数 [ln 人]",
    "ln_capital_labour": "Log fixed assets per employee | 对数人均固定资产净额 [ln 万元/人]",
}


@dataclass
class Roles:
    """What the columns of the files are.

    Attributes
    ----------
    word : Word or None
        What units are called; None for firms of the contract.
    used : dict of str to Seen
        Columns beyond the contract that the study declares, by name.
    made : dict of str to str
        Expressions by name.
    notes : list of tuple
        Keys of messages with their fields: what was concluded and what was left out.
    """

    looked: Looked
    unit: Seen
    year: Seen
    enterprise: bool
    word: Word | None
    used: dict[str, Seen] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    treatment: str = ""
    start: str = ""
    outcome: str = ""
    explained: Seen | None = None  # the outcome's column, where it is made of one
    controls: list[str] = field(default_factory=list)
    cluster: str = ""
    notes: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def note(self, key: str, /, **values: object) -> None:
        """Remember what was concluded."""
        self.notes.append((key, values))

    def others(self) -> list[Seen]:
        """Columns that are no key, in the order of the files."""
        return [c for c in self.looked.columns if c is not self.unit and c is not self.year]


def assign(looked: Looked, outcome: str = "", treatment: str = "") -> Roles:
    """Give each column its role.

    Parameters
    ----------
    looked : Looked
    outcome, treatment : str
        Header, or name, of the column that the user wants; empty: the best one that the files have.

    Raises
    ------
    AdapterError
        When no column names years or units, or one that was asked for is not there.
    """
    if not any(column.filled for column in looked.columns):
        raise AdapterError(said("adapters.header_only", path=_looked_at(looked)["files"]))
    unit, year, word = _keys(looked)
    enterprise = is_enterprise(looked.columns) and unit.column == "firm_id"
    firms = enterprise or unit.column == "firm_id" or (word is not None and word.en == "firm")
    roles = Roles(looked, unit, year, enterprise, None if firms else word or _own_word(unit))
    _spread(roles)
    _chosen(roles)
    if looked.years_by:
        roles.note(f"years_{looked.years_by}")
    if looked.comma:
        roles.note("comma")
    if looked.sheet:
        roles.note("sheet", sheet=looked.sheet)
    _names(roles)
    _unread(roles)
    _treatment(roles, _asked(roles, treatment))
    _outcome(roles, _asked(roles, outcome))
    _controls(roles)
    _cluster(roles)
    return roles


def _spread(roles: Roles) -> None:
    """Say of tables of items how many values became cells, and what became of several values of one."""
    how = roles.looked.spread
    tables = [one.spreading for one in roles.looked.layouts if one.spreading is not None]
    if how is None or not tables:
        return
    items = dict.fromkeys(name for one in tables for name in one.items)
    shown = {"header": how.item, "value": how.value, "count": len(items), "items": listed([*items][:6])}
    roles.note("spread", **shown, pairs=sum(one.pairs for one in tables))
    twice, differ = sum(one.twice for one in tables), sum(one.differ for one in tables)
    if twice:
        roles.note("spread_twice", rows=twice, differ=differ, header=how.item)
    passed = dict.fromkeys(name for one in tables for name in one.passed)
    if passed:
        roles.note("spread_passed", headers=listed(passed))


def _chosen(roles: Roles) -> None:
    """Say of tables of which an adapter chooses rows which were left aside, and why."""
    for file in roles.looked.rows:
        why = {
            word("adapters.fate", key): n
            for key, n in file.aside.items()
            if key not in ("label row", "blank row")
        }
        if why:
            told = listed(f"{key}: {n:,}" for key, n in why.items())
            roles.note(
                "chosen",
                file=file.label,
                kept=file.kept,
                read=file.read,
                why=told,
                adapter=roles.looked.adapter,
            )


# -- keys --------------------------------------------------------------------------------------
def _keys(looked: Looked) -> tuple[Seen, Seen, Word | None]:
    """Unit and year: two columns that name each row, those first whose headers say so."""
    years = [c for c in looked.columns if c.column == "year" or (role(c.key, "year", True) and _dated(c))]
    years += [c for c in looked.columns if c.is_year and c not in years]
    # A date of each row, whatever its header: the month of a file of Stata, the day of a report.
    years += [c for c in looked.columns if c not in years and DATE.match(_first(c)) and _dated(c)]
    years = [c for c in years if c.stated.size]
    if not years:
        raise AdapterError(_no_year(looked))
    year = years[0]
    named = [(c, _unit(c)) for c in looked.columns if c not in years and c.filled and _is_name(c)]
    named.sort(key=_rank)
    tried = {id(c): _alone(c, year) for c, _ in named}
    found = next(((c, w) for c, w in named if tried[id(c)] >= ALONE), None)
    called = next((c for c, word in named if word), None)
    if found is None and called is not None and (below := _items(looked, called, year)):
        raise below
    found = found or next(((c, _unit(c)) for c in looked.columns if c is not year and _counts(c, year)), None)
    if found is None:
        close = max(named, key=lambda pair: tried[id(pair[0])], default=None)
        if close is None or tried[id(close[0])] < 0.5:
            raise AdapterError(_no_unit(looked, year))
        found = close
    return found[0], year, found[1]


def _no_year(looked: Looked) -> str:
    """Why no column holds years: years of two digits, whose century nobody states, or none at all."""
    for column in looked.columns:
        texts = column.cells.dropna()
        called = role(column.key, "year", True) or column.column == "year"
        if called and len(texts) and texts.str.fullmatch(SHORT_YEARS).mean() >= MOSTLY:
            shown = {"first": str(texts.iloc[0])[:20], "last": str(texts.iloc[-1])[:20]}
            return said("start.short_years", files=_looked_at(looked)["files"], header=column.header, **shown)
    told = [_periods(looked, column) for column in looked.columns]
    return next(filter(None, told), "") or said("start.no_year", **_looked_at(looked))


def _periods(looked: Looked, column: Seen) -> str:
    """That a column holds parts of years, of which a study has none; empty where it does not."""
    texts = column.cells.dropna()
    several = texts.nunique() > texts.str[:4].nunique()
    if not several or texts.str.fullmatch(PERIODS).mean() < MOSTLY:
        return ""
    return said(
        "start.periods",
        files=_looked_at(looked)["files"],
        header=column.header,
        first=texts.iloc[0][:20],
        last=texts.iloc[-1][:20],
    )


class ItemsBelow(AdapterError):
    """A file has items below one another; ``spread`` is how an adapter makes columns of them."""

    def __init__(self, message: str, spread: Spread) -> None:
        super().__init__(message)
        self.spread = spread


def _items(looked: Looked, unit: Seen, year: Seen) -> ItemsBelow | None:
    """That a column names items, whose values stand below one another."""
    for column in looked.columns:
        names = column.cells.dropna()
        if column in (unit, year) or column.is_number or not 1 < names.nunique() <= ITEMS:
            continue
        keys = pd.DataFrame({"unit": unit.cells, "year": year.stated, "item": column.cells}).dropna()
        numbers = [c for c in looked.columns if c not in (unit, year, column) and c.is_number]
        if len(numbers) == 1 and len(keys) and (~keys.duplicated()).mean() >= DISTINCT:
            told = said(
                "start.items",
                files=_looked_at(looked)["files"],
                header=column.header,
                items=listed(text[:40] for text in names.unique()[:6]),
                count=names.nunique(),
                value=numbers[0].header,
            )
            by = [unit.header, *([] if looked.years_by else [year.header])]
            return ItemsBelow(told, Spread(
                by=by, item=column.header, value=numbers[0].header, unit=_units_of(looked, column), take="last"
            ))  # fmt: skip
    return None


def _units_of(looked: Looked, item: Seen) -> str | None:
    """The header of the column that says in which unit each item is: one unit an item, and a header that says so."""
    for column in looked.columns:
        if column is item or not UNITS.fullmatch(column.key):
            continue
        pairs = pd.DataFrame({"item": item.cells, "unit": column.cells}).dropna().drop_duplicates()
        if len(pairs) and not pairs["item"].duplicated().any():
            return column.header
    return None


def _no_unit(looked: Looked, year: Seen) -> str:
    """Why nothing names a unit: no header says so, or what says so names several rows of a year."""
    called = next((c for c in looked.columns if c is not year and c.filled and _unit(c)), None)
    if called is None:
        return said("start.no_unit", **_looked_at(looked))
    pairs = pd.DataFrame({"unit": called.cells, "year": year.stated}).dropna()
    twice = pairs[pairs.duplicated(keep=False)]
    if twice.empty:
        return said("start.no_unit", **_looked_at(looked))
    if told := _periods(looked, year):
        return told
    first = twice.iloc[0]
    same = int((pairs == first).all(axis=1).sum())
    return said(
        "start.unit_twice",
        files=_looked_at(looked)["files"],
        header=called.header,
        units=called.cells.nunique(),
        rows=len(twice),
        value=first["unit"][:60],
        year=int(first["year"]),
        same=same,
    )


def _unit(column: Seen) -> Word | None:
    """What its header, else its label, says that units are."""
    said_by = role(column.key, "unit", True)
    plain = said_by is None or said_by.en == "unit"
    return (role(normalise(column.label), "unit", True) if plain and column.label else None) or said_by


def _counts(column: Seen, year: Seen) -> bool:
    """Whether whole numbers, each in most years, name each row with the year: an identifier that nothing calls one."""
    found = column.values.dropna()
    if not column.is_number or len(found) < column.filled or (found % 1 != 0).any() or column.is_truth:
        return False
    often = len(found) / max(found.nunique(), 1)
    return often >= max(2.0, 0.5 * year.stated.nunique()) and _alone(column, year) >= ALONE


def _own_word(unit: Seen) -> Word:
    """What units are called that no row of words knows: as `Hospital ID` says, else units."""
    told = _ID.fullmatch(unit.header)
    plain = role("id", "unit", True)
    assert plain is not None, "the table of words has a row for identifiers"
    return replace(plain, en=told[1].lower().replace("_", " ").strip()) if told else plain


def _looked_at(looked: Looked) -> dict[str, str]:
    headers = listed(c.header[:60] for c in looked.columns[:20])
    return {"files": listed(f.name for f in looked.files), "headers": headers}


def _rank(pair: tuple[Seen, Word | None]) -> tuple[bool, bool, bool, bool]:
    """Identifiers of firms first, then headers that say what a unit is, codes of these first, then what says `unit`."""
    column, word = pair
    unsaid = word is None or word.en == "unit"
    return column.column != "firm_id", word is None, unsaid, not CODE.search(column.key)


def _dated(column: Seen) -> bool:
    texts = column.cells.dropna()
    return bool(len(texts)) and bool(
        texts.str.match(rf"^[12]\d{{3}}(\D|$|\d{{4}}$)|{LAST_YEAR}").mean() > 0.8
    )


def _first(column: Seen) -> str:
    return str(column.cells.dropna().iloc[0]) if column.filled else ""


def _is_name(column: Seen) -> bool:
    """Whether its cells can name units: texts or whole numbers, fewer than rows."""
    if column.is_number and not (column.values.dropna() % 1 == 0).all():
        return False
    if not (_unit(column) or column.column == "firm_id" or not column.is_number):
        return False
    return 1 < column.cells.nunique() < max(column.filled, 2)


def _alone(unit: Seen, year: Seen) -> float:
    """Share of rows that unit and year alone name; quarters of a year are one year."""
    pairs = pd.DataFrame({"unit": unit.cells, "year": year.stated}).dropna()
    return float((~pairs.duplicated(keep=False)).mean()) if len(pairs) else 0.0


# -- names -------------------------------------------------------------------------------------
def _names(roles: Roles) -> None:
    """A name of the study for each column: the contract's, else of its header, else of its place."""
    taken = {c.column for c in contract()} | {"unit", "year"}
    seen: set[str] = set()
    if roles.enterprise:
        _district(roles.looked)
    for place, column in enumerate(roles.looked.columns, 1):
        if roles.enterprise and column.column and column.column not in seen:
            column.name = column.column
        else:
            column.name = _free(_latin(column.header, place), taken | seen)
        seen.add(column.name)
    roles.unit.name, roles.year.name = "firm_id", "year"
    _called(roles)


# A number with a currency before it or a unit behind it.
AROUND = r"[^\d\s+\-.]{1,3}\s?[+-]?\d[\d,]*(\.\d+)?|[+-]?\d[\d,]*(\.\d+)?\s?[^\d\s,.:/%\-]{1,4}"


def _called(roles: Roles) -> None:
    """Where units have a code, the column with their names is the contract's."""
    own = _unit(roles.unit)
    for column in roles.others():
        named = _unit(column)
        alike = named is not None and own is not None and named.zh == own.zh and not column.is_number
        if alike and _constant(roles, column.cells):
            column.name, column.column, column.concluded = "firm_name", "firm_name", not roles.enterprise
            return


def _district(looked: Looked) -> None:
    """Six digits that begin as provinces do are a division code, whatever their header says."""
    if any(c.column == "district" for c in looked.columns):
        return
    for column in looked.columns:
        texts = column.cells.dropna()
        if not column.column and len(texts) and texts.str.match(r"^[1-6]\d{5}$").mean() >= 0.95:
            column.column, column.concluded = "district", True
            return


def _latin(header: str, place: int) -> str:
    bare = re.sub(r"[(\[（].*?[)\]）]", "", header)
    plain = unicodedata.normalize("NFKD", bare).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:40]
    letters = sum(ch.isalpha() for ch in bare)
    told = words if re.search("[a-z]{2}", words) and len(words) >= 0.5 * letters else ""
    if told:
        return told if told[:1].isalpha() else f"x_{told}"
    chinese = re.sub(r"[^0-9a-z_\u4e00-\u9fff]+", "_", unicodedata.normalize("NFKC", bare).lower()).strip("_")
    begun = chinese if re.match("[a-z\u4e00-\u9fff]", chinese) else f"x_{chinese}"
    return begun[:40] if re.search("[a-z\u4e00-\u9fff]", chinese) and len(chinese) > 1 else f"x{place}"


def _free(name: str, taken: set[str]) -> str:
    return next(n for n in (name, *(f"{name}_{i}" for i in range(1, 1000))) if n not in taken)


def _asked(roles: Roles, name: str) -> Seen | None:
    """The column that the user names, by header, header without unit, or name."""
    if not name:
        return None
    for column in roles.others():
        if (
            name in (column.header, column.key, column.name, column.label)
            or name.casefold() == column.header.casefold()
        ):
            return column
    headers = [c.header for c in roles.others()]
    near = difflib.get_close_matches(name, headers, 3, 0.4)
    raise AdapterError(
        said("start.no_header", name=name[:80], near=listed(near or headers[:20]), all=len(headers))
    )


def _unread(roles: Roles) -> None:
    """Say of columns that hold nothing, and of numbers that are texts for signs or words around them."""
    empty = [c.header for c in roles.others() if not c.filled]
    if empty:
        roles.note("empty", headers=listed(empty[:20]))
    _alike(roles)
    for column in roles.others():
        texts = column.cells.dropna()
        _sentinels(roles, column)
        if column.is_number or column.column or _unit(column) or not len(texts):
            continue
        around = texts.str.fullmatch(AROUND)
        if around.mean() >= MOSTLY and texts.nunique() > 2:
            roles.note("around", header=column.header, value=str(texts[around].iloc[0])[:30])


def _alike(roles: Roles) -> None:
    """Units whose identifiers differ in capitals or spaces alone are read as several; most often they are one."""
    names = roles.unit.cells.dropna().drop_duplicates()
    plain = names.str.casefold().str.replace(r"\s+", "", regex=True)
    same = names[plain.duplicated(keep=False)]
    if len(same):
        first = same[plain[same.index] == plain[same.index[0]]]
        shown = " / ".join(str(name)[:30] for name in first[:3])
        pairs = int(plain[same.index].nunique())
        roles.note("capitals", header=roles.unit.header, names=shown, count=pairs)


def _sentinels(roles: Roles, column: Seen) -> None:
    """A number that often stands for what is not known, far from all others of its column."""
    found = column.values.dropna()
    if not column.is_number or column.is_truth or column.is_year:
        return
    for value in SENTINELS:
        count, others = int((found == value).sum()), found[~found.isin(SENTINELS)]
        if count < OFTEN or others.nunique() < 2:
            continue
        apart = others.min() >= 0 if value < 0 else others.max() < value / 3
        if apart:
            shown = str(column.cells[column.values == value].mode()[0])  # as the file writes it
            roles.note("sentinel", header=column.header, value=shown, count=count, name=column.name)


# -- treatment ---------------------------------------------------------------------------------
def _treatment(roles: Roles, asked: Seen | None) -> None:
    """A 0/1 column, or the year from which a unit is treated; the other one is made of it."""
    free = [c for c in roles.others() if not (roles.enterprise and c.column)]
    truths = [c for c in free if c.is_truth and role(c.key, "treatment", False) and _varies(roles, c)]
    other = [c for c in free if c.is_truth and c not in truths and _varies(roles, c)]
    staying = [c for c in other if _stays(roles, c)]
    if asked is None and not truths and len(staying) == 1:
        truths = staying  # the only one that begins and does not end
    starts = [
        c
        for c in roles.others()
        if c.is_year and _constant(roles, c.values) and (_starts(c) or _begins(roles, c, truths))
    ]
    if asked is None and not (starts or truths):
        dated = [c for c in roles.others() if c.is_year and _constant(roles, c.values)]
        shown = {
            "headers": listed(c.shown for c in other) or "–",
            "years": listed(c.shown for c in dated) or "–",
        }
        roles.note("no_treatment", **shown)
        return
    if asked is not None and asked.is_year and _constant(roles, asked.values):
        starts, truths = [asked], truths
    elif asked is not None:
        truths = [asked]
        starts = starts if asked.is_truth else []
    if truths:
        roles.treatment = _declared(roles, truths[0], _word(truths[0], "treatment"))
        roles.note("treatment", header=truths[0].shown, others=listed(c.shown for c in truths[1:]) or "–")
    if starts:
        _started(roles, starts[0])
    elif truths and truths[0].is_truth and _stays(roles, truths[0]):
        roles.start = "start_year"
        roles.made["start_year"] = f"first_year({roles.treatment} == 1)"
    elif truths:
        roles.note("switches" if truths[0].is_truth else "amount", header=truths[0].header)


def _starts(column: Seen) -> bool:
    """Whether its header, or its label, says that it is the year in which something starts."""
    return any(role(text, "start", True) for text in (column.key, normalise(column.label)) if text)


def _begins(roles: Roles, column: Seen, truths: list[Seen]) -> bool:
    """Whether its years are those in which a 0/1 column begins."""
    for truth in truths:
        table = pd.DataFrame(
            {"unit": roles.unit.cells, "year": roles.year.stated, "on": truth.values, "is": column.values}
        )
        on = table[table["on"] == 1].groupby("unit").agg({"year": "min", "is": "first"})
        if len(on) and bool((on["year"] == on["is"]).mean() >= MOSTLY):
            return True
    return False


def _started(roles: Roles, column: Seen) -> None:
    roles.start = _declared(roles, column, _word(column, "start"))
    roles.note("start", header=column.header)
    if not roles.treatment:
        roles.treatment = _free("in_force", {c.name for c in roles.looked.columns})
        roles.made[roles.treatment] = f"since({roles.start})"


def _word(column: Seen, wanted: str) -> str:
    """A header without Latin letters is called as its role is."""
    if re.search("[a-z]{2}", column.name):
        return column.name
    found = role(column.key, wanted, False)
    return found.name if found else column.name


def _declared(roles: Roles, column: Seen, name: str) -> str:
    """The name under which the study has a column; one beyond the contract is declared."""
    if roles.enterprise and column.column == column.name:
        return column.name
    taken = {c.name for c in roles.others() if c is not column} | set(roles.made) | set(roles.used)
    column.name = _free(name, taken - {column.name})
    roles.used[column.name] = column
    return column.name


def _constant(roles: Roles, cells: pd.Series, share: float = 0.95) -> bool:
    """Whether cells are the same in all years of a unit, for such a share of units."""
    return bool(cells.groupby(roles.unit.cells).nunique().le(1).mean() >= share)


def _varies(roles: Roles, column: Seen) -> bool:
    return not _constant(roles, column.values, 1.0)


def _stays(roles: Roles, column: Seen) -> bool:
    """Whether no unit's treatment ends."""
    table = pd.DataFrame({"unit": roles.unit.cells, "year": roles.year.cells, "on": column.values})
    return bool((table.sort_values(["unit", "year"]).groupby("unit")["on"].diff().dropna() >= 0).all())


# -- outcome and controls ----------------------------------------------------------------------
def _outcome(roles: Roles, asked: Seen | None) -> None:
    """The one that is asked for; of enterprises value added per head; else what is called like an outcome."""
    have = {c.column for c in roles.looked.columns if c.column} if roles.enterprise else set()
    if asked is None and "employees_avg" in have and have & {"value_added", "operating_revenue"}:
        name, of = ("ln_lp", "value_added") if "value_added" in have else ("ln_rp", "operating_revenue")
        roles.made[name], roles.outcome = f"log_ratio({of}, employees_avg)", name
        roles.note("outcome_made", name=name, expression=roles.made[name])
        return
    free = [c for c in roles.others() if _can_vary(roles, c)]
    of_outcomes = [word.pattern for word in words() if word.role == "outcome"]
    named = [c for p in of_outcomes for c in free if p.search(c.key) or (c.column and p.search(c.column))]
    best = asked or next(iter(named), None) or next(iter(free), None)
    if best is None:
        roles.note("no_outcome")
        return
    roles.outcome, roles.explained = _logged(roles, best), best
    if asked is None:
        roles.note(
            "outcome", header=best.shown, others=listed(c.shown for c in free[:8] if c is not best) or "–"
        )


def _can_vary(roles: Roles, column: Seen) -> bool:
    """Whether it is a quantity that changes within units, and plays no other role."""
    taken = column.name in roles.used or column.is_truth or column.is_year
    own = {c.column: c for c in contract()}.get(column.column)
    # What the contract reads as a text is one also where its cells are digits (单位规模: 1 to 4).
    named = role(column.key, "unit", True) or (own is not None and not own.is_number)
    return not (taken or named or column.categories) and column.is_number and _varies(roles, column)


def _logged(roles: Roles, column: Seen) -> str:
    """The column, in logarithms where it holds amounts above zero of very different size."""
    name = _declared(roles, column, column.name)
    found = column.values.dropna()
    is_log = column.key.startswith(("ln", "log", "对数")) or not (found > 0).all()
    if is_log or (found.mean() < SKEWED * found.median() and found.max() < 100 * found.min()):
        return name
    made = _free(f"ln_{name}", {c.name for c in roles.looked.columns} | set(roles.made))
    roles.made[made] = f"log({name})"
    return made


def _controls(roles: Roles) -> None:
    """Employment and capital of enterprises, else the next quantities that are mostly there; after the treatment or not."""
    have = {c.column for c in roles.looked.columns} if roles.enterprise else set()
    if {"employees_avg", "fixed_assets_net"} <= have:
        roles.made |= OWN_CONTROLS
        roles.controls = list(OWN_CONTROLS)
    else:
        rows = max(roles.unit.filled, 1)
        free = [c for c in roles.others() if c is not roles.explained and _can_vary(roles, c)]
        free = [c for c in free if c.filled >= 0.8 * rows]
        roles.controls = [_logged(roles, c) for c in free[:CONTROLS]]
        if roles.controls:
            roles.note("controls", names=listed(c.shown for c in free[:CONTROLS]))
        return
    roles.note("controls", names=listed(roles.controls))


def _cluster(roles: Roles) -> None:
    """Where treatment is that of a region, errors are clustered there if there are enough."""
    treated = roles.used.get(roles.treatment) or roles.used.get(roles.start)
    if treated is None:
        return
    for column in roles.others():
        named = role(column.key, "unit", True)
        if named is None or column.name in roles.used or column.cells.nunique() >= roles.unit.cells.nunique():
            continue
        of_group = treated.values.groupby([column.cells, roles.year.cells])
        same = of_group.nunique().le(1).all()
        nested = _constant(roles, column.cells, 1.0)
        if same and nested and column.cells.nunique() >= CLUSTERS:
            roles.cluster = _declared(roles, column, column.name)
            roles.note("cluster", header=column.header, groups=column.cells.nunique())
            return
