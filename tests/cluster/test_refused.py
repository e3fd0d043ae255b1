"""Why Spark cannot be had is said before a kernel starts, with what to do."""

from __future__ import annotations

import socket
import subprocess
from typing import Any

import pytest
from pydantic import ValidationError

from workbook.cluster import errors, session
from workbook.params import Parameters

SPARK = {"kind": "spark", "master": "local[2]"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "find_spec", lambda name: True)


def test_duckdb_needs_nothing() -> None:
    assert session.refused({"kind": "duckdb", "master": None}) == ""


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    assert "make env EXTRAS=spark" in session.refused(SPARK)


def test_a_missing_client_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "find_spec", lambda name: None if name == "grpc" else True)
    assert "Spark Connect" in session.refused(SPARK | {"master": "sc://localhost"})


@pytest.mark.usefixtures("installed")
def test_a_missing_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "openjdk-17" in session.refused(SPARK)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("told", "found"),
    [('openjdk version "17.0.1" 2021', ""), ('java version "1.8.0_292"', "8"), ('version "11.0.2"', "11")],
)
def test_an_old_java_is_named(monkeypatch: pytest.MonkeyPatch, told: str, found: str) -> None:
    done = subprocess.CompletedProcess([], 0, "", told)
    monkeypatch.setattr(session.subprocess, "run", lambda *a, **k: done)
    assert session.refused(SPARK) == "" if not found else f"Java {found} is too old" in session.refused(SPARK)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("form", ["spark://127.0.0.1:{}", "sc://127.0.0.1:{}"])
def test_a_master_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(session, "java", lambda: 17)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        free = held.getsockname()[1]  # bound, and nobody listens
        assert "nobody answers" in session.refused(SPARK | {"master": form.format(free)})
        held.listen()
        assert session.refused(SPARK | {"master": form.format(free)}) == ""


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"kind": "spark"}, "needs engine.master"),
        ({"master": "local[2]"}, "would do nothing"),
        ({"kind": "spark", "master": "http://host:7077"}, "master"),
        ({"kind": "spark", "master": "local[2]", "options": {"spark.jars": "a.jar"}}, "options"),
        (
            {"kind": "spark", "master": "local[2]", "options": {"spark.driver.extraJavaOptions": "-Dx"}},
            "options",
        ),
        ({"kind": "spark", "master": "local[2]", "options": {"spark.executor.memory": "1g -Dx"}}, "options"),
    ],
)
def test_what_an_engine_may_not_be(engine: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Parameters.model_validate({"engine": engine, "study": {"synthetic": True}})


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[PATH_NOT_FOUND] Path does not exist: file:/x", "no_folder"),
        ("java.lang.OutOfMemoryError: Java heap space", "no_memory"),
        ("All masters are unresponsive! Giving up.", "lost"),
        ("[TABLE_OR_VIEW_NOT_FOUND]", "failed"),
    ],
)
def test_what_spark_says_is_put_in_words(text: str, key: str) -> None:
    assert errors.meant(text) == key
