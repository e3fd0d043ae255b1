"""A finished run of a study, the command as the Makefile calls it, and studies that take little time."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from workbook import paths

FUSION = str(Path(sys.executable).parent / "fusion")
# `make studies` runs the studies as they are; else what takes time and is not what is tested is cut short.
FULL = bool(os.environ.get("FUSION_FULL"))
FEW: dict[str, dict[str, Any]] = {
    "indicators": {"index_draws": 20, "sobol_draws": 8},
    "description": {"coupling_draws": 20},
    "dynamics": {"permutations": 19},
    "robustness": {"curve_draws": 19, "placebo_draws": 19, "threshold_draws": 19},
    "heterogeneity": {"resampling_draws": 99},
    "evaluation": {"rank_draws": 50},
}
FIRMS = 300
MAIN = "shanghai"  # the default study: what a test needs of a finished chain, it takes from this one's run


def file(study: str, folder: Path) -> Path:
    """The file of a study: a bundled one's with few draws and few firms, unless all is asked for."""
    if study.endswith(".yaml"):
        return Path(study)
    place = folder / f"my_{study}.yaml"
    text = (paths.PARAMS / f"{study}.yaml").read_text("utf-8")
    place.write_text(text if FULL else few(text), encoding="utf-8")
    return place


def few(text: str, **more: dict[str, Any]) -> str:
    """A study's file with few draws and few firms, and with other keys in place of its own."""
    yaml, stream = YAML(), io.StringIO()
    found = yaml.load(text)
    for section in {**FEW, **more}:
        found.setdefault(section, {}).update(FEW.get(section, {}) | more.get(section, {}))
    if found["panel"]["source"] == "synthetic":
        found.setdefault("synthetic", {})["dgp_firms"] = FIRMS
    yaml.dump(found, stream)
    return stream.getvalue()


@dataclass(frozen=True)
class Run:
    """A finished run of a study, and how to run it again."""

    study: str
    build: Path
    site: Path
    log: str

    @property
    def folder(self) -> Path:
        return self.build / Path(self.study).stem

    @property
    def said(self) -> str:
        """What was said when its site was built."""
        file = self.build / "said.txt"
        return file.read_text("utf-8") if file.is_file() else ""

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "manifest.json").read_text("utf-8"))

    @property
    def exhibits(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "exhibits.csv", keep_default_na=False)

    def fusion(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return fusion(self.build, self.site, *arguments)


def fusion(build: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command as the Makefile does, with build and site elsewhere."""
    env = os.environ | {"FUSION_BUILD": str(build), "FUSION_SITE": str(site)}
    return subprocess.run([FUSION, *arguments], capture_output=True, text=True, env=env, cwd=paths.ROOT)
