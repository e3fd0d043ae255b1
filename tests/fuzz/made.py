"""How files are made: tables with odd names, types and cells, trees with a branch replaced, bytes replaced."""

from __future__ import annotations

import io
import math
import random
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from typing import Any

import binary
import openpyxl
import pandas as pd
import pyreadstat
from mutate import MARKS, ODD, bitten, grown, thinned
from ruamel.yaml import YAML


@dataclass(frozen=True)
class Made:
    """An input: its bytes, how many rows a reader must find where the maker knows it, and files that lie beside it."""

    content: bytes
    rows: int | None = None
    beside: dict[str, bytes] = field(default_factory=dict)


def rows(n: int = 12) -> pd.DataFrame:
    """A panel of four firms."""
    return pd.DataFrame(
        {
            "firm_id": [f"9131{i % 4:014d}" for i in range(n)],
            "year": [2015 + i // 4 for i in range(n)],
            "operating_revenue": [100.5 * i for i in range(n)],
            "ind4": ["3544", "0111", "6510", "3670"] * (n // 4),
            "note": ["a", None, "中文", "x,y"] * (n // 4),
        }
    )


NAMES = [
    "", " ", "x" * 5000, "a\nb", "a\x00b", "firm_id", "year", '"', "'", "; DROP TABLE x", "source_row", "营业收入(元)",
    "=1+1", "\u200bx", "CON", "aux", "x.", "group3", "path", "__index_level_0__", "rowid", "file_row_number", "c0",
]  # fmt: skip
CELLS = [o for o in ODD if not isinstance(o, dict | list)] + list(MARKS)


def frame(dice: random.Random) -> pd.DataFrame:
    """Rows whose columns have been given other names, types and cells."""
    made = rows(dice.choice((12, 12, 60)))  # more than a reader looks at first
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
            made.isetitem(position, column(dice, len(made)))
        elif len(made) and len(made.columns):
            cells = made.iloc[:, position].astype(object).tolist()
            cells[dice.randrange(len(cells))] = dice.choice(CELLS)
            made.isetitem(position, pd.Series(cells, index=made.index, dtype=object))
    return made


def column(dice: random.Random, n: int) -> pd.Series:
    """Cells of a kind that a panel does not have."""
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


def yaml(trees: list[Any], seed: int, most: int = 6) -> Made:
    """A part of a file with branches replaced, or with bytes replaced: a whole one would mostly be read again and again."""
    dice, stream = random.Random(seed), io.StringIO()
    part = thinned(dice.choice(trees), dice, most)
    try:
        SAFE.dump(grown(part, seed) if seed % 2 else part, stream)
    except Exception:  # what cannot be written is bitten instead
        stream = io.StringIO()
        SAFE.dump(part, stream)
        return Made(bitten(stream.getvalue().encode(), seed))
    content = stream.getvalue().encode("utf-8", "surrogatepass")
    return Made(content if seed % 2 else bitten(content, seed))


def csv(raw: bytes, seed: int) -> Made:
    """A text of commas with cells, marks or bytes replaced."""
    if seed % 2:
        return Made(bitten(raw, seed))
    dice = random.Random(seed)
    glue = dice.choice([*",,,,,,,,", ";", "\t"])
    text = dice.choice(["\n", "\n", "\r\n", "\r"]).join(glue.join(r) for r in marked(raw, dice))
    return Made(text.encode(dice.choice(["utf-8", "utf-8", "utf-8-sig", "gb18030", "utf-16"]), "replace"))


def marked(raw: bytes, dice: random.Random) -> list[list[str]]:
    """Cells of a text of commas, none to three of them replaced by odd ones or by others of their column."""
    lines = [line.split(",") for line in raw.decode("utf-8-sig").splitlines()]
    for _ in range(dice.randint(0, 3)):
        row, other = dice.choice(lines), dice.choice(lines[1:])
        at = dice.randrange(len(row))
        row[at] = other[at] if at < len(other) and dice.random() < 0.5 else str(dice.choice(CELLS))
    return lines


def book(raw: bytes, suffix: str, seed: int) -> Made | None:
    """The same in a workbook; or one with bytes replaced, within one of its parts or anywhere."""
    dice = random.Random(seed)
    lines = [[_cell(c, dice) for c in row] for row in (marked(raw, dice) if seed % 3 else _split(raw))]
    return _packed(lines, suffix, seed)


def _split(raw: bytes) -> list[list[str]]:
    return [line.split(",") for line in raw.decode("utf-8-sig").splitlines()]


def _cell(text: str, dice: random.Random) -> Any:
    """A number as a number, now and then in percent."""
    try:
        number = float(text)
    except ValueError:
        return text[:32_000] or None
    shown = binary.Shown(number / 100, dice.choice(("0.00%", '0"%"', "yyyy", "@")))
    return text if not math.isfinite(number) else shown if dice.random() < 0.1 else number


def _packed(lines: list[list[Any]], suffix: str, seed: int) -> Made | None:
    try:
        if suffix == ".xls" and seed % 3 == 0:  # within the stream: outside of it little is read
            return Made(binary.compound(bitten(binary.biff(lines), seed)))
        content = _xlsx(lines) if suffix == ".xlsx" else getattr(binary, suffix[1:])(lines)
    except Exception:  # no such workbook can be written
        return None
    if seed % 3:
        return Made(content)
    return Made(bitten(content, seed) if seed % 2 else inside(content, seed))


def _xlsx(lines: list[list[Any]]) -> bytes:
    stream, made = io.BytesIO(), openpyxl.Workbook()
    for i, line in enumerate(lines, 1):
        for j, cell in enumerate(line, 1):
            shown = isinstance(cell, binary.Shown)
            at = made.active.cell(i, j, cell.value if shown else cell)
            at.number_format = cell.format if shown else at.number_format
    made.save(stream)
    return stream.getvalue()


def inside(content: bytes, seed: int) -> bytes:
    """An archive with bytes of one of its parts replaced."""
    dice, made = random.Random(seed), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = dice.choice(old.namelist())
        for name in old.namelist():
            part = old.read(name)
            new.writestr(zipfile.ZipInfo(name), bitten(part, seed) if name == chosen else part)
    return made.getvalue()


def table(suffix: str, seed: int) -> Made | None:
    """A panel in a file of a kind."""
    dice = random.Random(seed)
    held = rows() if seed % 3 == 0 else frame(dice)
    if suffix in (".xls", ".xlsb", ".ods"):
        cells = held.astype(object).where(held.notna(), None).to_numpy().tolist()
        return _packed([[str(c) for c in held.columns], *cells], suffix, seed)
    try:
        content = _written(held, suffix, dice)
    except Exception:  # no such file can be written: nothing to read
        return None
    if seed % 3 == 0:
        return Made(inside(content, seed) if suffix == ".xlsx" and seed % 2 else bitten(content, seed))
    # Blank rows of a sheet or a text are no rows.
    return Made(content, len(held) if suffix in WHOLE else None)


WHOLE = (".parquet", ".dta", ".sav", ".zsav", ".xpt", ".sas7bdat")


def _written(held: pd.DataFrame, suffix: str, dice: random.Random) -> bytes:
    stream = io.BytesIO()
    if suffix == ".parquet":
        held.to_parquet(stream, compression=dice.choice([None, "snappy", "zstd"]))
    elif suffix == ".xlsx":
        held.to_excel(stream, index=False)
    elif suffix == ".dta":
        held.to_stata(stream, write_index=False, version=dice.choice([114, 117, 118]))
    elif suffix == ".sas7bdat":
        stream.write(binary.sas7bdat(held))
    elif suffix in (".sav", ".zsav", ".xpt"):
        stream.write(_labelled(held, suffix, dice))
    else:
        stream.write(held.to_csv(index=False).encode("utf-8", "surrogatepass"))
    return stream.getvalue()


LABELS = {
    "year": {2015: "a", 2016: "x" * 100},
    "operating_revenue": {-1: "none", 0: "=1+1"},
    "ind4": {"3544": "\u200bm"},
}


def _labelled(held: pd.DataFrame, suffix: str, dice: random.Random) -> bytes:
    """A file of SPSS, with labels and declared missings; or one that SAS exports."""
    with tempfile.TemporaryDirectory(prefix="fusion_fuzz_") as folder:
        file = str(Path(folder) / f"made{suffix}")
        if suffix == ".xpt":
            pyreadstat.write_xport(held, file, file_format_version=dice.choice([5, 8]))
        else:
            ranges = (
                {"operating_revenue": [dice.choice([0, {"lo": 0, "hi": 300}])]} if dice.random() < 0.3 else {}
            )
            words = {name: LABELS[name] for name in LABELS if name in held and dice.random() < 0.3}
            how = {"row_compress": dice.random() < 0.5} if suffix == ".sav" else {"compress": True}
            pyreadstat.write_sav(
                held,
                file,
                variable_value_labels=words,
                missing_ranges={n: r for n, r in ranges.items() if n in held},
                **how,
            )
        return Path(file).read_bytes()


SAFE = YAML(typ="safe", pure=True)


def json(tree: Any, seed: int) -> Made:
    """A record with branches or bytes replaced."""
    text = dumps(grown(tree, seed) if seed % 2 else tree, default=str, skipkeys=True).encode(
        "utf-8", "surrogatepass"
    )
    return Made(text if seed % 2 else bitten(text, seed))


def of_yaml(folder: Path, pattern: str) -> Callable[[int], Made]:
    """Files of a folder, changed."""
    trees = [SAFE.load(f.read_text("utf-8")) for f in sorted(folder.glob(pattern))]
    return lambda seed: yaml(trees, seed)


def of_csv(text: str | Path, most: int = 12) -> Callable[[int], Made]:
    """The first rows of a table, changed."""
    whole = text.read_text("utf-8") if isinstance(text, Path) else text
    raw = "\n".join(whole.splitlines()[:most]).encode()
    return lambda seed: csv(raw, seed)
