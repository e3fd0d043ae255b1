"""The pages of the site as MyST sources: front page, one page for each study, evidence, notebooks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbook import files
from workbook.exhibits.pictures.saved import LARGEST_SVG
from workbook.exhibits.rendering import caption_of
from workbook.exhibits.words import COLON
from workbook.inert import code
from workbook.publish import evidence, papers
from workbook.publish import markup as m
from workbook.publish.built import ABSENT, FILES, Built
from workbook.publish.markup import words
from workbook.publish.papers import title_of


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
        texts[f"{study.name}/index.md"] = study_page(study, studies)
        for name in study.done:
            texts[f"{study.name}/{name}.ipynb"] = papers.page(study, name)
    texts["sentences.json"] = json.dumps(_sentences(studies), ensure_ascii=False)
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
    """The front page: every built study with what it found and a figure; what shows that methods work is below."""
    w = words(language)
    studies = _ordered(studies)
    lines = [
        "# Fusion Workbook",
        w["about"],
        m.toctree([f"{study.name}/index" for study in studies] + list(proofs)),
        "" if studies else w["no_study"],
        m.raw(f'<div class="fusion-cards">{"".join(map(_card, studies))}</div>') if studies else "",
    ]
    if proofs:
        items = [f"- [{title}]({name}.md)" for name, title in proofs.items()]
        lines += [f"## {w['evidence']}", "\n".join(items)]
    return "\n\n".join(line for line in lines if line)


def _ordered(studies: list[Built]) -> list[Built]:
    """Studies as a reader looks for them: for who reads Chinese, those about China first; then by name."""
    far = {s.name: s.language == "zh" and s.parameters.get("country", "CN") != "CN" for s in studies}
    return sorted(studies, key=lambda s: (far[s.name], s.own_language != s.language, s.name))


def _card(study: Built) -> str:
    link = f'<a href="{study.name}/index.html">{m.html(study.title)}</a>'
    asked, found = study.text("question"), finding(study)
    said = "".join(
        f'<p class="fusion-{name}">{m.html(text)}</p>'
        for name, text in (("asked", asked), ("found", found))
        if text
    )
    data = f'<p class="fusion-note">{m.html(study.text("data"))}</p>' if study.text("data") else ""
    drawn = _picture(study, "", "../")
    return f'<article class="fusion-card">{drawn}{badge(study)}<h2>{link}</h2>{said}{_not_read(study)}{data}</article>'


def _not_read(study: Built) -> str:
    """The first thing that must not be read from what was found: who reads no further than the front page meets it."""
    w, cannot = words(study.language), study.parameters.get(f"cannot_{study.language}") or []
    if not cannot or not finding(study):
        return ""
    head = f"<strong>{m.html(w['cannot'])}{COLON[study.language]}</strong>"
    return f'<p class="fusion-not-read">{head}{m.html(str(cannot[0]))}</p>'


def finding(study: Built) -> str:
    """What was found, in a sentence: the title of the exhibit that answers the study's question; empty if none was shown."""
    title = str(study.answer.get("title", "")).rstrip(".。")
    return title + ("。" if study.language == "zh" else ".") if title else ""


def _picture(study: Built, caption: str, up: str) -> str:
    """The figure that belongs to the answer, from among the downloads; empty where there is none."""
    row = study.picture(study.answer)
    forms = study.forms(row["notebook"], row["id"]) if row else {}
    if ".svg" not in forms:
        return ""
    suffix = ".svg" if forms[".svg"].stat().st_size <= LARGEST_SVG else ".png"
    place = f"{up}{FILES}/{study.name}/{study.place(row, suffix)}"
    shown = f'<img src="{place}" alt="{m.html(row.get("alt") or row["title"])}">'
    over = papers.over(study, row) if caption else ""
    drawn = f'<div class="fusion-drawn">{shown}{over}</div>'
    return f'<figure class="fusion-figure fusion-lead">{drawn}{caption}</figure>'


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
def study_page(study: Built, others: Sequence[Built] = ()) -> str:
    """A study's own page: question, answer, what cannot be said; how it was found; the rest folded.

    ``others`` are the studies of the same site, to which it may lead.
    """
    w = words(study.language)
    left = _left_out(study)
    parts = {
        w["all_exhibits"].format(sum(row["kind"] not in ABSENT for row in study.exhibits)): _exhibits(study),
        w["all_left_out"]: left,
        w["parameters"]: papers.parameters(study, study.parameters, folded=False),
        w["provenance"]: _notebooks(study) + "\n\n" + m.raw(papers.provenance(study)),
        w["downloads"]: _downloads(study),
    }
    lines = [
        f"# {m.text(study.title)}",
        ""
        if study.synthetic
        else m.raw(f'<p class="fusion-meta">{badge(study)}</p>'),  # a banner says it above
        m.toctree([f"{name}.ipynb" for name in study.shown]),
        _unfinished(study),
        *_answer(study),
        *_cannot(study),
        *_beside(study, others),
        f"## {w['how_found']}",
        *_purpose(study),
        _story(study),
        f"## {w['rest']}",
        *(m.folded(name, content) for name, content in parts.items() if content),
    ]
    return "\n\n".join(line for line in lines if line)


def _answer(study: Built) -> list[str]:
    """The question, the answer with its interval, at most three numbers and one figure."""
    w, row = words(study.language), study.answer
    asked, found = m.text(study.text("question")), finding(study)
    lines = [m.within("fusion-asked", asked)] if asked else []
    if not found:
        return lines
    numbers = "".join(
        f"<div><dt>{m.html(says)}</dt><dd>{m.html(value)}</dd></div>"
        for value, says in row.get("numbers", [])
    )
    shown = f'<dl class="fusion-numbers">{numbers}</dl>' if numbers else ""
    drawn = study.picture(row)
    also = "" if row == drawn else _place(study, row, w)
    caption = (
        f"<figcaption>{_place(study, drawn, w)} {m.html(drawn['title'])} {also}</figcaption>" if drawn else ""
    )
    if also and not drawn:
        shown += f'<p class="fusion-note">{also}</p>'
    lines += [m.within("fusion-found", m.text(found)), m.raw(shown) if shown else ""]
    return [*lines, m.raw(picture) if (picture := _picture(study, caption, "../../")) else ""]


def _place(study: Built, row: dict[str, Any], w: dict[str, Any]) -> str:
    """Kind and number of an exhibit, as a link to it."""
    place = f"{study.page(row)}.html#exhibit-{row['id']}"
    return f'<a href="{m.html(place)}">{w[row["kind"]]} {m.html(row["number"])}</a>'


def _cannot(study: Built) -> list[str]:
    w = words(study.language)
    cannot = study.parameters.get(f"cannot_{study.language}") or []
    if not cannot:
        return []
    return [f"## {w['cannot']}", "\n".join(f"- {m.text(str(item))}" for item in cannot)]


def _beside(study: Built, others: Sequence[Built]) -> list[str]:
    """Where another study shows what this one leaves out: a sentence, and a link where the site has that study."""
    titles = {one.name: one.title for one in others}
    lines = []
    for name, said in (study.parameters.get("beside") or {}).items():
        link = f"[{m.text(titles[name])}](../{name}/index.md)" if name in titles else f"`{code(name)}`"
        lines.append(f"{m.text(said[study.language])} {link}")
    return lines


def _purpose(study: Built) -> list[str]:
    w = words(study.language)
    licence = str(study.parameters.get("licence") or "")
    joint = " " if study.language == "en" else ""
    data = joint.join(
        filter(None, (study.text("data"), f"{w['licence']}{joint}{licence}" if licence else ""))
    )
    facts = [("estimand", study.text("estimand")), ("data", data)]
    return [f"**{w[key]}{w['stop']}** {m.text(value)}" for key, value in facts if value]


def _story(study: Built) -> str:
    """The notebooks that have something to show, each with what it found."""
    lines = []
    for name in study.shown:
        title = m.text(title_of(study, name))
        lines.append(f"1. [{title}]({name}.ipynb)<br>{m.text(study.first(name)['title'])}")
    return "\n".join(lines)


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
        title = m.html(title_of(study, name))
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
    """Exhibits with links to their place and files, as text that the search finds."""
    w = words(study.language)
    shown = [row for row in study.exhibits if row["kind"] not in ABSENT]
    lines = [f"| {w['number']} | {w['title']} | {w['downloads']} |", "|---|---|---|"]
    lines += [_exhibit(study, row) for row in shown]
    return "\n".join(lines) if shown else w["none"]


def _left_out(study: Built) -> str:
    """What is not there, and why: each reason once."""
    w, parts = words(study.language), []
    for kind in ABSENT:
        rows = [row for row in study.exhibits if row["kind"] == kind]
        parts += [f"**{w[kind]}**", m.reasons(rows, study.language)] if rows else []
    return "\n\n".join(parts)


def _exhibit(study: Built, row: dict[str, Any]) -> str:
    w = words(study.language)
    number = f"{w[row['kind']]} {m.text(row.get('number', ''))}"
    anchor = f'<a class="fusion-nowrap" href="{study.page(row)}.html#exhibit-{row["id"]}">{number}</a>'
    links = [
        f'<a href="../../{FILES}/{study.name}/{study.place(row, suffix)}" download>{m.FORMS[suffix]}</a>'
        for suffix in study.forms(row["notebook"], row["id"])
    ]
    return f"| {anchor} | {m.text(row['title'])} | {' '.join(links)} |"


def _downloads(study: Built) -> str:
    w, language = words(study.language), study.language
    names = {f"{language}/{name}.ipynb": f"{w['executed']} {name}" for name in study.done}
    names |= {"manifest.json": w["manifest"], "exhibits.csv": w["exhibits_csv"]}
    names |= {
        f"{language}/journal.docx": w["journal"],
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


def _sentences(studies: list[Built]) -> dict[str, Any]:
    """What the search says of a page beside its title: its study, and sentences with their places."""
    found: dict[str, Any] = {}
    for study in studies:
        told = [text for text in (finding(study), study.text("question")) if text]
        found[f"{study.name}/index"] = ["", [["", text] for text in told]]
        for row in study.exhibits:
            page = found.setdefault(f"{study.name}/{study.page(row)}", [study.title, []])
            if row["kind"] not in ABSENT:
                page[1].append([f"exhibit-{row['id']}", caption_of(row, study.language)])
    return found


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
                {"page": f"{study.name}/{name}", "number": name[:2], "title": title_of(study, name)}
                for name in study.shown
            ],
        }
        for study in _ordered(studies)
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


def _keep(file: Path, text: str) -> None:
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
