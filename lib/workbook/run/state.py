"""Where a study's results lie, and the moves that keep them truthful.

A result in ``build/<study>/<notebook>/`` is a finished one. One that a new run supersedes is withdrawn first
(moved under ``.withdrawn``): if what it depends on comes back as it was, so does the result. All moves are
renames within one folder, so they need no space and are never half done; whatever is left in the middle of
two moves fails its hash check later and is run again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook import files


@dataclass(frozen=True)
class Place:
    """The places of one notebook in a study's folder."""

    root: Path
    notebook: str

    @property
    def folder(self) -> Path:
        """Finished outputs."""
        return self.root / self.notebook

    @property
    def file(self) -> Path:
        """The finished, executed notebook."""
        return self.root / f"{self.notebook}.ipynb"

    @property
    def failed(self) -> Path:
        """The executed notebook of a run that failed: evidence only."""
        return self.root / f"{self.notebook}.failed.ipynb"

    @property
    def work(self) -> Path:
        """Outputs while it runs."""
        return self.root / ".work" / self.notebook

    @property
    def work_file(self) -> Path:
        """The executed notebook before it is judged."""
        return self.root / ".work" / f"{self.notebook}.ipynb"

    @property
    def source(self) -> Path:
        """The notebook as it was when its fingerprint was taken: what is edited meanwhile does not run."""
        return self.root / ".work" / f"{self.notebook}.source.ipynb"

    @property
    def job(self) -> Path:
        """What the executing process is told."""
        return self.root / ".work" / f"{self.notebook}.job.json"

    @property
    def withdrawn(self) -> Path:
        """The last good result, while it is not current."""
        return self.root / ".withdrawn" / self.notebook

    def withdraw(self, record: Mapping[str, Any] | None) -> None:
        """Take the present result away; with its record it can be brought back."""
        if not self.folder.exists() and not self.file.exists():
            return
        shutil.rmtree(self.withdrawn, ignore_errors=True)
        self.withdrawn.mkdir(parents=True)
        if self.folder.exists():
            self.folder.rename(self.withdrawn / "outputs")
        if self.file.exists():
            self.file.rename(self.withdrawn / "notebook.ipynb")
        if record:
            files.write_atomic(self.withdrawn / "record.json", json.dumps(record, ensure_ascii=False))

    def withdrawn_record(self) -> dict[str, Any] | None:
        """Record of the withdrawn result, if there is a whole one."""
        try:
            return dict(json.loads((self.withdrawn / "record.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def bring_back(self) -> None:
        """Put the withdrawn result in its place again."""
        self._clear()
        (self.withdrawn / "outputs").rename(self.folder)
        (self.withdrawn / "notebook.ipynb").rename(self.file)
        shutil.rmtree(self.withdrawn, ignore_errors=True)
        self.failed.unlink(missing_ok=True)

    def prepare(self) -> None:
        """An empty working folder."""
        self.clean()
        self.work.mkdir(parents=True)
        self.failed.unlink(missing_ok=True)

    def accept(self) -> None:
        """Move a judged result into place."""
        self._clear()
        self.work.rename(self.folder)
        self.work_file.rename(self.file)
        shutil.rmtree(self.withdrawn, ignore_errors=True)
        self.clean()

    def reject(self) -> bool:
        """Keep the executed notebook of a failed run as evidence, nothing else; whether there was one."""
        kept = self.work_file.is_file()
        if kept:
            self.work_file.replace(self.failed)
        self.clean()
        return kept

    def clean(self) -> None:
        """Remove what a run left in the working place."""
        shutil.rmtree(self.work, ignore_errors=True)
        for file in (self.work_file, self.source, self.job):
            file.unlink(missing_ok=True)

    def _clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.file.unlink(missing_ok=True)
