"""Small files that would unpack, nest or expand to what no machine holds: an answer in words in seconds and in bounds."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
from binary import sas7bdat
from kinds import READ, REFUSED, commanded
from pyarrow import parquet

from fusion import archives
from fusion.panel import PanelError, labelled

SECONDS, MEGABYTES = 10.0, 1_000.0


def workbook(change: Callable[[str, bytes], bytes]) -> bytes:
    """An Excel file whose parts were changed."""
    plain, made = io.BytesIO(), io.BytesIO()
    pd.DataFrame({"firm_id": ["a"], "year": [2015]}).to_excel(plain, index=False)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return made.getvalue()


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">'.encode() for i in range(9)
) + b"]>"  # fmt: skip
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def _inside(text: bytes) -> Callable[[str, bytes], bytes]:
    def change(name: str, part: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return part
        head, mark, rest = part.partition(b"<worksheet")
        return head + text + mark + rest.replace(b"<v>2015</v>", b"<v>&a;</v>")

    return change


def _zeros(name: str, part: bytes) -> bytes:
    return part + b" " * 900_000_000 if name == "xl/worksheets/sheet1.xml" else part


def _strings(count: int) -> bytes:
    """A book of two rows with 4 MB texts, which no cell names: 2 MB unpack to 2 GB."""
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    told = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    made = io.BytesIO(workbook(lambda name, part: part.replace(b"</Types>", told)))
    with (
        zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sharedStrings.xml", "w") as part,
    ):
        part.write(b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
        for _ in range(count):
            part.write(b"<si><t>" + b"a" * 4_000_000 + b"</t></si>")
        part.write(b"</sst>")
    return made.getvalue()


def _rows(name: str, part: bytes) -> bytes:
    rows = b"<row><c><v>0</v></c></row>" * 8_000_000
    return (
        part.replace(b"</sheetData>", rows + b"</sheetData>") if name == "xl/worksheets/sheet1.xml" else part
    )


LETTERS = "abcdefghij"
ALIASES = "".join(
    f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]\n" for before, one in itertools.pairwise(LETTERS)
)
STUDIES = {
    "laughs.yaml": "a: &a [x, x]\n" + ALIASES,
    "deep.yaml": "study: " + "[" * 50_000,
    "deeper.yaml": "\n".join(" " * i + "a:" for i in range(2_000)),
    "digits.yaml": "study: {seed: " + "9" * 100_000 + "}",
    "long.yaml": "study: {title_en: " + "x" * 150_000 + "}",
    "large.yaml": "study: {title_en: x}\n# " + "x" * 5_000_000,
    "keys.yaml": "study:\n" + "".join(f"  k{i}: 1\n" for i in range(12_000)),
    "merge.yaml": "a: &a {b: 1}\nc: {<<: *a}\n",
    "exponent.yaml": "study: {seed: 1e999999999}",
    "nul.yaml": 'study: {title_en: "a\\0b"}',
}  # fmt: skip


def _keys(n: int) -> dict[str, Any]:
    return {"firm_id": [f"f{i}" for i in range(n)], "year": [2015] * n}


def _parquet(query: str) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        duckdb.connect().execute(f"COPY ({query}) TO '{file.name}' (FORMAT parquet, ROW_GROUP_SIZE 10000000)")
        return Path(file.name).read_bytes()


def _arrow(columns: dict[str, Any], **how: Any) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream, compression="zstd", **how)
    return stream.getvalue()


def _one_text(rows: int, size: int) -> dict[str, Any]:
    """One long text that every row names by reference."""
    codes = pa.array([0] * rows, pa.int32())
    return _keys(rows) | {"note": pa.DictionaryArray.from_arrays(codes, pa.array(["x" * size]))}


def _deep(levels: int) -> pa.DataType:
    kind = pa.int8()
    for _ in range(levels):
        kind = pa.list_(kind)
    return kind


def _stata(frame: pd.DataFrame, version: int = 118, **how: Any) -> bytes:
    stream = io.BytesIO()
    frame.to_stata(stream, write_index=False, version=version, **how)
    return stream.getvalue()


def _patched(version: int, at: int | bytes, claim: bytes) -> bytes:
    """A Stata file of two rows whose head claims more."""
    plain = _stata(pd.DataFrame(_keys(2)), version)
    start = plain.index(at) + len(at) if isinstance(at, bytes) else at
    return plain[:start] + claim + plain[start + len(claim) :]


def _spss(rows: int) -> bytes:
    """The same row again and again, packed twice."""
    with tempfile.NamedTemporaryFile(suffix=".zsav") as file:
        columns = {"firm_id": 1.0, "year": 2015.0, "x": 1.0, "y": 1.0}
        frame = pd.DataFrame({name: np.full(rows, value) for name, value in columns.items()})
        pyreadstat.write_sav(frame, file.name, compress=True)
        return Path(file.name).read_bytes()


TABLES: dict[str, Callable[[], bytes]] = {
    "rows.zsav": lambda: _spss(3_000_000),
    "strings.xlsx": lambda: _strings(500),
    "zeros.xlsx": lambda: workbook(_zeros),
    "rows.xlsx": lambda: workbook(_rows),
    "laughs.xlsx": lambda: workbook(_inside(LAUGHS)),
    "outside.xlsx": lambda: workbook(_inside(OUTSIDE)),
    "empty.xlsx": lambda: b"PK\x05\x06" + b"\x00" * 18,
    "rows.parquet": lambda: _parquet("SELECT 'a' AS firm_id, 2015 AS year, 1.0 AS v FROM range(20000000)"),
    "texts.parquet": lambda: _arrow(_one_text(100_000, 2_000_000)),
    "pages.parquet": lambda: _arrow(_keys(900) | {"note": ["x" * 1_000_000] * 900}, use_dictionary=False),
    "lists.parquet": lambda: _arrow(_keys(20) | {"note": pa.array([[0] * 2_000_000] * 20)}),
    "deep.parquet": lambda: _arrow(_keys(1) | {"note": pa.array([None], _deep(120))}),
    "wide.parquet": lambda: _arrow({f"c{i}": [1] for i in range(6_000)}),
    "cut.parquet": lambda: _arrow(_keys(900))[:-9] + b"\xff" * 9,
    "rows.dta": lambda: _patched(114, 6, (2**31 - 1).to_bytes(4, "little")),
    "more_rows.dta": lambda: _patched(118, b"<N>", (2**40).to_bytes(8, "little")),
    "columns.dta": lambda: _patched(118, b"<K>", b"\xff\xff"),
    "texts.dta": lambda: _stata(
        pd.DataFrame(_keys(1_000) | {"note": pd.Series(["x" * 2_000_000] * 1_000, dtype=object)}),
        convert_strl=["note"],
    ),
    "quote.csv": lambda: b'firm_id,year\n"' + b"x" * 40_000_000,
    "wide.csv": lambda: ",".join(f"c{i}" for i in range(20_000)).encode() + b"\n" + b"1," * 19_999 + b"1\n",
    "nul.csv": lambda: b"firm_id,year\n\x00" + b"\x00" * 5_000_000,
    "line.csv": lambda: b"x" * 30_000_000,
}
PROGRAM = """import resource, sys
sys.argv[0] = "fusion"
from workbook.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss, which a process has from the one that started it.
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(f"USED {used.ru_utime + used.ru_stime:.1f} {int(peak) / 1024:.0f}", file=sys.stderr)
"""


def answered(arguments: list[str], folder: Path, codes: tuple[int, ...] = (1, 2)) -> None:
    """The command refuses, in words, within its limits; or, with other codes, answers."""
    env = os.environ | {"FUSION_BUILD": str(folder / "build"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=env,
        timeout=120,
    )
    said, _, used = done.stderr.rpartition("USED ")
    assert done.returncode in codes, (done.returncode, done.stdout[-500:], done.stderr[-1500:])
    assert "Traceback" not in said and 10 < len(said + done.stdout) < 13_000, (said + done.stdout)[-1500:]
    # Time of the processor, since others may use the machine.
    seconds, megabytes = map(float, used.split())
    assert seconds < SECONDS and megabytes < MEGABYTES, (seconds, megabytes)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(STUDIES[name], encoding="utf-8")
    answered(["validate", str(tmp_path / name)], tmp_path)


@pytest.mark.parametrize("name", TABLES)
def test_a_table(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(TABLES[name]())
    answered(["check", str(tmp_path / name), "--study", "smoke"], tmp_path)


@pytest.mark.parametrize("name", TABLES)
def test_a_study_that_names_a_table(name: str, tmp_path: Path) -> None:
    """Validation looks at its headers before its reader looks at it."""
    (tmp_path / name).write_bytes(TABLES[name]())
    study = f"panel: {{source: {name}, money_unit: 万元, contract: minimal}}\neffects: {{outcome: x}}\n"
    (tmp_path / "s.yaml").write_text(study, encoding="utf-8")
    answered(["validate", str(tmp_path / "s.yaml")], tmp_path)


@pytest.mark.parametrize(
    ("columns", "declared", "word"), [(600, True, "NA"), (4_990, False, "NA"), (300, True, "n.k.")]
)
def test_a_wide_table_is_no_bomb(columns: int, declared: bool, word: str, tmp_path: Path) -> None:
    """Long questionnaires are. Those whose columns are declared took minutes, those whose are not, and words that are no
    numbers, too: 300 columns half a minute, 930 several."""
    names = [f"question_{i}" for i in range(columns)]
    text = "\n".join(
        f"f{i % 30},{2015 + i // 30},12" + (f",{i}.5" if i % 9 else f",{word}") * columns for i in range(120)
    )
    (tmp_path / "rows.csv").write_text(f"firm_id,year,employees_avg,{','.join(names)}\n{text}\n", "utf-8")
    extra = "\n".join(f"    {name}: {{label_en: Q, label_zh: 问}}" for name in names) if declared else ""
    study = "panel:\n  source: rows.csv\n  contract: minimal\n  money_unit: 万元\n  first_year: 2015\n  last_year: 2018\n"
    study += f"  extra_columns:\n{extra}\neffects: {{outcome: question_3}}\n" if declared else ""
    (tmp_path / "s.yaml").write_text(study, "utf-8")
    answered(["validate", str(tmp_path / "s.yaml")], tmp_path, (0,) if word == "NA" else (1, 2))


def test_an_adapter(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(STUDIES["laughs.yaml"], encoding="utf-8")
    (tmp_path / "a.csv").write_text("firm_id,year\na,2015\n", encoding="utf-8")
    answered(["check", str(tmp_path / "a.csv"), "--adapter", str(tmp_path / "a.yaml")], tmp_path)


NAMES = (
    "CON",
    "nul",
    "aux",
    "com1",
    "LPT9",
    "x.",
    "x ",
    ".hidden",
    "x" * 240,
    "a b",
    "-",
    "ａ",
    "a\nb",
    ".",
    "$(id)",
    "'; DROP",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_text("study: {}\n", encoding="utf-8")
    assert commanded(["validate", str(file)]) in (REFUSED, READ)


@pytest.mark.parametrize("kind", ["zsav", "sas7bdat"])
def test_long_texts_of_a_packed_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of 30,000 letters is 57 to 250 bytes there: 5 MB took 2.3 GB. Read in parts; blank rows are whole."""
    monkeypatch.setattr(archives, "MOST", 6_000_000)
    for letter, refused in (("x", True), ("", False)):
        file = tmp_path / f"p{letter}.{kind}"
        frame = pd.DataFrame({"firm_id": ["y" * 30_000] + [letter * 30_000] * 250, "year": 2015.0})
        if kind == "zsav":
            pyreadstat.write_sav(frame, file, compress=True)
        else:
            file.write_bytes(sas7bdat(frame, packed=True))
        with pytest.raises(PanelError, match="allowed are 6 MB") if refused else nullcontext():
            assert labelled.rows(file)["firm_id"].str.len().tolist() == [30_000] + [0] * 250
