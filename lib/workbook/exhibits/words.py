"""Words of an exhibit in a language: labels of codes, and texts whose fields are filled in."""

from __future__ import annotations

import csv
import math
import numbers
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from workbook import digits, inert, paths
from workbook.called import after_one, called
from workbook.called import words as unit_words
from workbook.exhibits import sheets
from workbook.exhibits.sheets import Need, SheetError, Text, Variant
from workbook.expressions.errors import ExpressionError
from workbook.expressions.reading import parse

MISSING = "–"
PLACES = re.compile(r"(?<!,)\.([123])f$")  # in a format: decimals that may be more for what is small
# In place of a number of decimals: a calendar year, without decimals or separators.
YEAR = -1
# In place of a number of decimals: a p-value, three decimals, none of them nil.
P_VALUE = -2
LEAST_P = 0.001
JOIN = {"en": ", ", "zh": "、"}
BRACKETS = {"en": " ({})", "zh": "（{}）"}
SEMICOLON = {"en": "; ", "zh": "；"}
# What names a unit, where it is no firm: the contract's labels speak of enterprises.
UNIT = {
    "firm_id": Text(en="Firm identifier", zh="企业标识"),
    "firm_name": Text(en="Firm name", zh="企业名称"),
}
# What a column is called that nobody named: its function in words, of what it is made of.
MADE = {
    "log": Text(en="Log {}", zh="{}（对数）"),
    "lag": Text(en="{}, year before", zh="{}（上年）"),
    "lead": Text(en="{}, year after", zh="{}（下年）"),
    "diff": Text(en="Change of {}", zh="{}的变动"),
    "growth": Text(en="Growth of {}", zh="{}的增长率"),
    "dlog": Text(en="Growth of {}, in logs", zh="{}的增长率（对数差）"),
}
SIGNS = re.compile(r"[-+*/^(<>=]")
# A name in an expression, or a text in quotes; what stands before a bracket is a function.
NAMED = re.compile(r'"[^"]*"|[^\W\d]\w*\b(?!\s*\()')
WITHOUT = "− "  # before the name of rows that a sample leaves out
CHINESE = re.compile("[\u3400-\u9fff]")
COLON = {"en": ": ", "zh": "："}
# Units are written in Chinese in the contract and the codebook. A unit is looked up whole, then its parts between strokes.
UNITS = {
    "百万美元": "million USD",
    "亿美元": "100 million USD",
    "万美元": "10,000 USD",
    "美元": "USD",
    "欧元": "EUR",
    "百万人": "million persons",
    "万人": "10,000 persons",
    "千人": "thousand persons",
    "百人": "100 persons",
    "件/百件": "items per 100 items",
    "基年": "base year",
    "对数差": "ln difference",
    "吨标煤": "tonnes of coal equivalent",
    "平方米": "m²",
    "亿元": "100 million yuan",
    "百万元": "million yuan",
    "万元": "10,000 yuan",
    "千元": "1,000 yuan",
    "元": "yuan",
    "人次": "visits",
    "人": "person",
    "台": "number",
    "个": "number",
    "件": "number",
    "项": "number",
    "年": "years",
}


class Words:
    """What codes and columns are called in one language.

    Parameters
    ----------
    language : {"en", "zh"}
        The language.
    codebook : pandas.DataFrame, optional
        The study's columns: ``column``, ``label_en``, ``label_zh``, ``unit``.
    unit : str or None
        What the study calls its units (`called`), where they are no firms.
    """

    def __init__(self, language: str, codebook: pd.DataFrame | None = None, unit: str | None = None) -> None:
        self.language, self.called_unit = language, unit
        # Codes that no vocabulary knew: a reader meets them as they are.
        self.unknown: set[tuple[str, str]] = set()
        self._columns: dict[str, dict[str, Any]] = {}
        if codebook is not None and len(codebook):
            self._columns = codebook.drop_duplicates("column").set_index("column").to_dict("index")

    def label(self, column: Any, unit: bool = True) -> str:
        """A column's label, with its unit if it has one and it is wanted; its name if nobody named it."""
        known = self._columns.get(str(column))
        if known is None:
            # A dummy of a year or code, e.g. year_1988; sales_1 is a column of its own.
            stem, _, level = str(column).rpartition("_")
            if level.isdigit() and len(level) > 1 and stem in self._columns:
                return f"{self.label(stem, False)} {level}"
            return self.of("variable", column)
        text = self._of_unit(str(column)) or self._of_expression(str(column), known)
        text = text or str(known[f"label_{self.language}"] or column)
        shown = unit_shown(str(known["unit"] or ""), self.language)
        return text + BRACKETS[self.language].format(shown) if unit and shown else text

    def columns(self) -> set[str]:
        """Columns that the study names."""
        return set(self._columns)

    def _of_unit(self, column: str) -> str:
        """The label of what names a unit that is no firm; else empty."""
        known = UNIT.get(column) if self.called_unit else None
        return self.say(known) if known else ""

    def _of_expression(self, column: str, known: Mapping[str, Any]) -> str:
        """The label of a column that is called by its expression, in which columns are called by theirs; else empty."""
        text = str(known["label_en"])
        if known.get("role") != "derived" or text != str(known["label_zh"]) or not SIGNS.search(text):
            return ""
        try:
            names = parse(text).names()
        except ExpressionError:
            return ""
        if not names or column in names or not set(names) <= set(self._columns):
            return ""
        call = re.fullmatch(r"(\w+)\((\w+)\)", text)
        if call and call[1] in MADE:
            of = self.label(call[2], False)
            lower = self.language == "en" and MADE[call[1]].en[0] != "{" and of[1:2].islower()
            return self.say(MADE[call[1]]).format(of[:1].lower() + of[1:] if lower else of)
        return NAMED.sub(lambda one: self.label(one[0], False) if one[0] in names else one[0], text)

    def unit(self, column: Any) -> str:
        """A column's unit; empty if it has none."""
        return unit_shown(str(self._columns.get(str(column), {}).get("unit") or ""), self.language)

    def of(self, vocabulary: str, code: Any) -> str:
        """The word for a code; the code itself where the vocabulary does not know it.

        ``label`` and ``name`` are the study's columns with and without unit, ``header`` these or a header of its source,
        ``effects`` a set of fixed effects such as ``firm_id + division*year``, ``variable`` names that no codebook holds.
        ``group`` is a column and its value, written ``control_type = soe`` or ``path: P1``; ``level`` the value alone;
        ``regressor`` a column, or one with its value. A code with a part (``tails:0.01``) has the word of ``tails``, in which
        ``{part}`` is filled. ``− Pudong/浦东`` is a sample that the study's file names, ``own`` such a name alone, ``pairs`` a
        mapping of them. What nothing knows is kept in `unknown`.
        """
        if vocabulary == "pairs":
            said = (self._own(name) + COLON[self.language] + str(value) for name, value in code.items())
            return SEMICOLON[self.language].join(said)
        if isinstance(code, list | tuple):
            return JOIN[self.language].join(self.of(vocabulary, part) for part in code)
        if missing(code):
            return MISSING
        key = plain(code)
        if vocabulary == "own":
            return self._own(key)
        if vocabulary == "header" and key not in self._columns:
            return key
        if vocabulary in ("label", "name", "header"):
            return self.label(key, vocabulary == "label")
        if vocabulary == "unit":
            return unit_shown(key, self.language)
        if vocabulary == "effects":
            return self._effects(key)
        if vocabulary in ("group", "level", "regressor"):
            plainly = vocabulary == "regressor" and " = " not in key
            return self.label(key) if plainly else self._group(key, vocabulary != "level")
        return self._known(vocabulary, key)

    def say(self, text: Text | Need | str) -> str:
        """A text of the workbook in this language, with the study's word for its units."""
        plain = text if isinstance(text, str) else getattr(text, self.language)
        return called(plain, self.called_unit, self.language)

    def _known(self, vocabulary: str, key: str) -> str:
        known, (name, _, part) = table(vocabulary), key.partition(":")
        if key in known:
            return self.say(known[key])
        if " = " in key:  # a choice and its level
            return " = ".join(self.of(vocabulary, one) for one in key.split(" = "))
        if part and name in known:
            return Filler(self, {"part": _part(part)}, {}).one(known[name])
        if key in self._columns:
            return self.label(key, False)
        if key.startswith(WITHOUT):
            return WITHOUT + self._own(key.removeprefix(WITHOUT))
        if any(c.isalpha() for c in key):  # a number, an interval and a unit's number stand for themselves
            self.unknown.add((vocabulary, key))
        return key

    def _own(self, name: str) -> str:
        """A name that the study's file gives, of two languages parted by a stroke the one that fits."""
        first, _, second = name.partition("/")
        if not second or bool(CHINESE.search(first)) == bool(CHINESE.search(second)):
            return name
        return first if bool(CHINESE.search(first)) == (self.language == "zh") else second

    def _group(self, code: str, whole: bool) -> str:
        column, *rest = re.split(" = |: ", code, maxsplit=1)
        value = "".join(rest)
        own = column if column in sheets.shared().vocabularies else "value"
        word = self.of(own, value)
        return f"{self.of('split', column)}{COLON[self.language]}{word}" if whole else word

    def _effects(self, code: str) -> str:
        short = table("effect")

        def word(part: str) -> str:
            if part == "firm_id" and self.called_unit:
                return unit_words(self.called_unit)[self.language == "zh"]
            known = short.get(part)
            return self.say(known) if known else self.label(part, False)

        return " + ".join(" × ".join(map(word, one.split("*"))) for one in code.split(" + "))


def table(vocabulary: str) -> dict[str, Text]:
    """The words of a vocabulary, by code.

    Raises
    ------
    SheetError
        When ``shared.yaml`` does not have it.
    """
    place = sheets.shared_file()
    return _table(vocabulary, place, place.stat().st_mtime_ns)


@cache
def _table(vocabulary: str, place: Path, changed: int) -> dict[str, Text]:
    known = sheets.shared().vocabularies
    if vocabulary not in known:
        raise SheetError(
            f"notebooks/exhibits/shared.yaml: no vocabulary '{vocabulary}'; there are: label, name, header, unit, effects, "
            f"{', '.join(known)}"
        )
    one = known[vocabulary]
    found = _file(paths.ROOT / one.file, one.code, one.en, one.zh) if one.file else {}
    if one.within:
        around = one.within
        found = {c: Text(en=around.en.format(w.en), zh=around.zh.format(w.zh)) for c, w in found.items()}
    found = {f"{one.begins}{code}": word for code, word in found.items()}
    further = {code: word for name in one.also for code, word in table(name).items()}
    return {**further, **found, **one.words}


@cache
def _file(place: Path, code: str, en: str, zh: str) -> dict[str, Text]:
    with place.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found: dict[str, Text] = {}
    for row in rows:
        found.setdefault(row[code], Text(en=row[en], zh=row[zh]))
    return found


class Filler(string.Formatter):
    """Fills the fields of texts from values, parameters, the frame and the vocabularies.

    ``{name}`` is a value of the exhibit or a parameter; of a parameter that exists in both languages
    (``estimand_en``, ``estimand_zh``) the one that fits. ``{top.estimate}`` is a part of a value,
    ``{frame.p_value.first}`` a number of the frame's column. ``{name:label}`` is a word (any vocabulary),
    ``{name:.3f}`` a number in Python's format; a minus is printed as such. ``{name:list}`` is a list of Markdown.
    A value that is a mapping of ``en`` and ``zh`` is a text in both languages. ``quote`` makes what is filled in inert
    where the text around it is markup (``inert.markdown``).
    """

    def __init__(
        self,
        words: Words,
        values: Mapping[str, Any],
        parameters: Mapping[str, Any],
        frame: pd.DataFrame | None = None,
        quote: Callable[[str], str] = str,
    ) -> None:
        self.words, self.values, self.parameters, self.frame = words, values, parameters, frame
        self.quote = quote
        self._code = False  # whether what comes next stands between backticks
        self._one = False  # whether the number 1 stands before what comes next
        self._field = ""  # whose value is formatted next
        self._beside: dict[str, list[float]] = {}  # numbers that are read with those of a field
        self.gaps = 0  # fields that were filled with nothing

    # -- what is said ----------------------------------------------------------------------------
    def one(self, wording: Text | list[Variant] | None) -> str:
        """A text, or the first of its variants that holds; empty if none does."""
        return next(iter(self._parts(wording)), "")

    def all(self, wording: Text | list[Variant] | None) -> str:
        """A text, or all of its variants that hold, joined."""
        return (" " if self.words.language == "en" else "").join(self._parts(wording))

    def _parts(self, wording: Text | list[Variant] | None) -> Iterable[str]:
        for part in [wording] if isinstance(wording, Text) else wording or []:
            if not isinstance(part, Variant) or self._holds(part):
                yield narrowed(self.vformat(getattr(part, self.words.language), (), {}))

    def _holds(self, part: Variant) -> bool:
        wanted = part.when is None or self._true(part.when)
        return wanted and not (part.unless is not None and self._true(part.unless))

    def _true(self, name: str) -> bool:
        try:
            value = self.get_field(name, (), {})[0]
        except SheetError:
            return False
        return bool(len(value)) if hasattr(value, "__len__") else bool(value) and not missing(value)

    # -- fields ----------------------------------------------------------------------------------
    def vformat(self, format_string: str, args: Any, kwargs: Any) -> str:
        """A text with its fields filled in; numbers that are read together have decimals for the size of the largest."""
        self._beside = {}
        for _, name, spec, _ in string.Formatter.parse(self, format_string):
            if name and PLACES.search(spec or ""):
                value = self.get_field(name, args, kwargs)[0]
                group = self._beside.setdefault(name.split(".")[0], [])
                group += [float(v) for v in [*_numbers(value), *self._interval(name)]]
        return super().vformat(format_string, args, kwargs)

    def _interval(self, name: str) -> list[float]:
        """The estimate and the ends of the interval that a field is one of, also where the text does not name them all."""
        first, *rest = name.split(".")
        if first == "frame":
            held = self._row(rest[1]) if len(rest) == 2 and rest[0] in digits.TOGETHER else {}
        else:
            held = self._named(first) if len(rest) == 1 and rest[0] in digits.TOGETHER else {}
        return [v for part in digits.TOGETHER if part in held for v in _numbers(held[part])]

    def _row(self, how: str) -> Mapping[str, Any]:
        """The row of the frame of which a field names a cell, where it names one."""
        if self.frame is None or not len(self.frame) or how not in ("first", "last"):
            return {}
        return {str(name): value for name, value in self.frame.iloc[0 if how == "first" else -1].items()}

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        """The value that a field names."""
        self._field = field_name
        first, *rest = field_name.split(".")
        if first == "frame":
            return self._of_frame(field_name, rest), first
        value = self._named(first)
        if rest == ["is_log"]:  # of a column: whether it is measured in logs
            return self.words.unit(value).startswith("ln"), first
        for part in rest:
            if not isinstance(value, Mapping) or part not in value:
                raise SheetError(f"'{field_name}': the value '{first}' has no part '{part}'")
            value = value[part]
        return value, first

    def _named(self, name: str) -> Any:
        for found in (self.values, self.parameters):
            for key in (name, f"{name}_{self.words.language}"):
                if key in found:
                    return found[key]
        raise SheetError(f"'{name}' is filled by no value and no parameter")

    def _of_frame(self, field_name: str, rest: list[str]) -> Any:
        if rest == ["rows"]:
            return 0 if self.frame is None else len(self.frame)
        if len(rest) != 2 or rest[1] not in sheets.OF_COLUMN:
            raise SheetError(
                f"'{field_name}': write frame.rows or frame.<column>.<{'|'.join(sheets.OF_COLUMN)}>"
            )
        if self.frame is None or rest[0] not in self.frame:
            raise SheetError(f"'{field_name}': the frame has no column '{rest[0]}'")
        column = self.frame[rest[0]]
        if not len(column):
            return None
        return (
            column.iloc[{"first": 0, "last": -1}[rest[1]]]
            if rest[1] in ("first", "last")
            else getattr(column, rest[1])()
        )

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value as it is printed, quoted for the text around it."""
        if format_spec == "list":
            return "\n".join(f"- {self.format_field(part, '')}" for part in value)
        quote = inert.code if self._code and self.quote is inert.markdown else self.quote
        text = self._formatted(value, format_spec)
        self.gaps += text == MISSING
        counted = isinstance(value, numbers.Real) and not isinstance(value, bool)
        self._one = counted and text == "1" and self.words.language == "en"
        return quote(text)

    def parse(self, format_string: str) -> Iterator[Any]:
        """Pieces of a text, with an eye on the backticks between which nothing can be escaped."""
        for literal, *field in super().parse(format_string):
            self._code ^= literal.count("`") % 2 == 1
            told = self.words.say(literal)
            told = after_one(told, self.words.called_unit) if self._one else told
            self._one = False
            yield (told, *field)

    def _formatted(self, value: Any, format_spec: str) -> str:
        if format_spec.isidentifier() and len(format_spec) > 1:
            return self.words.of(format_spec, value)
        if isinstance(value, list | tuple):
            return JOIN[self.words.language].join(self._formatted(part, format_spec) for part in value)
        if isinstance(value, Mapping) and {"en", "zh"} <= set(value):
            return str(value[self.words.language])
        if missing(value):
            return MISSING
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            return number(value, self._finer(float(value), carried(float(value), format_spec)))
        return format(value, format_spec)

    def _finer(self, value: float, spec: str) -> str:
        """The format of a number with the decimals that it and what is read with it ask for."""
        found = PLACES.search(spec)
        group = self._beside.get(self._field.split(".")[0], []) if found else []
        if found is None or not group:
            return spec
        least = int(found[1])
        # Two decimals or one are a sheet's choice, unless an interval would be nil.
        if least < digits.LEAST and len(self._interval(self._field)) < 2:
            return spec
        enough = max(digits.enough(group, least), digits.apart(self._interval(self._field)))
        places = digits.alone(value, enough, max(map(abs, group)))
        return f"{spec[: found.start()]}.{places}f"


def _numbers(value: Any) -> list[float]:
    """The finite numbers of a value or list."""
    parts = value if isinstance(value, list | tuple) else [value]
    real = (v for v in parts if isinstance(v, numbers.Real) and not isinstance(v, bool) and not missing(v))
    return [float(v) for v in real if math.isfinite(v)]


def _part(text: str) -> float | str:
    """The part of a code as a number, if it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def number(value: Any, spec: str) -> str:
    """A number in Python's format, with a true minus and no minus before zero.

    ``.1e<1e-12`` prints what is smaller in size, and so the computer's rounding, as ``<1e-12``. ``p`` is a p-value with
    its sign: ``= 0.032``, or ``< 0.001`` for one that three decimals would print as nil. ``ln%`` is a difference of logs
    in per cent.
    """
    if spec == "ln%":
        return number(100 * math.expm1(value), "+.1f") + "%"
    if spec == "p":
        return f"< {LEAST_P}" if value < LEAST_P / 2 else f"= {value:.3f}"
    spec, _, floor = spec.partition("<")
    if floor and abs(value) < float(floor):
        return f"<{floor}"
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if spec and spec[-1] == "d":
        value = int(value)
    text = format(value, spec)
    if text.startswith("-") and not any(c in "123456789" for c in text.split("e")[0]):
        text = text[1:]
    return text.replace("-", "−", 1) if text.startswith("-") else text


def carried(value: float, spec: str) -> str:
    """Three decimals are for what is smaller than ten: a sentence that says 610.155 claims more than its error allows.

    Examples
    --------
    >>> carried(0.069, "+.3f"), carried(61.02, ".3f"), carried(-61015.5, ".3f")
    ('+.3f', '.1f', ',.0f')
    """
    if not spec.endswith(".3f") or "," in spec or not math.isfinite(value) or abs(value) < 10:
        return spec
    return spec.removesuffix(".3f") + (".1f" if abs(value) < 100 else ",.0f")


_RANGE = re.compile(
    r"(?:(?P<verb>\b(?:lies?|stays?)) between |\b(?:from|between) |(?P<in>介于) ?)?(?<![\w.,%−+])"
    r"(?P<one>[−+]?\d[\d.,]*%?)( to | and | ?至 ?| ?与 ?)(?P=one)(?![\d%]|[.,]\d)(?(in)(?: ?之间)?)"
)


def narrowed(text: str) -> str:
    """A text in which a range of one number is that number.

    Examples
    --------
    >>> narrowed("0.0% to 0.0% leave"), narrowed("from 6.9 to 6.95"), narrowed("140 至 140 家")
    ('0.0% leave', 'from 6.9 to 6.95', '140 家')
    """
    return _RANGE.sub(_one_number, text)


def _one_number(found: re.Match[str]) -> str:
    """The number of a range, with what a verb needs before it."""
    verb = f"{found['verb']} at " if found["verb"] else "为 " if found["in"] else ""
    return verb + found["one"]


def missing(value: Any) -> bool:
    """Whether a cell holds nothing."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def plain(code: Any) -> str:
    """A code as vocabularies spell it."""
    if isinstance(code, bool) or type(code).__name__ == "bool_":
        return "true" if code else "false"
    if isinstance(code, numbers.Real) and float(code).is_integer():
        return str(int(float(code)))
    return str(code)


def unit_shown(unit: str, language: str) -> str:
    """A unit in the page's language; what has no English word stays as it is.

    Examples
    --------
    >>> [unit_shown(unit, "en") for unit in ("ln 万元/人", "美元", "件/百件", "日元/人", "百分点")]
    ['ln 10,000 yuan/person', 'USD', 'items per 100 items', '日元/person', '百分点']
    """
    return _CHINESE_UNIT.sub(lambda found: _in_english(found[0]), unit) if language == "en" else unit


# Words of a unit are whole: 美元 is not 元 with a sign before it.
_CHINESE_UNIT = re.compile("[\u3400-\u9fff]+(?:/[\u3400-\u9fff]+)*")


def _in_english(unit: str) -> str:
    return UNITS.get(unit) or "/".join(UNITS.get(part, part) for part in unit.split("/"))
