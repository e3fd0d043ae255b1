"""A finished run of a study, and the command as the Makefile calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workbook import paths

FUSION = str(Path(sys.executable).parent / "fusion")


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
