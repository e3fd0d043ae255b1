"""A session of Spark, opened in one way, and in words why there can be none."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbook.cluster.errors import EngineError, in_words
from workbook.language import said

JAVA = 17  # what Spark 4 needs
WAIT = 5.0  # seconds for an answer of a master
WORKERS = 60.0  # seconds for a first task
CONNECT = 15002  # port of Spark Connect, unless the address says another
# What both engines must mean alike, and what a study may not change: errors in place of silent nulls, one time zone, no file
# by a text that became SQL.
FIXED = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
USUAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
}


def refused(values: Mapping[str, Any]) -> str:
    """Why a study's engine cannot be had; empty if it can, as far as is seen without starting it.

    Parameters
    ----------
    values : mapping
        A study's parameters by name: ``kind``, ``master``.
    """
    if values.get("kind") != "spark":
        return ""
    master = str(values["master"])
    if find_spec("pyspark") is None:
        return said("cluster.no_pyspark")
    if master.startswith("sc://"):
        return said("cluster.no_connect") if find_spec("grpc") is None else _silent(master)
    version = java()
    if version is None:
        return said("cluster.no_java", least=JAVA)
    if version < JAVA:
        return said("cluster.old_java", found=version, least=JAVA)
    return _silent(master)


def java() -> int | None:
    """Main version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    try:
        told = subprocess.run(
            [program or "java", "-version"], capture_output=True, text=True, timeout=30
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None


def opened(values: Mapping[str, Any], folder: Path) -> Any:
    """An Ibis backend on the study's cluster.

    Parameters
    ----------
    values : mapping
        A study's parameters by name: ``master``, ``options``.
    folder : pathlib.Path
        Where tables on the way may lie, which workers reach under the same name.

    Raises
    ------
    EngineError
        In words, when there is no Java, no master, or no worker that takes a task.
    """
    from workbook.cluster.backend import Backend

    if reason := refused(values):
        raise EngineError(reason)
    master, options = str(values["master"]), dict(values.get("options") or {})
    with in_words():
        session = _session(master, options)
        _probe(session, master, options)
    return Backend.on(session, Path(folder) / f".spark_{secrets.token_hex(4)}")


# -- inside ------------------------------------------------------------------------------------
def _silent(master: str) -> str:
    """That no one answers at an address; empty if someone does, or if it is this machine's own."""
    if master.startswith("local"):
        return ""
    for one in master.partition("://")[2].split(","):
        host, _, port = one.partition(":")
        try:
            socket.create_connection((host, int(port or CONNECT)), timeout=WAIT).close()
        except (OSError, OverflowError, UnicodeError):
            continue
        return ""
    return said("cluster.no_master", master=master)


def _session(master: str, options: dict[str, str]) -> Any:
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder
    if master.startswith("sc://"):
        session = builder.remote(master).create()
        for name, value in (FIXED | options).items():
            if name.startswith("spark.sql.") and session.conf.isModifiable(name):
                session.conf.set(name, value)
        return session
    # A worker that runs Python would take another one than this.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    here = (
        {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        if master.startswith("local")
        else {}
    )
    place = tempfile.mkdtemp(prefix="fusion_spark_")
    own = {"spark.local.dir": place, "spark.sql.warehouse.dir": place, "spark.log.level": "OFF"}
    for name, value in (USUAL | here | options | FIXED | own).items():
        builder = builder.config(name, value)
    return builder.master(master).appName("fusion").getOrCreate()


def _probe(session: Any, master: str, options: Mapping[str, str]) -> None:
    """See that a worker takes a task: without one Spark waits for ever."""
    if not master.startswith("spark://"):
        return
    done = threading.Event()

    def count() -> None:
        session.range(1).count()
        done.set()

    threading.Thread(target=count, daemon=True).start()
    if not done.wait(WORKERS):
        session.stop()
        asked = options.get("spark.executor.memory", "1g")
        raise EngineError(said("cluster.no_worker", master=master, seconds=int(WORKERS), memory=asked))
