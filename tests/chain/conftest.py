"""Studies run once for the whole test session, into a build folder of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from runs import Run, fusion


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Run a study into a fresh build folder, once; it must succeed."""

    @cache
    def start(study: str) -> Run:
        folder = tmp_path_factory.mktemp("run")
        done = fusion(folder / "build", folder / "site", "run", study)
        assert done.returncode == 0, done.stdout + done.stderr
        return Run(study, folder / "build", folder / "site", done.stdout)

    return start
