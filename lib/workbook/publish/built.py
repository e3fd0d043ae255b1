"""A study that has been run, as its folder in the build tells it: what the site reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from workbook.exhibits import sheets
from workbook.exhibits.sheets import LANGUAGES
from workbook.publish import spoken
from workbook.run.fingerprint import Hashes
from workbook.run.manifest import intact, sound

FILES = "files"
# The notebook whose page has what only reviewers ask for, from the other notebooks, too.
REVIEW = "10_audit"
# Kinds of exhibits that are named without being shown.
ABSENT = ("left_out", "withheld")
# Kinds of files that leave the build; row-level artefacts (Parquet) do not.
PUBLISHED = (".csv", ".tex", ".svg", ".png", ".pdf", ".docx", ".xlsx", ".htm", ".json")
PAPERS = {
    "manifest.json": "manifest.json",
    "exhibits.csv": "export/exhibits.csv",
    "release.json": "release.json",
}
TABLES = "tables"  # below the exports: each table as files of its own
EXPORTS = ("journal.docx", "exhibits.docx", "exhibits.xlsx", "methods.md")


@dataclass(frozen=True)
class Built:
    """One study of the build.

    Parameters
    ----------
    name : str
        Its name.
    root : pathlib.Path
        Its folder.
    manifest : dict
        Its record; keys that an older record lacks count as empty.
    spoken_in : str, optional
        Language in which it is read; its own if not given.
    """

    name: str
    root: Path
    manifest: dict[str, Any]
    spoken_in: str | None = None

    def spoken(self, language: str) -> Built:
        """The same study in a language; what may be published is decided once, whatever vanishes or comes meanwhile."""
        made = replace(self, spoken_in=language)
        made.__dict__["states"] = self.states
        return made

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters by name."""
        return dict(self.manifest.get("parameters") or {})

    @property
    def language(self) -> str:
        """Language in which it is read."""
        return self.spoken_in or self.own_language

    @property
    def own_language(self) -> str:
        """Language that the study asks for: which of its pages opens first."""
        found = self.manifest.get("language") or self.parameters.get("language")
        return "zh" if found == "zh" else "en"

    @property
    def synthetic(self) -> bool:
        """Whether its data are made up."""
        return bool(self.manifest.get("synthetic") or self.parameters.get("synthetic"))

    @property
    def title(self) -> str:
        """Its title, in its language."""
        return self.text("title") or self.name

    def text(self, field: str) -> str:
        """A text parameter that exists in both languages, in this one; in the study's own if it has no other."""
        found = (
            self.parameters.get(f"{field}_{language}") for language in (self.language, self.own_language)
        )
        return str(next(filter(None, found), ""))

    @property
    def notebooks(self) -> list[str]:
        """Notebooks that it has, in order, whether they ran or not."""
        declared = [str(name) for name in self.parameters.get("notebooks") or []]
        return sorted({*declared, *self.records})

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """The manifest's record of each notebook."""
        return dict(self.manifest.get("notebooks") or {})

    @cached_property
    def states(self) -> dict[str, str]:
        """Notebook: ``done``, or why it is not published.

        ``altered`` is one of which a file is not the one recorded.
        """
        return {name: self._state(name) for name in self.notebooks}

    @property
    def done(self) -> list[str]:
        """Notebooks that finished and are what the manifest says."""
        return [name for name, state in self.states.items() if state == "done"]

    @cached_property
    def exhibits(self) -> list[dict[str, Any]]:
        """Exhibits of finished notebooks in the language in which the study is read.

        Each with ``id``, ``kind`` (also ``left_out`` and ``withheld``), ``number``, ``notebook``, ``title``, ``note``,
        ``source``, ``name``.
        """
        return [
            {"id": e["id"], "kind": e["kind"], "number": e["number"], "notebook": name, **e[self.language]}
            for name in self.done
            for e in spoken.load(self.root, name).get("exhibits", [])
        ]

    @cached_property
    def answer(self) -> dict[str, Any]:
        """The exhibit that answers the study's question: the first that the sheets name and that is shown; else empty."""
        shown = {f"{e['notebook']}.{e['id']}": e for e in self.exhibits if e["kind"] not in ABSENT}
        return next((shown[name] for name in sheets.shared().answers if name in shown), {})

    def page(self, row: dict[str, Any]) -> str:
        """The notebook on whose page an exhibit stands: its own, or that of reviewers where its sheet says so."""
        own = str(row["notebook"])
        if row["kind"] in ABSENT or REVIEW not in self.shown or not sheets.exists(own):
            return own
        return REVIEW if sheets.sheet(own).exhibit(row["id"]).reviewers else own

    def first(self, notebook: str) -> dict[str, Any]:
        """The exhibit that opens a notebook's page, or any that is shown where its sheet names none; else empty."""
        mine = [e for e in self.exhibits if e["notebook"] == notebook and e["kind"] not in ABSENT]
        shown = {e["id"]: e for e in sorted(mine, key=lambda e: self.page(e) != notebook)}
        named = sheets.sheet(notebook).first if sheets.exists(notebook) else []
        return next((shown[id] for id in [*named, *shown] if id in shown), {})

    @property
    def shown(self) -> list[str]:
        """Finished notebooks that have an exhibit to show: pages of the story."""
        there = {e["notebook"] for e in self.exhibits if e["kind"] not in ABSENT}
        return [name for name in self.done if name in there]

    def picture(self, row: dict[str, Any]) -> dict[str, Any]:
        """The figure that belongs to an exhibit: itself, or the one that its sheet names, if it is shown; else empty."""
        if not row:
            return {}
        headline = sheets.sheet(row["notebook"]).exhibit(row["id"]).headline
        wanted = headline.figure if headline and headline.figure else row["id"]
        same = (e for e in self.exhibits if e["notebook"] == row["notebook"] and e["id"] == wanted)
        return next((e for e in same if e["kind"] == "figure"), {})

    @property
    def headlines(self) -> list[dict[str, Any]]:
        """What says what was found: each notebook's first exhibit and the figure that belongs to it, in their order."""
        led = [self.first(name) for name in self.shown]
        wanted = [*led, *(self.picture(row) for row in led)]
        return [row for row in self.exhibits if row in wanted]

    def forms(self, notebook: str, id: str) -> dict[str, Path]:
        """An exhibit's files in the language in which the study is read, by suffix."""
        place = self.root / spoken.FOLDER / notebook
        found = [place / f"{id}.csv", *(place / self.language / f"{id}{suffix}" for suffix in PUBLISHED)]
        own = self.root / notebook
        found += [own / f"{id}.{self.language}{s}" for s in PUBLISHED]
        found += [own / f"{id}{suffix}" for suffix in PUBLISHED]
        found += [self.export(TABLES) / notebook / f"{id}{suffix}" for suffix in (".xlsx", ".docx")]
        forms: dict[str, Path] = {}
        for file in found:
            if file.is_file():
                forms.setdefault(file.suffix, file)
        return forms

    def export(self, name: str) -> Path:
        """A file made of all exhibits, in the language in which the study is read."""
        return self.root / "export" / self.language / name

    def executed(self, notebook: str) -> Path:
        """The executed notebook in the language in which the study is read."""
        return self.root / spoken.FOLDER / notebook / self.language / f"{notebook}.ipynb"

    def files(self) -> dict[str, Path]:
        """What may be downloaded, by its place among the downloads: the record, notebooks, exhibits in all forms."""
        found = {name: self.root / place for name, place in PAPERS.items()}
        for language in LANGUAGES:
            mine = self.spoken(language)
            found |= {f"{language}/{name}": mine.export(name) for name in EXPORTS}
            found |= {f"{language}/{name}.ipynb": mine.executed(name) for name in self.done}
            for row in mine.exhibits:
                if row["kind"] in ABSENT:  # a file that a notebook left stays inside with its exhibit
                    continue
                for suffix, file in mine.forms(row["notebook"], row["id"]).items():
                    found[mine.place(row, suffix)] = file
        return {place: file for place, file in found.items() if file.is_file()}

    def place(self, row: dict[str, Any], suffix: str) -> str:
        """Where an exhibit's file lies among the downloads: rows are in no language."""
        inside = f"{row['notebook']}/{row['id']}{suffix}"
        return inside if suffix == ".csv" else f"{self.language}/{inside}"

    def _state(self, name: str) -> str:
        record = self.records.get(name)
        if record is None:
            return "not run"
        status = str(record.get("status") or "unknown")
        if status != "done":
            return status
        if not (self.root / f"{name}.ipynb").is_file():
            return "missing"
        hashes = _hashes(self.root.parent / ".hashes.json")
        return "done" if not record.get("outputs") or intact(self.root, record, hashes) else "altered"


@cache
def _hashes(memory: Path) -> Hashes:
    """What is known of files, for one process: each study is asked several times."""
    return Hashes(memory)


def find(build: Path) -> list[Built]:
    """Studies of a build folder, by name; folders without a readable manifest are not studies."""
    found = []
    for file in sorted(build.glob("*/manifest.json")):
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if sound(manifest) and not file.parent.name.startswith("."):
            found.append(Built(str(manifest.get("study") or file.parent.name), file.parent, manifest))
    return found
