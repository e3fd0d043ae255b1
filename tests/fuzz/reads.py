"""What reads: of each kind of file the reader, and what must hold of its result. Errors are the reader's own."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion import engine
from fusion.adapters import AdapterError, model, panel
from fusion.adapters.stage import first_sheet
from fusion.classification import ClassificationError, coefficients, files, official, own, split_weights
from fusion.composite import base, record
from fusion.composite.errors import CompositeError
from fusion.editing import corrections
from fusion.evaluation import own_index, pilots, plan, targets, totals
from fusion.evaluation.errors import EvaluationError
from fusion.integration import learn, relatedness, tiers
from fusion.integration.errors import IntegrationError
from fusion.io import InputOutputError, read_own
from fusion.panel import PanelError, prices, readers
from fusion.start.command import new
from workbook import paths
from workbook.expressions.asked import Asked
from workbook.expressions.columns import make as columns_of
from workbook.expressions.errors import ExpressionError
from workbook.params import load
from workbook.publish.formats import queue
from workbook.publish.secrecy import releases
from workbook.publish.secrecy.rules import SecrecyError

ERRORS = (
    load.StudyError, AdapterError, PanelError, EvaluationError, ClassificationError, ExpressionError, CompositeError,
    InputOutputError, IntegrationError, SecrecyError,
)  # fmt: skip
DATA = paths.ROOT / "data"
Try = Callable[[Path, int | None], None]


def read_study(file: Path, rows: int | None) -> None:
    assert load.load(str(file)).flat["study"] == file.stem


def read_adapter(file: Path, rows: int | None) -> None:
    assert model.load(str(file)).adapter


def read_pilots(file: Path, rows: int | None) -> None:
    assert len(pilots.load(file)) == _records(file)


def read_plan(file: Path, rows: int | None) -> None:
    assert len(plan.load(file, pilots.load(file.with_name("pilots.csv")))) == _records(file)


def read_targets(file: Path, rows: int | None) -> None:
    assert len(targets.load(file)) == _records(file)


def read_observed(file: Path, rows: int | None) -> None:
    assert len(targets.load_observed(file, targets.load(DATA / "evaluation" / "targets.csv"))) == _records(
        file
    )


def _records(file: Path) -> int:
    """Rows below the head that have a cell."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return sum(1 for row in csv.reader(stream) if row) - 1


def read_panel(file: Path, rows: int | None) -> None:
    con = engine.opened(file.parent, threads=1)
    try:
        raw = readers.read(con, str(file), root=paths.ROOT, contract="minimal", money_unit="万元")
        found = raw.table.count().execute()
    finally:
        con.disconnect()
    assert found == raw.rows and rows in (None, found), f"{found} rows of {rows}"


def read_adapted(file: Path, rows: int | None) -> None:
    """The other reader: whichever built-in adapter, as `fusion check` and studies with an adapter read."""
    con = engine.opened(file.parent, threads=1)
    try:
        chosen = panel.choices(contract="minimal", money_unit="万元")
        try:
            found = panel.convert(con, [file], ADAPTER, chosen)
        except AdapterError:
            raise
        except PanelError as error:  # callers of this reader do not tell it
            raise AssertionError(f"no AdapterError: {error}") from None
        fates = found.rows().groupby("fate")["rows"].sum()
        assert fates["read"] == fates.drop("read").sum(), fates.to_dict()
        assert found.raw.table.count().execute() <= fates["kept"] and rows in (None, fates["read"]), (
            fates.to_dict()
        )
    finally:
        con.disconnect()


def read_classify(file: Path, rows: int | None) -> None:
    out = file.with_name(f"{file.stem}.classified.parquet")
    for old in file.parent.glob(f"{file.stem}.classified*"):
        old.unlink()
    report = files.classify_file(file, out=out)
    assert pd.read_parquet(out).shape[0] == report["rows"] and rows in (None, report["rows"])


def read_slot(file: Path, rows: int | None) -> None:
    assert own.check(file) is not None


def read_coefficients(file: Path, rows: int | None) -> None:
    assert coefficients.from_file(file) is not None


def read_weights(file: Path, rows: int | None) -> None:
    assert split_weights.from_file(file).how == "file"


def read_prices(file: Path, rows: int | None) -> None:
    read = prices.read(file)
    assert len(read) >= _records(file) and read["price"].gt(0).all()


def read_own_index(file: Path, rows: int | None) -> None:
    assert own_index.load(file)["weight"].sum() == 100


def read_flows(file: Path, rows: int | None) -> None:
    found = read_own(file)
    used = found.table.flows.sum(axis=1) + found.table.final
    assert np.isfinite(used).all() and np.allclose(used, found.table.output + found.table.imports, rtol=0.01)


def read_vintage(file: Path, rows: int | None) -> None:
    found = totals.earlier(file, ["total"], range(2015, 2020), ["year", "path"])
    assert rows in (None, len(found))


def read_learned(file: Path, rows: int | None) -> None:
    """What it is used for gives shares, and the slopes leave no firm without a point."""
    found = learn.read(file)
    r = found.related(relatedness.Choices()).r.to_numpy()
    assert ((r >= 0) & (r <= 1)).all()
    firm = pd.DataFrame({"path": ["P1", "P9"], "tier": 1, "low": 0.0, "point": 0.2, "high": 1.0})
    assert tiers.splice(firm, found.steps(firm.iloc[:0]))["point"].between(0, 1).all()


def read_lists(file: Path, rows: int | None) -> None:
    table = official.read([file])
    assert rows in (None, len(table)), f"{len(table)} rows of {rows}"
    assert len(official.matched(table, FIRMS)) == len(table)


def read_expression(file: Path, rows: int | None) -> None:
    text = file.read_text("utf-8", "replace")
    con = engine.opened(threads=1)
    try:
        found = columns_of(con.create_table("rows_", EXPRESSED), Asked({"made": text}))
        assert found.table.count().execute() == len(EXPRESSED)
    finally:
        con.disconnect()


ADAPTER = model.load("csmar")
FIRMS = pd.DataFrame(
    {"firm_id": ["91310000000000001X", "b"], "year": [2020, 2020], "firm_name": ["甲公司", "乙"]}
)
EXPRESSED = pd.DataFrame(
    {"source_row": [1, 2, 3, 4], "firm_id": list("aabb"), "year": [2019, 2020] * 2,
     "x": [1.0, None, 0.0, -2.5], "z": [1, 2, 3, 4], "g": ["u", "v", None, "u"], "flag": [True, False, None, True]}
)  # fmt: skip


# -- files of a house: corrections, answers, records, names --------------------------------------------
def read_tables(file: Path, rows: int | None) -> None:
    """A table that is read has all its columns, each whole."""
    for name, table in load.load(str(file)).flat["tables"].items():
        for part in table["panels"]:
            assert part["columns"] and all("outcome" in column for column in part["columns"]), name


@cache
def _reported() -> Any:
    """A panel to which corrections are applied."""
    made = pd.DataFrame(
        {
            "firm_id": ["a", "b", "a", "b"],
            "year": [2019, 2019, 2020, 2020],
            "operating_revenue": [100.0, 200.0, 1000.0, 210.0],
            "total_assets": [50.0, 60.0, 55.0, 61.0],
        }
    )
    return readers.take(engine.opened(threads=1), made, contract="minimal")


def read_corrections(file: Path, rows: int | None) -> None:
    """Every line is one of the file's, every correction is in the log, no row goes."""
    lines = corrections.read(file)
    assert rows in (None, len(lines)), f"{len(lines)} lines of {rows}"
    raw = _reported()
    done = corrections.apply(raw, lines, file.name)
    assert done.raw.table.count().execute() == raw.rows
    assert set(zip(lines["unit"], lines["year"], strict=True)) == set(
        zip(done.log["unit"], done.log["year"], strict=True)
    )


ASKED = pd.DataFrame(
    [("a", 2019, "operating_revenue", 100.0, True), ("b", 2020, "total_assets", 60.5, False),
     ("c", 2020, "total_assets", 0.0, False)],
    columns=["unit", "year", "item", "value", "whole"],
)  # fmt: skip
ASKED["check"] = [queue.check_code(*row[:4]) for row in ASKED.itertuples(index=False)]
# As the form was filled in: in thousands, in the panel's unit, in none that is known.
ASKED = ASKED.assign(measure=["千元", "万元", ""], filled_times=[10.0, 1.0, 1.0])
ASKED["value"] *= ASKED["filled_times"]


def read_answers(file: Path, rows: int | None) -> None:
    """What is taken can be read as corrections; each answer is taken, refused, or says that nobody was reached."""
    found, refused = queue.answers([file], ASKED, first_sheet)
    assert len(found) <= len(ASKED)
    if refused:
        raise PanelError("\n".join(refused))
    back = file.with_name("back.csv")
    found.to_csv(back, index=False, encoding="utf-8-sig")
    assert len(corrections.read(back)) == len(found)


def read_base(file: Path, rows: int | None) -> None:
    """Scores by a base are numbers or missing; each index has its own."""
    for kept in base.read(file).values():
        state = record.State(
            VALUES, SIGNS, CHAINS, pd.DataFrame({"year": 2020}, index=VALUES.index), base=kept
        )
        try:
            scored, _ = record.run(state, STEPS)
        except CompositeError as error:  # which indicators a study has, the file cannot know
            raise CompositeError(f"{file.name}: {error}") from None
        assert scored.index is not None and len(scored.index.scores) == len(VALUES)


CHAINS = {"a1": "A", "a2": "A", "b1": "B"}
SIGNS = {"a1": "+", "a2": "-", "b1": "+"}
VALUES = pd.DataFrame(np.exp(np.random.default_rng(5).normal(size=(20, 3))), columns=list(CHAINS))
STEPS: tuple[dict[str, Any], ...] = (
    {"step": "treat", "arguments": {"how": "winsorise"}}, {"step": "normalise"}, {"step": "aggregate"}
)  # fmt: skip


def bases() -> Any:
    """A base file's tree."""
    import json

    context = pd.DataFrame({"year": 2020}, index=VALUES.index)
    built, _ = record.run(record.State(VALUES, SIGNS, CHAINS, context), STEPS)
    return json.loads(base.dumps({"fi": built.freeze(study="x")}))


def read_releases(file: Path, rows: int | None) -> None:
    """Records of a folder."""
    assert len(releases.read(file.parent)) == 1


def read_first_study(file: Path, rows: int | None) -> None:
    """A study that was written of a file can be read."""
    import os
    from contextlib import redirect_stdout
    from io import StringIO

    for old in file.parent.glob("mine*.yaml"):
        old.unlink()
    here = Path.cwd()
    os.chdir(file.parent)
    try:
        with redirect_stdout(StringIO()):
            made = new([file], "mine", "", "")
        load.load(str(made.resolve()))
    finally:
        os.chdir(here)
