"""What is tried: how files and command lines of each kind are made, what reads them, and what must then hold."""

from __future__ import annotations

import csv
import io
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from mutate import MARKS, ODD, bitten, grown, spoken, thinned
from ruamel.yaml import YAML

from fusion import engine
from fusion import language as fusion_language
from fusion.adapters import AdapterError, model, panel
from fusion.classification import ClassificationError, coefficients, files, official, own, split_weights
from fusion.evaluation import pilots, plan, targets
from fusion.evaluation.errors import EvaluationError
from fusion.panel import PanelError, readers
from workbook import cli, language, paths
from workbook.expressions.asked import Asked
from workbook.expressions.columns import make as columns_of
from workbook.expressions.errors import ExpressionError
from workbook.params import load

SCREEN, SECONDS = (
    8_000,
    10.0,
)  # characters of a message, processor time of one input: others may use the machine
ERRORS = (
    load.StudyError, AdapterError, PanelError, EvaluationError, ClassificationError, ExpressionError
)  # fmt: skip
DATA = paths.ROOT / "data"
Try = Callable[[Path, int | None], None]


@dataclass(frozen=True)
class Made:
    """An input: its bytes and, where the maker knows it, how many rows a reader must find."""

    content: bytes
    rows: int | None = None


# -- what reads ----------------------------------------------------------------------------------------
def _study(file: Path, rows: int | None) -> None:
    assert load.load(str(file)).flat["study"] == file.stem


def _adapter(file: Path, rows: int | None) -> None:
    assert model.load(str(file)).adapter


def _pilots(file: Path, rows: int | None) -> None:
    assert len(pilots.load(file)) == _records(file)


def _plan(file: Path, rows: int | None) -> None:
    known = file.with_name("pilots.csv")
    known.write_text(PILOTS, "utf-8")
    assert len(plan.load(file, pilots.load(known))) == _records(file)


def _targets(file: Path, rows: int | None) -> None:
    assert len(targets.load(file)) == _records(file)


def _observed(file: Path, rows: int | None) -> None:
    assert len(targets.load_observed(file, targets.load(DATA / "evaluation" / "targets.csv"))) == _records(
        file
    )


def _records(file: Path) -> int:
    """Rows below the head that have a cell."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return sum(1 for row in csv.reader(stream) if row) - 1


def _panel(file: Path, rows: int | None) -> None:
    con = engine.opened(file.parent, threads=1)
    try:
        raw = readers.read(con, str(file), root=paths.ROOT, contract="minimal", money_unit="万元")
        found = raw.table.count().execute()
    finally:
        con.disconnect()
    assert found == raw.rows and rows in (None, found), f"{found} rows of {rows}"


def _adapted(file: Path, rows: int | None) -> None:
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


def _classify(file: Path, rows: int | None) -> None:
    out = file.with_name(f"{file.stem}.classified.parquet")
    for old in file.parent.glob(f"{file.stem}.classified*"):
        old.unlink()
    report = files.classify_file(file, out=out)
    assert pd.read_parquet(out).shape[0] == report["rows"] and rows in (None, report["rows"])


def _slot(file: Path, rows: int | None) -> None:
    assert own.check(file) is not None


def _coefficients(file: Path, rows: int | None) -> None:
    assert coefficients.from_file(file) is not None


def _weights(file: Path, rows: int | None) -> None:
    assert split_weights.from_file(file).how == "file"


def _lists(file: Path, rows: int | None) -> None:
    table = official.read([file])
    assert rows in (None, len(table)), f"{len(table)} rows of {rows}"
    assert len(official.matched(table, FIRMS)) == len(table)


def _expression(file: Path, rows: int | None) -> None:
    text = file.read_text("utf-8", "replace")
    con = engine.opened(threads=1)
    try:
        found = columns_of(con.create_table("rows_", EXPRESSED), Asked({"made": text}))
        assert found.table.count().execute() == len(EXPRESSED)
    finally:
        con.disconnect()


# -- what is made --------------------------------------------------------------------------------------
def _rows(n: int = 12) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "firm_id": [f"9131{i % 4:014d}" for i in range(n)],
            "year": [2015 + i // 4 for i in range(n)],
            "operating_revenue": [100.5 * i for i in range(n)],
            "ind4": ["3544", "0111", "6510", "3670"] * (n // 4),
            "note": ["a", None, "中文", "x,y"] * (n // 4),
        }
    )


ADAPTER = model.load("csmar")
FIRMS = pd.DataFrame(
    {"firm_id": ["91310000000000001X", "b"], "year": [2020, 2020], "firm_name": ["甲公司", "乙"]}
)
EXPRESSED = pd.DataFrame(
    {"source_row": [1, 2, 3, 4], "firm_id": list("aabb"), "year": [2019, 2020] * 2,
     "x": [1.0, None, 0.0, -2.5], "z": [1, 2, 3, 4], "g": ["u", "v", None, "u"], "flag": [True, False, None, True]}
)  # fmt: skip
NAMES = [
    "", " ", "x" * 5000, "a\nb", "a\x00b", "firm_id", "year", '"', "'", "; DROP TABLE x", "source_row", "营业收入(元)",
    "=1+1", "\u200bx", "CON", "aux", "x.", "group3", "path", "__index_level_0__", "rowid", "file_row_number", "c0",
]  # fmt: skip
CELLS = [o for o in ODD if not isinstance(o, dict | list)] + list(MARKS)


def _frame(dice: random.Random) -> pd.DataFrame:
    """Rows whose columns have been given other names, types and cells."""
    made = _rows()
    for _ in range(dice.randint(1, 4)):
        name = dice.choice(list(made.columns) or ["firm_id"])
        position = list(made.columns).index(name) if name in made else 0
        how = dice.randrange(8)
        if how == 0 and name in made:
            made = made.drop(columns=name)
        elif how == 1:
            made.columns = [dice.choice(NAMES) if i == position else c for i, c in enumerate(made.columns)]
        elif how == 2:
            made = made.iloc[: dice.randrange(3)]
        elif how == 3 and len(made.columns):
            made = pd.concat([made, made.iloc[:, [position]]], axis=1)
        elif how == 4 and len(made.columns):
            made.isetitem(position, _column(dice, len(made)))
        elif len(made) and len(made.columns):
            cells = made.iloc[:, position].astype(object).tolist()
            cells[dice.randrange(len(cells))] = dice.choice(CELLS)
            made.isetitem(position, pd.Series(cells, index=made.index, dtype=object))
    return made


def _column(dice: random.Random, n: int) -> pd.Series:
    kinds: list[Callable[[], Any]] = [
        lambda: pd.Series(pd.date_range("2015", periods=n, tz="Asia/Shanghai")),
        lambda: pd.Series(pd.Categorical(["a"] * n)),
        lambda: pd.Series([True, None] * n)[:n],
        lambda: pd.Series([2**63 - 1 - i for i in range(n)]),
        lambda: pd.Series([float("inf"), float("nan")] * n)[:n],
        lambda: pd.Series([[1, 2]] * n),
        lambda: pd.Series([b"\xff\x00"] * n),
        lambda: pd.Series([{"a": 1}] * n),
        lambda: pd.Series(pd.to_timedelta(range(n), unit="D")),
        lambda: pd.Series([1, 2] * n, dtype="Int8")[:n],
        lambda: pd.Series(["9" * 400] * n),
        lambda: pd.Series([None] * n, dtype=object),
        lambda: pd.Series([complex(1, 1)] * n),
        lambda: pd.Series([2.0**70] * n),
    ]
    return dice.choice(kinds)().reset_index(drop=True)


def _yaml(trees: list[Any], seed: int) -> Made:
    """A part of a file with branches replaced, or with bytes replaced: a whole one would mostly be read again and again."""
    dice, stream = random.Random(seed), io.StringIO()
    part = thinned(dice.choice(trees), dice)
    try:
        SAFE.dump(grown(part, seed) if seed % 2 else part, stream)
    except Exception:  # what cannot be written is bitten instead
        stream = io.StringIO()
        SAFE.dump(part, stream)
        return Made(bitten(stream.getvalue().encode(), seed))
    content = stream.getvalue().encode("utf-8", "surrogatepass")
    return Made(content if seed % 2 else bitten(content, seed))


def _csv(raw: bytes, seed: int) -> Made:
    if seed % 2:
        return Made(bitten(raw, seed))
    dice = random.Random(seed)
    lines = [line.split(",") for line in raw.decode("utf-8-sig").splitlines()]
    for _ in range(dice.randint(1, 3)):
        row = dice.choice(lines)
        if row:
            row[dice.randrange(len(row))] = str(dice.choice(CELLS))
    glue = dice.choice([",", ",", ",", ";", "\t"])
    text = dice.choice(["\n", "\r\n", "\r"]).join(glue.join(r) for r in lines)
    return Made(text.encode(dice.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16"]), "replace"))


def _table(suffix: str, seed: int) -> Made | None:
    dice, stream = random.Random(seed), io.BytesIO()
    frame = _rows() if seed % 3 == 0 else _frame(dice)
    try:
        if suffix == ".parquet":
            frame.to_parquet(stream, compression=dice.choice([None, "snappy", "zstd"]))
        elif suffix == ".xlsx":
            frame.to_excel(stream, index=False)
        elif suffix == ".dta":
            frame.to_stata(stream, write_index=False, version=dice.choice([114, 117, 118]))
        else:
            stream.write(frame.to_csv(index=False).encode("utf-8", "surrogatepass"))
    except Exception:  # no such file can be written: nothing to read
        return None
    content = stream.getvalue()
    if seed % 3 == 0:
        return Made(bitten(content, seed))
    # Blank rows of a sheet or a text are no rows.
    kept = len(frame) if suffix in (".parquet", ".dta") else None
    return Made(content, kept)


def _words(seed: int) -> Made:
    text = spoken(random.Random(seed), ("x", "z", "g", "flag", "firm_id", "year", "nowhere"))
    return Made(bitten(text.encode(), seed) if seed % 3 == 0 else text.encode())


SAFE = YAML(typ="safe", pure=True)


def _of_yaml(folder: Path, pattern: str) -> Callable[[int], Made]:
    trees = [SAFE.load(f.read_text("utf-8")) for f in sorted(folder.glob(pattern))]
    return lambda seed: _yaml(trees, seed)


def _of_csv(text: str | Path, most: int = 12) -> Callable[[int], Made]:
    whole = text.read_text("utf-8") if isinstance(text, Path) else text
    raw = "\n".join(whole.splitlines()[:most]).encode()
    return lambda seed: _csv(raw, seed)


PILOTS = (
    "scheme,level,batch,kind,unit,name,notice,start,end,revoked,source,verified,goal_indicator,goal_value,goal_year\n"
    "s,national,1,enterprise,f1,n,no 5,2016,,,page 3,yes,,,\ns,municipal,2,park,p1,m,,2018,2020,,,no,fi,3,2022\n"
)
PLAN = (
    "scheme,batch,unit,item,kind,name,indicator,direction,base,goal,weight,due,reported,reported_year,source\n"
    "s,1,f1,1,indicator,Revenue,fi,up,1,2,60,2020,1.5,2019,page 2\ns,1,f1,2,task,A form,,,,,40,2019,,,page 2\n"
)
LISTS = (
    "kind,issuer,notice,batch,date,code,name,old_names,until,revoked,mode,source,verified\n"
    "green_factory,MIIT,no 1,1,2021-12-03,91310000000000001X,甲公司,,,,,p 1,yes\n"
    "smart_factory,MIIT,,2,2022,,乙,丙;丁,2025,,,,no\n"
)
WEIGHTS = "edition,code,part,weight\n2011,3350,3351,0.5\n2011,3350,3359,0.5\n"
OBSERVED = "target,year,value,source\nx,2020,1.5,s\n"
SHARES = "standard,gbt_code,coefficient\nsports_2019,8810,0.5\nsports_2019,8890,0.25\n"
KINDS: dict[str, tuple[str, Callable[[int], Made | None], Try]] = {
    "study": ("odd.yaml", _of_yaml(paths.PARAMS, "*.yaml"), _study),
    "expression": ("odd.txt", _words, _expression),
    "adapter": ("odd.yaml", _of_yaml(DATA / "adapters", "*.yaml"), _adapter),
    "pilots": ("odd.csv", _of_csv(PILOTS), _pilots),
    "plan": ("odd.csv", _of_csv(PLAN), _plan),
    "targets": ("odd.csv", _of_csv(DATA / "evaluation" / "targets.csv"), _targets),
    "observed": ("odd.csv", _of_csv(OBSERVED), _observed),
    "standard": ("odd.csv", _of_csv(DATA / "classification" / "standards" / "sports_2019.csv"), _slot),
    "coefficients": ("odd.csv", _of_csv(SHARES), _coefficients),
    "weights": ("odd.csv", _of_csv(WEIGHTS), _weights),
    "lists": ("odd.csv", _of_csv(LISTS), _lists),
    "csv": ("odd.csv", lambda seed: _table(".csv", seed), _panel),
    "excel": ("odd.xlsx", lambda seed: _table(".xlsx", seed), _panel),
    "parquet": ("odd.parquet", lambda seed: _table(".parquet", seed), _panel),
    "stata": ("odd.dta", lambda seed: _table(".dta", seed), _panel),
    "csv by adapter": ("odd.csv", lambda seed: _table(".csv", seed), _adapted),
    "excel by adapter": ("odd.xlsx", lambda seed: _table(".xlsx", seed), _adapted),
    "parquet by adapter": ("odd.parquet", lambda seed: _table(".parquet", seed), _adapted),
    "stata by adapter": ("odd.dta", lambda seed: _table(".dta", seed), _adapted),
    "classified": ("odd.csv", lambda seed: _csv(_rows().to_csv(index=False).encode(), seed), _classify),
    "classified excel": ("odd.xlsx", lambda seed: _table(".xlsx", seed), _classify),
    "standard in excel": ("odd.xlsx", lambda seed: _table(".xlsx", seed), _slot),
    "lists in excel": ("odd.xlsx", lambda seed: _table(".xlsx", seed), _lists),
}  # fmt: skip


# -- what must hold ------------------------------------------------------------------------------------
def failures(kind: str, seeds: range, folder: Path) -> Iterator[str]:
    """What went wrong, a line for each seed."""
    name, make, attempt = KINDS[kind]
    for seed in seeds:
        made = make(seed)
        if made is not None and (wrong := fault(folder, name, made, attempt, ("en", "zh")[seed // 6 % 2])):
            yield f"{kind} {seed}: {wrong}"


def fault(folder: Path, name: str, made: Made, attempt: Try, language_: str = "en") -> str:
    """Why an input does not hold; empty if it does."""
    file = folder / name
    file.write_bytes(made.content)
    began = time.process_time()
    try:
        with fusion_language.speaking(language_), language.speaking(language_):
            attempt(file, made.rows)
    except ERRORS as error:
        if not 5 < len(str(error)) < SCREEN:
            return f"a message of {len(str(error))} characters: {str(error)[:200]}"
    except BaseException as error:
        return _located(error)
    seconds = time.process_time() - began
    return f"{seconds:.0f} s" if seconds > SECONDS else ""


def _located(error: BaseException) -> str:
    ours = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if f"{os.sep}lib{os.sep}" in f.filename and ".venv" not in f.filename
    ]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "the test"
    return f"{type(error).__name__} at {where}: {str(error)[:200]}"


# -- command lines -------------------------------------------------------------------------------------
COMMANDS = (
    "validate", "check", "classify", "standard", "runs", "pin", "diff", "trace", "audit", "package", "params", "run", "site",
    "prose", "browse", "form", "reproduce",
)  # fmt: skip
WORDS = (
    "smoke", "nobody", "", " ", "-", "--", "--help", "--language", "--language=xx", "--json", "../../etc/passwd", "/",
    "/dev/null", "x" * 5000, "a\nb", "\udcff", "0111", "9" * 500, "@", "a@b@c", "smoke@previous", "--jobs", "0", "-1", "nan",
    "*.csv", "params/smoke.yaml", "data", "=1+1", "--adapter", "--study", "--write", "\x1b[31m", "05.ladder", "01.flow:1:2",
    "CON", "aux.", "nul.yaml", "a\x00b", "--memory", "--memory=much", "4GB:/nowhere", "--edition", "2002", "--allow-code",
)  # fmt: skip
STARTS = {"run", "site", "reproduce", "verify"}  # notebooks, or a build: not started here


def command(seed: int) -> list[str]:
    """A command line."""
    dice = random.Random(seed)
    return [dice.choice(COMMANDS), *(dice.choice(WORDS) for _ in range(dice.randrange(4)))]


def commanded(arguments: list[str]) -> str:
    """Why a command line does not hold."""
    harmless = {"--help", "nobody", "--jobs", "--memory=much"}
    if arguments[0] == "params" or (arguments[0] in STARTS and not set(arguments[1:]) & harmless):
        return ""
    heard, before, began = io.StringIO(), sys.argv, time.process_time()
    sys.argv = ["fusion", *arguments]
    try:
        with redirect_stdout(heard), redirect_stderr(heard):
            cli.main()
    except SystemExit:
        pass
    except BaseException as error:
        return f"{arguments}: {_located(error)}"
    finally:
        sys.argv = before
    if time.process_time() - began > SECONDS:
        return f"{arguments}: {time.process_time() - began:.0f} s"
    return f"{arguments}: a traceback" if "Traceback" in heard.getvalue() else ""
