"""The pages of the site as MyST sources: front page, one page for each study, evidence, notebooks."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from workbook import files
from workbook.publish import evidence, papers
from workbook.publish import markup as m
from workbook.publish.built import ABSENT, FILES, Built
from workbook.publish.markup import words
from workbook.publish.papers import title_of

# Exhibits whose titles are the study's finding, in this order.
HEADLINES = ("integration_by_path", "ladder", "att", "curve")
FORMS = {
    ".json": "JSON",
    ".csv": "CSV",
    ".tex": "LaTeX",
    ".svg": "SVG",
    ".png": "PNG",
    ".pdf": "PDF",
    ".docx": "Word",
}


def stage(studies: list[Built], source: Path, build: Path, language: str) -> None:
    """Write the sources of all pages of a language; a file whose text is as it was keeps its time stamp.

    Parameters
    ----------
    studies : list of Built
        Studies to publish, in any language.
    source : pathlib.Path
        Folder of the sources; what is in it and not written now is removed.
    build : pathlib.Path
        Folder of the tables that `evidence` makes pages of.
    language : {"en", "zh"}
        The language.
    """
    studies = [study.spoken(language) for study in studies]
    proofs = evidence.titles(build, language)
    texts = {"index.md": front(studies, proofs, language)}
    texts |= {f"{name}.md": text for name, text in evidence.pages(build, language).items()}
    for study in studies:
        texts[f"{study.name}/index.md"] = study_page(study)
        for name in study.done:
            texts[f"{study.name}/{name}.ipynb"] = papers.page(study, name)
    texts["site.json"] = json.dumps(_menu(studies, proofs, language), ensure_ascii=False)
    source.mkdir(parents=True, exist_ok=True)
    for file in [f for f in source.rglob("*") if f.is_file()]:
        if file.relative_to(source).as_posix() not in texts:
            file.unlink()
    for name, text in texts.items():
        _keep(source / name, files.scrub(text))


def old_places(studies: list[Built], build: Path) -> dict[str, str]:
    """Pages of the site before it had two languages: where each is now, so that links from elsewhere still lead."""
    found = {f"{name}.html": f"en/{name}.html" for name in evidence.titles(build, "en")}
    for study in studies:
        for name in ["index", *study.done]:
            found[f"{study.name}/{name}.html"] = f"{study.own_language}/{study.name}/{name}.html"
    return found


def door(language_pages: str = "index.html") -> str:
    """The first page: it sends a reader on to the language of the browser, and offers both."""
    links = "".join(
        f'<p lang="{m.tag(language)}"><a href="{language}/{language_pages}" hreflang="{m.tag(language)}">{name}</a></p>'
        for language, name in (("en", "English"), ("zh", "中文"))
    )
    script = (
        "var zh=(navigator.languages||[navigator.language]).some(function(l,i){return i==0&&/^zh/i.test(l)});"
        f"location.replace((zh?'zh':'en')+'/{language_pages}')"
    )
    return _bare("Fusion Workbook", f"<main><h1>Fusion Workbook</h1>{links}</main><script>{script}</script>")


def moved(target: str) -> str:
    """A page that has moved: sends on, and keeps the place within the page."""
    up = "../" * (target.count("/") - 1)
    script = f"location.replace('{up}{target}'+location.hash)"
    link = f'<main><h1>Fusion Workbook</h1><p><a href="{up}{target}">{m.html(target)}</a></p></main>'
    return _bare("Fusion Workbook", f"{link}<script>{script}</script>")


def _bare(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


# -- front page ------------------------------------------------------------------------------------
def front(studies: list[Built], proofs: dict[str, str], language: str) -> str:
    """The front page: every built study with its question, data, date and kind."""
    w = words(language)
    cards = [_card(study) for study in studies]
    lines = [
        "# Fusion Workbook",
        w["about"],
        m.toctree([f"{study.name}/index" for study in studies] + list(proofs)),
        f"## {w['studies']}" if studies else w["no_study"],
        m.raw(f'<div class="fusion-cards">{"".join(cards)}</div>') if cards else "",
    ]
    if proofs:
        items = [f"- [{title}]({name}.md)" for name, title in proofs.items()]
        lines += [f"## {w['evidence']}", "\n".join(items)]
    return "\n\n".join(lines)


def _card(study: Built) -> str:
    w = words(study.language)
    facts = [
        (w["question"], study.text("question")),
        (w["finding"], finding(study)),
        (w["data"], study.text("data")),
        (w["run"], _date(study.manifest.get("ended"))),
        (w["notebooks"], f"{len(study.done)} / {len(study.notebooks)}"),
    ]
    rows = "".join(f"<dt>{m.html(k)}</dt><dd>{m.html(v)}</dd>" for k, v in facts if v)
    link = f'<a href="{study.name}/index.html">{m.html(study.title)}</a>'
    return f'<article class="fusion-card">{badge(study)}<h3>{link}</h3><dl>{rows}</dl></article>'


def finding(study: Built) -> str:
    """One paragraph: what the titles of the headline exhibits say; empty when none of them was shown."""
    titles = {row["id"]: row["title"] for row in study.exhibits if row["kind"] not in ABSENT}
    found = [titles[name].rstrip(".。") for name in HEADLINES if titles.get(name)]
    stop = "。" if study.language == "zh" else ". "
    return (stop.join(found) + stop).strip() if found else ""


def badge(study: Built) -> str:
    """The mark that says whether data are real or made up."""
    w, kind = words(study.language), "synthetic" if study.synthetic else "real"
    return f'<span class="fusion-badge fusion-{kind}">{w[kind]}</span>'


def banner(study: Built) -> str:
    """What stands on top of every page of a synthetic study; empty for a real one."""
    if not study.synthetic:
        return ""
    w = words(study.language)
    return f'<div class="fusion-banner" role="note">{w["banner"]}</div>'


# -- a study ---------------------------------------------------------------------------------------
def study_page(study: Built) -> str:
    """A study's own page: question, estimand, data, exhibits, parameters, provenance, downloads."""
    w = words(study.language)
    lines = [
        f"# {m.text(study.title)}",
        m.raw(f'<p class="fusion-meta">{badge(study)} <code>{m.html(study.name)}</code></p>'),
        m.toctree([f"{name}.ipynb" for name in study.done]),
        _unfinished(study),
        *_purpose(study),
        f"## {w['notebooks']}",
        _notebooks(study),
        f"## {w['exhibits']}",
        _exhibits(study),
        f"## {w['parameters']}",
        papers.parameters(study, study.parameters, folded=False),
        f"## {w['provenance']}",
        m.raw(papers.provenance(study)),
        f"## {w['downloads']}",
        _downloads(study),
    ]
    return "\n\n".join(line for line in lines if line)


def _purpose(study: Built) -> list[str]:
    w = words(study.language)
    licence = str(study.parameters.get("licence") or "")
    joint = " " if study.language == "en" else ""
    data = joint.join(
        filter(None, (study.text("data"), f"{w['licence']}{joint}{licence}" if licence else ""))
    )
    facts = [("question", study.text("question")), ("estimand", study.text("estimand")), ("data", data)]
    lines = [f"**{w[key]}{w['stop']}** {m.text(value)}" for key, value in facts if value]
    cannot = study.parameters.get(f"cannot_{study.language}") or []
    if cannot:
        lines += [f"**{w['cannot']}{w['stop']}**", "\n".join(f"- {m.text(str(item))}" for item in cannot)]
    return lines


def _unfinished(study: Built) -> str:
    """A warning that names what is not published, and why."""
    w = words(study.language)
    missing = {name: state for name, state in study.states.items() if state != "done"}
    if not missing:
        return ""
    items = "".join(
        f"<li><code>{m.html(name)}</code> {m.html(w['states'].get(state, state))}{_reason(study, name)}</li>"
        for name, state in missing.items()
    )
    return m.raw(f'<div class="fusion-warning" role="note"><p>{w["unfinished"]}</p><ul>{items}</ul></div>')


def _reason(study: Built, name: str) -> str:
    record = study.records.get(name, {})
    error = record.get("error")
    if isinstance(error, dict):
        value = (error.get("said") or {}).get(study.language) or error.get("value")
        parts = [str(part or "") for part in (error.get("tag"), error.get("name"), value)]
        text = ": ".join(part for part in parts if part)
    elif record.get("status") == "skipped":
        told = [w.get(study.language) if isinstance(w, dict) else w for w in record.get("reason") or []]
        text = "; ".join(map(str, told))
    else:
        text = str(error or "")
    return f": {m.html(text.strip().splitlines()[0][:300])}" if text.strip() else ""


def _notebooks(study: Built) -> str:
    w = words(study.language)
    count: dict[str, int] = defaultdict(int)
    for row in study.exhibits:
        count[row["notebook"]] += row["kind"] not in ABSENT
    rows = []
    for name, state in study.states.items():
        title = m.html(title_of(name, study.language))
        record = study.records.get(name, {})
        done = state == "done"
        link = f'<a href="{name}.html">{title}</a>' if done else title
        seconds = m.number(record.get("seconds"), 1) if done else ""
        shown = str(count[name]) if done else ""
        told = "not run" if record.get("lacks") else state
        rows.append([m.code(name), link, m.html(w["states"].get(told, told)), shown, seconds])
    heads = ["", w["title"], w["state"], w["exhibits"], w["seconds"]]
    return m.raw(m.table(heads, rows, numeric={3, 4}, label=w["notebooks"]))


def _exhibits(study: Built) -> str:
    """Exhibits with links to their place and files, as text that the search finds; then what is not there, and why."""
    w = words(study.language)
    shown = [row for row in study.exhibits if row["kind"] not in ABSENT]
    lines = [f"| {w['number']} | {w['title']} | {w['downloads']} |", "|---|---|---|"]
    lines += [_exhibit(study, row) for row in shown]
    parts = ["\n".join(lines)] if shown else [w["none"]]
    for kind in ABSENT:
        titles: dict[str, list[str]] = defaultdict(list)  # by their reason, which is given once
        for row in study.exhibits:
            if row["kind"] == kind:
                titles[m.text(row["note"])].append(m.text(row["title"]))
        if titles:
            comma = {"en": "; ", "zh": "、"}[study.language]
            items = [
                f"- {comma.join(names)}" + (f"{w['stop']} {note}" if note else "")
                for note, names in titles.items()
            ]
            parts += [f"### {w[kind]}", "\n".join(items)]
    return "\n\n".join(parts)


def _exhibit(study: Built, row: dict[str, Any]) -> str:
    w = words(study.language)
    number = f"{w[row['kind']]} {m.text(row.get('number', ''))}"
    anchor = f'<a class="fusion-nowrap" href="{row["notebook"]}.html#exhibit-{row["id"]}">{number}</a>'
    links = [
        f'<a href="../../{FILES}/{study.name}/{study.place(row, suffix)}" download>{FORMS[suffix]}</a>'
        for suffix in study.forms(row["notebook"], row["id"])
    ]
    return f"| {anchor} | {m.text(row['title'])} | {' '.join(links)} |"


def _downloads(study: Built) -> str:
    w, language = words(study.language), study.language
    names = {f"{language}/{name}.ipynb": f"{w['executed']} {name}" for name in study.done}
    names |= {"manifest.json": w["manifest"], "exhibits.csv": w["exhibits_csv"]}
    names |= {
        f"{language}/exhibits.docx": w["word"],
        f"{language}/exhibits.xlsx": w["excel"],
        f"{language}/methods.md": w["methods"],
        "release.json": w["release"],
    }
    there = study.files()
    items = "".join(
        f'<li><a href="../../{FILES}/{study.name}/{place}" download>{m.html(Path(place).name)}</a> {m.html(label)}</li>'
        for place, label in names.items()
        if place in there
    )
    return m.raw(f"<ul>{items}</ul>")


# -- inside ----------------------------------------------------------------------------------------
def _menu(studies: list[Built], proofs: dict[str, str], language: str) -> dict[str, Any]:
    """What the templates need: the menu, and each page's study with its banner and language."""
    entries = [
        {
            "name": study.name,
            "title": study.title,
            "banner": banner(study),
            "synthetic": study.synthetic,
            "pages": [
                {"page": f"{study.name}/{name}", "number": name[:2], "title": title_of(name, study.language)}
                for name in study.done
            ],
        }
        for study in studies
    ]
    pages = [{"page": name, "title": title} for name, title in proofs.items()]
    w = words(language)
    other = "en" if language == "zh" else "zh"
    said = {name: w[name] for name in ("all_studies", "search", "about_site", "menu")}
    return {
        "language": language,
        "tag": m.tag(language),
        "other": {"folder": other, "tag": m.tag(other), "name": words(other)["own_name"]},
        "words": said,
        "studies": entries,
        "evidence": pages,
    }


def _date(moment: object) -> str:
    return str(moment or "")[:16].replace("T", " ")


def _keep(file: Path, text: str) -> None:
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
