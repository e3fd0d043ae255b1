"""Texts that act where they are not made inert, and a study whose every text is one."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from workbook.inert import UNPRINTABLE

_SCRIPT = "<script>window.PWN={0}</script>"
# {0} is the payload's number, by which a page says which one ran.
_FORMS = (
    _SCRIPT,
    "<img src=x onerror=window.PWN={0}>",
    "<svg onload=window.PWN={0}>",
    "<iframe srcdoc='<script>parent.PWN={0}</script>'>",
    "<details open ontoggle=window.PWN={0}>",
    "<input autofocus onfocus=window.PWN={0}>",
    "<body onpageshow=window.PWN={0}>",
    "<style>@import 'http://out.invalid/{0}';</style>",
    "<link rel=stylesheet href=http://out.invalid/{0}>",
    "<meta http-equiv=refresh content='0;url=http://out.invalid/{0}'>",
    "<img src=http://out.invalid/{0}.png>",
    "<form action=javascript:window.PWN={0}><button autofocus>x</button></form>",
    "<base href=http://out.invalid/{0}/>",
    "<object data=http://out.invalid/{0}></object>",
    "<math href=javascript:window.PWN={0}>x</math>",
    '"><script>window.PWN={0}</script>',
    "' onmouseover='window.PWN={0}",
    "</td></tr></table>" + _SCRIPT,
    "</code></details></div></article>" + _SCRIPT,
    "</title>" + _SCRIPT,
    "--><script>window.PWN={0}</script><!--",
    "]]>" + _SCRIPT,
    "</script><script>window.PWN={0}",
    "[a](javascript:window.PWN={0})",
    "![a](http://out.invalid/{0}.png)",
    "[a]: http://out.invalid/{0}",
    "<javascript:window.PWN={0}>",
    "<http://out.invalid/{0}>",
    "~~~{{raw}} html\r<script>window.PWN={0}</script>\r~~~",
    "x\r\r~~~{{raw}} html\r<script>window.PWN={0}</script>\r~~~\r",
    "x\u2028~~~{{raw}} html\u2028<script>window.PWN={0}</script>\u2028~~~",
    "```{{raw}} html <script>window.PWN={0}</script> ```",
    ":::{{raw}} html <script>window.PWN={0}</script> :::",
    "{{raw:html}}`<script>window.PWN={0}</script>`",
    "{{include}} /etc/passwd",
    "x\r\r~~~{{include}} /etc/passwd\r~~~",
    "{{eval-rst}} .. raw:: html",
    "{{{{ 7*{0} }}}} {{% raw %}}",
    "$\\href{{javascript:window.PWN={0}}}{{x}}$",
    "\\(\\href{{javascript:window.PWN={0}}}{{x}}\\)",
    "$$\\unicode{{x3c}}\\require{{html}}\\class{{PWN{0}}}{{x}}$$",
    "\\begin{{align}}\\href{{javascript:window.PWN={0}}}{{x}}\\end{{align}}",
    "$\\frac{{$ unbalanced {0}",
    "\\input{{/etc/passwd}} \\write18{{id {0}}}",
    "\\end{{tabular}}\\csname x{0}\\endcsname ^^5cinput",
    "=1+{0}",
    "+1+{0}",
    "-2+{0}",
    "@SUM({0})",
    "\t={0}+1",
    "\r={0}+1",
    "＝1＋{0}",
    '=HYPERLINK("http://out.invalid/{0}","t")',
    "=cmd|' /C calc'!A{0}",
    "#REF!",
    "'=1+{0}",
    "a\x00b\x07\x1b[31m\x1b]0;title\x07{0}",
    "\u202egnp.exe{0}",
    "_hidden {0}",
    "long " + "x" * 4990 + "{0}",
)
PAYLOADS = tuple(form.format(number) for number, form in enumerate(_FORMS, 101))
# What a study's file may not hold is refused before a run; rows of a panel may hold it.
FILED = tuple(text for text in PAYLOADS if not UNPRINTABLE.search(text))
IN_ROWS = tuple(text for text in PAYLOADS if "\x00" not in text)


def hostile(panel: pd.DataFrame, study: dict[str, Any], folder: Path) -> Path:
    """Write a study like `study` on the rows of `panel`, whose texts, names and codes are payloads.

    Parameters
    ----------
    panel : pandas.DataFrame
        Rows in the form of the contract.
    study : dict
        Its parameters by section, as in its file.
    folder : Path
        Where the study, its panel, its pilots and its targets go.
    """
    from ruamel.yaml import YAML

    texts = itertools.cycle(FILED)
    words = lambda *names: {name: next(texts) for name in names}  # noqa: E731
    study = {section: dict(values) for section, values in study.items()}
    study["study"] |= {name: next(texts) for name in _texts("study")}
    study["study"] |= {f"cannot_{one}": [next(texts), next(texts)] for one in ("en", "zh")}
    study["study"] |= {"synthetic": False, "country": "CN"}  # two letters are no text
    study["study"]["beside"] = {"smoke": words("en", "zh")}
    study.pop("synthetic", None)
    study["designs"] = {"synthetic_starts": {next(texts): 2016}}
    study["audit"] = {"statements": {"1": next(texts), "2": {"en": next(texts), "zh": next(texts)}}}
    for column, spec in study["columns"].items():
        study["columns"][column] = {"is": spec["is"], **words("label_en", "label_zh", "unit")}
    study["columns"]["named_otherwise"] = {"is": "2 * employees_avg", "name": next(texts)}
    unit = next(text for text in FILED if re.fullmatch(UNIT, text))
    study["panel"] |= {"source": "hostile.parquet", "money_unit": "万元", "unit": unit}
    study["panel"]["deflators"] = "prices.csv"
    study["panel"]["extra_columns"] = {"beside": {**words("label_en", "label_zh", "unit"), "type": "str"}}
    study["panel"]["where"] = {next(texts): "year > 1900", next(texts): "employees_avg > 0"}
    (folder / "own.csv").write_text(_STANDARD, encoding="utf-8")
    study["classification"] = study.get("classification", {}) | {
        "standards": {"own": {"file": "own.csv", **words("title_en", "title_zh", "issuer")}}
    }
    study["tables"] = {"main": _table(texts)}
    study["names"] = {"ln_lp": next(texts), "pilot": next(texts)}
    scheme = next(texts)
    study["robustness"] = study.get("robustness", {}) | {
        "exclusions": {next(texts): "year < 2014", next(texts) + "/" + next(texts): "year > 2021"}
    }
    units = pd.Series(sorted(panel["firm_id"].unique()))
    own = dict(zip(units, itertools.cycle(IN_ROWS), strict=False))
    rows = panel.assign(firm_name=panel["firm_id"].map(own), park_id=panel["firm_id"].map(own))
    rows["beside"] = rows["firm_name"]
    rows.to_parquet(folder / "hostile.parquet", index=False)
    _pilots(panel, texts, scheme).to_csv(folder / "pilots.csv", index=False, quoting=csv.QUOTE_ALL)
    _prices(texts).to_csv(folder / "prices.csv", index=False, quoting=csv.QUOTE_ALL)
    _index(texts).to_csv(folder / "own_index.csv", index=False, quoting=csv.QUOTE_ALL)
    study["integration"] = study.get("integration", {}) | {"own_index": "own_index.csv"}
    study["evaluation"] = study.get("evaluation", {}) | {
        "pilots": "pilots.csv",
        "report_scheme": scheme,
    }
    file = folder / "hostile.yaml"
    with file.open("w", encoding="utf-8") as stream:
        yaml = YAML()
        yaml.width = 10_000  # a key that is folded is none
        yaml.dump(study, stream)
    return file


def _prices(texts: Iterator[str]) -> pd.DataFrame:
    """Price indices whose sources are payloads."""
    lines = [("input", "", "", year, 100, 2012, next(texts)) for year in range(2012, 2024)]
    return pd.DataFrame(lines, columns=["of", "industry", "class_version", "year", "index", "base", "source"])


def _texts(section: str) -> Iterator[str]:
    """Names of a section's parameters that are free texts."""
    from workbook.params import Parameters

    model: Any = Parameters.model_fields[section].annotation
    return (name for name, field in model.model_fields.items() if field.annotation is str)


_STANDARD = "class_code,class_name,gbt_code,partial\na,=1+1,6511,0\nb,<script>window.PWN=9</script>,3911,0\n"


def _table(texts: Iterator[str]) -> dict[str, Any]:
    """A printed table of which every word is a payload; ``|`` parts the languages."""
    one = lambda: next(text for text in texts if "|" not in text)  # noqa: E731
    both = lambda: f"{one()} | 甲{one()}"  # noqa: E731
    column = lambda: {"head": both(), "group": both(), "mark": {one(): one()}}  # noqa: E731
    inner = {"head": both(), "mark": {one(): one()}, "columns": [column(), {"controls": [], **column()}]}
    return {
        "title": both(),
        "notes": both(),
        "mark": {one(): one()},
        "columns": [column(), {"controls": []}],
        "panels": {"A": inner, "B": {"head": both(), "outcome": "ln_employees", "controls": []}},
    }


# Texts of the model that are no words: names of files, of columns and of sheets, expressions, numbers, letters, codes; a
# path in the model's schema. All others are fed to the chain, also those that are added.
NO_WORDS = re.compile(
    r"panel\.(source|adapter|editions|rename|sheet|corrections|deflators|where\.\{\}|samples|value_lists|columns\.\{(key|\}\.(is|each))).*"
    r"|classification\.(lists.*|.*(file|counts))|indicators\..*|robustness\.exclusions\.\{\}"
    r"|evaluation\.(pilots|plan|targets|observed|vintage|vintage_returns|tiles)|integration\.(io_table|own_index|learned)|grid\..*|publish\..*|audit\.statements\.\{key\}"
    r"|printed\.tables\.\{\}\.(.*\.)?(sample\.\[\]|from)|printed\.tables\.\{\}\.panels\.\{key\}|printed\.names"
)
UNIT = r"[^\n{}<>]{1,60}"
WORDS = (None, f"^{UNIT}$")  # patterns of texts that are words


def words_of_the_model() -> set[str]:
    """Places of all free texts in a study's model, as ``panel.extra_columns.{}.label_en``; keys of mappings as ``{key}``."""
    from workbook.params import Parameters

    schema = Parameters.model_json_schema()
    return {
        place
        for place, pattern in _leaves(schema, schema["$defs"], "", ())
        if pattern in WORDS and not NO_WORDS.fullmatch(place)
    }


def _leaves(schema: Any, defs: Any, at: str, seen: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from _leaves(defs[name], defs, at, (*seen, name))
        return
    if schema.get("type") == "string" and not {"enum", "const"} & set(schema):
        yield at, schema.get("pattern")
    inner = [(at, one) for one in schema.get("anyOf", [])]
    inner += [(f"{at}.{name}".strip("."), one) for name, one in schema.get("properties", {}).items()]
    inner += [(f"{at}.[]", schema["items"])] if "items" in schema else []
    inner += [(f"{at}.{{}}", one) for one in schema.get("patternProperties", {}).values()]
    if isinstance(more := schema.get("additionalProperties"), dict):
        inner.append((f"{at}.{{}}", more))
        if "enum" not in schema.get("propertyNames", {}):
            yield f"{at}.{{key}}", schema.get("propertyNames", {}).get("pattern")
    for place, one in inner:
        yield from _leaves(one, defs, place, seen)


def placed(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Texts of a study's values with their places in the model."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, list):
        for one in value:
            yield from placed(one, f"{at}.[]")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield f"{at}.{{key}}", str(key)
            for place in (f"{at}.{{}}", f"{at}.{key}".strip(".")):
                yield from placed(one, place)


def _index(texts: Iterator[str]) -> pd.DataFrame:
    """An index of two groups whose names are payloads."""
    names = [
        next(text for text in texts if text.strip() == text and "\n" not in text and len(text) < 200)
        for _ in range(4)
    ]
    rows = [(*names[:2], "operating_revenue", "+", 60), (*names[2:], "employees_avg", "+", 40)]
    return pd.DataFrame(rows, columns=["group_en", "group_zh", "indicator", "direction", "weight"])


def _pilots(panel: pd.DataFrame, texts: Iterator[str], scheme: str) -> pd.DataFrame:
    """A table of pilot units: firms of the panel, with payloads for schemes, batches, names, notices and sources."""
    firms = panel.dropna(subset=["pilot_start_year"]).drop_duplicates("firm_id").head(24)
    return pd.DataFrame(
        [
            {
                **{name: next(texts) for name in ("batch", "name", "notice", "source")},
                "scheme": next(texts) if number % 2 else scheme,
                "level": "municipal",
                "kind": "enterprise",
                "unit": row.firm_id,
                "start": int(row.pilot_start_year),
                "end": "",
                "revoked": "",
                "verified": "yes",
                "goal_indicator": "",
                "goal_value": "",
                "goal_year": "",
            }
            for number, row in enumerate(firms.itertuples())
        ]
    )
