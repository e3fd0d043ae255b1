"""Files and command lines that nobody would write: an error in words, or a result whose rows add up; never a traceback.

`make fuzz N=20000` tries many; here a few of each kind, and every input that once failed.
"""

from __future__ import annotations

import io
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from mutate import MARKS, ODD, bitten, grown
from ruamel.yaml import YAML

from fusion import language as fusion_language
from fusion.adapters import AdapterError, model
from fusion.classification import ClassificationError, coefficients, files, own
from fusion.evaluation import pilots, targets
from fusion.evaluation.errors import EvaluationError
from fusion.panel import PanelError, readers
from workbook import cli, paths
from workbook.params import load

MANY = int(os.environ.get("FUSION_FUZZ", "24"))
FIRST = int(os.environ.get("FUSION_FUZZ_FIRST", "0"))
SCREEN, SECONDS = 8_000, 10.0  # characters of a message, time of one input
ERRORS = (load.StudyError, AdapterError, PanelError, EvaluationError, ClassificationError)
Try = Callable[[Path], None]


# -- what is tried -------------------------------------------------------------------------------------
def _study(file: Path) -> None:
    assert load.load(str(file)).flat["study"] == file.stem


def _adapter(file: Path) -> None:
    assert model.load(str(file)).adapter


def _pilots(file: Path) -> None:
    assert len(pilots.load(file)) == len(
        pd.read_csv(file, dtype=str, encoding="utf-8-sig", skip_blank_lines=True)
    )


def _targets(file: Path) -> None:
    assert len(targets.load(file)) >= 0


def _observed(file: Path) -> None:
    assert len(targets.load_observed(file, targets.load(DATA / "evaluation" / "targets.csv"))) >= 0


def _panel(file: Path) -> None:
    con = ibis.duckdb.connect()
    try:
        raw = readers.read(con, str(file), root=paths.ROOT, contract="minimal", money_unit="万元")
        assert raw.table.count().execute() == raw.rows
    finally:
        con.disconnect()


def _classify(file: Path) -> None:
    out = file.with_name(f"{file.stem}.classified.parquet")
    out.unlink(missing_ok=True)
    report = files.classify_file(file, out=out)
    assert pd.read_parquet(out).shape[0] == report["rows"]


def _slot(file: Path) -> None:
    assert own.check(file) is not None


def _coefficients(file: Path) -> None:
    assert coefficients.from_file(file) is not None


DATA = paths.ROOT / "data"


def _trees(folder: Path, name: str) -> list[Any]:
    return [YAML(typ="safe", pure=True).load(f.read_text("utf-8")) for f in sorted(folder.glob(name))]


def _rows() -> pd.DataFrame:
    n = 12
    return pd.DataFrame(
        {
            "firm_id": [f"9131{i % 4:014d}" for i in range(n)],
            "year": [2015 + i // 4 for i in range(n)],
            "operating_revenue": [100.5 * i for i in range(n)],
            "ind4": ["3544", "0111", "6510", "3670"] * 3,
            "note": ["a", None, "中文", "x,y"] * 3,
        }
    )


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


NAMES = [
    "",
    " ",
    "x" * 5000,
    "a\nb",
    "a\x00b",
    "firm_id",
    "year",
    '"',
    "'",
    "; DROP TABLE x",
    "source_row",
    "营业收入(元)",
    "=1+1",
    "\u200bx",
]
CELLS = [o for o in ODD if not isinstance(o, dict | list)] + list(MARKS)


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
    ]
    return dice.choice(kinds)().reset_index(drop=True)


# -- how files are made --------------------------------------------------------------------------------
def _yaml(trees: list[Any], raw: list[bytes], seed: int) -> bytes:
    if seed % 2:
        stream = io.StringIO()
        try:
            YAML().dump(grown(trees[seed % len(trees)], seed), stream)
            return stream.getvalue().encode("utf-8", "surrogatepass")
        except Exception:  # what cannot be written is bitten instead
            pass
    return bitten(raw[seed % len(raw)], seed)


def _csv(raw: bytes, seed: int) -> bytes:
    if seed % 2:
        return bitten(raw, seed)
    dice = random.Random(seed)
    lines = [line.split(",") for line in raw.decode("utf-8-sig").splitlines()]
    for _ in range(dice.randint(1, 3)):
        row = dice.choice(lines)
        if row:
            row[dice.randrange(len(row))] = str(dice.choice(CELLS))
    glue = dice.choice([",", ",", ",", ";", "\t"])
    return (
        dice.choice(["\n", "\r\n", "\r"])
        .join(glue.join(r) for r in lines)
        .encode(dice.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16"]), "replace")
    )


def _table(suffix: str, seed: int) -> bytes | None:
    dice, stream = random.Random(seed), io.BytesIO()
    frame = _rows() if seed % 3 == 0 else _frame(dice)
    try:
        if suffix == ".parquet":
            frame.to_parquet(stream)
        elif suffix == ".xlsx":
            frame.to_excel(stream, index=False)
        elif suffix == ".dta":
            frame.to_stata(stream, write_index=False)
        else:
            stream.write(frame.to_csv(index=False).encode("utf-8", "surrogatepass"))
    except Exception:  # no such file can be written: nothing to read
        return None
    content = stream.getvalue()
    return bitten(content, seed) if seed % 3 == 0 else content


def _of_yaml(folder: Path, pattern: str) -> Callable[[int], bytes]:
    trees, raw = _trees(folder, pattern), [f.read_bytes() for f in sorted(folder.glob(pattern))]
    return lambda seed: _yaml(trees, raw, seed)


PILOTS = (
    "scheme,level,batch,kind,unit,name,notice,start,end,revoked,source,verified,goal_indicator,goal_value,goal_year\n"
    "s,national,1,enterprise,f1,n,no 5,2016,,,page 3,yes,,,\ns,municipal,2,park,p1,m,,2018,2020,,,no,fi,3,2022\n"
)
OBSERVED = "target,year,value,source\nx,2020,1.5,s\n"
SHARES = b"standard,gbt_code,coefficient\nsports_2019,8810,0.5\nsports_2019,8890,0.25\n"
KINDS: dict[str, tuple[str, Callable[[int], bytes | None], Try]] = {
    "study": ("odd.yaml", _of_yaml(paths.PARAMS, "*.yaml"), _study),
    "adapter": ("odd.yaml", _of_yaml(DATA / "adapters", "*.yaml"), _adapter),
    "pilots": ("odd.csv", lambda seed: _csv(PILOTS.encode(), seed), _pilots),
    "targets": ("odd.csv", lambda seed: _csv((DATA / "evaluation" / "targets.csv").read_bytes(), seed), _targets),
    "observed": ("odd.csv", lambda seed: _csv(OBSERVED.encode(), seed), _observed),
    "standard": (
        "odd.csv",
        lambda seed: _csv((DATA / "classification" / "standards" / "sports_2019.csv").read_bytes()[:2000], seed),
        _slot,
    ),
    "coefficients": ("odd.csv", lambda seed: _csv(SHARES, seed), _coefficients),
    "csv": ("odd.csv", lambda seed: _table(".csv", seed), _panel),
    "excel": ("odd.xlsx", lambda seed: _table(".xlsx", seed), _panel),
    "parquet": ("odd.parquet", lambda seed: _table(".parquet", seed), _panel),
    "stata": ("odd.dta", lambda seed: _table(".dta", seed), _panel),
    "classified": ("odd.csv", lambda seed: _csv(_rows().to_csv(index=False).encode(), seed), _classify),
}  # fmt: skip


# -- the property --------------------------------------------------------------------------------------
def failures(kind: str, seeds: range, folder: Path) -> Iterator[str]:
    """What went wrong, a line for each seed."""
    name, make, attempt = KINDS[kind]
    for seed in seeds:
        content = make(seed)
        if content is not None:
            wrong = fault(folder, name, content, attempt)
            if wrong:
                yield f"{kind} {seed}: {wrong}"


def fault(folder: Path, name: str, content: bytes, attempt: Try) -> str:
    """Why an input does not hold; empty if it does."""
    file = folder / name
    file.write_bytes(content)
    began = time.perf_counter()
    try:
        attempt(file)
    except ERRORS as error:
        if len(str(error)) > SCREEN:
            return f"a message of {len(str(error))} characters: {str(error)[:200]}"
        with fusion_language.speaking("zh"):
            pass
    except BaseException as error:
        own = [
            f
            for f in traceback.extract_tb(error.__traceback__)
            if f"{os.sep}lib{os.sep}" in f.filename and ".venv" not in f.filename
        ]
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "the test"
        return f"{type(error).__name__} at {where}: {str(error)[:200]}"
    seconds = time.perf_counter() - began
    return f"{seconds:.0f} s" if seconds > SECONDS else ""


@pytest.mark.parametrize("kind", KINDS)
def test_any_file_is_refused_in_words_or_read_whole(kind: str, tmp_path: Path) -> None:
    assert list(failures(kind, range(FIRST, FIRST + MANY), tmp_path)) == []


# -- command lines -------------------------------------------------------------------------------------
COMMANDS = (
    "validate",
    "check",
    "classify",
    "standard",
    "runs",
    "pin",
    "diff",
    "trace",
    "audit",
    "package",
    "params",
    "run",
    "site",
    "prose",
    "browse",
)
WORDS = (
    "smoke", "nobody", "", " ", "-", "--", "--help", "--language", "--language=xx", "--json", "../../etc/passwd", "/",
    "/dev/null", "x" * 5000, "a\nb", "\udcff", "0111", "9" * 500, "@", "a@b@c", "smoke@previous", "--jobs", "0", "-1", "nan",
    "*.csv", "params/smoke.yaml", "data", "=1+1", "--adapter", "--study", "--write", "\x1b[31m", "05.ladder", "01.flow:1:2",
)  # fmt: skip


def commanded(arguments: list[str]) -> str:
    """Why a command line does not hold; what runs notebooks or builds the site is not started."""
    if arguments[0] == "params" or (
        arguments[0] in ("run", "site") and not set(arguments[1:]) & {"--help", "nobody", "--jobs"}
    ):
        return ""
    heard, before = io.StringIO(), sys.argv
    sys.argv = ["fusion", *arguments]
    try:
        with redirect_stdout(heard), redirect_stderr(heard):
            cli.main()
    except SystemExit:
        pass
    except BaseException as error:
        return f"{arguments}: {type(error).__name__}: {str(error)[:200]}"
    finally:
        sys.argv = before
    return f"{arguments}: a traceback" if "Traceback" in heard.getvalue() else ""


def test_any_command_line_is_answered_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("FUSION_SITE", str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    wrong = []
    for seed in range(FIRST, FIRST + MANY):
        dice = random.Random(seed)
        line = [dice.choice(COMMANDS), *(dice.choice(WORDS) for _ in range(dice.randrange(4)))]
        wrong += [found] if (found := commanded(line)) else []
    assert wrong == []
