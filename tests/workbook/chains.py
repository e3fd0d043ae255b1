"""A tiny chain for the runner's tests: notebooks made on the spot, a study that needs no file of the project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

CHAIN = [
    {"notebook": "01_first", "reads": [], "writes": ["a"]},
    {"notebook": "02_second", "reads": ["a"], "writes": ["b"]},
    {"notebook": "03_third", "reads": ["a"], "writes": ["c"]},
    {"notebook": "04_last", "reads": ["b", "c"], "writes": ["d"]},
]
VALUES: dict[str, Any] = {"size": 3, "scale": 2.0, "mode": "", "other": 0, "language": "en", "seed": 1}
# What each notebook does between its parameters cell and its last one.
BODY = {
    "01_first": 'import pandas as pd\nbook.write("a", pd.DataFrame({"x": range(max(size, 3))}))',
    "02_second": 'book.write("b", book.read("a") * scale)',
    "03_third": 'book.write("c", book.read("a"))',
    "04_last": 'book.write("d", book.read("b") + book.read("c"))',
}
PARAMETERS = {
    "01_first": ["size", "mode"],
    "02_second": ["scale"],
    "03_third": ["other"],
    "04_last": [],
}


@dataclass
class Study:
    """Stands in for a loaded study."""

    name: str
    file: Path
    flat: dict[str, Any]
    notebooks: list[str] = field(default_factory=lambda: [str(s["notebook"]) for s in CHAIN])

    @property
    def parameters(self) -> Any:
        return SimpleNamespace(study=SimpleNamespace(notebooks=self.notebooks))


def notebook(name: str, body: str, names: list[str], before: str = "") -> dict[str, Any]:
    """A notebook by the rules: purpose, parameters, work, last cell (without nbformat, slow to import)."""
    values = VALUES | {"study": "none"}
    texts = {
        "parameters": "\n".join(f"{n} = {values[n]!r}" for n in ["study", *names]),
        "book": f'from workbook import Book\nbook, p = Book.open("{name}", globals())',
        "before": before or "pass",
        "work": body,
        "done": "book.done()",
    }
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "purpose", "metadata": {}, "source": f"# {name}"}
    ]
    for tag, text in texts.items():
        cell = {"cell_type": "code", "id": tag, "metadata": {"tags": [tag]}, "source": text}
        cells.append(cell | {"execution_count": None, "outputs": []})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


class Bench:
    """A chain in a folder of its own: change it, run it, look at what came out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.build = folder / "build"
        self.notebooks.mkdir(parents=True)
        (folder / "tiny.yaml").write_text("study: {synthetic: true}\n", encoding="utf-8")
        self.names = [str(s["notebook"]) for s in CHAIN]
        self.values = dict(VALUES)
        entries = [{"title_en": "T", "title_zh": "题"} | s for s in CHAIN]
        (self.notebooks / "chain.yaml").write_text(json.dumps(entries), encoding="utf-8")
        for name in self.names:
            self.put(name)

    @property
    def root(self) -> Path:
        return self.build / "tiny"

    @property
    def env(self) -> dict[str, str]:
        return {"FUSION_NOTEBOOKS": str(self.notebooks), "FUSION_BUILD": str(self.build)}

    def put(self, name: str, before: str = "", body: str | None = None) -> None:
        """Write a notebook; ``before`` runs ahead of its work."""
        made = notebook(name, BODY[name] if body is None else body, PARAMETERS[name], before)
        (self.notebooks / f"{name}.ipynb").write_text(json.dumps(made), encoding="utf-8")

    def sheet(self, name: str, exhibits: dict[str, Any], **more: Any) -> None:
        """Write a notebook's sheet."""
        place = self.notebooks / "exhibits" / f"{name}.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps({"notebook": name, "exhibits": exhibits} | more), encoding="utf-8")

    def study(self, **values: Any) -> Study:
        self.values |= values
        flat = self.values | {"study": "tiny", "synthetic": True}
        return Study("tiny", self.folder / "tiny.yaml", flat, self.names)

    def run(self, jobs: int = 2, wait: bool = True, **values: Any) -> int:
        """Run in this process."""
        from workbook.run import runner

        with self.active():
            return runner.run(self.study(**values), jobs=jobs, wait=wait)

    @contextmanager
    def active(self) -> Iterator[None]:
        """The project's own chain and build are out of sight."""
        from workbook import paths
        from workbook.run import chain

        before = {name: os.environ.get(name) for name in self.env}
        kept = chain.NOTEBOOKS, paths.NOTEBOOKS
        os.environ.update(self.env)
        chain.NOTEBOOKS = paths.NOTEBOOKS = self.notebooks
        chain.chain.cache_clear()
        try:
            yield
        finally:
            chain.NOTEBOOKS, paths.NOTEBOOKS = kept
            chain.chain.cache_clear()
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value

    def start(self, *, wait: bool = True, **options: Any) -> subprocess.Popen[str]:
        """Run in a process of its own."""
        code = (
            "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from chains import Study\n"
            "import json; from workbook.run import runner; v = json.loads(sys.argv[1])\n"
            "sys.exit(runner.run(Study('tiny', Path(v['file']), v['flat'], v['names']), wait=v['wait']))"
        )
        study = self.study()
        told = {"file": str(study.file), "flat": study.flat, "names": self.names, "wait": wait}
        return subprocess.Popen(
            [sys.executable, "-c", code, json.dumps(told), str(Path(__file__).parent)],
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell's background jobs are born deaf to SIGINT, and hand that down.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **options,
        )

    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.root / "manifest.json").read_text("utf-8")))

    def statuses(self) -> dict[str, str]:
        return {n: r["status"] for n, r in self.manifest()["notebooks"].items()}

    def files(self) -> set[str]:
        """Everything in the study's folder that a reader would take for a result."""
        found = (p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file())
        return {f for f in found if not f.startswith((".withdrawn", ".lock", ".study"))}
