"""An executed notebook as a page that reads like a paper: code folded, parameters and provenance at hand."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbook import files, inert, paths
from workbook.exhibits import prose, sheets
from workbook.publish import markup as m
from workbook.publish import spoken
from workbook.publish.built import ABSENT, FILES, REVIEW, Built
from workbook.publish.markup import words
from workbook.run import chain

# Cells that a reader of the page does not need: what they say is in the folded parts, or nothing.
DROPPED = {"parameters", "injected-parameters", "done", "remove-cell"}
SETTINGS = {"parameters", "injected-parameters"}
# A table of more rows than MOST_ROWS shows the first ones; a page stays below 300 kB.
MOST_ROWS, FIRST_ROWS = 120, 60
_PICTURE = re.compile(r'src="data:image/(png|svg\+xml);base64,([A-Za-z0-9+/=]+)"')
_OVER = re.compile(r'<svg class="fusion-hover".*?</svg>', re.DOTALL)
_EXHIBIT = re.compile(r'id="exhibit-([A-Za-z0-9_-]+)"')
_HANDS_OVER = re.compile(r"Book\.open|book\.(exhibit|paragraph|file|write|done)")
_TITLE = re.compile(r"^# .*$", re.MULTILINE)
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def page(study: Built, notebook: str) -> str:
    """The source of a notebook's page, in the language in which the study is read.

    Parameters
    ----------
    study : Built
        Its study.
    notebook : str
        Its name; ``<notebook>.ipynb`` of the study's folder is the executed one.

    Returns
    -------
    str
        A notebook (JSON) whose code cells are folded, whose exhibits are in the page's language with pictures that
        are links to the downloads, and whose second cell holds parameters and provenance.
    """
    content = told(study, notebook)
    injected = _injected(content)
    told_of, _ = _parted(study, notebook, content)
    lead, rest = _led(told_of, study.first(notebook), study)
    cells = [_cell(cell, study, notebook) for cell in rest if not _tags(cell) & DROPPED]
    first = next((i for i, c in enumerate(cells) if c["cell_type"] == "markdown"), None)
    if first is None or "# " not in _text(cells[first])[:40]:
        cells.insert(0, _markdown(f"# {m.text(title_of(study, notebook))}", "title"))
        first = 0
    if own := _own_title(study, notebook):
        text = _TITLE.sub(lambda _: f"# {m.text(own)}", _text(cells[first]), count=1)
        cells[first] |= {"source": text}
    if lead:
        # The heading, what was found, and then what the notebook is for.
        heading, _, purpose = _text(cells[first]).partition("\n\n")
        opening = [_markdown(heading, "heading"), _cell(lead, study, notebook)]
        cells[first : first + 1] = [*opening, *([_markdown(purpose, "purpose")] if purpose else [])]
    cells += _of_others(study) if notebook == REVIEW else []
    cells += _ending(study, notebook, injected)
    kept = {
        key: content["metadata"][key] for key in ("kernelspec", "language_info") if key in content["metadata"]
    }
    if notebook not in study.shown:
        kept["orphan"] = True  # it has nothing to show, and no place in the story
    whole = {"cells": cells, "metadata": kept, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False)


def _sections(cells: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Cells by the headings that they stand under."""
    sections: list[list[dict[str, Any]]] = [[]]
    for cell in cells:
        if cell["cell_type"] == "markdown" and re.match(r"##? ", _text(cell)):
            sections.append([])
        sections[-1].append(cell)
    return sections


def _parted(
    study: Built, notebook: str, content: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A notebook's cells that its page tells, and those that only reviewers ask for.

    A section of which all exhibits are for reviewers goes with its prose; its code stays, for later cells rest on it.
    """
    cells = content["cells"]
    if notebook not in study.shown:
        return cells, []
    cells = _spoken_of(cells)
    gone = {e["id"] for e in study.exhibits if e["notebook"] == notebook and study.page(e) != notebook}
    kept: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for section in _sections(cells) if gone else [cells]:
        marks = [_mark(output) for cell in section for output in cell.get("outputs", [])]
        shown = {mark["exhibit"] for mark in marks if "exhibit" in mark and not mark.get("absent")}
        whole = bool(shown) and shown <= gone
        for cell in section:
            outputs = cell.get("outputs", [])
            theirs = [output for output in outputs if _mark(output).get("exhibit") in gone]
            if theirs:
                moved.append({**cell, "outputs": theirs, "metadata": {"tags": ["remove-input"]}})
                cell = {**cell, "outputs": [output for output in outputs if output not in theirs]}
            (moved if whole and cell["cell_type"] == "markdown" else kept).append(cell)
    return kept, moved


def _mark(output: dict[str, Any]) -> dict[str, Any]:
    """What the book noted of an output."""
    return dict(output.get("metadata", {}).get("fusion") or {})


def _of_others(study: Built) -> list[dict[str, Any]]:
    """What only reviewers ask for, from all other notebooks, a section each."""
    cells = []
    for name in study.shown:
        found = _parted(study, name, told(study, name))[1] if name != REVIEW else []
        if found:
            title = m.text(title_of(study, name))
            cells.append(_markdown(f"## [{title}]({name}.ipynb)", f"of-{name.replace('_', '-')}"))
        for cell in found:
            made = _cell(cell, study, name)
            if cell["cell_type"] == "markdown":
                made = made | {"source": re.sub(r"^(#+ )", r"#\1", made["source"], flags=re.MULTILINE)}
            cells.append(made | {"id": f"{name[:2]}-{made['id']}"})
    return cells


def _spoken_of(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells without the prose of sections of which the data allow nothing; their code stays, for later cells rest on it."""
    kept = []
    for section in _sections(cells):
        marks = [_mark(output) for cell in section for output in cell.get("outputs", [])]
        absent = [mark.get("absent", False) for mark in marks if "exhibit" in mark]
        silent = bool(absent) and all(absent)
        kept += [cell for cell in section if not (silent and cell["cell_type"] == "markdown")]
    return kept


def _led(
    cells: list[dict[str, Any]], row: dict[str, Any], study: Built
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The exhibit that opens the page, as a cell of its own, and the others without it and without what the data lack."""
    lead: dict[str, Any] | None = None
    rest, id = [], row.get("id", "")
    for cell in cells:
        kept = []
        for output in cell.get("outputs", []):
            mark = output.get("metadata", {}).get("fusion", {})
            if id and mark.get("exhibit") == id and lead is None:
                lead = {
                    **cell,
                    "id": "fusion-lead",
                    "outputs": [output],
                    "metadata": {"tags": ["remove-input"]},
                }
                w = words(study.language)
                told = w["at_top"].format(
                    f'<a href="#exhibit-{m.html(id)}">{w[row["kind"]]} {m.html(row["number"])}</a>'
                )
                kept.append({"output_type": "display_data", "metadata": {}, "data": {"text/markdown": told}})
            elif not mark.get("absent"):
                kept.append(output)
        rest.append({**cell, "outputs": kept} if "outputs" in cell else cell)
    return lead, rest


def _ending(study: Built, notebook: str, injected: dict[str, Any]) -> list[dict[str, Any]]:
    """What stands at the end of a page: what was left out and why, parameters, provenance."""
    w = words(study.language)
    cells = []
    away = [e for e in study.exhibits if e["notebook"] == notebook and study.page(e) != notebook]
    if away and notebook in study.shown:
        # Their old places on this page still lead to them.
        links = "".join(
            f'<li id="exhibit-{m.html(e["id"])}"><a href="{REVIEW}.html#exhibit-{m.html(e["id"])}">{w[e["kind"]]} '
            f"{m.html(e['number'])}</a> {m.html(e['title'])}</li>"
            for e in away
        )
        cells.append(_markdown(f"## {w['for_reviewers']}\n\n{m.raw(f'<ul>{links}</ul>')}", "for-reviewers"))
    absent = [e for e in study.exhibits if e["notebook"] == notebook and e["kind"] in ABSENT]
    if absent and notebook in study.shown:
        cells.append(_markdown(f"## {w['all_left_out']}\n\n{m.reasons(absent, study.language)}", "left-out"))
    folded = [parameters(study, injected, folded=True), m.raw(_own_provenance(study, notebook))]
    return [*cells, _markdown("\n\n".join(part for part in folded if part), "record")]


def told(study: Built, notebook: str) -> dict[str, Any]:
    """An executed notebook in the language in which the study is read: prose, paragraphs and exhibits.

    Prose is that of the notebook as it is now, if its code is what was executed: a better sentence needs no new run.
    """
    content = _unplaced(json.loads((study.root / f"{notebook}.ipynb").read_text(encoding="utf-8")))
    made = spoken.load(study.root, notebook)
    exhibits = {e["id"]: e for e in made.get("exhibits", [])}
    cells = []
    for cell in _aligned(content["cells"], notebook):
        if cell["cell_type"] == "code":
            shown = [
                _said(o, study, notebook, exhibits, made.get("told", [])) for o in cell.get("outputs", [])
            ]
            cell = {**cell, "outputs": [output for output in shown if output is not None]}
        cells.append(cell)
    spoke = prose.spoken({**content, "cells": cells}, notebook, study.language, study.parameters.get("unit"))
    return _not_run(spoke, made, study.language) if made.get("lacks") else spoke


def _unplaced(content: dict[str, Any]) -> dict[str, Any]:
    """An executed notebook whose files are known by their names: their places tell about the machine and its user."""
    text = json.dumps(content, ensure_ascii=False)
    for place in sorted(set(_places(_injected(content))), key=len, reverse=True):
        text = text.replace(json.dumps(place, ensure_ascii=False)[1:-1], Path(place).name)
    return dict(json.loads(files.scrub(text)))


def _places(value: Any) -> Iterator[str]:
    """Absolute paths among parameters."""
    if isinstance(value, str) and len(value) > 1 and value.startswith("/") and "\n" not in value:
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _places(part)


def _not_run(content: dict[str, Any], made: dict[str, Any], language: str) -> dict[str, Any]:
    """Of a notebook that the study cannot have: what it is for, and why it is not there, once."""
    purpose = next(c for c in content["cells"] if c["cell_type"] == "markdown")
    names = {"en": "; ", "zh": "、"}[language].join(e[language]["name"] for e in made["exhibits"])
    why = sheets.NOT_RUN[language].format(m.text(made["lacks"][language]), m.text(names))
    return {**content, "cells": [purpose, _markdown(why, "not-run")]}


def _aligned(executed: list[dict[str, Any]], notebook: str) -> list[dict[str, Any]]:
    """The cells of the notebook as it is now, with what was executed, where the code is the same."""
    file = paths.NOTEBOOKS / f"{notebook}.ipynb"
    now = json.loads(file.read_text(encoding="utf-8"))["cells"] if file.is_file() else []
    ran = [c for c in executed if c["cell_type"] == "code" and not _tags(c) & SETTINGS]
    code = [c for c in now if c["cell_type"] == "code" and not _tags(c) & SETTINGS]
    if [_text(c) for c in ran] != [_text(c) for c in code]:
        return executed
    settings = [c for c in executed if _tags(c) & SETTINGS]
    outputs = iter(ran)
    return [
        next(outputs) if c["cell_type"] == "code" and not _tags(c) & SETTINGS else c
        for c in now
        if not _tags(c) & SETTINGS
    ] + settings


def _said(
    output: dict[str, Any],
    study: Built,
    notebook: str,
    exhibits: dict[str, dict[str, Any]],
    paragraphs: list[dict[str, str]],
) -> dict[str, Any] | None:
    """An output in the page's language; None for a paragraph of one that has no record."""
    mark = output.get("metadata", {}).get("fusion") or {}
    if "told" in mark and mark["told"] < len(paragraphs):
        return output | {"data": {"text/markdown": paragraphs[mark["told"]][study.language]}}
    if mark.get("exhibit") in exhibits:
        found = exhibits[mark["exhibit"]]
        # What secrecy withholds is named where it would have stood; what the data lack, at the page's end alone.
        marks = {"fusion": mark | {"absent": found["kind"] == "left_out"}}
        return output | {"data": _shown_as(study, notebook, found), "metadata": marks}
    # What nobody has judged stays inside.
    return output if study.parameters.get("secrecy") == "public" else None


def over(study: Built, row: Mapping[str, Any]) -> str:
    """The values that lie over a figure's picture; empty where it has none."""
    place = study.root / spoken.FOLDER / row["notebook"] / study.language / f"{row['id']}.html"
    found = _OVER.search(place.read_text(encoding="utf-8")) if place.is_file() else None
    return found[0] if found else ""


def _shown_as(study: Built, notebook: str, exhibit: dict[str, Any]) -> dict[str, str]:
    """What stands in an exhibit's place: itself, or why it is not there."""
    own = exhibit[study.language]
    if exhibit["kind"] == "withheld":
        return {
            "text/markdown": sheets.WITHHELD[study.language].format(m.text(own["name"]), m.text(own["note"]))
        }
    if exhibit["kind"] == "left_out":
        return {
            "text/markdown": sheets.LEFT_OUT[study.language].format(m.text(own["title"]), m.text(own["note"]))
        }
    place = study.root / spoken.FOLDER / notebook / study.language / f"{exhibit['id']}.html"
    return {"text/html": place.read_text(encoding="utf-8")}


def title_of(study: Built, notebook: str) -> str:
    """What a notebook's page is called: what its sheet says of this study, its title in the chain, or its name."""
    try:
        stated = getattr(chain.step(notebook), f"title_{study.language}")
        return _own_title(study, notebook) or str(stated)
    except ValueError:
        return notebook


def _own_title(study: Built, notebook: str) -> str:
    return str(spoken.load(study.root, notebook).get("title", {}).get(study.language, ""))


# -- cells -----------------------------------------------------------------------------------------
def _cell(cell: dict[str, Any], study: Built, notebook: str) -> dict[str, Any]:
    kept: dict[str, Any] = {key: cell[key] for key in ("cell_type", "id", "source") if key in cell}
    if cell["cell_type"] != "code":
        mark = cell.get("metadata", {}).get("mark")
        # The same place has the same name in both languages.
        target = f"(m-{study.name}-{notebook[:2]}-{mark})=\n" if mark and _text(cell).startswith("#") else ""
        return kept | {"metadata": {}, "source": target + _text(cell)}
    w = words(study.language)
    prompts = {"code_prompt_show": w["show_code"], "code_prompt_hide": w["hide_code"]}
    unseen = "remove-input" in _tags(cell) or _plumbing(_text(cell))
    hidden = "remove-input" if unseen else "hide-input"
    tags = sorted((_tags(cell) & {"remove-input", "remove-output", "hide-output"}) | {hidden})
    outputs = [_output(output, study, notebook) for output in cell.get("outputs", []) if _shown(output)]
    return kept | {
        "metadata": {"tags": tags, "mystnb": prompts},
        "execution_count": cell.get("execution_count"),
        "outputs": outputs,
    }


def _plumbing(source: str) -> bool:
    """Whether code estimates nothing: it only imports, opens the book, hands over or keeps."""
    try:
        lines = ast.parse(source).body
    except SyntaxError:
        return False
    calls = (line.value for line in lines if isinstance(line, ast.Assign | ast.Expr))
    asked = [ast.unparse(one.func) for one in calls if isinstance(one, ast.Call)]
    imports = sum(isinstance(line, ast.Import | ast.ImportFrom) for line in lines)
    kept = sum(_HANDS_OVER.fullmatch(name) is not None for name in asked)
    return bool(lines) and imports + kept == len(lines)


def _shown(output: dict[str, Any]) -> bool:
    """Warnings that libraries print stay in the executed notebook."""
    return not (output["output_type"] == "stream" and output.get("name") == "stderr")


def _output(output: dict[str, Any], study: Built, notebook: str) -> dict[str, Any]:
    bare = output | ({"metadata": {}} if "metadata" in output else {})
    data = output.get("data", {})
    if "text/html" not in data:
        return bare
    text = "".join(data["text/html"])
    found = _EXHIBIT.search(text)
    if found:
        text = _STYLE.sub("", text)
        text = _PICTURE.sub(lambda match: _link(match, study, notebook, found[1]), text)
        row = next((e for e in study.exhibits if e["notebook"] == notebook and e["id"] == found[1]), None)
        text = _with_bar(_cut(text, study.language), _bar(study, row)) if row else text
    return bare | {"data": {"text/html": text}}


def _cut(text: str, language: str) -> str:
    """A table of many rows with its first ones; all are among the downloads."""
    head, opening, rest = text.partition("<tbody>")
    body, closing, tail = rest.partition("</tbody>")
    rows = body.split("</tr>")[:-1]
    if len(rows) <= MOST_ROWS:
        return text
    said = words(language)["first_rows"].format(FIRST_ROWS, f"{len(rows):,}")
    below = f'</table></div><p class="fusion-note fusion-cut">{said}</p>'
    return (
        head
        + opening
        + "</tr>".join([*rows[:FIRST_ROWS], ""])
        + closing
        + tail.replace("</table></div>", below, 1)
    )


def _bar(study: Built, row: dict[str, Any]) -> str:
    """What a reader can take away of an exhibit: a permanent link, its files, its citation."""
    w, root = words(study.language), f"../../{FILES}/{study.name}"
    names = {
        suffix: f"{root}/{study.place(row, suffix)}" for suffix in study.forms(row["notebook"], row["id"])
    }
    links = [(m.FORMS[suffix], place) for suffix, place in names.items() if suffix in m.FORMS]
    files = " ".join(f'<a href="{m.html(place)}" download>{m.html(name)}</a>' for name, place in links)
    here = f'<a href="#exhibit-{m.html(row["id"])}" title="{w["here"]}">#</a>'
    copied = f'data-done="{w["copied"]}" hidden>'
    buttons = f'<button type="button" class="fusion-cite" data-cite="{m.html(citation(study, row))}" {copied}{w["cite"]}</button>'
    entry = "&#10;".join(m.html(line) for line in bibtex(study, row).splitlines())
    buttons += f'<button type="button" class="fusion-bib" data-cite="{entry}" {copied}BibTeX</button>'
    if row["kind"] == "table":
        buttons += f'<button type="button" class="fusion-take" {copied}{w["take"]}</button>'
        buttons += f'<span class="fusion-sift" data-sift="{w["sift"]}" hidden></span>'
    return f'<p class="fusion-bar">{here} {files} {buttons}</p>'


def citation(study: Built, row: dict[str, Any]) -> str:
    """How an exhibit is cited: what it says, where it stands, when and from which commit it was made."""
    w, record = words(study.language), study.manifest
    commit = str((record.get("git") or {}).get("commit") or "")[:10]
    place = w["cited"].format(
        kind=w[row["kind"]], number=row["number"], title=row["title"], study=study.title
    )
    parts = [place, "Fusion Workbook", str(record.get("ended") or "")[:10], commit]
    return w["comma"].join(part for part in parts if part) + w["full_stop"]


def bibtex(study: Built, row: dict[str, Any]) -> str:
    """The same as an entry of a bibliography; where the exhibit stands is put into ``url`` by the page that shows it."""
    w, record = words(study.language), study.manifest
    ended, commit = (
        str(part or "")[:10] for part in (record.get("ended"), (record.get("git") or {}).get("commit"))
    )
    fields = {
        "title": f"{{{inert.tex(row['title'])}}}",
        "author": "{Fusion Workbook}",
        "howpublished": inert.tex(f"{w[row['kind']]} {row['number']}, {study.title}"),
        "year": ended[:4],
        "note": inert.tex(w["comma"].join(part for part in (ended, commit) if part)),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{study.name}-{row['number']},", *lines, "  url = {},", "}"])


def _with_bar(text: str, bar: str) -> str:
    """An exhibit with its bar as the last of what is in it."""
    inside, closing, rest = text.rpartition("</figure>" if text.rstrip().endswith("</figure>") else "</div>")
    return f"{inside}{bar}{closing}{rest}"


def _link(match: re.Match[str], study: Built, notebook: str, id: str) -> str:
    """The picture's place among the downloads, if it is the very same picture."""
    suffix = ".svg" if match[1].startswith("svg") else ".png"
    file = study.forms(notebook, id).get(suffix)
    same = file is not None and file.read_bytes() == base64.b64decode(match[2])
    row = {"notebook": notebook, "id": id}
    return f'src="../../{FILES}/{study.name}/{study.place(row, suffix)}"' if same else match[0]


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
    w, known = words(study.language), _model(study.language)
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
    w, known = words(study.language), _model(study.language)
    rows = []
    for name, value in values.items():
        _, default, meaning = known[name]
        same = value == default
        shown = (
            m.value(value, study.language) if same else f"<strong>{m.value(value, study.language)}</strong>"
        )
        other = m.html(w["as_default"]) if same else m.value(default, study.language)
        rows.append([f'{m.code(name)}<span class="fusion-meaning">{m.marked(meaning)}</span>', shown, other])
    return m.table([w["name"], w["value"], w["default"]], rows, label=w["parameters"])


@cache
def _model(language: str) -> dict[str, tuple[str, Any, str]]:
    """Parameter: its section, default (as plain JSON) and meaning, from the typed model."""
    from workbook.params import Parameters
    from workbook.params.base import help_text

    found = {}
    for section, field in Parameters.model_fields.items():
        model: Any = field.annotation
        # Each section alone: the whole of the defaults is no study, and the model would say so.
        defaults = model().model_dump(mode="json")
        for name, inner in model.model_fields.items():
            found[name] = (section, defaults[name], help_text(name, inner.description or "", language))
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
        (w["machine"], m.code(environment["platform"]) if environment.get("platform") else ""),
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
    file = f'<a href="../../{FILES}/{study.name}/{study.language}/{notebook}.ipynb" download>{m.html(notebook)}.ipynb</a>'
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
