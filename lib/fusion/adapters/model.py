"""An adapter: a YAML file that says how a source's layout becomes the contract's columns.

Built-in adapters lie in ``data/adapters``; ``data/adapters/README.md`` documents the schema.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fusion.adapters import units
from fusion.adapters.errors import AdapterError, refusal
from fusion.adapters.headers import alias_key
from fusion.language import listed, said
from fusion.panel.activities import GOODS, NO_PART, SERVICES, is_class
from fusion.panel.codes import EDITIONS
from fusion.panel.contract import DATA, contract
from fusion.panel.errors import nearest

MOST = 20  # faults of one file that a message shows
HOME = DATA / "adapters"
MoneyUnit = Literal["元", "千元", "万元", "百万元", "亿元"]
Text = Annotated[str, Field(min_length=1)]
Year = Annotated[int, Field(ge=1900, le=2100)]


class Part(BaseModel):
    """A part of an adapter: unknown keys are errors, types are not bent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ColumnRule(Part):
    """Where one column of the contract comes from."""

    aliases: list[Text] = Field(
        [], description="headers that mean it, in order of preference; `P>其中：X` is X below the header P"
    )
    unverified: list[Text] = Field(
        [], description="further aliases, recalled and not seen in an export: used, and marked in the report"
    )
    substitutes: list[Text] = Field(
        [], description="headers that measure something else in its place: reported, never used"
    )
    unit: str | None = Field(
        None, description="unit of the source's column, where it differs from the file's"
    )
    trust: Literal["both", "adapter"] = Field(
        "both", description="adapter: this `unit` stands although the header states another"
    )
    values: dict[str, str] = Field({}, description="source's value: contract's value")
    take: Literal["year", "first_6"] | None = Field(
        None, description="year = the year of a date; first_6 = the first six digits"
    )
    pad: int | None = Field(None, ge=1, le=18, description="digits: zeros are put before shorter ones")
    where: dict[Text, list[str]] = Field(
        {}, description="header: values of the rows whose cells are read; those of other rows count as empty"
    )
    join: list[Text] = Field([], description="headers whose values are joined by |")
    flags: dict[str, int] = Field({}, description="header of a yes/no column: the number it adds")
    by_class: dict[str, str] = Field(
        {}, description="header of an amount: the class it is the amount of; makes code: amount"
    )
    sum_of: list[Text] = Field([], description="headers that are added (with - before: subtracted)")
    sum_of_columns: list[Text] = Field(
        [], description="columns of the contract that are added, after joining"
    )
    value: str | None = Field(None, description="one value for all rows")
    from_year: dict[Year, str] = Field({}, description="value from each year on")
    of_header: dict[Text, str] = Field(
        {}, description="of class_version: header of the industry code, and the edition of its codes"
    )

    @property
    def named(self) -> list[str]:
        """All aliases, in order of preference."""
        return [*self.aliases, *self.unverified]


class IdRule(Part):
    """How identifiers become one firm's."""

    chain: bool = Field(False, description="9-character organisation codes become the 18-character code")
    pad: int | None = Field(None, ge=1, le=18, description="digits: zeros are put before shorter ones")
    as_written: bool = Field(False, description="letters stay small or large: names of units, not codes")
    form: Literal["stock"] | None = Field(
        None, description="stock: 000001.SZ, SZ000001 and 1 are 000001, six digits without the exchange"
    )


class Repeats(Part):
    """What becomes of several rows of one unit and year; the first rule whose headers a table has holds for it."""

    when: list[Text] = Field([], description="headers that the table has; none = every table")
    take: Literal["last", "first", "sum"] = Field(description="the row that is read, or numbers added up")
    order: list[Text] = Field(
        [], description="headers by which rows are in order, before their place in the file"
    )


class Spread(Part):
    """A table of items below one another: each item becomes a column."""

    by: list[Text] = Field(
        min_length=1, description="headers of unit and year, which name the rows that are made"
    )
    item: Text = Field(description="header of the column that names the items; their names become headers")
    value: Text = Field(description="header of the column with their values")
    unit: Text | None = Field(
        None, description="header of the column with their units, put in brackets behind the items"
    )
    take: Literal["last", "first", "sum"] = Field(
        description="of several values of one unit, year and item: the one that is read, or numbers added up"
    )


class FileRule(Part):
    """What holds for files whose name matches; of several that match, each key is the first one's that has it."""

    match: Text = Field(description="pattern of the file's name, e.g. *2013*")
    role: Literal["panel", "establishments"] = "panel"
    year: Year | None = Field(None, description="year of all rows, where the file does not say")
    edition: str | None = Field(
        None, description="edition of all industry codes, where the file does not say"
    )
    money_unit: MoneyUnit | None = None
    encoding: Literal["auto", "utf-8", "gb18030", "windows-1252"] | None = None
    sheet: str | None = None
    header_row: int | None = Field(None, ge=1)
    aliases: dict[str, list[Text]] = Field({}, description="column: headers, before those of `columns`")
    on: list[str] = Field(
        [],
        description="columns by which the table is joined instead of firm_id and year, e.g. district, year",
    )


class Establishments(Part):
    """A table of establishments, or of business segments, that is rolled up to firm and year."""

    firm: list[Text]
    industry: list[Text]
    revenue: list[Text]
    year: list[Text] = []
    service_sections: list[Annotated[str, Field(pattern="^[A-T]$")]] = Field(
        description="sections of GB/T 4754 that are services"
    )
    codes: dict[Text, Annotated[str, Field(pattern=f"^([0-9]{{4}}|{GOODS}|{SERVICES}|{NO_PART})$")]] = Field(
        {},
        description="what the industry's column says: a class of GB/T 4754-2017; services (of no stated class); goods; or "
        "no_part (an elimination between segments). Official names need no line",
    )
    gives: list[
        Literal["service_rev_by_class", "service_revenue", "n_establishments", "n_serv_establishments"]
    ] = ["service_rev_by_class", "service_revenue", "n_establishments", "n_serv_establishments"]


class Adapter(Part):
    """How a source's layout becomes the contract's columns."""

    adapter: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="its name")
    title: str = ""
    based_on: str | None = Field(None, description="adapter to whose keys those of this one are added")
    instead: list[Text] = Field(
        [],
        description="keys (footers, columns.status.values) that take the place of the base's, not added to them",
    )
    sources: list[str] = Field([], description="where the aliases were seen")
    combine: Literal["stack", "join", "forms"] = Field(
        "stack",
        description="several files: rows below each other; joined by firm and year; or forms, of which years are stacked "
        "and different ones joined",
    )
    header_row: int | None = Field(
        None, ge=1, description="row of the header; empty = the one with most aliases"
    )
    header_rows: int | None = Field(
        None, ge=1, le=4, description="rows that make up the header; empty = found (1 to 3)"
    )
    year_of: list[Literal["title", "sheet", "name"]] = Field(
        [], description="where the year of a file stands that no header holds; places that differ are refused"
    )
    wide: bool = Field(False, description="headers may name years: a column for each item and year")
    label_rows: int = Field(
        0, ge=0, le=5, description="rows below the header that are labels or units where they hold no number"
    )
    unit_row: int | None = Field(None, ge=1, description="which of the label rows holds units; empty = found")
    suffixes: list[str] = Field([], description="ends of headers that say nothing, e.g. ;本年")
    item_numbers: bool = Field(False, description="headers may end in a form's line number (1 to 3 digits)")
    money_unit: MoneyUnit | None = Field(None, description="of the file; empty = the headers must state it")
    units: dict[str, str] = Field({}, description="contract's unit: source's unit, for other columns")
    keep: dict[str, list[str]] = Field(
        {}, description="header: values of the rows that are kept, in tables that have one of them"
    )
    drop: dict[str, list[str]] = Field({}, description="header: values of the rows that are set aside")
    repeats: list[Repeats] = Field([], description="several rows of one unit and year: which is read")
    spread: Spread | None = Field(
        None, description="items below one another, in tables that have its headers: each becomes a column"
    )
    annual: list[Text] = Field([], description="headers of a period's end; rows not of 12-31 are set aside")
    footers: list[Text] = Field([], description="beginnings of a first cell that make its row no data")
    totals: list[Text] = Field([], description="first cells that make their row a total, not a firm")
    encoding: Literal["auto", "utf-8", "gb18030", "windows-1252"] = "auto"
    decimal: Literal["point", "comma"] = Field(
        "point",
        description="comma: numbers of text files are written 1.234,5; what has no such form stays as it is",
    )
    sheet: str | None = None
    firm_id: IdRule = IdRule()
    columns: dict[str, ColumnRule] = {}
    absent: list[str] = Field([], description="columns the source does not collect: they exist and are empty")
    may_lack: list[str] = Field([], description="columns that exist and are empty where no file brings them")
    files: list[FileRule] = []
    establishments: Establishments | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Adapter:
        _check_classes(self)
        if self.unit_row is not None and self.unit_row > self.label_rows:
            raise ValueError(said("adapters.unit_row", unit_row=self.unit_row, label_rows=self.label_rows))
        _check_units(self)
        _check_aliases(self)
        _check_editions(self)
        return self

    def rule(self, column: str) -> ColumnRule:
        """The rule of a column; an empty one where the adapter has none."""
        return self.columns.get(column, ColumnRule())

    def file(self, path: Path) -> FileRule:
        """The rules of a file by its name, as one: the first that states a key decides it."""
        own: dict[str, Any] = {"match": "*"}
        for rule in self.files:
            if path.match(rule.match):
                stated = {k: getattr(rule, k) for k in rule.model_fields_set if k != "match"}
                aliases = {**stated.get("aliases", {}), **own.get("aliases", {})}
                own = {**stated, **own, **({"aliases": aliases} if aliases else {})}
        return FileRule.model_validate(own)


def built_in() -> list[str]:
    """Names of the adapters in ``data/adapters``."""
    return sorted(p.stem for p in HOME.glob("*.yaml"))


def load(name_or_path: str, root: Path | None = None, extra: Iterable[str] = ()) -> Adapter:
    """Read an adapter by its name, or from a file.

    Parameters
    ----------
    name_or_path : str
        ``bureau``, ``csmar``, ``wind``, or the path of a YAML file.
    root : pathlib.Path, optional
        Folder to which a relative path refers; the present one by default.
    extra : iterable of str
        Columns that a study declares beyond the contract.

    Raises
    ------
    AdapterError
        When there is none, it is not YAML, or a key is not allowed; file and key are named.
    """
    return validate(_merged(name_or_path, root or Path(), ()), name_or_path, extra)


def merged(name_or_path: str, root: Path | None = None) -> dict[str, Any]:
    """What an adapter says itself, each key as it holds with those of its base: ``columns.status`` and the like."""
    root = root or Path()
    file = _find(name_or_path, root)
    own = _values(file, name_or_path)
    whole = _merged(name_or_path, root, ())
    found = {k: whole[k] for k in own if k not in ("columns", "adapter", "title", "sources", "instead")}
    columns = own.get("columns") or {}
    return found | {f"columns.{c}": whole["columns"][c] for c in columns if c in whole["columns"]}


def validate(values: Mapping[str, Any], where: str, extra: Iterable[str] = ()) -> Adapter:
    """Check an adapter's keys and values."""
    known = {c.column for c in contract()} | set(extra)
    for key in ("columns", "absent", "may_lack"):
        named = values.get(key) or {}
        for name in named if isinstance(named, dict | list) else []:
            if not isinstance(name, str) or name not in known:
                raise AdapterError(
                    said(
                        "adapters.no_such_column",
                        where=where,
                        key=key,
                        name=name,
                        hint=nearest(str(name), known),
                    )
                )
    try:
        return Adapter.model_validate(dict(values))
    except ValidationError as error:
        lines = [_line(where, e)[:500] for e in error.errors()]
        more = [said("adapters.and_more", count=len(lines) - MOST)] if len(lines) > MOST else []
        raise AdapterError("\n".join([*lines[:MOST], *more])) from None


def over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """An adapter's keys added to those of its base: nothing of the base goes but what ``instead`` names.

    Lists and mappings are joined, the own entries first; one value takes the place of the other. A header that the own
    adapter gives to one column is no longer the base's for another, and a column that it describes is no longer absent.
    """
    instead = {str(key) for key in own.get("instead") or []}
    columns = _columns(base.get("columns") or {}, own.get("columns") or {}, instead)
    made = {key: _added(base.get(key), value, key in instead) for key, value in own.items()}
    made = {**base, **made, "columns": columns}
    said_of = set(own.get("columns") or {})
    listed_absent = [
        c for c in made.get("absent") or [] if c in (own.get("absent") or []) or c not in said_of
    ]
    return {**made, "absent": listed_absent}


LARGEST = 200_000  # characters of an adapter
# Keys of a column of which there can be one: headers that are put together are a whole.
WHOLE = ("join", "flags", "by_class", "sum_of", "sum_of_columns", "from_year", "of_header")


# -- inside ------------------------------------------------------------------------------------
def _find(name: str, root: Path) -> Path:
    if name in built_in():
        return HOME / f"{name}.yaml"
    file = root / os.path.expanduser(name)
    if os.path.isfile(file):
        return file
    raise AdapterError(
        said("adapters.no_such_adapter", name=name, known=listed(built_in()), hint=nearest(name, built_in()))
    )


def _values(file: Path, name: str) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8-sig")
        # A stranger's file: anchors let a few lines become millions, depth and length cost time.
        named = any(
            getattr(event, "anchor", None) for event in YAML(typ="safe", pure=True).parse(text[:LARGEST])
        )
        if named or len(text) > LARGEST:
            raise AdapterError(said("adapters.too_much", name=name, most=LARGEST))
        values = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, AdapterError):
            raise
        raise AdapterError(said("adapters.not_yaml", name=name, reason=str(error).splitlines()[0])) from None
    if not isinstance(values, dict):
        raise AdapterError(said("adapters.no_keys", name=name, keys=listed(Adapter.model_fields)))
    return values


def _merged(name: str, root: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    file = _find(name, root)
    if str(file) in seen:
        raise AdapterError(said("adapters.circle", name=name))
    values = _values(file, name)
    base = values.get("based_on")
    if base is None or not isinstance(values.get("columns") or {}, dict):
        return values
    try:
        below = _merged(str(base), file.parent, (*seen, str(file)))
    except AdapterError as error:
        raise AdapterError(said("adapters.based_on", name=name, error=error)) from None
    return over(below, values)


def _added(base: Any, own: Any, instead: bool) -> Any:
    if instead or base is None or own is None:
        return base if own is None and not instead else own
    if isinstance(base, dict) and isinstance(own, dict):
        return {**base, **own}
    if isinstance(base, list) and isinstance(own, list):
        return [*own, *(value for value in base if value not in own)]
    return own


def _columns(base: Mapping[str, Any], own: Mapping[str, Any], instead: set[str]) -> dict[str, Any]:
    given = {alias_key(a): c for c, rule in own.items() for a in _aliases(rule, "aliases", "unverified")}
    made: dict[str, Any] = {}
    for name in {**base, **own}:
        below, above = base.get(name) or {}, own.get(name) or {}
        if not isinstance(below, dict) or not isinstance(above, dict) or f"columns.{name}" in instead:
            made[name] = own.get(name, below)
            continue
        kept = _left(below, name, given)
        added = {
            key: _added(kept.get(key), value, key in WHOLE or f"columns.{name}.{key}" in instead)
            for key, value in above.items()
        }
        made[name] = {**kept, **added}
    return made


def _left(rule: Mapping[str, Any], name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """A column's rule without the headers that an own adapter gives to another column, or uses itself."""
    left = dict(rule)
    for key in ("aliases", "unverified", "substitutes"):
        if isinstance(left.get(key), list):
            own = None if key == "substitutes" else name
            left[key] = [a for a in left[key] if given.get(alias_key(a)) in (None, own)]
    return left


def _aliases(rule: Any, *keys: str) -> list[str]:
    lists = [rule.get(key) for key in keys] if isinstance(rule, dict) else []
    return [a for held in lists if isinstance(held, list) for a in held if isinstance(a, str)]


def _line(where: str, error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        last = str(error["loc"][-1])
        known = [*Adapter.model_fields, *ColumnRule.model_fields, *FileRule.model_fields]
        return said("adapters.unknown_key", where=where, key=key, hint=nearest(last, known))
    found = "" if error["type"] == "value_error" else f" = {str(error['input'])[:60]!r}"
    return said(
        "adapters.wrong_value", where=where, key=key or said("adapters.keys"), found=found, msg=refusal(error)
    )


def _check_units(adapter: Adapter) -> None:
    of = {c.column: c.unit for c in contract()}
    for contract_unit, unit in adapter.units.items():
        if units.factor(contract_unit, unit) is None:
            allowed = ", ".join(units.FACTORS.get(contract_unit, units.FACTORS))
            raise ValueError(
                said("adapters.unit_unconvertible", contract_unit=contract_unit, unit=unit, allowed=allowed)
            )
    for name, rule in adapter.columns.items():
        unit = of.get(name, "")
        if rule.unit is not None and units.has_unit(unit) and units.factor(unit, rule.unit) is None:
            raise ValueError(
                said(
                    "adapters.column_unit_unconvertible",
                    name=name,
                    unit=rule.unit,
                    into=unit,
                    allowed=listed(units.FACTORS[unit]),
                )
            )


def _check_editions(adapter: Adapter) -> None:
    rule = adapter.rule("class_version")
    stated = [
        rule.value,
        *rule.from_year.values(),
        *rule.of_header.values(),
        *(f.edition for f in adapter.files),
    ]
    unknown = [edition for edition in stated if edition is not None and edition not in EDITIONS]
    if unknown:
        raise ValueError(said("adapters.edition", unknown=listed(unknown), allowed=listed(EDITIONS)))


def _check_classes(adapter: Adapter) -> None:
    """What segments are said to be is a class of the edition in force."""
    stated = adapter.establishments.codes.values() if adapter.establishments else ()
    unknown = [code for code in stated if code.isdigit() and not is_class(code)]
    if unknown:
        raise ValueError(said("adapters.no_class", unknown=listed(unknown)))


def _check_aliases(adapter: Adapter) -> None:
    """No header may mean two columns."""
    owner: dict[str, str] = {}
    for name, rule in adapter.columns.items():
        for alias in rule.named:
            key = alias_key(alias, adapter.suffixes)
            if not key.strip(">"):
                raise ValueError(said("adapters.empty_alias", name=name, alias=alias))
            other = owner.setdefault(key, name)
            if other != name:
                raise ValueError(said("adapters.alias_twice", alias=alias, other=other, name=name))
