"""Texts that act where they are not made inert, and a study whose every text is one."""

from __future__ import annotations

import csv
import itertools
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
    study = {section: dict(values) for section, values in study.items()}
    study["study"] |= {name: next(texts) for name in _texts("study")}
    study["study"] |= {f"cannot_{one}": [next(texts), next(texts)] for one in ("en", "zh")}
    study["study"] |= {"synthetic": False}
    study.pop("synthetic", None)
    study["audit"] = {"statements": {"1": next(texts), "2": {"en": next(texts), "zh": next(texts)}}}
    for column, spec in study["columns"].items():
        words = {name: next(texts) for name in ("label_en", "label_zh", "unit")}
        study["columns"][column] = {"is": spec["is"], **words}
    study["panel"] |= {"source": "hostile.parquet", "money_unit": "万元"}
    study["robustness"] = study.get("robustness", {}) | {
        "exclusions": {next(texts): "year < 2014", next(texts) + "/" + next(texts): "year > 2021"}
    }
    units = pd.Series(sorted(panel["firm_id"].unique()))
    own = dict(zip(units, itertools.cycle(IN_ROWS), strict=False))
    rows = panel.assign(firm_name=panel["firm_id"].map(own), park_id=panel["firm_id"].map(own))
    rows.to_parquet(folder / "hostile.parquet", index=False)
    _pilots(panel, texts).to_csv(folder / "pilots.csv", index=False, quoting=csv.QUOTE_ALL)
    study["evaluation"] = study.get("evaluation", {}) | {"pilots": "pilots.csv"}
    file = folder / "hostile.yaml"
    with file.open("w", encoding="utf-8") as stream:
        yaml = YAML()
        yaml.width = 10_000  # a key that is folded is none
        yaml.dump(study, stream)
    return file


def _texts(section: str) -> Iterator[str]:
    """Names of a section's parameters that are free texts."""
    from workbook.params import Parameters

    model: Any = Parameters.model_fields[section].annotation
    return (name for name, field in model.model_fields.items() if field.annotation is str)


def _pilots(panel: pd.DataFrame, texts: Iterator[str]) -> pd.DataFrame:
    """A table of pilot units: firms of the panel, with payloads for schemes, batches, names, notices and sources."""
    firms = panel.dropna(subset=["pilot_start_year"]).drop_duplicates("firm_id").head(24)
    return pd.DataFrame(
        [
            {
                **{name: next(texts) for name in ("scheme", "batch", "name", "notice", "source")},
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
            for row in firms.itertuples()
        ]
    )
