"""Files of Stata, SPSS and SAS, folders of Parquet, queries on databases: their words, their missings, their rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

from fusion import engine
from fusion.adapters import panel
from fusion.panel import PanelError, readers

ROWS = pd.DataFrame(
    {
        "firm_id": ["a", "b", "c"],
        "year": [2018, 2018, 2019],
        "control_type": [1.0, 2.0, 1.0],
        "employees_avg": [10.0, 20.0, None],
    }
)
WORDS = {"control_type": {1: "soe", 2: "private"}, "employees_avg": {10: "ten"}}


def read(folder: Path, source: str, **how: Any) -> readers.Raw:
    how = {"contract": "minimal", "money_unit": "万元"} | how
    return readers.read(engine.opened(folder), source, root=folder, **how)


def by_adapter(folder: Path, source: str) -> pd.DataFrame:
    text = "adapter: own\nmoney_unit: 万元\nunits: {人: 人, 件: 件}\n"
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    source_ = panel.read(engine.opened(folder), source, str(folder / "own.yaml"), folder, contract="minimal")
    return source_.raw.table.to_pandas().sort_values("firm_id", ignore_index=True)


@pytest.fixture(params=["dta", "sav", "xpt"])
def labelled(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name = f"p.{request.param}"
    if request.param == "xpt":
        plain = ROWS.rename(columns={"control_type": "control", "employees_avg": "staff"})
        pyreadstat.write_xport(plain, str(tmp_path / name), file_format_version=8)
    else:
        write = pyreadstat.write_dta if request.param == "dta" else pyreadstat.write_sav
        write(ROWS, str(tmp_path / name), variable_value_labels=WORDS)
    return name


def test_labels_stand_for_codes_in_columns_of_words_alone(labelled: str, tmp_path: Path) -> None:
    rename = {"control": "control_type", "staff": "employees_avg"} if labelled.endswith("xpt") else {}
    raw = read(tmp_path, labelled, rename=rename)
    table = raw.table.order_by("firm_id").to_pandas()
    assert table["firm_id"].tolist() == ["a", "b", "c"] and table["year"].tolist() == [2018, 2018, 2019]
    assert table["employees_avg"].fillna(-1).tolist() == [10, 20, -1]
    if rename:
        assert table["control_type"].tolist() == ["1", "2", "1"], "a transport file has no labels"
        return
    assert table["control_type"].tolist() == ["soe", "private", "soe"]
    assert raw.quality.set_index("rule").loc["labels_used", "field"] == "control_type"
    own = by_adapter(tmp_path, labelled)
    assert own["control_type"].tolist() == ["soe", "private", "soe"] and own["employees_avg"][1] == 20


def test_dates_of_stata_are_years(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"证券代码": ["000001", "000002"], "报告期": pd.to_datetime(["2015-12-31", "2016-12-31"])}
    )
    table["资产总计_万元"] = [1.5, 2.5]
    file = tmp_path / "p.dta"
    table.to_stata(file, write_index=False, version=118, convert_dates={"报告期": "td"})
    found = panel.read(
        engine.opened(tmp_path), file.name, "wind", tmp_path, contract="minimal"
    ).raw.table.to_pandas()
    assert found.sort_values("year")["year"].tolist() == [2015, 2016] and found["total_assets"].sum() == 4


def test_extended_missings_are_told(tmp_path: Path) -> None:
    table = ROWS.astype({"employees_avg": object})
    table["employees_avg"] = [10, "a", "b"]
    pyreadstat.write_dta(table, str(tmp_path / "p.dta"), missing_user_values={"employees_avg": ["a", "b"]})
    raw = read(tmp_path, "p.dta")
    told = raw.quality.set_index("rule").loc["missing_extended"]
    assert (told["field"], told["value"]) == ("employees_avg", ".a: 1, .b: 1")
    assert raw.table.to_pandas()["employees_avg"].notna().sum() == 1


def test_missings_that_spss_declares_are_missing_and_told(tmp_path: Path) -> None:
    table = ROWS.assign(employees_avg=[10.0, 20.0, 99.0])
    pyreadstat.write_sav(table, str(tmp_path / "p.sav"), missing_ranges={"employees_avg": [99]})
    raw = read(tmp_path, "p.sav")
    assert raw.table.to_pandas()["employees_avg"].sum() == 30
    assert raw.quality.set_index("rule").loc["missing_declared", "value"] == "99"


def test_identifiers_in_single_precision_are_errors(tmp_path: Path) -> None:
    """Stata keeps numbers as `float` unless told otherwise: exact to 16,777,216."""
    table = pd.DataFrame({"firm_id": [100000139, 100000140], "year": [2018, 2018]}).astype(
        {"firm_id": "float32"}
    )
    table.to_stata(tmp_path / "p.dta", write_index=False)
    quality = read(tmp_path, "p.dta").quality
    assert set(quality.loc[quality["rule"] == "digits_lost", "severity"]) == {"error"}
    assert (quality["rule"] == "digits_lost").sum() == 2


def test_a_folder_of_parquet_is_one_table(tmp_path: Path) -> None:
    for year, name in ((2018, "b"), (2019, "a")):
        folder = tmp_path / "panel" / f"year={year}"
        folder.mkdir(parents=True)
        part = pd.DataFrame({"firm_id": [f"{name}1", f"{name}2"], "employees_avg": [1.0, 2.0]})
        (part.assign(rd_staff=1.0) if year == 2019 else part).to_parquet(folder / "part-0.parquet")
    (tmp_path / "panel" / "_tmp.parquet").write_bytes(b"no parquet")
    raw = read(tmp_path, "panel")
    table = raw.table.to_pandas().sort_values("source_row", ignore_index=True)
    assert table["source_row"].tolist() == [1, 2, 3, 4] and table["firm_id"].tolist() == [
        "b1",
        "b2",
        "a1",
        "a2",
    ]
    assert table["year"].tolist() == [2018, 2018, 2019, 2019] and table["rd_staff"].notna().sum() == 2
    assert by_adapter(tmp_path, "panel")["employees_avg"].sum() == 6
    (tmp_path / "empty").mkdir()
    with pytest.raises(PanelError, match="folder"):
        read(tmp_path, "empty")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    con = sqlite3.connect(tmp_path / "firms.db")
    ROWS.to_sql("firms", con, index=False)
    con.commit()
    con.close()
    return tmp_path


def query(folder: Path, text: str) -> str:
    (folder / "q.sql").write_text(text, encoding="utf-8")
    return "q.sql"


def test_a_query_on_sqlite_is_a_source(database: Path) -> None:
    asked = query(
        database, "-- sqlite: firms.db\nSELECT firm_id, year, employees_avg FROM firms WHERE year < 2019"
    )
    assert read(database, asked).table.to_pandas()["employees_avg"].sum() == 30
    assert by_adapter(database, asked)["firm_id"].tolist() == ["A", "B"], "identifiers in capitals"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT 1", "the first line must name the database"),
        ("-- sqlite: other.db\nSELECT 1", "no such database beside the query"),
        ("-- sqlite: ../firms.db\nSELECT 1", "no such database beside the query"),
        ("-- sqlite: firms.db\nSELECT * FROM absent", "no such table: absent"),
        ("-- sqlite: firms.db\nDELETE FROM firms", "not authorized"),
        ("-- sqlite: firms.db\nATTACH '/srv/x.db' AS x", "not authorized"),
        ("-- sqlite: firms.db\nPRAGMA table_info(firms)", "not authorized"),
        ("-- postgresql: dbname=x\nSELECT 1", "runs only if you allow it"),
    ],
)
def test_a_query_reads_its_database_and_nothing_else(text: str, told: str, database: Path) -> None:
    (database.parent / "firms.db").unlink(missing_ok=True)
    with pytest.raises(PanelError, match=told):
        read(database, query(database, text))
    assert len(pd.read_sql("SELECT * FROM firms", sqlite3.connect(database / "firms.db"))) == 3


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """A PostgreSQL of its own on a socket in a folder, where its programs are installed and the user is not root."""
    if shutil.which("initdb") is None or os.geteuid() == 0:
        pytest.skip("PostgreSQL's programs are not here, or root runs the tests, for whom it does not start")
    data = tmp_path / "data"
    run = {"check": True, "capture_output": True}
    subprocess.run(["initdb", "-D", data, "-A", "trust", "-U", "tester"], **run)
    subprocess.run(["pg_ctl", "-D", data, "-o", f"-k {tmp_path} -h ''", "-w", "start"], **run)
    yield f"host={tmp_path} user=tester dbname=postgres"
    subprocess.run(["pg_ctl", "-D", data, "-m", "fast", "-w", "stop"], **run)


def test_a_query_on_postgresql_is_a_source(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_ALLOW_CODE", "q.sql")
    rows = "VALUES ('a', 2018, 12.5::numeric), ('b', 2018, NULL)"
    asked = query(
        tmp_path, f"-- postgresql: {server}\nSELECT * FROM ({rows}) AS f(firm_id, year, total_assets)"
    )
    table = read(tmp_path, asked).table.to_pandas()
    assert table["total_assets"].sum() == 12.5 and len(table) == 2
    with pytest.raises(PanelError, match="read-only"):
        read(tmp_path, query(tmp_path, f"-- postgresql: {server}\nCREATE TABLE x (y int)"))


@pytest.mark.parametrize("name", ["p.sav", "p.por", "p.sas7bdat", "p.xpt", "p.dta"])
def test_a_damaged_file_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no such file")
    with pytest.raises(PanelError, match=name):
        read(tmp_path, name)
