"""What can be disturbed: each notebook, the words and documents, the site, the package, verification, the record."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.faults.places import Place, digests
from workbook.run import chain, fingerprint

WHOLE, LEAFLET = "whole", "leaflet"
ARCHIVE = "packages/leaflet.zip"
# Modules that each publishing stage imports, one of which is edited under its feet.
EDITED = {
    "words": "publish/spoken.py",
    "documents": "publish/formats/word.py",
    "site": "publish/pages.py",
    "package": "publish/package.py",
    "verify": "review/methods.py",
    "record": "run/manifest.py",
}


@dataclass(frozen=True)
class Stage:
    """One stage.

    Parameters
    ----------
    name : str
        A notebook's, or what is made of all.
    base : str
        Which undisturbed run it starts from: ``whole`` has every notebook, ``leaflet`` two, with all that is published.
    command : tuple of str
        What does it.
    """

    name: str
    base: str
    command: tuple[str, ...]

    @property
    def notebook(self) -> bool:
        """Whether it is one."""
        return self.name[:2].isdigit()

    def due(self, place: Place, rng: random.Random) -> None:
        """Take away what it makes, so that its command makes it again."""
        root = place.build / self.base
        if self.notebook:
            shutil.rmtree(root / self.name)
        elif self.name in ("words", "documents"):
            (root / "release.json").unlink()
            gone = root / "spoken" if self.name == "words" else root / "export"
            shutil.rmtree(rng.choice([f for f in sorted(gone.iterdir()) if f.is_dir()]))
        elif self.name == "site":
            (place.site / ".inputs").unlink()
        else:
            (place.build / {"package": ARCHIVE, "verify": "verification.csv"}[self.name]).unlink()

    def reads(self, place: Place) -> list[Path]:
        """Files that may vanish or change while it reads them."""
        root = place.build / self.base
        if self.name == "verify":
            return sorted((place.project / "data" / "verification").glob("*.csv"))
        if not self.notebook:
            frames = sorted(root.glob("0*/*.frame.parquet"))
            return [*frames, *sorted(root.glob("spoken/*/*.csv")), *sorted(root.glob("*.ipynb"))]
        step = chain.step(self.name)
        found = [root / chain.writer(name).notebook / f"{name}.parquet" for name in step.reads]
        found += [
            f
            for name in step.files
            for f in sorted((place.project / name).rglob("*.csv"))
            if ".git" not in f.parts
        ]
        return [file for file in found if file.is_file()]

    def stored(self, place: Place) -> list[Path]:
        """Files that it made, which may be cut or flipped while they lie there."""
        root = place.build / self.base
        if self.name == "record":
            return [root / "manifest.json", place.build / ".hashes.json", root / "exhibits.csv"]
        if self.notebook:
            return [root / f"{self.name}.ipynb", *_files(root / self.name)]
        if self.name == "words":
            return [f for f in _files(root / "spoken") if "meta" not in f.parts]
        made = {
            "documents": [*_files(root / "export"), root / "release.json"],
            "site": _files(place.site),
            "package": [place.build / ARCHIVE],
            "verify": [place.build / "verification.csv"],
        }
        return made[self.name]

    def modules(self, place: Place) -> list[Path]:
        """Modules that its work imports."""
        lib = place.project / "lib"
        if not self.notebook:
            return [lib / "workbook" / EDITED[self.name]]
        content: Any = json.loads((place.project / "notebooks" / f"{self.name}.ipynb").read_text("utf-8"))
        return fingerprint.library(content, lib)

    def results(self, place: Place) -> dict[str, str]:
        """Hashes of all that it may have changed."""
        if self.name == "verify":
            return {n: h for n, h in digests(place.build).items() if n == "verification.csv"}
        found = digests(place.build)
        if self.base == LEAFLET and self.name != "record":
            return found | {f"site/{n}": h for n, h in digests(place.site).items()}
        return found

    def half_made(self, place: Place) -> Iterator[str]:
        """What is called done in the record and is not as it was recorded."""
        root = place.build / self.base
        try:
            record = json.loads((root / "manifest.json").read_text("utf-8"))
        except (OSError, ValueError):
            return
        for name, entry in record["notebooks"].items():
            if entry.get("status") != "done":
                continue
            for file, told in entry["outputs"].items():
                if not (root / file).is_file() or (root / file).stat().st_size != told["bytes"]:
                    yield f"{name} is called done, and {file} is not there or not whole"


def stages() -> list[Stage]:
    """All of them, in order."""
    run = ("run", "params/whole.yaml", "--jobs", "1", "--no-wait")
    package = ("package", LEAFLET, "--allow-dirty")
    return [
        *(Stage(step.notebook, WHOLE, run) for step in chain.chain()),
        Stage("words", LEAFLET, package),
        Stage("documents", LEAFLET, package),
        Stage("site", LEAFLET, ("site",)),
        Stage("package", LEAFLET, package),
        Stage("verify", LEAFLET, ("verify",)),
        Stage("record", LEAFLET, ("run", "params/leaflet.yaml", "--jobs", "1", "--no-wait")),
    ]


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.is_file())
