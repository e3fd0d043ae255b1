"""Whether a notebook and its sheet speak of the same exhibits, values and fields: checked before any kernel starts."""

from __future__ import annotations

import ast
import contextlib
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbook.exhibits import sheets
from workbook.exhibits.sheets import Exhibit, Sheet, Text, Variant, fields

CALLS = {"exhibit": "exhibits", "file": "exhibits", "paragraph": "words"}
# What every text may name beside values and parameters.
ALWAYS = {"study"}
NOT_VALUES = {"contributions", "part"}


@dataclass(frozen=True)
class Call:
    """A call of the book in a notebook's cell."""

    how: str
    id: str
    values: tuple[str, ...]
    draws: bool


def faults(sheet: Sheet, content: Mapping[str, Any], parameters: Iterable[str]) -> list[str]:
    """Everything in which a sheet and its notebook differ; each says where and how to mend it.

    Parameters
    ----------
    sheet : Sheet
        The notebook's sheet.
    content : dict
        The notebook (parsed JSON).
    parameters : iterable of str
        Names of all parameters, which texts may name too.
    """
    where, known = sheets.shown(sheet.notebook), set(parameters) | ALWAYS
    made = list(calls(content))
    found = [*_undeclared(sheet, made, where), *_never_shown(sheet, made, where)]
    for id, texts in _texts(sheet).items():
        values = {v for call in made if call.id == id for v in call.values}
        found += [f"{where}: {id}: {fault}" for fault in _fields(texts, values, known)]
    found += [f"{where}: title: {fault}" for fault in _fields(_parts(sheet.title), set(), known)]
    for id in sheet.exhibits:
        for call in made:
            if call.id == id:
                found += [f"{where}: {id}: {fault}" for fault in _unused(sheet, call)]
    return found


def calls(content: Mapping[str, Any]) -> Iterator[Call]:
    """Calls of ``book.exhibit``, ``book.file`` and ``book.paragraph`` in a notebook's cells."""
    for cell in content["cells"]:
        if cell["cell_type"] != "code":
            continue
        with contextlib.suppress(SyntaxError):  # it will fail when it runs, and say where
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                call = _call(node)
                if call is not None:
                    yield call


def _call(node: ast.AST) -> Call | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    if node.func.attr not in CALLS or not (
        isinstance(node.func.value, ast.Name) and node.func.value.id == "book"
    ):
        return None
    first = node.args[0] if node.args else None
    id = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    names = tuple(k.arg for k in node.keywords if k.arg and k.arg not in {*NOT_VALUES, "draw", "frame"})
    draws = len(node.args) > 2 or any(k.arg == "draw" for k in node.keywords)
    return Call(node.func.attr, id, names, draws)


# -- inside ------------------------------------------------------------------------------------------


def _undeclared(sheet: Sheet, made: list[Call], where: str) -> Iterator[str]:
    for call in made:
        listed = getattr(sheet, CALLS[call.how])
        if call.id not in listed:
            near = difflib.get_close_matches(call.id, listed, 1, 0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            name = call.id or "(no text: write the name itself)"
            yield f"{where}: the notebook shows '{name}', which is not declared under `{CALLS[call.how]}`{hint}"


def _never_shown(sheet: Sheet, made: list[Call], where: str) -> Iterator[str]:
    for part in ("exhibits", "words"):
        shown = [call.id for call in made if CALLS[call.how] == part]
        for id in getattr(sheet, part):
            if id not in shown:
                yield f"{where}: {part}.{id} is declared, but no cell of the notebook shows it"
            elif shown.count(id) > 1:
                yield f"{where}: {part}.{id} is shown by {shown.count(id)} cells; it may be shown once"


def _texts(sheet: Sheet) -> dict[str, list[Text]]:
    """All texts by the exhibit or paragraph that they belong to; heads included."""
    found: dict[str, list[Text]] = {id: list(_parts(one.text)) for id, one in sheet.words.items()}
    for id, exhibit in sheet.exhibits.items():
        found[id] = list(_of_exhibit(exhibit))
    return found


def _of_exhibit(exhibit: Exhibit) -> Iterator[Text]:
    for wording in (exhibit.title, exhibit.note, exhibit.source, exhibit.read, exhibit.alt):
        yield from _parts(wording)
    yield from exhibit.axes.values()
    for fact in exhibit.headline.numbers if exhibit.headline else []:
        yield from (*_parts(fact.value), fact.says)
    for column in exhibit.columns.values():
        yield from (column.head, *(column.words or {}).values())


def _parts(wording: Text | list[Variant] | None) -> list[Text]:
    return [wording] if isinstance(wording, Text) else list(wording or [])


def _fields(texts: list[Text], values: set[str], parameters: set[str]) -> Iterator[str]:
    """Fields that nothing fills, and texts whose fields differ in the two languages."""
    for text in texts:
        named = {language: fields(getattr(text, language)) for language in sheets.LANGUAGES}
        if named["en"] != named["zh"]:
            only = ", ".join(sorted(named["en"] ^ named["zh"]))
            yield f"a text has fields in one language only ({only}): '{text.en[:60]}'"
        conditions = {c for c in (getattr(text, "when", None), getattr(text, "unless", None)) if c}
        asked = named["en"] | named["zh"] | {c.split(".")[0] for c in conditions} - {"frame"}
        for name in sorted(asked):
            both = {f"{name}_{language}" for language in sheets.LANGUAGES} <= parameters
            if name not in values and name not in parameters and not both:
                yield f"'{{{name}}}' is filled by no value that the notebook gives and by no parameter"


def _unused(sheet: Sheet, call: Call) -> Iterator[str]:
    """Values that no text uses; a drawing may take them."""
    exhibit = sheet.exhibits[call.id]
    used: set[str] = set()
    for text in _of_exhibit(exhibit):
        used |= fields(text.en) | {c.split(".")[0] for c in _conditions(text)}
    for name in call.values:
        if name not in used and not call.draws:
            yield f"the notebook gives the value '{name}', which no text uses"


def _conditions(text: Text) -> list[str]:
    return [c for c in (getattr(text, "when", None), getattr(text, "unless", None)) if c]
