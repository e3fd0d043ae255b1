"""Sheets: what each exhibit of a notebook is called, says, shows and holds, declared once in both languages.

A notebook's sheet is ``notebooks/exhibits/<notebook>.yaml``; heads, needs and words that recur stand once in
``notebooks/exhibits/shared.yaml``. The notebook hands over frames and values, and nothing that is printed.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from workbook import paths

LANGUAGES = ("en", "zh")
# What a text may say of a column of the frame: {frame.<column>.<one of these>}.
OF_COLUMN = ("first", "last", "max", "min", "sum", "mean", "count", "any")

Role = Literal[
    "label",
    "word",
    "year",
    "number",
    "estimate",
    "error",
    "bound",
    "p",
    "statistic",
    "units",
    "rows",
    "count",
    "amount",
    "share",
    "unit_share",
    "growth",
    "mean",
    "quantile",
    "score",
    "identifier",
]
Kind = Literal["table", "regression", "journal", "figure", "file"]
PART = "-"  # between an exhibit's name and that of its part
Holds = Literal["words", "settings", "estimates", "counts", "statistics", "amounts", "units"]
UNDRAWN = {
    "en": "It cannot be drawn without the numbers that secrecy leaves out.",
    "zh": "隐去保密数值后无法绘制。",
}
WITHHELD = {"en": "**Withheld: {}.** {}", "zh": "**未发布：{}。** {}"}
LEFT_OUT = {"en": "**Left out: {}.** {}", "zh": "**略去：{}。** {}"}
NOT_RUN = {"en": "**This notebook was not run.** {} Left out: {}.", "zh": "**本笔记本未运行。**{}略去：{}。"}
# Columns of a long frame of estimates that a regression table prints in its cells.
PRINTED = ["estimate", "std_error", "ci_low", "ci_high"]
# Roles that name a row or explain it, and so rest on no unit.
SAYING = {"label", "word", "year", "number", "identifier"}


class SheetError(ValueError):
    """A sheet, or what a notebook hands over, is not as it must be; the message says where and how to mend it."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Model):
    """A text in both languages; a plain string in the sheet is the same in both (``N``, ``R²``)."""

    en: str = Field(description="English; fields in braces are filled in")
    zh: str = Field(description="Chinese; the same fields")


def _both(value: Any) -> Any:
    return {"en": value, "zh": value} if isinstance(value, str) else value


class Variant(Text):
    """A part of a text that is said only when a value, or a parameter, is (or is not) there and true."""

    when: str | None = Field(
        None, description="said when this value, parameter or `frame.<column>.<how>` is true"
    )
    unless: str | None = Field(None, description="said when it is not")


Plain = Annotated[Text, BeforeValidator(_both)]
Wording = Annotated[Text | list[Variant], BeforeValidator(_both)]


class Column(_Model):
    """A column of a frame: printed head, what it holds, format; head and role may come from those that recur."""

    role: Role = Field(description="what the numbers are: the judgement on secrecy rests on it")
    head: Plain = Field(description="printed head; fields are filled in")
    digits: int | None = Field(None, ge=0, le=12, description="decimals; the exhibit's if not given")
    format: str | None = Field(
        None,
        description="Python format of a number, e.g. .1e, .1%, +.3f; .1e<1e-12 prints smaller ones as <1e-12",
    )
    percent: bool = Field(False, description="printed as 100 times the value")
    of: str | None = Field(None, description="vocabulary in which the cells' codes are looked up")
    words: dict[str, Plain] | None = Field(None, description="the cells' codes and what is printed for them")

    @property
    def says(self) -> bool:
        """Whether it names or explains, so that it rests on no unit."""
        return self.role in SAYING


class More(_Model):
    """Columns whose names are known only from the data, e.g. one for each year or group."""

    match: str = Field("*", description="names of columns that it speaks of (* and ? stand for characters)")
    role: Role = Field(description="as of a column")
    head: Plain | None = Field(None, description="printed head; {name} is the column's name, {word} its word")
    head_of: str | None = Field(None, description="vocabulary in which the column's name is looked up")
    strip: str = Field("", description="beginning of the name that is not looked up")
    digits: int | None = Field(None, ge=0, le=12, description="decimals")
    format: str | None = Field(None, description="Python format of a number")
    percent: bool = Field(False, description="printed as 100 times the value")
    of: str | None = Field(None, description="vocabulary of the cells")


class Layout(_Model):
    """How a long frame of estimates becomes a regression table."""

    rows: str = Field("term", description="column that names the lines")
    columns: str = Field("spec", description="column that names the printed columns")
    foot: list[str] = Field(default_factory=list, description="columns printed as lines at the foot")
    beside: bool = Field(
        False, description="standard errors in brackets beside the estimates, under heads in words"
    )


class Need(_Model):
    """Something that a study's data or parameters must have for an exhibit; its reason is a sentence."""

    en: str = Field(description="why the exhibit is not there, a whole sentence")
    zh: str = Field(description="the same in Chinese")
    parameters: list[str] = Field(default_factory=list, description="parameters that must be set (not empty)")
    without: list[str] = Field(default_factory=list, description="parameters that must be empty")
    without_columns_of: list[str] = Field(
        default_factory=list, description="parameters that must be empty, or name columns that hold nothing"
    )
    columns: list[str] = Field(
        default_factory=list, description="columns that must hold something, all of them"
    )
    any_columns: list[str] = Field(
        default_factory=list, description="columns of which one must hold something"
    )
    columns_of: list[str] = Field(default_factory=list, description="parameters that name such columns")
    table: str = Field("panel", description="artefact that has the columns")
    artefacts: list[str] = Field(default_factory=list, description="artefacts that must have been written")
    result: bool = Field(False, description="known only once the method has run: it found nothing to show")


class Method(_Model):
    """An estimator, a design or a test, and what it needs of a study."""

    needs: list[str] = Field(description="needs that must hold; names of `needs`")
    asked_by: str | None = Field(None, description="parameter that lists it by its name")
    set_by: str | None = Field(None, description="parameter that asks for it by being set")


class Fact(_Model):
    """A number of the study's first page, and what it is."""

    value: Wording = Field(description="the number; variants: the first that holds")
    says: Plain = Field(description="what it is, a few words")


class Headline(_Model):
    """What the study's first page shows where an exhibit is the study's answer; its title is the sentence."""

    figure: str | None = Field(None, description="figure of the same notebook that draws it; else itself")
    numbers: list[Fact] = Field(default_factory=list, max_length=3, description="at most three numbers")


class Exhibit(_Model):
    """One exhibit."""

    kind: Kind = Field(
        description="table, regression (a long frame of estimates), journal (columns as journals print them), figure or file"
    )
    name: Plain = Field(description="what it is called where it is left out and in lists")
    title: Wording = Field(description="the finding; variants: the first that holds")
    note: Wording | None = Field(None, description="what a reader must know; variants: all that hold")
    source: Wording | None = Field(None, description="where the numbers come from; else the shared one")
    read: Wording | None = Field(None, description="one sentence on how to read it")
    alt: Wording | None = Field(None, description="figures: what is seen, for who cannot see it")
    axes: dict[str, Plain] = Field(
        default_factory=dict, description="words of axes and legends, or of a file"
    )
    show: list[str] = Field(
        default_factory=list, description="columns printed, in this order; … = those of `more`"
    )
    columns: dict[str, Column] = Field(default_factory=dict, description="columns that are not shared")
    more: list[More] = Field(default_factory=list, description="columns known only from the data")
    layout: Layout | None = Field(None, description="of a regression table")
    digits: int = Field(3, ge=0, le=12, description="decimals of numbers with a fraction")
    digits_of: str | None = Field(
        None, description="value that states them in place of `digits`, e.g. table.digits"
    )
    suffix: str = Field("", description="files: how the name ends, e.g. .docx")
    needs: list[str] = Field(default_factory=list, description="needs that must hold; names of `needs`")
    empty: str | None = Field(None, description="need that is named when the method found nothing to show")
    secrecy: Holds | None = Field(None, description="what its numbers are")
    drawn_from: str | None = Field(
        None, description="exhibit whose numbers it draws, if it has none of its own"
    )
    rests_on: str | None = Field(
        None, description="column that counts the units behind each row, or: contributions"
    )
    each: bool = Field(
        False, description="shown once for each part that the study names, as <exhibit>-<part>"
    )
    headline: Headline | None = Field(None, description="what the study's first page shows of it")
    reviewers: bool = Field(
        False, description="only reviewers ask for it: it stands on the site's page for reviewers"
    )
    splits: str | list[str] | None = Field(
        None,
        description="columns with the least and the most that codes of several classes leave open, or a shared reason",
    )

    @model_validator(mode="after")
    def _whole(self) -> Exhibit:
        if (self.secrecy is None) == (self.drawn_from is None):
            raise ValueError("say what its numbers are: `secrecy`, or `drawn_from` another exhibit")
        if self.kind == "figure" and self.alt is None:
            raise ValueError("a figure needs `alt`, for who cannot see it")
        if self.kind in ("table", "regression", "journal") and not self.show:
            raise ValueError("a table needs `show`: the columns that are printed")
        if self.kind == "regression" and self.layout is None:
            raise ValueError("a regression table needs `layout`")
        if self.kind == "file" and not self.suffix:
            raise ValueError("a file needs `suffix`")
        return self


class Paragraph(_Model):
    """A paragraph that a notebook shows where its numbers are known only from the data."""

    text: Wording = Field(description="Markdown; variants: all that hold")
    needs: list[str] = Field(default_factory=list, description="needs without which it is not said")


class Vocabulary(_Model):
    """Words for codes: written here, or read from a table of the project."""

    words: dict[str, Plain] = Field(default_factory=dict, description="code: word")
    file: str | None = Field(None, description="CSV of the project")
    code: str = Field("code", description="its column of codes")
    en: str = Field("label_en", description="its column of English words")
    zh: str = Field("label_zh", description="its column of Chinese words")
    begins: str = Field("", description="what codes begin with that the file has without it")
    within: Plain | None = Field(None, description="text with {} around each word of the file")
    also: list[str] = Field(default_factory=list, description="vocabularies that know further codes")


class Shared(_Model):
    """What recurs in all notebooks."""

    source: list[Variant] = Field(description="source of every exhibit that names none")
    columns: dict[str, Column] = Field(description="heads, formats and roles of columns, by name")
    needs: dict[str, Need] = Field(description="needs by name")
    methods: dict[str, Method] = Field(
        default_factory=dict, description="estimators, designs and tests by name"
    )
    vocabularies: dict[str, Vocabulary] = Field(description="words of codes")
    answers: list[str] = Field(
        default_factory=list,
        description="exhibits (notebook.exhibit) that can be a study's answer: the first that is shown",
    )
    splits: dict[str, str] = Field(
        default_factory=dict,
        description="why an exhibit has no bounds for codes that may be several classes, by name",
    )


class Sheet(_Model):
    """A notebook's sheet."""

    notebook: str = Field(description="its name")
    needs: list[str] = Field(
        default_factory=list, description="needs of the whole notebook: without them it is not run"
    )
    title: Wording | None = Field(
        None, description="what its page is called, filled from the study's parameters; else as the notebook"
    )
    headline: str | list[str] | None = Field(
        None, description="exhibit that stands first on its page; of several the first that is shown"
    )
    declares: dict[str, Need] = Field(default_factory=dict, description="needs that only this notebook has")
    columns: dict[str, Column] = Field(
        default_factory=dict, description="columns that recur in this notebook"
    )
    words: dict[str, Paragraph] = Field(
        default_factory=dict, description="paragraphs with numbers from the data"
    )
    splits: str | None = Field(
        None, description="shared reason of its exhibits that do not say what split codes do to them"
    )
    told_by: str | None = Field(
        None,
        description="exhibit whose hidden column `telling_units` counts the units that tell each term, for estimates without it",
    )
    exhibits: dict[str, Exhibit] = Field(description="by id, in their order")

    def exhibit(self, id: str) -> Exhibit:
        """One exhibit; of one that has parts, by the name of a part too.

        Raises
        ------
        SheetError
            When the sheet does not declare it.
        """
        base, _, part = id.partition(PART)
        if part and base in self.exhibits and self.exhibits[base].each:
            return self.exhibits[base]
        if id not in self.exhibits:
            known = ", ".join(self.exhibits)
            raise SheetError(f"{shown(self.notebook)}: no exhibit '{id}' is declared; declared are: {known}")
        return self.exhibits[id]

    @property
    def first(self) -> list[str]:
        """Exhibits that may stand first on its page, the best one first."""
        return [self.headline] if isinstance(self.headline, str) else list(self.headline or [])

    def _all_needs(self) -> dict[str, Need]:
        """Every need that it names."""
        named = [*self.needs, *(n for one in self.words.values() for n in one.needs)]
        for exhibit in self.exhibits.values():
            named += [*exhibit.needs, *([exhibit.empty] if exhibit.empty else [])]
        return {name: self.need(name) for name in named}

    def parameters(self) -> list[str]:
        """Parameters on which its needs depend."""
        found = {p for need in self._all_needs().values() for p in (*need.parameters, *need.columns_of)}
        return sorted(found)

    def decides(self) -> str:
        """Hash of what it decides beside words: which exhibits there are, of what kind, and when they are left out."""
        conditions = {name: need.model_dump(exclude={"en", "zh"}) for name, need in self._all_needs().items()}
        exhibits = {id: [one.kind, one.needs, one.empty, one.suffix] for id, one in self.exhibits.items()}
        said = {id: one.needs for id, one in self.words.items()}
        methods = {name: one.needs for name, one in shared().methods.items()}
        for name in {name for names in methods.values() for name in names}:
            conditions[name] = shared().needs[name].model_dump(exclude={"en", "zh"})
        plain = json.dumps([self.needs, exhibits, said, methods, conditions], sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()

    def need(self, name: str) -> Need:
        """A need by name, this notebook's own or a shared one."""
        found = self.declares.get(name) or shared().needs.get(name)
        if found is None:
            known = ", ".join([*self.declares, *shared().needs])
            raise SheetError(f"{shown(self.notebook)}: no need '{name}'; known are: {known}")
        return found


def folder() -> Path:
    """Where the sheets are: beside the notebooks."""
    return paths.NOTEBOOKS / "exhibits"


def file(notebook: str) -> Path:
    """Where a notebook's sheet is."""
    return folder() / f"{notebook}.yaml"


def shared_file() -> Path:
    """Where that stands which recurs: beside the sheets, or the project's own."""
    own = folder() / "shared.yaml"
    return own if own.is_file() else paths.ROOT / "notebooks" / "exhibits" / "shared.yaml"


def shown(notebook: str) -> str:
    """Its place, as messages name it."""
    return f"notebooks/exhibits/{notebook}.yaml"


def exists(notebook: str) -> bool:
    """Whether a notebook has a sheet."""
    return file(notebook).is_file()


def shared() -> Shared:
    """What recurs in all notebooks.

    Raises
    ------
    SheetError
        When the file is not as the model says.
    """
    return _shared(shared_file(), shared_file().stat().st_mtime_ns)


@cache
def _shared(place: Path, changed: int) -> Shared:
    return parse_shared(read(place), place.name)


def sheet(notebook: str) -> Sheet:
    """A notebook's sheet, its columns completed from those that recur.

    Raises
    ------
    SheetError
        When there is none, or it is not as the model says; every fault is named.
    """
    if not exists(notebook):
        raise SheetError(f"{shown(notebook)}: there is no such sheet")
    place = file(notebook)
    return _sheet(place, place.stat().st_mtime_ns, shared_file().stat().st_mtime_ns)


@cache
def _sheet(place: Path, changed: int, shared_changed: int) -> Sheet:
    return parse(read(place), place.stem)


def parse(values: dict[str, Any], notebook: str) -> Sheet:
    """Check a sheet's plain values against the model.

    Parameters
    ----------
    values : dict
        What the file says.
    notebook : str
        Name of its notebook.
    """
    recurring = shared().model_dump(exclude_none=True)["columns"] | dict(values.get("columns") or {})
    for exhibit in dict(values.get("exhibits") or {}).values():
        if isinstance(exhibit, dict):
            exhibit["columns"] = _completed(exhibit, recurring)
    made: Sheet = _validated(Sheet, values, shown(notebook))
    if made.notebook != notebook:
        raise SheetError(f"{shown(notebook)}: notebook = '{made.notebook}'; it must be '{notebook}'")
    for id, exhibit in made.exhibits.items():
        _check_columns(made, id, exhibit)
        for name in [*exhibit.needs, *([exhibit.empty] if exhibit.empty else []), *made.needs]:
            made.need(name)
        if exhibit.drawn_from and exhibit.drawn_from not in made.exhibits:
            raise SheetError(
                f"{shown(notebook)}: {id}.drawn_from = '{exhibit.drawn_from}' is no exhibit here"
            )
        figure = exhibit.headline.figure if exhibit.headline else None
        if figure and (figure not in made.exhibits or made.exhibits[figure].kind != "figure"):
            raise SheetError(f"{shown(notebook)}: {id}.headline.figure = '{figure}' is no figure here")
    for id in made.first:
        made.exhibit(id)
    return made


def parse_shared(values: dict[str, Any], name: str) -> Shared:
    """Check the shared file's plain values against the model."""
    made: Shared = _validated(Shared, values, f"notebooks/exhibits/{name}")
    for method, one in made.methods.items():
        unknown = [need for need in one.needs if need not in made.needs]
        if unknown:
            raise SheetError(
                f"notebooks/exhibits/{name}: methods.{method} needs {', '.join(unknown)}, no need"
            )
    return made


def read(place: Path) -> dict[str, Any]:
    """A YAML file as plain values.

    Raises
    ------
    SheetError
        When it is not YAML, or no mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        values = YAML(typ="safe").load(place.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SheetError(f"notebooks/exhibits/{place.name}:{line}: not YAML: {error.problem}") from None
    if not isinstance(values, dict):
        raise SheetError(
            f"notebooks/exhibits/{place.name}: expected keys and values, found {type(values).__name__}"
        )
    return values


def schema_json(model: type[Sheet] | type[Shared]) -> str:
    """JSON schema of a sheet, or of what the sheets share, for editors."""
    schema = model.model_json_schema()
    schema["title"] = (model.__doc__ or "").strip()
    # A column's head and role may come from the shared file.
    schema["$defs"]["Column"].pop("required", None)
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def fields(text: str) -> set[str]:
    """Names at the root of a text's fields; of ``{frame.…}`` none."""
    found = {name.split(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    return found - {"frame"}


def more(exhibit: Exhibit, name: str) -> More | None:
    """What a sheet says of a column whose name is known only from the data."""
    return next((one for one in exhibit.more if fnmatchcase(name, one.match)), None)


def role(exhibit: Exhibit, name: str, source: Exhibit | None = None) -> Role | None:
    """Role of a column: its own, that of columns known only from the data, or words in one of the languages.

    Of a figure that shows another exhibit's numbers (``source``): that exhibit's.
    """
    column = exhibit.columns.get(name) or more(exhibit, name)
    if column is None and name.endswith(("_en", "_zh")):
        column = exhibit.columns.get(name[:-3])
    if column is None and source is not None:
        return role(source, name)
    return column.role if column is not None else None


# -- inside ------------------------------------------------------------------------------------------


def _completed(exhibit: dict[str, Any], recurring: dict[str, Any]) -> dict[str, Any]:
    """The columns that an exhibit names, each with what it does not say itself from those that recur."""
    own = dict(exhibit.get("columns") or {})
    layout = exhibit.get("layout") or {}
    named = [*exhibit.get("show", []), *own, layout.get("rows", "term"), layout.get("columns", "spec")]
    named += [*layout.get("foot", []), exhibit.get("rests_on")]
    named += PRINTED if exhibit.get("kind") == "regression" else []
    named += _told_of(exhibit)
    return {
        name: {**recurring.get(name, {}), **(own.get(name) or {})}
        for name in dict.fromkeys(named)
        if name in own or name in recurring
    }


_OF_FRAME = re.compile(rf"\bframe\.(\w+)\.(?:{'|'.join(OF_COLUMN)})\b")


def _told_of(exhibit: dict[str, Any]) -> list[str]:
    """Columns of the frame that an exhibit's texts name."""
    texts = {key: exhibit.get(key) for key in ("title", "note", "read", "alt", "headline")}
    return list(dict.fromkeys(_OF_FRAME.findall(json.dumps(texts, ensure_ascii=False))))


def _check_columns(made: Sheet, id: str, exhibit: Exhibit) -> None:
    unknown = [name for name in exhibit.show if name not in exhibit.columns and name != "…"]
    if unknown:
        raise SheetError(
            f"{shown(made.notebook)}: {id}.show names {', '.join(unknown)}, without head or role here or in shared.yaml"
        )
    # Under rules of secrecy a frame keeps the columns that have a role alone, and texts would find nothing.
    source = made.exhibits.get(exhibit.drawn_from or "")
    lost = [name for name in _told_of(exhibit.model_dump()) if role(exhibit, name, source) is None]
    if lost:
        raise SheetError(
            f"{shown(made.notebook)}: {id}: texts name {', '.join(lost)} of the frame, without head or role here or in "
            "shared.yaml"
        )


def _validated(model: Any, values: dict[str, Any], where: str) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = []
        for fault in error.errors():
            place = ".".join(str(part) for part in fault["loc"] if part not in ("Text", "Variant"))
            allowed = ""
            if fault["type"] == "extra_forbidden":
                allowed = "; allowed here: " + ", ".join(_fields(model, fault["loc"][:-1]))
            lines.append(f"{where}: {place}: {fault['msg'].removeprefix('Value error, ')}{allowed}")
        raise SheetError("\n".join(dict.fromkeys(lines))) from None


def _fields(model: Any, location: tuple[Any, ...]) -> list[str]:
    """Fields allowed at a place of the model, as far as it can be told."""
    schema = model.model_json_schema()
    place = schema
    for part in location:
        place = _resolved(place, schema)
        place = (
            place.get("properties", {}).get(part)
            or place.get("additionalProperties")
            or place.get("items")
            or place
        )
        if not isinstance(place, dict):
            return []
    return list(_resolved(place, schema).get("properties", {}))


def _resolved(place: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in [place, *place.get("anyOf", [])]:
        if "$ref" in option:
            found: dict[str, Any] = schema["$defs"][option["$ref"].rsplit("/", 1)[1]]
            return found
    return place
