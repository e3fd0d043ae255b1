"""A methods section, written from the parameters and the record of the run, with its references.

Sentences are data (``data/methods/methods.yaml``): each says which notebook it belongs to and when it holds, so that the
text cannot claim what was not run.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from string import Formatter
from typing import Any

from workbook import paths
from workbook.publish.built import Built

FOLDER = paths.DATA / "methods"
KEYS = {"notebook", "en", "zh", "cites", "when", "set", "last"}
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
    values = _values(study)
    parts: dict[str, list[str]] = {}
    cited: dict[str, None] = {}
    for entry in _sentences():
        if entry["notebook"] in study.done and holds(entry, study.parameters):
            group = "last" if entry.get("last") else entry["notebook"]
            sentence = _written(entry[language], values)
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


def holds(entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Whether a sentence is true of a study: its parameters have the values it names, and are set where they must be."""
    for name, value in (entry.get("when") or {}).items():
        allowed = value if isinstance(value, list) else [value]
        if parameters.get(name) not in allowed:
            return False
    return all(parameters.get(name) not in (None, "", [], {}) for name in entry.get("set") or [])


# -- inside ------------------------------------------------------------------------------------


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


def _values(study: Built) -> dict[str, str]:
    """Parameters and facts of the run, as words."""
    words = {name: _words(value) for name, value in study.parameters.items()}
    environment = study.manifest.get("environment") or {}
    words |= {
        name.replace("-", "_"): version for name, version in (environment.get("packages") or {}).items()
    }
    words["python"] = str(environment.get("python"))
    words["commit"] = str((study.manifest.get("git") or {}).get("commit") or "unknown")[:10]
    words["seconds"] = str(study.manifest.get("seconds"))
    words["seed"] = str(study.manifest.get("seed"))
    words["indicator_count"] = str(len(study.parameters.get("indicators") or []))
    return words | dict(_flow(study))


def _flow(study: Built) -> Iterator[tuple[str, str]]:
    """First and last line of the sample flow."""
    file = next(iter(sorted(study.root.glob("*/sample_flow.parquet"))), None)
    if file is not None:
        import pyarrow.parquet as parquet

        rows = parquet.read_table(file).to_pylist()
        yield "rows_read", f"{rows[0]['rows']:,}"
        yield "rows_kept", f"{rows[-1]['rows']:,}"
        yield "firms_kept", f"{rows[-1]['firms']:,}"


def _words(value: Any) -> str:
    """A parameter as it stands in a sentence: lists by commas, a ladder of effects by semicolons."""
    if isinstance(value, list):
        nested = any(isinstance(item, list) for item in value)
        parts = [" + ".join(map(str, item)) if isinstance(item, list) else str(item) for item in value]
        return ("; " if nested else ", ").join(parts) or "none"
    return str(value)


def _written(text: str, values: Mapping[str, str]) -> str:
    """The sentence; empty where the record of an older run does not hold what it names."""
    names = {name for _, name, _, _ in Formatter().parse(text) if name}
    unknown = names - values.keys() - set(_facts())
    if unknown:
        raise MethodsError(f"methods.yaml: no parameter or fact {', '.join(sorted(unknown))} for '{text}'")
    return text.format(**values) if names <= values.keys() else ""


@cache
def _facts() -> frozenset[str]:
    """Names of all parameters, and of what a run's record may hold."""
    from workbook.params import Parameters
    from workbook.run.manifest import PACKAGES

    model = {name for section in Parameters.model_fields.values() for name in section.annotation.model_fields}  # type: ignore[union-attr]
    packages = {name.replace("-", "_") for name in PACKAGES}
    return frozenset(
        model | packages | {"rows_read", "rows_kept", "firms_kept", "python", "commit", "seconds"}
    )
