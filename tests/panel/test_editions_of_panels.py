"""Codes of several editions in one panel: read as their own, or told; never taken for another edition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.adapters import AdapterError, model, report
from fusion.adapters import panel as adapters
from fusion.classification import classify
from fusion.classification.editions import links
from fusion.panel import PanelError, checks, clean, codes, readers

HEADS = {"firm_id": "统一社会信用代码", "year": "年份", "ind4": "行业小类代码"}


def rows(cells: list[tuple[int, str]], **more: Any) -> pd.DataFrame:
    """A firm for each year and code."""
    frame = pd.DataFrame(cells, columns=["year", "ind4"])
    return frame.assign(firm_id=[f"F{n:03d}" for n in range(len(frame))], **more)


def export(table: pd.DataFrame, file: Path, **heads: str) -> str:
    """The same as a bureau's export."""
    named = table.rename(columns=HEADS | heads).assign(**{"营业收入（万元）": 1.0})
    named.to_csv(file, index=False)
    return file.name


def classes(raw: readers.Raw) -> dict[str, tuple[Any, str]]:
    """Edition and class of 2017 of each firm."""
    got = raw.table.order_by("firm_id").to_pandas()
    known = classify(raw.table).to_pandas().set_index("firm_id")["code_2017"]
    return {
        f: (None if pd.isna(v) else v, known[f])
        for f, v in zip(got["firm_id"], got["class_version"], strict=True)
    }


def found(raw: readers.Raw) -> dict[str, list[str]]:
    """Units by rule of what the checks find."""
    quality = checks.check(raw, "set_aside")
    return quality.groupby("rule")["unit"].agg(list).to_dict()


def test_an_export_without_editions_is_read_by_its_years(con: Any, tmp_path: Path) -> None:
    table = rows([(2001, "4061"), (2008, "3911"), (2015, "3911"), (2018, "3911")])
    raw = adapters.read(con, export(table, tmp_path / "e.csv"), "bureau", tmp_path, contract="minimal").raw
    assert list(classes(raw).values()) == [
        (None, ""), ("2002", "3811"), ("2011", "3911"), ("2017", "3911"),
    ]  # fmt: skip
    assert found(raw)["edition_unknown"] == ["F000"], "before the first edition that is held"
    told = report.lines(report.check([tmp_path / "e.csv"], "bureau"))
    assert "  industry codes read as edition 2002: 2008 to 2008, 1 rows" in told
    assert any(line.startswith("  industry codes of no edition: 2001 to 2001, 1 rows") for line in told)
    with pytest.raises(AdapterError, match="allowed: one of 2002"):
        report.check([tmp_path / "e.csv"], "bureau", edition="1994")


def test_codes_of_2002_in_2008_and_in_2015(con: Any, good: pd.DataFrame) -> None:
    table = good.iloc[[0, 1]].assign(year=[2008, 2015], ind4="4061", class_version="2002", est_year=2001)
    assert found(readers.take(con, table))["edition_late"] == ["F000"]
    # Without the column's own word 4061 of 2015 is no code of 2011, and is not taken for the one of 2002.
    bare = table.assign(class_version=["2002", "2011"])
    assert "code_unknown" in found(readers.take(con, bare))


def test_a_study_states_the_editions_of_its_years(con: Any, good: pd.DataFrame, tmp_path: Path) -> None:
    """An office that went over a year later: nothing is late, and the panel's column need not be there."""
    table = good.assign(ind4="3911").drop(columns="class_version").assign(year=lambda t: t["year"] - 3)
    table.to_csv(tmp_path / "p.csv", index=False)
    raw = readers.read(con, "p.csv", root=tmp_path, money_unit="万元")
    assert (
        raw.table.to_pandas()["class_version"].tolist()
        == np.where(table["year"] < 2012, "2002", "2011").tolist()
    )
    stated = {1998: "2002", 2013: "2011"}
    raw = readers.read(con, "p.csv", root=tmp_path, money_unit="万元", editions=stated)
    got = raw.table.to_pandas()
    assert got["class_version"].tolist() == np.where(got["year"] < 2013, "2002", "2011").tolist()
    assert not {"edition_late", "edition_early"} & set(found(raw))
    by_adapter = adapters.read(
        con, export(rows([(2012, "3911"), (2013, "3911")]), tmp_path / "e.csv"), "bureau", tmp_path,
        contract="minimal", editions=stated,
    ).raw  # fmt: skip
    assert list(classes(by_adapter).values()) == [("2002", "3811"), ("2011", "3911")]


def test_a_file_that_changes_its_edition_in_the_middle_is_told(con: Any, tmp_path: Path) -> None:
    old, new = sorted(links("2002", "2011"))[::30], sorted(links("2011", "2017"))[::40]
    cells = [(2012, c) for c in old] + [(2013, c) for c in old] + [(2014, c) for c in new]
    raw = adapters.read(
        con, export(rows(cells), tmp_path / "e.csv"), "bureau", tmp_path, contract="minimal"
    ).raw
    doubt = raw.quality.query("rule == 'edition_doubtful'")
    assert len(doubt) == 1 and doubt["message_en"].item().startswith("2012 to 2013: ")
    assert (
        "100% exist in 2002" in doubt["message_en"].item() and "2012 至 2013 年" in doubt["message_zh"].item()
    )
    stated = adapters.read(
        con, "e.csv", "bureau", tmp_path, contract="minimal", editions={1998: "2002", 2014: "2011"}
    ).raw
    assert "edition_doubtful" not in set(stated.quality["rule"])


def test_an_adapter_states_the_edition_of_a_file(con: Any, tmp_path: Path) -> None:
    export(rows([(2013, "3911")]), tmp_path / "old_2013.csv")
    export(rows([(2013, "3911")]).assign(firm_id="G"), tmp_path / "new.csv")
    used = model.load("bureau")
    rule = {"match": "old*", "edition": "2002"}
    used = model.validate({**used.model_dump(exclude_unset=True), "files": [rule]}, "mine")
    files = [tmp_path / "old_2013.csv", tmp_path / "new.csv"]
    raw = adapters.convert(con, files, used, adapters.choices("minimal")).raw
    assert classes(raw) == {"F000": ("2002", "3811"), "G": ("2011", "3911")}
    with pytest.raises(AdapterError, match="no edition 1994; allowed: 2002, 2011, 2017, csrc2012"):
        model.validate({"adapter": "a", "files": [{"match": "*", "edition": "1994"}]}, "mine")


def test_establishments_are_read_in_the_edition_of_their_year(con: Any, tmp_path: Path) -> None:
    """6212 is software in 2002 and no class after; 3911 of 2008 makes generators."""
    firm = "91310000MA0000001X"
    panel = pd.DataFrame(
        {"统一社会信用代码": firm, "年份": [2008, 2018], "行业小类代码": "3562", "营业收入（万元）": 9.0}
    )
    panel.to_csv(tmp_path / "p.csv", index=False)
    unit = {
        "法人单位统一社会信用代码": firm,
        "年份": [2008, 2008, 2018],
        "行业代码": ["6212", "3911", "6513"],
    }
    pd.DataFrame({**unit, "经营性单位收入（万元）": [3.0, 5.0, 2.0]}).to_csv(
        tmp_path / "611.csv", index=False
    )
    files = [tmp_path / "p.csv", tmp_path / "611.csv"]
    raw = adapters.convert(con, files, model.load("bureau"), adapters.choices("minimal")).raw
    got = raw.table.order_by("year").to_pandas()
    assert got["service_rev_by_class"].tolist() == ['{"6212": 3.0}', '{"6513": 2.0}']
    assert got["service_revenue"].tolist() == [3.0, 2.0]


@pytest.mark.parametrize("head", ["IndustryCodeD", "Nnindcd"])
def test_csmar_bears_the_regulators_divisions(con: Any, tmp_path: Path, head: str) -> None:
    cells = [(2012, "R87"), (2018, "R87"), (2018, "S90"), (2018, "C39"), (2018, "I39")]
    table = rows(cells).rename(columns={"firm_id": "Stkcd", "ind4": head})
    table = table.assign(
        Stkcd=[f"{n:06d}" for n in range(1, 6)], Accper=table.pop("year").astype(str) + "-12-31"
    )
    table.assign(Indcd="6", Nindcd="C51", A001000000="1").to_csv(tmp_path / "c.csv", index=False)
    change = {**model.load("csmar").model_dump(exclude_unset=True), "label_rows": 0, "unit_row": None}
    used = model.validate(change, "csmar")
    chosen = adapters.choices("minimal", money_unit="元")
    raw = adapters.convert(con, [tmp_path / "c.csv"], used, chosen).raw
    got = raw.table.order_by("firm_id").to_pandas()
    assert got["ind4"].tolist() == ["87", "87", "S90", "39", "I39"]
    assert (got["class_version"] == "csrc2012").all()
    known = classify(raw.table).to_pandas().set_index("firm_id")
    assert (
        known.loc["000001", "division"] == known.loc["000002", "division"] == "88"
    )  # 文化艺术业, in any year
    s90 = known.loc["000003"]
    assert (s90["mapping_status"], s90["mapping_how"], s90["section"]) == ("unmatched", "no_counterpart", "")
    assert known.loc["000004", ["division", "path"]].tolist() == ["39", "P1"]
    assert known.loc["000005", "mapping_how"] == "letter_contradicts"
    told = found(raw)
    assert told["code_format"] == ["000005"] and "edition_late" not in told


def test_wind_names_the_regulators_industries(con: Any, tmp_path: Path) -> None:
    cells = [(2018, "制造业-计算机、通信和其他电子设备制造业"), (2018, "综合-综合"), (2018, "C39")]
    table = rows(cells).rename(columns={"firm_id": "证券代码", "year": "年度", "ind4": "所属证监会行业"})
    table.assign(**{"营业收入（万元）": 1.0}).to_excel(tmp_path / "w.xlsx", index=False)
    raw = adapters.read(con, "w.xlsx", "wind", tmp_path, contract="minimal").raw
    got = raw.table.order_by("firm_id").to_pandas()
    assert got["ind4"].tolist() == ["39", "S90", "39"] and (got["class_version"] == "csrc2012").all()


def test_industries_are_kept_in_terms_of_2017(con: Any, good: pd.DataFrame) -> None:
    """Section I is hotels in 2002; 65 is retail in 2002, software in 2011; S90 is no section of GB/T 4754."""
    kept = [("2002", "6212"), ("2011", "6510"), ("2017", "6513"), ("csrc2012", "65")]
    dropped = [("2002", "6610"), ("2002", "6511"), ("csrc2012", "S90"), ("2017", "3911")]
    many = pd.concat([good.iloc[[0]]] * 8, ignore_index=True)
    edition, code = zip(*kept, *dropped, strict=True)
    table = many.assign(firm_id=[f"F{n}" for n in range(8)], class_version=list(edition), ind4=list(code))
    raw = readers.take(con, table)
    quality = checks.check(raw, "set_aside").assign(set_aside=False)
    for wanted in (["I"], ["64", "65"]):
        flow = clean.sample(raw.table, quality, first_year=2000, last_year=2030, keep_industries=wanted)
        assert sorted(flow.table.to_pandas()["firm_id"]) == [f"F{n}" for n in range(4)], wanted
    assert not codes.inside(("S",))["csrc2012"]


def test_what_is_stated_of_editions_is_checked() -> None:
    assert codes.stated("2002") == {0: "2002"}
    assert codes.stated("1998:2002, 2013:2011") == {1998: "2002", 2013: "2011"}
    for text in ("1994", "x:2002", "2002,2011", "1998:1994", "0:2002"):
        with pytest.raises(PanelError, match="allowed: one of 2002, 2011, 2017, csrc2012"):
            codes.stated(text)
