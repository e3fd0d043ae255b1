"""An executed notebook as a page that reads like a paper: code folded, parameters and provenance at hand."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from typing import Any

from workbook.publish import markup as m
from workbook.publish.built import FILES, Built
from workbook.publish.markup import words
from workbook.run import chain

# Cells that a reader of the page does not need: what they say is in the folded parts, or nothing.
DROPPED = {"parameters", "injected-parameters", "done", "remove-cell"}
_PICTURE = re.compile(r'src="data:image/(png|svg\+xml);base64,([A-Za-z0-9+/=]+)"')
_EXHIBIT = re.compile(r'id="exhibit-([A-Za-z0-9_-]+)"')
_TITLE = re.compile(r"^\s*# .*")
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def page(study: Built, notebook: str) -> str:
    """The source of a notebook's page.

    Parameters
    ----------
    study : Built
        Its study.
    notebook : str
        Its name; ``<notebook>.ipynb`` of the study's folder is the executed one.

    Returns
    -------
    str
        A notebook (JSON) whose code cells are folded, whose pictures are links to the downloads, and whose
        second cell holds parameters and provenance.
    """
    content = json.loads((study.root / f"{notebook}.ipynb").read_text(encoding="utf-8"))
    injected = _injected(content)
    cells = [_cell(cell, study, notebook) for cell in content["cells"] if not _tags(cell) & DROPPED]
    first = next((i for i, c in enumerate(cells) if c["cell_type"] == "markdown"), None)
    if first is None or not _text(cells[first]).lstrip().startswith("# "):
        cells.insert(0, _markdown(f"# {m.text(title_of(notebook, study.language))}", "title"))
        first = 0
    elif study.language == "zh":
        title = f"# {m.text(title_of(notebook, 'zh'))}"
        cells[first]["source"] = _TITLE.sub(lambda _: title, _text(cells[first]), count=1)
    folded = "\n\n".join([parameters(study, injected, folded=True), m.raw(_own_provenance(study, notebook))])
    cells.insert(first + 1, _markdown(folded, "record"))
    kept = {
        key: content["metadata"][key] for key in ("kernelspec", "language_info") if key in content["metadata"]
    }
    whole = {"cells": cells, "metadata": kept, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False)


def title_of(notebook: str, language: str) -> str:
    """A notebook's title in the chain; its name if the chain does not know it."""
    try:
        return str(getattr(chain.step(notebook), f"title_{language}"))
    except ValueError:
        return notebook


# -- cells -----------------------------------------------------------------------------------------
def _cell(cell: dict[str, Any], study: Built, notebook: str) -> dict[str, Any]:
    kept: dict[str, Any] = {key: cell[key] for key in ("cell_type", "id", "source") if key in cell}
    if cell["cell_type"] != "code":
        return kept | {"metadata": {}}
    w = words(study.language)
    prompts = {"code_prompt_show": w["show_code"], "code_prompt_hide": w["hide_code"]}
    tags = sorted((_tags(cell) & {"remove-input", "remove-output", "hide-output"}) | {"hide-input"})
    outputs = [_output(output, study, notebook) for output in cell.get("outputs", []) if _shown(output)]
    return kept | {
        "metadata": {"tags": tags, "mystnb": prompts},
        "execution_count": cell.get("execution_count"),
        "outputs": outputs,
    }


def _shown(output: dict[str, Any]) -> bool:
    """Warnings that libraries print stay in the executed notebook."""
    return not (output["output_type"] == "stream" and output.get("name") == "stderr")


def _output(output: dict[str, Any], study: Built, notebook: str) -> dict[str, Any]:
    data = output.get("data", {})
    if "text/html" not in data:
        return output
    text = "".join(data["text/html"])
    found = _EXHIBIT.search(text)
    if found:
        text = _STYLE.sub("", text)
        text = _PICTURE.sub(lambda match: _link(match, study, notebook, found[1]), text)
    return output | {"data": {"text/html": text}}


def _link(match: re.Match[str], study: Built, notebook: str, id: str) -> str:
    """The picture's place among the downloads, if it is the very same picture."""
    name = f"{id}.{'svg' if match[1].startswith('svg') else 'png'}"
    file = study.root / notebook / name
    same = file.is_file() and file.read_bytes() == base64.b64decode(match[2])
    return f'src="../{FILES}/{study.name}/{notebook}/{name}"' if same else match[0]


def _tags(cell: dict[str, Any]) -> set[str]:
    return set(cell.get("metadata", {}).get("tags", []))


def _text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _markdown(source: str, id: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": f"fusion-{id}", "metadata": {}, "source": source}


def _injected(content: dict[str, Any]) -> dict[str, Any]:
    """Parameters that papermill recorded in the notebook."""
    return dict(content.get("metadata", {}).get("papermill", {}).get("parameters", {}))


# -- parameters ------------------------------------------------------------------------------------
def parameters(study: Built, values: dict[str, Any], folded: bool) -> str:
    """Parameters with default and meaning, as a MyST block.

    Parameters
    ----------
    study : Built
        The study.
    values : dict
        Name: value, of those to show.
    folded : bool
        All in one folded part, or what differs from the defaults openly and all of them folded.
    """
    w, known = words(study.language), _model()
    # Titles and the like are on the page as text.
    named = {k: values[k] for k in known if k in values and known[k][0] != "study"}
    differing = {k: v for k, v in named.items() if v != known[k][1]}
    if folded:
        summary = w["these_parameters"].format(len(named), len(differing))
        return m.raw(m.details(summary, _parameter_table(study, named))) if named else ""
    summary = w["all_parameters"].format(len(named))
    parts = [f"<p>{w['changed'].format(len(differing), len(named))}</p>"]
    if differing:
        parts.append(_parameter_table(study, differing))
    parts.append(m.details(summary, _parameter_table(study, named)))
    return m.raw("".join(parts))


def _parameter_table(study: Built, values: dict[str, Any]) -> str:
    w, known = words(study.language), _model()
    rows = []
    for name, value in values.items():
        _, default, meaning = known[name]
        same = value == default
        shown = m.value(value) if same else f"<strong>{m.value(value)}</strong>"
        other = m.html(w["as_default"]) if same else m.value(default)
        rows.append([f'{m.code(name)}<span class="fusion-meaning">{m.html(meaning)}</span>', shown, other])
    return m.table([w["name"], w["value"], w["default"]], rows, label=w["parameters"])


@cache
def _model() -> dict[str, tuple[str, Any, str]]:
    """Parameter: its section, default (as plain JSON) and meaning, from the typed model."""
    from workbook.params import Parameters

    found = {}
    for section, field in Parameters.model_fields.items():
        model: Any = field.annotation
        # Each section alone: the whole of the defaults is no study, and the model would say so.
        defaults = model().model_dump(mode="json")
        for name, inner in model.model_fields.items():
            found[name] = (section, defaults[name], inner.description or "")
    return found


# -- provenance ------------------------------------------------------------------------------------
def provenance(study: Built) -> str:
    """Where a study's numbers come from: commit, environment, times, and each notebook's files."""
    w, record = words(study.language), study.manifest
    environment = dict(record.get("environment") or {})
    versions = dict(environment.get("packages") or record.get("versions") or {})
    facts = [
        (w["ended"], m.html(_moment(record.get("ended")))),
        (w["took"], _seconds(record.get("seconds"))),
        (w["commit"], _commit(record.get("git"), w)),
        (w["parameters_file"], _hashed(record.get("parameters_file"), record.get("parameters_sha256"))),
        (w["seed"], m.html(record.get("seed") or "")),
        (w["lock"], _hashed("requirements.lock", environment.get("lock_sha256"))),
        (w["python"], m.html(environment.get("python") or "")),
        (w["machine"], m.html(environment.get("platform") or "")),
    ]
    parts = [_facts(facts)]
    if versions:
        rows = [[m.code(name), m.html(version or "")] for name, version in versions.items()]
        parts.append(m.details(w["packages"], m.table([w["packages"], ""], rows, label=w["packages"])))
    parts += [m.details(w["files_of"].format(n), _trail(study, n)) for n in study.done]
    return "".join(parts)


def _own_provenance(study: Built, notebook: str) -> str:
    w, record = words(study.language), study.records.get(notebook, {})
    link = f'<a href="index.html">{m.html(study.title)}</a>'
    file = f'<a href="../{FILES}/{study.name}/{notebook}.ipynb" download>{m.html(notebook)}.ipynb</a>'
    facts = [
        (w["study"], link),
        (w["file"], f"{file} ({m.html(w['executed'])})"),
        (w["started"], m.html(_moment(record.get("started")))),
        (w["took"], _seconds(record.get("seconds"))),
        (w["memory"], f"{m.number(record['peak_memory_mb'])} MB" if record.get("peak_memory_mb") else ""),
        (w["commit"], _commit(record.get("git") or study.manifest.get("git"), w)),
    ]
    return m.details(w["this_provenance"], _facts(facts) + _trail(study, notebook))


def _trail(study: Built, notebook: str) -> str:
    """Inputs and outputs of a notebook with rows and hashes."""
    w, record, parts = words(study.language), study.records.get(notebook, {}), []
    for side in ("inputs", "outputs"):
        listed = dict(record.get(side) or {})
        rows = [_file_row(name, entry) for name, entry in listed.items()]
        if rows:
            heads = [w[side], w["rows"], w["bytes"], "SHA-256"]
            parts.append(m.table(heads, rows, numeric={1, 2}, label=w[side]))
    return "".join(parts)


def _file_row(name: str, entry: dict[str, Any] | None) -> list[str]:
    found = entry if isinstance(entry, dict) else {}
    place = m.code(found.get("file") or name)
    return [place, m.number(found.get("rows")), m.number(found.get("bytes")), _hash(found.get("sha256"))]


def _facts(facts: list[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{m.html(name)}</dt><dd>{value}</dd>" for name, value in facts if value)
    return f'<dl class="fusion-facts">{rows}</dl>'


def _commit(git: dict[str, Any] | None, w: dict[str, Any]) -> str:
    if not git or not git.get("commit"):
        return m.html(w["no_commit"])
    return m.code(git["commit"]) + (f" <strong>{m.html(w['dirty'])}</strong>" if git.get("dirty") else "")


def _hashed(name: str | None, sha: str | None) -> str:
    return f"{m.code(name or '')} {_hash(sha)}" if sha else ""


def _hash(sha: str | None) -> str:
    return f'<code class="fusion-hash">{m.html(sha)}</code>' if sha else ""


def _seconds(seconds: object) -> str:
    return f"{m.number(seconds, 1)} s" if seconds else ""


def _moment(moment: object) -> str:
    return str(moment or "").replace("T", " ").replace("+00:00", " UTC")
