"""Spark as the engine of a study: an Ibis backend that is asked in DuckDB's SQL and computes on Spark.

Whatever the workbook asks of its engine it asks in one dialect, by Ibis or in statements; `dialect` turns that into
Spark's. A temporary table is a Parquet folder beside the run's own files: plans stay short, sizes are known, and what a
lost worker held is read again.
"""

from __future__ import annotations

import re
import secrets
import shutil
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend as Spoken
from sqlglot import exp

from workbook import engine
from workbook.cluster import dialect, errors
from workbook.language import said

SMALL = 20_000  # rows of a table that is handed in, up to which each worker gets the whole of it


class Rows:
    """What a query gives, in the forms in which DuckDB gives it."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self._left: list[tuple[Any, ...]] | None = None

    def to_arrow_table(self) -> pa.Table:
        """All rows."""
        with errors.in_words():
            return self.frame.toArrow()

    fetch_arrow_table = to_arrow_table

    def df(self) -> pd.DataFrame:
        """All rows, their types as DuckDB's."""
        held = self.to_arrow_table()
        return engine.connected().from_arrow(held).df()

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that were not fetched."""
        if self._left is None:
            with errors.in_words():
                self._left = [tuple(row) for row in self.frame.collect()]
        rows, self._left = self._left, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        rows = self.fetchall()
        self._left = rows[1:]
        return rows[0] if rows else None

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.frame.columns)


class Connection:
    """What stands where DuckDB's connection stands: statements in DuckDB's SQL, rows in its forms.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    scratch : pathlib.Path
        Folder for tables on the way, which the workers reach under the same name.
    """

    def __init__(self, session: Any, scratch: Path) -> None:
        self.session, self.scratch = session, scratch
        self.macros: dict[str, dialect.Macro] = {}
        self._read: dict[tuple[Any, ...], str] = {}
        scratch.mkdir(parents=True, exist_ok=True)
        weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)

    def execute(self, statement: str | exp.Expression, given: Any = None) -> Rows:
        """Run a statement."""
        made = dialect.macro(statement) if isinstance(statement, str) else None
        if made is not None:
            self.macros[made[0]] = made[1]
            return Rows(None)
        tree = dialect.parsed(statement, self.macros)
        for mark, value in zip(list(tree.find_all(exp.Placeholder)), given or [], strict=True):
            mark.replace(exp.convert(value))
        with errors.in_words():
            return self._run(tree)

    sql = execute

    def framed(self, tree: exp.Expression) -> Any:
        """A query as Spark's table."""
        whole = dialect.spread(tree, self._columns)
        return self.session.sql(dialect.spoken(whole, self._parquet))

    def _columns(self, source: exp.Expression) -> list[str]:
        asked = exp.select("*")
        asked.set("from_" if "from_" in exp.Select.arg_types else "from", source.copy())
        return list(self.framed(asked).columns)

    def keep(self, name: str, frame: Any) -> None:
        """A table on the way, under a name."""
        place = str(self.scratch / f"{re.sub(r'[^A-Za-z0-9_]', '_', name)[:60]}_{secrets.token_hex(4)}")
        void = [f.name for f in frame.schema.fields if f.dataType.typeName() == "void"]
        frame.withColumns({n: frame[n].cast("string") for n in void}).write.parquet(place)
        self.session.read.schema(self.session.read.parquet(place).schema).parquet(
            place
        ).createOrReplaceTempView(name)

    def register(self, name: str, rows: Any) -> None:
        """A table of this process, under a name; a small one goes whole to every worker."""
        from pyspark.sql import functions

        if hasattr(rows, "to_table"):  # a data set of Arrow's
            rows = rows.to_table()
        if isinstance(rows, pd.DataFrame):
            rows = pa.Table.from_pandas(rows, preserve_index=False)
        with errors.in_words():
            frame = self.session.createDataFrame(_plain(rows))
            small = functions.broadcast(frame) if rows.num_rows <= SMALL else frame
            small.createOrReplaceTempView(name)

    def unregister(self, name: str) -> None:
        """Forget a table."""
        self.session.catalog.dropTempView(name)

    # -- inside --------------------------------------------------------------------------------
    def _run(self, tree: exp.Expression) -> Rows:
        if isinstance(tree, exp.Query):
            return Rows(self.framed(tree))
        how: dict[type, Callable[[Any], None]] = {
            exp.Create: self._create,
            exp.Drop: lambda t: self.unregister(t.this.name),
            exp.Update: self._update,
            exp.Delete: lambda t: self.keep(t.this.name, self.framed(dialect.left(t))),
            exp.Insert: self._insert,
            exp.Copy: self._copy,
        }
        if type(tree) not in how:
            raise errors.EngineError(
                said("cluster.no_statement", statement=tree.sql(dialect=dialect.READ)[:200])
            )
        how[type(tree)](tree)
        return Rows(None)

    def _create(self, tree: exp.Create) -> None:
        name, frame = tree.this.name, self.framed(tree.expression)
        if tree.kind == "VIEW":
            frame.createOrReplaceTempView(name)
        else:
            self.keep(name, frame)

    def _update(self, tree: exp.Update) -> None:
        columns = self.session.table(_named(tree.this.name)).columns
        self.keep(tree.this.name, self.framed(dialect.updated(tree, columns)))

    def _insert(self, tree: exp.Insert) -> None:
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        there = self.session.table(_named(target.name))
        new = self.framed(tree.expression)
        order = (
            [c.name for c in tree.this.expressions] if isinstance(tree.this, exp.Schema) else there.columns
        )
        named = new.toDF(*order).select(*there.columns)
        self.keep(target.name, there.union(named))

    def _copy(self, tree: exp.Copy) -> None:
        query = tree.this.unnest() if isinstance(tree.this, exp.Subquery) else tree.this
        self.save(self.framed(query), tree.args["files"][0].name)

    def save(self, frame: Any, path: str) -> None:
        """One Parquet file of a table, in its order."""
        place = self.scratch / f"out_{secrets.token_hex(4)}"
        with errors.in_words():
            frame.coalesce(1).write.parquet(str(place))
        (part,) = place.glob("part-*.parquet")
        shutil.move(part, path)
        shutil.rmtree(place)

    def _parquet(self, call: exp.Expression) -> str:
        """The view of what ``read_parquet`` reads."""
        given = (
            list(call.expressions)
            if not call.this or isinstance(call, exp.Anonymous)
            else [call.this, *call.expressions]
        )
        flags = {
            e.this.name.lower()
            for e in given[1:]
            if isinstance(e, exp.EQ) and e.expression.name.lower() == "true"
        }
        flags |= {
            e.this.name.lower() for e in given[1:] if isinstance(e, exp.EQ) and e.expression == exp.true()
        }
        # The column that says a row's file has the name that is asked for.
        flags |= {
            f"filename={e.expression.name}"
            for e in given[1:]
            if isinstance(e, exp.EQ) and e.this.name.lower() == "filename" and e.expression.is_string
        }
        paths = tuple(lit.name for lit in given[0].find_all(exp.Literal))
        key = (paths, *sorted(flags))
        if key not in self._read:
            self._read[key] = f"parquet_{secrets.token_hex(6)}"
            self._reading(paths, flags).createOrReplaceTempView(self._read[key])
        return self._read[key]

    def _reading(self, paths: tuple[str, ...], flags: set[str]) -> Any:
        from pyspark.sql import functions as f

        frame = self.session.read.option("mergeSchema", "union_by_name" in flags).parquet(*map(_exact, paths))
        for place in (flag.partition("=")[2] for flag in flags if flag.startswith("filename=")):
            frame = frame.withColumn(place, f.col("_metadata.file_path"))
        if "file_row_number" in flags:
            frame = frame.withColumn("file_row_number", f.col("_metadata.row_index"))
        return frame


class Backend(Spoken):
    """Ibis on Spark, in the dialect in which the workbook asks."""

    @classmethod
    def on(cls, session: Any, scratch: Path) -> Backend:
        """The backend of a session."""
        made = cls()
        made._can_reconnect = False
        made._con_args, made._con_kwargs, made._record_batch_readers_consumed = (), {}, {}
        made.con = Connection(session, scratch)
        return made

    def put_away(self) -> None:
        """End the session, and remove its tables on the way."""
        self.con.session.stop()
        shutil.rmtree(self.con.scratch, ignore_errors=True)

    def raw_sql(self, query: str | exp.Expression, **_: Any) -> Any:
        """Run a statement in DuckDB's SQL."""
        return self.con.execute(query)

    def create_table(  # type: ignore[override]
        self, name: str, /, obj: Any = None, *, temp: bool = False, overwrite: bool = False, **_: Any
    ) -> ibis.Table:
        """A temporary table: there is no other on this engine."""
        if isinstance(obj, ibis.Table):
            self._run_pre_execute_hooks(obj)
            with errors.in_words():
                self.con.keep(name, self.con.framed(dialect.parsed(self.compile(obj), self.con.macros)))
        else:
            self.con.register(name, obj)
        return self.table(name)

    def get_schema(self, table_name: str, *, catalog: Any = None, database: Any = None) -> sch.Schema:
        """Columns and types of a table."""
        return _schema(self.con.session.table(_named(table_name)))

    def _get_schema_using_query(self, query: str) -> sch.Schema:
        return _schema(self.con.execute(query).frame)

    def _to_duckdb_relation(self, expr: Any, *, params: Any = None, limit: Any = None, **_: Any) -> Rows:
        self._run_pre_execute_hooks(expr)
        return self.con.execute(self.compile(expr.as_table(), limit=limit, params=params))

    def to_pyarrow_batches(self, expr: Any, /, **how: Any) -> pa.RecordBatchReader:  # type: ignore[override]
        """Rows as Arrow's batches."""
        return self.to_pyarrow(expr, **{k: v for k, v in how.items() if k != "chunk_size"}).to_reader()

    def to_parquet(self, expr: Any, /, path: Any, **_: Any) -> None:  # type: ignore[override]
        """One Parquet file of a table."""
        self._run_pre_execute_hooks(expr)
        self.con.save(self.con.framed(dialect.parsed(self.compile(expr), self.con.macros)), str(path))

    def read_parquet(self, paths: Any, /, *, table_name: str | None = None, **_: Any) -> ibis.Table:  # type: ignore[override]
        """A Parquet file, or a folder of them, as a table."""
        name = table_name or f"parquet_{secrets.token_hex(6)}"
        with errors.in_words():
            self.con.session.read.parquet(_exact(str(paths))).createOrReplaceTempView(name)
        return self.table(name)

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        self.con.register(op.name, op.data.to_pyarrow(op.schema))

    def drop_table(self, name: str, /, **_: Any) -> None:  # type: ignore[override]
        """Forget a table; after the session's end there is none."""
        with suppress(Exception):
            self.con.unregister(name)

    drop_view = drop_table

    def _finalize_memtable(self, name: str) -> None:
        self.con.unregister(name)


# -- inside ------------------------------------------------------------------------------------
def _schema(frame: Any) -> sch.Schema:
    from ibis.backends.pyspark.datatypes import PySparkType

    kinds = {f.name: PySparkType.to_ibis(f.dataType, nullable=True) for f in frame.schema.fields}
    return sch.Schema({n: k if not k.is_null() else ibis.dtype("string") for n, k in kinds.items()})


def _plain(rows: pa.Table) -> pa.Table:
    """Types that Spark takes: no column of nothing but nulls, no dictionaries, no large texts."""
    kinds = []
    for field in rows.schema:
        kind = field.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            kind = pa.string()
        kinds.append(pa.field(field.name, kind))
    return rows.cast(pa.schema(kinds))


def _named(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _exact(path: str) -> str:
    """A path of which every character stands for itself, also where DuckDB's marks of that were put in."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", re.sub(r"\[([*?\[])\]", r"\1", path))
