"""A methods section, written from the parameters and the record of the run, with its references.

Sentences are data (``data/methods/methods.yaml``): each says which notebook it belongs to and when it holds, so that the
text cannot claim what was not run.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from string import Formatter
from typing import Any

from workbook import files, inert, paths
from workbook.exhibits.record import records
from workbook.exhibits.words import Filler, Words
from workbook.publish import spoken
from workbook.publish.built import Built

FOLDER = paths.DATA / "methods"
KEYS = {"notebook", "en", "zh", "cites", "when", "set", "shown", "last"}
NONE = {"en": "none", "zh": "无"}
INDEX = "03_indicators"
HEADS = {"en": ("Methods", "References"), "zh": ("方法", "参考文献")}


class MethodsError(ValueError):
    """A sentence that cannot be written."""


def section(study: Built) -> str:
    """The methods section of a study in its language, in Markdown.

    Parameters
    ----------
    study : Built
        A study that has been run.

    Returns
    -------
    str
        Paragraphs by notebook, then the references that they cite.

    Raises
    ------
    MethodsError
        If a sentence names what neither a parameter nor a fact of the run gives, or cites an unknown reference.
    """
    language = study.language
    words = Words(language, spoken.codebook(study.root), study.parameters.get("unit"))
    filler = _Filler(words, _values(study), {}, quote=inert.markdown)
    parts: dict[str, list[str]] = {}
    cited: dict[str, None] = {}
    for entry in _sentences():
        if entry["notebook"] in study.done and holds(
            entry, study.parameters, _made(study, entry["notebook"])
        ):
            group = "last" if entry.get("last") else entry["notebook"]
            sentence = _written(entry[language], filler)
            if sentence:
                parts.setdefault(group, []).append(sentence)
                cited |= dict.fromkeys(entry["cites"])
    tail = parts.pop("last", [])
    joint = "" if language == "zh" else " "
    paragraphs = [joint.join(sentences) for _, sentences in sorted(parts.items())] + [
        joint.join(tail)
    ] * bool(tail)
    known = _references()
    unknown = [key for key in cited if key not in known]
    if unknown:
        raise MethodsError(f"references.csv lacks {', '.join(unknown)}")
    title, references = HEADS[language]
    lines = [f"# {title}", *paragraphs]
    if cited:
        lines += [f"## {references}", "\n".join(f"- {known[key]}" for key in sorted(cited))]
    return "\n\n".join(lines) + "\n"


def holds(entry: Mapping[str, Any], parameters: Mapping[str, Any], made: Collection[str]) -> bool:
    """Whether a sentence is true of a study: its exhibits were made, its parameters are set and have the values it names."""
    if not set(entry.get("shown") or []) <= set(made):
        return False
    for name, value in (entry.get("when") or {}).items():
        allowed = value if isinstance(value, list) else [value]
        if parameters.get(name) not in allowed:
            return False
    return all(parameters.get(name) not in (None, "", [], {}) for name in entry.get("set") or [])


# -- inside ------------------------------------------------------------------------------------


def _made(study: Built, notebook: str) -> set[str]:
    """Exhibits that a notebook made, withheld ones too: what its data lacked is not among them."""
    return {one.id for one in records(study.root / notebook, notebook) if not one.left_out}


def _sentences() -> list[dict[str, Any]]:
    from ruamel.yaml import YAML

    entries: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
        (FOLDER / "methods.yaml").read_text("utf-8")
    )
    for entry in entries:
        if set(entry) - KEYS:
            raise MethodsError(
                f"methods.yaml: unknown keys {', '.join(set(entry) - KEYS)} in '{entry.get('en')}'"
            )
    return entries


def _references() -> dict[str, str]:
    with (FOLDER / "references.csv").open(encoding="utf-8", newline="") as stream:
        return {row["key"]: row["reference"] for row in csv.DictReader(stream)}


class _Filler(Filler):
    """Fills sentences; what a study leaves empty is said to be none."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return (
            NONE[self.words.language] if value in ([], "", None) else super().format_field(value, format_spec)
        )


def _values(study: Built) -> dict[str, Any]:
    """Parameters and facts of the run."""
    ladder = {"fixed_effects": [" + ".join(step) for step in study.parameters.get("fixed_effects") or []]}
    environment, git = study.manifest.get("environment") or {}, study.manifest.get("git") or {}
    versions = {name.replace("-", "_"): v for name, v in (environment.get("packages") or {}).items()}
    facts = {
        "python": environment.get("python"),
        "commit": str(git.get("commit") or "")[:10],
        "seconds": study.manifest.get("seconds"),
        "seed": study.manifest.get("seed"),
    }
    return study.parameters | ladder | versions | facts | dict(_flow(study)) | _index(study)


def _flow(study: Built) -> Iterator[tuple[str, str]]:
    """First and last line of the sample flow."""
    file = next(iter(sorted(study.root.glob("*/sample_flow.parquet"))), None)
    if file is not None:
        rows = files.table(file).to_pylist()
        yield "rows_read", f"{rows[0]['rows']:,}"
        yield "rows_kept", f"{rows[-1]['rows']:,}"
        yield "firms_kept", f"{rows[-1]['firms']:,}"


def _index(study: Built) -> dict[str, int]:
    """Indicators and chains that the index has, for those that the data lack are not among its weights."""
    for one in records(study.root / INDEX, INDEX):
        if one.id == "weights" and (frame := one.frame) is not None:
            return {"indicators_used": frame["code"].nunique(), "chains_used": frame["chain"].nunique()}
    return {}


def _written(text: str, filler: Filler) -> str:
    """The sentence; empty where the record of an older run does not hold what it names."""
    names = {name for _, name, _, _ in Formatter().parse(text) if name}
    unknown = names - filler.values.keys() - set(_facts())
    if unknown:
        raise MethodsError(f"methods.yaml: no parameter or fact {', '.join(sorted(unknown))} for '{text}'")
    return filler.vformat(text, (), {}) if names <= filler.values.keys() else ""


@cache
def _facts() -> frozenset[str]:
    """Names of all parameters, and of what a run's record may hold."""
    from workbook.params import Parameters
    from workbook.run.manifest import PACKAGES

    model = {name for section in Parameters.model_fields.values() for name in section.annotation.model_fields}  # type: ignore[union-attr]
    packages = {name.replace("-", "_") for name in PACKAGES}
    return frozenset(
        model
        | packages
        | {
            "rows_read",
            "rows_kept",
            "firms_kept",
            "python",
            "commit",
            "seconds",
            "indicators_used",
            "chains_used",
        }
    )
