"""Where the rows come from: frames, Arrow tables, Parquet, DuckDB relations, Ibis tables on DuckDB."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from estimators import engine
from estimators.errors import EffectsError
from estimators.language import listed, said

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Labels = dict[str, np.ndarray]
# Rows up to which one thread sums: several share them out as it happens, so that last digits would differ from run to run, and
# gain nothing.
ALONE = 200_000


class Source:
    """Rows that DuckDB can scan, and the connection on which the passes run.

    Parameters
    ----------
    data : DataFrame, pyarrow Table, path (Parquet, may hold ``*``), DuckDB relation, or Ibis table on DuckDB
    columns : sequence of str
        Columns that will be used; others are not read.
    keys : sequence of str
        Those of them that only group rows (effects, clusters). In frames they are numbered first.
    memory : str, optional
        DuckDB's memory limit for its own connections, e.g. "2GB"; beyond it, it spills to disk.
    """

    def __init__(
        self, data: Any, columns: Sequence[str], keys: Sequence[str] = (), memory: str | None = None
    ) -> None:
        self.name = f"fx_{uuid.uuid4().hex[:12]}"
        self.labels: Labels = {}
        self._made: list[str] = []
        self._parquet: str | None = None
        self._relation: duckdb.DuckDBPyRelation | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._open(data, list(dict.fromkeys(columns)), set(keys), memory)
        described = self.fetch(f"DESCRIBE SELECT * FROM {self.name}")
        self.types = dict(zip(described["column_name"], described["column_type"], strict=True))
        self._check(columns)

    def _open(self, data: Any, columns: list[str], keys: set[str], memory: str | None) -> None:
        import duckdb

        if hasattr(data, "get_backend"):  # Ibis
            import ibis

            data = data.get_backend().con.sql(ibis.to_sql(data, dialect="duckdb"))
        if isinstance(data, duckdb.DuckDBPyRelation):
            self._relation = data
            return
        stored = isinstance(data, (str, os.PathLike))
        rows = len(data) if isinstance(data, pd.DataFrame) else getattr(data, "num_rows", None)
        one = rows is not None and rows <= ALONE
        folders = [Path(data).parent] if stored else []
        self._connection = engine.connected(*folders, memory=memory or "", threads=1 if one else 0)
        if stored:
            self._parquet = os.fspath(data)
            self._view(f"SELECT * FROM read_parquet({engine.pattern(self._parquet)})", data)
        elif isinstance(data, pd.DataFrame):
            self._connection.register(self.name, _numbered(data, columns, keys, self.labels))
        elif hasattr(data, "to_batches"):
            self._connection.register(self.name, data)
        else:
            raise EffectsError(said("engines.data_kind", kind=type(data).__name__))

    def _view(self, sql: str, data: str | os.PathLike[str]) -> None:
        import duckdb

        try:
            self.run(f"CREATE TEMP VIEW {self.name} AS {sql}")
        except duckdb.Error as problem:
            raise EffectsError(said("engines.not_parquet", data=Path(data), problem=problem)) from None

    def _check(self, columns: Sequence[str]) -> None:
        missing = [name for name in dict.fromkeys(columns) if name not in self.types]
        if missing:
            raise EffectsError(
                said("engines.no_data_column", missing=listed(missing), known=listed(self.types))
            )

    def rows_without_null(self, columns: Sequence[str]) -> int | None:
        """The number of rows, if Parquet's own counts say that the columns hold no NULL; None if they do not say."""
        if self._parquet is None:
            return None
        names = ", ".join(quote(name) for name in dict.fromkeys(columns))
        found = self.fetch(
            "SELECT sum(row_group_num_rows)::BIGINT AS n, count(*) AS parts, "
            "bool_and(coalesce(stats_null_count, 1) = 0) AS whole, count(DISTINCT path_in_schema) AS columns "
            f"FROM parquet_metadata({engine.pattern(self._parquet)}) WHERE path_in_schema IN ({names})"
        )
        known = int(found["columns"][0])
        if not known or known != len(set(columns)) or not bool(found["whole"][0]):
            return None
        return int(found["n"][0]) // known

    def _query(self, sql: str) -> duckdb.DuckDBPyRelation | None:
        if self._relation is not None:
            return self._relation.query(self.name, sql)
        assert self._connection is not None
        return self._connection.sql(sql)

    def run(self, sql: str) -> None:
        """Run a statement that returns nothing."""
        self._query(sql)

    def fetch(self, sql: str) -> dict[str, np.ndarray]:
        """Run a query; its columns as arrays."""
        answer = self._query(sql)
        assert answer is not None
        return answer.fetchnumpy()

    def arrow(self, sql: str) -> pa.Table:
        """Run a query; its rows as an Arrow table."""
        answer = self._query(sql)
        assert answer is not None
        return answer.to_arrow_table()

    def batches(self, sql: str, rows: int = 100_000) -> pa.RecordBatchReader:
        """Run a query; its rows as a stream of Arrow batches."""
        answer = self._query(sql)
        assert answer is not None
        return answer.to_arrow_reader(rows)

    def table(self, name: str, frame: pd.DataFrame) -> str:
        """Store a small table for joins; returns its full name."""
        full = f"{self.name}_{name}"
        if self._connection is not None:
            self._connection.register(f"{full}_frame", frame)
            self.run(f"CREATE OR REPLACE TEMP TABLE {full} AS FROM {full}_frame")
            self._connection.unregister(f"{full}_frame")
        else:  # another's connection: nothing can be registered on it
            lists = [f"unnest({frame[c].tolist()}) AS {c}" for c in frame]
            self.run(f"CREATE OR REPLACE TEMP TABLE {full} AS SELECT {', '.join(lists)}")
        self._made.append(full)
        return full

    def store(self, name: str, sql: str) -> str:
        """Store a query's rows as a temporary table; returns its full name."""
        full = f"{self.name}_{name}"
        self.run(f"CREATE OR REPLACE TEMP TABLE {full} AS {sql}")
        self._made.append(full)
        return full

    def close(self) -> None:
        """Remove what was stored; close the connection if it was opened here."""
        for name in dict.fromkeys(self._made):
            self.run(f"DROP TABLE IF EXISTS {name}")
        if self._relation is not None:
            self._relation.query(self.name, f"DROP VIEW IF EXISTS {self.name}")
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def quote(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def ident(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _numbered(data: pd.DataFrame, columns: list[str], keys: set[str], labels: Labels) -> pd.DataFrame:
    """The used columns of a frame; keys that are not integers become numbers (a missing key becomes NULL)."""
    missing = [name for name in columns if name not in data]
    if missing:
        raise EffectsError(
            said("engines.no_data_column", missing=listed(missing), known=listed(data.columns))
        )
    made: dict[str, Any] = {}
    for name in columns:
        column = data[name]
        if name in keys and not (isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu"):
            codes, found = pd.factorize(column, sort=False)
            labels[name] = np.asarray(found, object)
            codes = codes.astype(np.int32)
            made[name] = pd.array(codes, dtype="Int32") if (codes < 0).any() else codes
            if (codes < 0).any():
                made[name][codes < 0] = pd.NA
        else:
            made[name] = column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array
    return pd.DataFrame(made, copy=False)
