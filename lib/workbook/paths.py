"""Where things are: one helper, so that no notebook or module builds a path of its own."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Tests run chains of their own with FUSION_NOTEBOOKS.
NOTEBOOKS = Path(os.environ.get("FUSION_NOTEBOOKS", ROOT / "notebooks"))
PARAMS = ROOT / "params"
DATA = ROOT / "data"


def build() -> Path:
    """Folder of everything that is built (`FUSION_BUILD` moves it, for tests)."""
    return Path(os.environ.get("FUSION_BUILD", ROOT / "build"))


def site() -> Path:
    """Folder of the site (`FUSION_SITE` moves it, for tests)."""
    return Path(os.environ.get("FUSION_SITE", ROOT / "site"))
