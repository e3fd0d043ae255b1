"""Classify firm-years by all standards, from Parquet to Parquet, beside the obvious pandas merge.

Both start from the same finished lookup table (what the standards say of each code), read four columns and
write them with what is said of each row: mapping, section to group, bounds, path, fields, and one column a
standard. The obvious way knows clean codes only; the project's own cleans what people write on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 500_000
SOURCE = "panel.parquet"


def prepare(folder: Path, rows: int) -> None:
    """Write firm-years of three editions with a code and its edition, in blocks so that memory stays small."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fusion.classification import load

    codes = {
        e: load(f"gbt4754_{e}").query("level == '4'")["code"].to_numpy(str) for e in ("2002", "2011", "2017")
    }
    rng = np.random.default_rng(1)
    names = [
        ("firm_id", pa.string()),
        ("year", pa.int16()),
        ("ind4", pa.string()),
        ("class_version", pa.string()),
    ]
    with pq.ParquetWriter(folder / SOURCE, pa.schema(names)) as writer:
        for start in range(0, rows, 1_000_000):
            number = np.arange(start, min(start + 1_000_000, rows))
            year = (2006 + number % 18).astype("int16")
            version = np.select([year < 2012, year < 2017], ["2002", "2011"], "2017")
            ind4 = np.empty(len(year), dtype="<U4")
            for edition, known in codes.items():
                ind4[version == edition] = rng.choice(known, int((version == edition).sum()))
            firm = np.char.add("F", (number // 18).astype(str))
            columns = [
                pa.array(c, type=t) for c, (_, t) in zip((firm, year, ind4, version), names, strict=True)
            ]
            writer.write_table(pa.table(columns, schema=pa.schema(names)))


def _connection(folder: Path) -> Any:
    from fusion.engine import opened

    return opened(folder, ordered=False)


def _numbers(con: Any, file: Path) -> dict[str, float]:
    """What must agree: rows, matched rows, and the sum of a bound."""
    t = con.read_parquet(str(file))
    found = t.aggregate(
        rows=t.count(),
        matched=(t["mapping_status"] == "matched").sum(),
        services=t["services_share_low"].sum(),
        green=(t["in_green_2021"] == "possible").sum(),
    )
    return {str(k): float(v) for k, v in found.to_pandas().iloc[0].items()}


def streamed(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own for large files: distinct codes first, then enumerations from Parquet to Parquet."""
    from fusion.classification import stream

    con, target = _connection(folder), folder / "streamed.parquet"

    def work() -> dict[str, float]:
        query = f"SELECT * FROM read_parquet('{folder / SOURCE}')"
        stream.write(con, query, target, code="ind4", edition="class_version")
        return _numbers(con, target)

    return work


def table_expression(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own in a notebook: an expression, written when it is asked for."""
    from fusion.classification import classify, standards

    con, target = _connection(folder), folder / "ours.parquet"

    def work() -> dict[str, float]:
        table = con.read_parquet(str(folder / SOURCE))
        classify(table, standards=standards()).to_parquet(str(target))
        return _numbers(con, target)

    return work


def pandas_merge(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The obvious way: read all, merge the lookup on edition and code, write all."""
    import pandas as pd

    from fusion.classification import lookup, standards

    con, target = _connection(folder), folder / "pandas.parquet"

    def work() -> dict[str, float]:
        held = lookup(standards=tuple(standards())).rename(
            columns={"edition": "class_version", "code": "ind4"}
        )
        panel = pd.read_parquet(folder / SOURCE)
        panel.merge(held, on=["class_version", "ind4"], how="left").to_parquet(target, index=False)
        return _numbers(con, target)

    return work


CONTENDERS = {"streamed": streamed, "table_expression": table_expression, "pandas_merge": pandas_merge}
