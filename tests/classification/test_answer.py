"""One code: what the tables say of it, in words and as JSON, at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import abroad, command
from fusion.classification.codes import unclear

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "classification"
KEYS = [
    "code", "edition", "stated", "name_zh", "ancestors", "same_number", "editions", "given", "membership", "standards", "path",
    "paths_possible", "fields", "fields_possible", "isic4", "regulator",
]  # fmt: skip


def test_the_classic_in_both_editions() -> None:
    old = gbt.answer("6550", "2011")
    assert list(old) == KEYS
    assert (old["name_zh"], old["ancestors"]) == ("集成电路设计", ["655", "65", "I"])
    assert old["editions"]["2017"] == [{"code": "6520", "note": gbt.convert(["6550"], "2011")["note"].item()}]
    assert list(old["editions"]) == ["2002", "2017"]  # and from where it came
    new = gbt.answer("6550")
    assert (new["edition"], new["stated"], new["name_zh"]) == ("2017", False, "信息处理和存储支持服务")
    assert new["same_number"] == {"2011": "集成电路设计"}
    assert "the same number in GB/T 4754-2011 is something else: 集成电路设计" in gbt.in_words(new)
    assert "同一代码在 GB/T 4754-2011 中另有所指：集成电路设计" in gbt.in_words(new, "zh")
    assert old["standards"] == gbt.answer("6520")["standards"]
    assert list(old["standards"][0]) == ["standard", "class_code", "class_name", "partial", "verified"]


def test_what_is_not_verified_says_so() -> None:
    marks = {r["standard"]: r["verified"] for r in gbt.answer("6550")["standards"]}
    assert [s for s, verified in marks.items() if not verified] == ["producer_services_2019"]
    assert "UNVERIFIED" in gbt.in_words(gbt.answer("6550"))
    assert "未核实" in gbt.in_words(gbt.answer("6550"), "zh")


def test_an_ambiguous_class_says_only_what_its_candidates_share() -> None:
    car = gbt.answer("3610", "2011")
    assert [s["code"] for s in car["editions"]["2017"]] == ["3611", "3612", "3620"]
    assert car["path"] == "P3"
    partial = {(r["standard"], r["class_code"]): r["partial"] for r in car["standards"]}
    assert partial["strategic_emerging_2018", "5.1.0"]  # the electric one alone
    assert not partial["three_sectors_2018", "2"]


@pytest.mark.parametrize("edition", ["2002", "2011", "2017", "csrc2012"])
def test_every_code_has_an_answer_that_agrees_with_the_tables(edition: str) -> None:
    listed = {s: set(gbt.members(s)["code"]) for s in gbt.standards()}
    table = gbt.lookup(standards=tuple(gbt.standards())).query("edition == @edition").set_index("code")
    for code in table.index[::7]:
        if code in unclear(edition):
            continue  # 131: refused, as everywhere
        found = gbt.answer(code, edition)
        words = {s: found["membership"].get(s, "no") for s in listed}
        assert words == {s: table.loc[code, f"in_{s}"] for s in listed}, code
        assert (found["path"] or "") == table.loc[code, "path"]
        assert ",".join(found["paths_possible"]) == table.loc[code, "paths_possible"]
        assert ",".join(found["fields"]) == table.loc[code, "fields"]
        if edition == "2017" and len(code) == 4:
            assert {r["standard"] for r in found["standards"]} == {s for s in listed if code in listed[s]}


def test_a_level_above_holds_what_is_below_it() -> None:
    section = gbt.answer("C")
    assert all(r["partial"] for r in section["standards"] if r["standard"] == "modern_services_2023")
    group = gbt.answer("271")
    whole = {r["standard"] for r in group["standards"] if not r["partial"]}
    assert "hightech_manufacturing_2017" in whole
    with pytest.raises(
        gbt.ClassificationError, match=r"class 0131 without its zero, or the group 131; write 0131, or C131"
    ):
        gbt.answer("131")
    assert gbt.answer("C131")["code"] == "131" and gbt.answer("A131")["code"] == "0131"


def test_unknown_codes_name_the_nearest() -> None:
    with pytest.raises(
        gbt.ClassificationError, match=r"no code 3669; GB/T 4754-2002 has it\. Near it: 3660 汽车车身"
    ):
        gbt.answer("3669", "2017")
    assert gbt.answer("3669")["edition"] == "2002"
    with pytest.raises(gbt.ClassificationError, match="Near it: 9011"):
        gbt.answer("9999")
    with pytest.raises(
        gbt.ClassificationError, match="'1994' is not held; allowed: 2002, 2011, 2017, csrc2012"
    ):
        gbt.answer("6550", "1994")


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
    # Over two editions: repair left in 2011, robots in 2017.
    assert gbt.answer("3699", "2002")["given"] == ["3491", "3492", "3964", "4330"]
    for code, edition in (("3972", "2011"), ("3599", "2017"), ("35", "2011")):
        assert gbt.answer(code, edition)["given"] == []


def test_the_regulators_codes_are_read_as_its_own() -> None:
    s90 = gbt.answer("S90")
    assert (s90["edition"], s90["code"], s90["standards"], s90["isic4"], s90["regulator"]) == (
        "csrc2012",
        "S90",
        [],
        [],
        ["S90"],
    )
    assert "nothing in GB/T 4754 corresponds to it" in gbt.in_words(s90)
    assert gbt.answer("S90", "2011")["code"] == "90"  # 中国共产党机关, which has one class
    assert [gbt.answer("R87", e)["name_zh"] for e in ("csrc2012", "2011", "2017")] == [
        "文化艺术业", "文化艺术业", "广播、电视、电影和录音制作业",
    ]  # fmt: skip
    assert gbt.answer("R87", "csrc2012")["path"] == "other"
    for edition in ("2002", "2011", "2017"):
        with pytest.raises(gbt.ClassificationError, match="3911 is in section C, not I"):
            gbt.answer("I3911", edition)
    # What the regulator's division loses: the classes of C39 differ.
    division = gbt.answer("C39", "csrc2012")
    assert division["path"] == "P1" and division["membership"]["strategic_emerging_2018"] == "possible"
    assert gbt.answer("3911", "2002")["regulator"] == ["38"]


def test_isic_in_both_directions() -> None:
    both = {(code, isic) for code, held in abroad.pairs().items() for isic in held}
    assert len(both) == 1474
    assert both == {
        (code, isic) for isic in abroad.names() if len(isic) == 4 for code in abroad.classes_of(isic)
    }
    assert gbt.answer("3391")["isic4"] == [{"code": "2431", "certain": True, "look": False}]
    assert gbt.answer("1329")["isic4"] == []
    assert "annex C names no class" in gbt.in_words(gbt.answer("1329"))
    looked = [r for r in gbt.answer("3599")["isic4"] if r["look"]]
    assert looked == [{"code": "2910", "certain": False, "look": True}]
    assert "3911 计算机整机制造" in command.run("2620", edition="isic4")
    assert json.loads(command.run("2910", edition="isic4", as_json=True))["3599"] is True
    with pytest.raises(gbt.ClassificationError, match=r"ISIC Rev\. 4 has no class '9999'"):
        command.run("9999", edition="isic4")
