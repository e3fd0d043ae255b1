"""A study from its file on both engines: every exhibit equal; and with a worker killed on the way.

Minutes, many on a busy machine: run by `make spark` alone.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cluster_missing import MISSING
from ruamel.yaml import YAML

from fusion import classification as gbt
from fusion.panel import synthetic
from workbook import engine, paths
from workbook.cluster import session

pytestmark = pytest.mark.skipif(
    bool(MISSING) or not os.environ.get("FUSION_SPARK"),
    reason=MISSING or "run by make spark (FUSION_SPARK=1)",
)
FUSION = str(Path(sys.executable).parent / "fusion")
NOTEBOOKS = ["01_panel", "02_classification"]
FIRMS = 120
CLOSE = 1e-10


def study(folder: Path, **sections: Any) -> Path:
    """The smoke study's first notebooks on a folder of Parquet."""
    found = YAML(typ="safe").load((paths.PARAMS / "smoke.yaml").read_text("utf-8"))
    found["study"] |= {"notebooks": NOTEBOOKS, "synthetic": False}
    found["panel"] |= {"source": "source", "money_unit": "万元"}
    for name in ("synthetic", "designs", "tables"):
        del found[name]
    place = folder / "both.yaml"
    with place.open("w", encoding="utf-8") as stream:
        YAML().dump(found | sections, stream)
    return place


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two Parquet files, in which some cells and rows are wrong."""
    folder = tmp_path_factory.mktemp("both")
    rows = synthetic.generate(synthetic.Settings(firms=FIRMS), seed=7)[0]
    rows.loc[5, "employees_avg"] = -3
    rows = pd.concat([rows, rows.iloc[[10]]], ignore_index=True)
    (folder / "source").mkdir()
    half = len(rows) // 2
    rows.iloc[:half].to_parquet(folder / "source" / "a.parquet", index=False)
    rows.iloc[half:].to_parquet(folder / "source" / "b.parquet", index=False)
    return folder


def run(folder: Path, name: str, **sections: Any) -> Path:
    build = folder / name
    done = subprocess.run(
        [FUSION, "run", str(study(folder, **sections))],
        env=os.environ | {"FUSION_BUILD": str(build)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return build / "both"


def same(a: Path, b: Path) -> int:
    """How many tables two runs have in common, each of them equal."""
    names = {f.relative_to(a) for f in a.rglob("*.parquet")}
    assert names == {f.relative_to(b) for f in b.rglob("*.parquet")}
    for name in sorted(names):
        one, other = pd.read_parquet(a / name), pd.read_parquet(b / name)
        assert list(one) == list(other) and len(one) == len(other), name
        for column in one:
            alike(one[column], other[column], f"{name}: {column}")
    return len(names)


def alike(one: pd.Series, other: pd.Series, where: str) -> None:
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        pair = (one.astype(float).to_numpy(), other.astype(float).to_numpy())
        np.testing.assert_allclose(*pair, rtol=CLOSE, atol=CLOSE, err_msg=where)
    else:
        plain = [s.astype(object).where(s.notna(), None).map(str).tolist() for s in (one, other)]
        assert plain[0] == plain[1], where


def test_every_exhibit_is_equal_on_both_engines(source: Path) -> None:
    on_duckdb = run(source, "duckdb")
    options = {"spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "4"}
    on_spark = run(source, "spark", engine={"kind": "spark", "master": "local[2]", "options": options})
    assert same(on_duckdb, on_spark) > 30
    assert not list(on_spark.rglob(".spark_*"))  # nothing is left of tables on the way


# -- a master and two workers on this machine ----------------------------------------------------
def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def daemon(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    import pyspark

    home = Path(pyspark.__file__).parent
    return subprocess.Popen(
        [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", *arguments],
        env=os.environ | {"SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_IP": "127.0.0.1"},
        stdout=(folder / "daemons.log").open("ab"), stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A standalone master with two workers of one core each, and their processes."""
    port = free()
    master = daemon(tmp_path, "master.Master", "--port", str(port), "--webui-port", str(free()))
    address = f"spark://127.0.0.1:{port}"
    started = [master]
    try:
        for _ in range(120):
            if session._silent(address) == "":
                break
            time.sleep(0.5)
        for number in range(2):
            place = str(tmp_path / f"worker{number}")
            asked = (
                "--cores",
                "1",
                "--memory",
                "1g",
                "--work-dir",
                place,
                "--webui-port",
                str(free()),
                address,
            )
            started.append(daemon(tmp_path, "worker.Worker", *asked))
        yield address, started[1:]
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def classified(con: Any, rows: Path) -> pd.DataFrame:
    made = gbt.classify(
        con.read_parquet(str(rows), table_name="panel"),
        services_standard="modern_services_2023", manufacturing_standard="three_new_2018",
    )  # fmt: skip
    return made.order_by(["firm_id", "year"]).to_pandas()


def test_a_worker_that_is_killed_changes_nothing(
    source: Path, tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    rows = tmp_path / "rows.parquet"
    synthetic.generate(synthetic.Settings(firms=FIRMS), seed=7)[0].to_parquet(rows, index=False)
    options = {
        "spark.executor.memory": "600m",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "4",
    }
    values = {"kind": "spark", "master": address, "options": options}
    con = session.opened(values, tmp_path)
    try:
        first = classified(con, rows)
        os.killpg(
            workers[0].pid, signal.SIGKILL
        )  # with what it held, and while its master still counts on it
        second = classified(con, rows)
    finally:
        con.con.session.stop()
    expected = classified(engine.opened(tmp_path, paths.ROOT / "data", threads=1), rows)
    for found in (first, second):
        for column in expected:
            alike(expected[column], found[column], column)


def test_workers_without_the_memory_that_is_asked_for_are_told_of(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "WORKERS", 15.0)
    options = {"spark.executor.memory": "9g", "spark.driver.host": "127.0.0.1"}
    with pytest.raises(Exception, match="took no task"):
        session.opened({"kind": "spark", "master": cluster[0], "options": options}, tmp_path)


def test_a_folder_that_is_missing_is_told_of(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Spark does not find a file"):
        spark.read_parquet(str(tmp_path / "none.parquet")).to_pandas()
