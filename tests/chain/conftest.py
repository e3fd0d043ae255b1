"""Studies run and published once for the whole test session, whichever process of it asks first."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from runs import Run, file, fusion


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of the session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(request.config, "workerinput") else base


@contextmanager
def alone(common: Path, name: str) -> Iterator[None]:
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def run(common: Path) -> Callable[[str], Run]:
    """Run a bundled study, or a file, into a build folder of its own; nothing may change it (see ``copied``)."""

    def start(study: str) -> Run:
        folder = common / f"chain-{Path(study).stem}"
        with alone(common, folder.name):
            log = folder / "log.txt"
            if not log.is_file():
                folder.mkdir(exist_ok=True)
                done = fusion(folder / "build", folder / "site", "run", str(file(study, folder)))
                assert done.returncode == 0, done.stdout + done.stderr
                log.write_text(done.stdout, encoding="utf-8")
        return Run(str(file(study, folder)), folder / "build", folder / "site", log.read_text("utf-8"))

    return start


@pytest.fixture(scope="session")
def sited(common: Path, run: Callable[[str], Run]) -> Callable[[str], Run]:
    """The same with its site."""

    def start(study: str) -> Run:
        done = run(study)
        with alone(common, f"site-{study}"):
            if not done.site.is_dir():
                put = done.fusion("site")
                assert put.returncode == 0, put.stdout + put.stderr
                (done.build / "said.txt").write_text(put.stderr, encoding="utf-8")
        return done

    return start


@pytest.fixture(scope="session")
def copied(
    common: Path, run: Callable[[str], Run], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Run]:
    """A study run again from its own results with another text of its file, so that only what differs is made.

    The name stays: notebooks read it.
    """

    def start(study: str, text: str) -> Run:
        before, folder = run(study), tmp_path_factory.mktemp("copy")
        with alone(common, f"site-{study}"):
            shutil.copytree(before.build, folder / "build")
        place = folder / Path(before.study).name
        place.write_text(text, encoding="utf-8")
        done = fusion(folder / "build", folder / "site", "run", str(place))
        assert done.returncode == 0, done.stdout + done.stderr
        return Run(str(place), folder / "build", folder / "site", done.stdout)

    return start
