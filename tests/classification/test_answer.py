"""One code: what the tables say of it, in words and as JSON, at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import command

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "classification"
KEYS = [
    "code",
    "edition",
    "name_zh",
    "ancestors",
    "successors",
    "given",
    "predecessors",
    "standards",
    "path",
    "fields",
]


def test_the_classic_in_both_editions() -> None:
    old = gbt.answer("6550", "2011")
    assert list(old) == KEYS
    assert (old["name_zh"], old["ancestors"]) == ("集成电路设计", ["655", "65", "I"])
    assert old["successors"] == [{"code": "6520", "note": gbt.convert(["6550"])["note"].item()}]
    new = gbt.answer("6550")
    assert (new["edition"], new["name_zh"], new["successors"]) == ("2017", "信息处理和存储支持服务", [])
    assert old["standards"] == gbt.answer("6520")["standards"]
    assert list(old["standards"][0]) == ["standard", "class_code", "class_name", "partial", "verified"]


def test_what_is_not_verified_says_so() -> None:
    marks = {r["standard"]: r["verified"] for r in gbt.answer("6550")["standards"]}
    assert [s for s, verified in marks.items() if not verified] == ["producer_services_2019"]
    assert "UNVERIFIED" in gbt.in_words(gbt.answer("6550"))
    assert "未核实" in gbt.in_words(gbt.answer("6550"), "zh")


def test_an_ambiguous_class_says_only_what_its_candidates_share() -> None:
    car = gbt.answer("3610", "2011")
    assert [s["code"] for s in car["successors"]] == ["3611", "3612", "3620"]
    assert car["path"] == "P3"
    partial = {(r["standard"], r["class_code"]): r["partial"] for r in car["standards"]}
    assert partial["strategic_emerging_2018", "5.1.0"]  # the electric one alone
    assert not partial["three_sectors_2018", "2"]


@pytest.mark.parametrize("edition", ["2011", "2017"])
def test_every_code_has_an_answer_that_agrees_with_the_tables(edition: str) -> None:
    listed = {s: set(gbt.members(s)["code"]) for s in gbt.standards()}
    table = gbt.lookup().query("edition == @edition").set_index("code")
    codes = gbt.load(f"gbt4754_{edition}").query("level == '4'")["code"]
    for code in codes.iloc[::7]:
        found = gbt.answer(code, edition)
        assert (found["path"] or "") == table.loc[code, "path"]
        assert ",".join(found["fields"]) == table.loc[code, "fields"]
        if edition == "2017":
            assert {r["standard"] for r in found["standards"]} == {s for s in listed if code in listed[s]}


def test_a_level_above_holds_what_is_below_it() -> None:
    section = gbt.answer("C")
    assert all(r["partial"] for r in section["standards"] if r["standard"] == "modern_services_2023")
    group = gbt.answer("271")
    whole = {r["standard"] for r in group["standards"] if not r["partial"]}
    assert "hightech_manufacturing_2017" in whole
    assert "lost zero it is 0131" in gbt.in_words(gbt.answer("131"))


def test_unknown_codes_name_the_nearest() -> None:
    with pytest.raises(gbt.ClassificationError, match=r"no code 3669\. Near it: 3660 汽车车身"):
        gbt.answer("3669")
    with pytest.raises(gbt.ClassificationError, match="Near it: 9011"):
        gbt.answer("9999")
    with pytest.raises(gbt.ClassificationError, match="allowed: 2011, 2017"):
        gbt.answer("6550", "2002")


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference tables are not beside the project")
@pytest.mark.parametrize("code", ["6550", "6520", "3741", "0111", "2710", "7310", "8610", "3544"])
def test_listings_equal_the_reference_files(code: str) -> None:
    expected = set()
    for file in [*(REFERENCE / "derived").glob("*.csv"), *(REFERENCE / "unverified").glob("*.csv")]:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        if "own_code" not in table.columns:
            continue  # the three sectors have no codes of their own
        line = [code, *gbt.ancestors(code)]
        rows = table[table["gbt4754_code"].isin(line)]
        expected |= {
            (file.stem, own, mark == "1") for own, mark in zip(rows["own_code"], rows["partial"], strict=True)
        }
    found = {(r["standard"], r["class_code"], r["partial"]) for r in gbt.answer(code)["standards"]}
    assert {f for f in found if f[0] != "three_sectors_2018"} == expected


def test_the_command_in_a_process(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "workbook.cli", "classify"]
    done = subprocess.run([*call, "6550", "--edition", "2011", "--json"], capture_output=True, text=True)
    assert (done.returncode, list(json.loads(done.stdout))) == (0, KEYS)
    done = subprocess.run([*call, "9999"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Near it" in done.stderr


def test_the_answer_needs_no_heavy_import() -> None:
    script = (
        "import sys; from fusion.classification import command; command.main(['6550', '--edition', '2011']);"
        "print([m for m in ('pandas', 'numpy', 'ibis', 'duckdb', 'pydantic', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_code_takes_no_file_options() -> None:
    with pytest.raises(gbt.ClassificationError, match="belong to a file"):
        command.run("6550", out=Path("x.csv"))
    with pytest.raises(gbt.ClassificationError, match="allowed: en, zh"):
        command.run("6550", language="fr")


def test_what_a_split_class_gave_away_is_named() -> None:
    """By hand from annex B: robots left other special machinery, platforms left data processing."""
    robots = gbt.answer("3599", "2011")
    assert robots["given"] == ["3491", "3492", "3964"]
    told = gbt.in_words(robots)
    assert "gave away: 3491 工业机器人制造, 3492 特殊作业机器人制造, 3964 服务消费机器人制造" in told
    assert "what remained: 3599 其他专用设备制造" in told
    assert gbt.answer("6540", "2011")["given"] == ["6431", "6432", "6433", "6434", "6439", "6440", "6450"]
    # 4500 was dissolved, and one part of it is named by its product.
    dissolved = gbt.answer("4500", "2011")
    assert dissolved["given"][0] == "2522" and "dissolved into: 2522 煤制合成气生产" in gbt.in_words(
        dissolved
    )
    assert "被分解为：" in gbt.in_words(dissolved, "zh")
    for code, edition in (("3972", "2011"), ("3599", "2017"), ("35", "2011")):
        assert gbt.answer(code, edition)["given"] == []
