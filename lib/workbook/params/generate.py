"""Files that are written from the parameter model, and the check that they have not drifted from it."""

from __future__ import annotations

import ast
import io
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from workbook import paths
from workbook.exhibits import sheets
from workbook.language import said
from workbook.params import Parameters
from workbook.params.file import apart, forms
from workbook.params.load import load
from workbook.run import chain

DEFAULT_STUDY = "shanghai"
MAPPED = ("panels", "iv", "swap", "mark", "tests")  # what in tables has no shorter form
# Terms of a regression in a file: one, several, expressions too.
TERMS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "array", "items": {"type": "string"}},
    {"type": "null"},
]
MEANINGS = Path(sheets.__file__).with_name("meanings.yaml")


def drifted() -> list[str]:
    """Names of generated files that differ from what the model says."""
    texts = _texts()
    stale = [
        file.name for file, text in texts.items() if not file.is_file() or file.read_text("utf-8") != text
    ]
    defaults = load(DEFAULT_STUDY).flat
    for notebook in _notebooks():
        cell = parameters_cell(json.loads(notebook.read_text("utf-8")))
        if "".join(cell["source"]) != cell_text(literals(cell), defaults):
            stale.append(notebook.name)
    return stale


def _texts() -> dict[Path, str]:
    """Files that the models write whole."""
    return {
        paths.PARAMS / "base.yaml": base_yaml(),
        paths.PARAMS / "schema.json": schema_json(),
        sheets.folder() / "schema.json": sheets.schema_json(sheets.Sheet),
        sheets.folder() / "shared.schema.json": sheets.schema_json(sheets.Shared),
        paths.ROOT / "docs" / "exhibits.md": sheets_md("en"),
        paths.ROOT / "docs" / "exhibits.zh.md": sheets_md("zh"),
        apart.LIST: "\n".join(apart.collected()) + "\n",
    }


def write() -> list[str]:
    """Write them; returns the names of those that changed."""
    stale = drifted()
    for file, text in _texts().items():
        file.write_text(text, encoding="utf-8")
    defaults = load(DEFAULT_STUDY).flat
    for notebook in _notebooks():
        if notebook.name in stale:
            _write_cell(notebook, defaults)
    return stale


def base_yaml() -> str:
    """The documented base: every parameter with its default, meaning and range."""
    lines = [
        "# Every parameter with its default. Generated from lib/workbook/params by `make params`:",
        "# do not edit; a study's own file states only what differs.",
        "# yaml-language-server: $schema=schema.json",
    ]
    schema = Parameters.model_json_schema()
    for section, field in Parameters.model_fields.items():
        model: Any = field.annotation
        lines += ["", f"# {(model.__doc__ or '').strip()}", f"{section}:"]
        properties = schema["$defs"][model.__name__]["properties"]
        for name, item in model.model_fields.items():
            lines += [f"  # {line}" for line in _describe(item, properties[name])]
            lines.append(f"  {name}: {flow(item.get_default(call_default_factory=True))}")
    return "\n".join(lines) + "\n"


def schema_json() -> str:
    """JSON schema of a study's file, for editors: the model, with the short forms that its keys have in a file."""
    schema = Parameters.model_json_schema()
    schema["title"] = "A study of Fusion Workbook"
    properties, models = schema["properties"], schema["$defs"]
    sections: dict[str, Any] = dict(Parameters.model_fields)
    own = {section: models[one.annotation.__name__]["properties"] for section, one in sections.items()}
    for section, names in forms.TERMS.items():
        for name in names:
            own[section][name] = _short(own[section][name], TERMS)
    for place, by in own["panel"]["columns"]["patternProperties"].items():
        own["panel"]["columns"]["patternProperties"][place] = {"anyOf": [by, {"type": "string"}]}
    both = {"type": "string", "description": "in both languages: English | 中文"}
    own["study"] |= dict.fromkeys(forms.SPOKEN, both)
    own["panel"]["where"] = _short(own["panel"]["where"], [own["panel"]["where"], *TERMS])
    for model in ("Table", "TablePanel", "TableColumn"):
        for name, value in models[model]["properties"].items():
            if name == "columns":  # products and steps
                models[model]["properties"][name] = _short(value, [value, {"type": "object"}])
            elif name not in MAPPED and any(kind in json.dumps(value) for kind in ('"array"', '"object"')):
                models[model]["properties"][name] = _short(value, [value, *TERMS])
            elif name in forms.IN_TABLES:
                models[model]["properties"][name] = _short(value, TERMS)
    functions = models["Functions"]["properties"]
    functions |= {
        name: _short(functions[name], [functions[name], *TERMS])
        for name in ("free", "state", "proxy", "methods")
    }
    for key, (section, home) in forms.TOP.items():
        properties[key] = own[section][home]
    about = "study beside this one whose keys hold where this one states nothing"
    properties["base"] = {"type": "string", "pattern": r"\.ya?ml$", "description": about}
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def _short(schema: dict[str, Any], forms_: list[dict[str, Any]]) -> dict[str, Any]:
    """A part of the schema with the forms that a file may have instead, e.g. one text for a list of texts."""
    about: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    bare = [{key: value for key, value in one.items() if key not in about} for one in forms_]
    return {"anyOf": bare, **about}


def sheets_md(language: str) -> str:
    """Every field of the sheets' models, in a language: type, what is allowed, meaning."""
    told = sheets.read(MEANINGS)
    page = {name: text[language] for name, text in told["page"].items()}
    parts = [f"# {page['title']}", page["other"], page["intro"].strip()]
    for name, model in sheet_models().items():
        chinese = told["models"].get(name, {}) if language == "zh" else None
        about = model["description"].replace("``", "`") if chinese is None else chinese.get("is", "")
        parts += [f"## {name}", about, _fields(model, chinese, page)]
    for name, values in told["values"].items():
        rows = [_row(f"`{value}`", said[language]) for value, said in values.items() if value != "is"]
        parts += [f"## {name}", values["is"][language], _table([page["value"], page["meaning"]], rows)]
    return "\n\n".join(parts) + "\n"


def sheet_models() -> dict[str, Any]:
    """JSON schemas of the models that sheets are made of, by name."""
    sheet, shared = sheets.Sheet.model_json_schema(), sheets.Shared.model_json_schema()
    return {"Sheet": sheet, "Shared": shared, **sheet["$defs"], **shared["$defs"]}


def _fields(model: dict[str, Any], chinese: dict[str, str] | None, page: dict[str, str]) -> str:
    """A model's fields as a table; those without a Chinese meaning stay empty, and a test names them."""
    rows = []
    for name, item in model["properties"].items():
        said = item["description"] if chinese is None else chinese.get(name, "")
        given = page["required"] if name in model.get("required", ()) else _given(item)
        rows.append(_row(f"`{name}`", _type(item, page), given, said))
    return _table([page[head] for head in ("field", "type", "allowed", "meaning")], rows)


def parameters_cell(notebook: dict[str, Any]) -> dict[str, Any]:
    """The one cell tagged ``parameters``."""
    cells = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise ValueError(said("params.parameters_cell", count=len(cells)))
    return cells[0]


def literals(cell: dict[str, Any]) -> dict[str, Any]:
    """Names and values of a parameters cell, which holds literal assignments alone.

    Raises
    ------
    ValueError
        When a line is anything but ``name = literal``: what derives from a parameter goes to the next
        cell, because injected values come after this one.
    """
    values = {}
    for statement in ast.parse("".join(cell["source"])).body:
        target = (
            statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        )
        value = getattr(statement, "value", None)
        try:
            if not isinstance(target, ast.Name) or value is None:
                raise ValueError
            values[target.id] = ast.literal_eval(value)
        except ValueError:
            text = ast.unparse(statement)
            raise ValueError(said("params.literals", text=text)) from None
    return values


def _notebooks() -> list[Path]:
    return [file for s in chain.chain() if (file := paths.NOTEBOOKS / f"{s.notebook}.ipynb").is_file()]


def _write_cell(file: Path, defaults: dict[str, Any]) -> None:
    notebook = json.loads(file.read_text("utf-8"))
    cell = parameters_cell(notebook)
    cell["source"] = cell_text(literals(cell), defaults).splitlines(keepends=True)
    file.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def cell_text(values: dict[str, Any], defaults: dict[str, Any]) -> str:
    """A parameters cell: one line a parameter, with what it means as the comment."""
    lines = ["# fmt: off"]  # the formatter would break lines that are long for their comments
    for name, value in values.items():
        shown = json.dumps(defaults.get(name, value), ensure_ascii=False)
        plain = (
            repr(defaults.get(name, value)) if any(w in shown for w in ("true", "false", "null")) else shown
        )
        lines.append(f"{name} = {plain}  # {meaning(name)}")
    return "\n".join(lines)


def meaning(name: str) -> str:
    """What a parameter means, in one line."""
    if name == "study":
        return "the study that is read when this notebook is opened by hand"
    for section in Parameters.model_fields.values():
        fields: Any = section.annotation.model_fields  # type: ignore[union-attr]
        if name in fields:
            return " ".join((fields[name].description or "").split())
    return ""


def _describe(field: FieldInfo, schema: dict[str, Any]) -> list[str]:
    may = allowed(schema)
    text = (field.description or "") + (f" [{may}]" if may else "")
    return textwrap.wrap(text, 105)


def allowed(schema: dict[str, Any]) -> str:
    """What a parameter may be: its words, its range."""
    options = [s for s in [schema, *schema.get("anyOf", [])] if "enum" in s or "type" in s]
    words = []
    for option in options:
        if "enum" in option:
            words.append(" | ".join(option["enum"]))
        elif option["type"] in ("number", "integer"):
            words.append(_range(option))
        elif option["type"] == "null":
            words.append("null")
    return "; ".join(w for w in words if w)


def _type(item: dict[str, Any], page: dict[str, str]) -> str:
    """A field's type in words; models and lists of values are linked to their own tables."""
    if "$ref" in item:
        return _linked(item["$ref"].rsplit("/", 1)[1])
    if "anyOf" in item:
        return page["either"].join(_type(o, page) for o in item["anyOf"] if o.get("type") != "null")
    if "enum" in item:
        known = {getattr(sheets, name).__args__: name for name in ("Role", "Kind", "Holds")}
        return _linked(known[tuple(item["enum"])])
    if item["type"] == "array":
        return page["list"].format(_type(item["items"], page))
    if item["type"] == "object":
        return page["named"].format(_type(item["additionalProperties"], page))
    return page[{"string": "text", "integer": "whole", "boolean": "truth"}[item["type"]]]


def _linked(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _given(item: dict[str, Any]) -> str:
    """What a field may be, and what it is when it is not given."""
    ranges = [_range(o) for o in [item, *item.get("anyOf", [])]]
    default = item.get("default")
    return "; ".join([*filter(None, ranges), *([] if default in (None, "") else [f"`{flow(default)}`"])])


def _table(heads: list[str], rows: list[str]) -> str:
    return "\n".join([_row(*heads), "|---" * len(heads) + "|", *rows])


def _row(*cells: str) -> str:
    row = "| " + " | ".join(c.replace("|", r"\|") for c in cells) + " |"
    return re.sub(r"(?<=[\u4e00-\u9fff])(?=\[)|(?<=\))(?=[\u4e00-\u9fff])", " ", row)  # Chinese beside a link


def _range(option: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return ", ".join(f"{sign} {option[key]:g}" for key, sign in signs.items() if key in option)


def flow(value: Any) -> str:
    """A value in flow style, on one line."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.allow_unicode = True
    yaml.width = 10_000
    stream = io.StringIO()
    yaml.dump([value], stream)
    return stream.getvalue().strip()[1:-1]
