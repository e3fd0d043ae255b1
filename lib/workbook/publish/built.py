"""A study that has been run, as its folder in the build tells it: what the site reads."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FILES = "files"
# Kinds of files that leave the build; row-level artefacts (Parquet) do not.
PUBLISHED = (".csv", ".tex", ".svg", ".png", ".pdf", ".docx")
PAPERS = (
    "manifest.json",
    "exhibits.csv",
    "release.json",
    "export/exhibits.docx",
    "export/exhibits.xlsx",
    "export/methods.md",
)


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
    """

    name: str
    root: Path
    manifest: dict[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters by name."""
        return dict(self.manifest.get("parameters") or {})

    @property
    def language(self) -> str:
        """Language of its pages."""
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
        """A text parameter that exists in both languages, in the study's."""
        return str(self.parameters.get(f"{field}_{self.language}") or "")

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

        ``altered`` is one whose executed file is not the one recorded.
        """
        return {name: self._state(name) for name in self.notebooks}

    @property
    def done(self) -> list[str]:
        """Notebooks that finished and are what the manifest says."""
        return [name for name, state in self.states.items() if state == "done"]

    @cached_property
    def exhibits(self) -> list[dict[str, str]]:
        """Rows of ``exhibits.csv`` of finished notebooks."""
        file = self.root / "exhibits.csv"
        if not file.is_file():
            return []
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return [row for row in csv.DictReader(stream) if row.get("notebook") in self.done]

    def files(self) -> list[Path]:
        """What may be downloaded: the record, executed notebooks that finished, exhibits in all their forms."""
        papers = [self.root / name for name in PAPERS]
        executed = [self.root / f"{name}.ipynb" for name in self.done]
        shown = {(row["notebook"], row["id"]) for row in self.exhibits}
        forms = [self.root / n / f"{id}{suffix}" for n, id in sorted(shown) for suffix in PUBLISHED]
        return [file for file in (*papers, *executed, *forms) if file.is_file()]

    def _state(self, name: str) -> str:
        record = self.records.get(name)
        if record is None:
            return "not run"
        status = str(record.get("status") or "unknown")
        file = self.root / f"{name}.ipynb"
        if status != "done":
            return status
        if not file.is_file():
            return "missing"
        recorded = (record.get("outputs") or {}).get(file.name, {}).get("sha256")
        same = recorded in (None, hashlib.sha256(file.read_bytes()).hexdigest())
        return "done" if same else "altered"


def find(build: Path) -> list[Built]:
    """Studies of a build folder, by name; folders without a readable manifest are not studies."""
    found = []
    for file in sorted(build.glob("*/manifest.json")):
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict) and not file.parent.name.startswith("."):
            found.append(Built(str(manifest.get("study") or file.parent.name), file.parent, manifest))
    return found
