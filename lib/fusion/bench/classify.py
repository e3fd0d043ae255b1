"""Classify firm-years by all standards, from Parquet to Parquet, beside the obvious pandas merge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

ROWS = 500_000


def prepare(folder: Path, rows: int) -> None:
    """Write firm-years with a code and its edition, in blocks so that memory stays small."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fusion.classification import load

    codes = [load(f"gbt4754_{e}").query("level == '4'")["code"].to_numpy() for e in ("2011", "2017")]
    rng = np.random.default_rng(1)
    schema = pa.schema(
        [("firm_id", pa.int64()), ("year", pa.int16()), ("ind4", pa.string()), ("class_version", pa.string())]
    )
    with pq.ParquetWriter(folder / "panel.parquet", schema) as writer:
        for start in range(0, rows, 1_000_000):
            n = min(1_000_000, rows - start)
            number = np.arange(start, start + n)
            year = 2012 + number % 12
            old = year < 2017
            ind4 = np.where(old, rng.choice(codes[0], n), rng.choice(codes[1], n))
            version = np.where(old, "2011", "2017")
            columns = [number // 12, year.astype("int16"), ind4.astype(object), version.astype(object)]
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema))


def table_expression(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own: one join on a small lookup, streamed by DuckDB."""
    import ibis

    from fusion.classification import classify

    con = ibis.duckdb.connect()
    target = folder / "ours.parquet"

    def work() -> dict[str, float]:
        classify(con.read_parquet(str(folder / "panel.parquet"))).to_parquet(str(target))
        return {}

    return work


CONTENDERS = {"table_expression": table_expression}
