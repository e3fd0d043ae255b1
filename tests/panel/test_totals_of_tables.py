"""Rows that are totals of units become no units: known by their words or by their numbers, with an adapter and without."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fusion import adapters, engine
from fusion.panel import checks, readers

FIELD = {"type": "float", "unit": "", "label_en": "x", "label_zh": "x"}
DECLARED = {"x": FIELD, "y": FIELD}
PLAIN = {"contract": "minimal", "extra_columns": DECLARED}
UNITS = [("A1", 2019, 1, 2), ("A2", 2019, 3, 4), ("A3", 2019, 5.5, 7), ("A1", 2020, 2, 3), ("A2", 2020, 4, 5)]


def plain(folder: Path, *rows: tuple[object, ...]) -> readers.Raw:
    frame = pd.DataFrame([*UNITS, *rows], columns=["firm_id", "year", "x", "y"])
    frame.to_csv(folder / "plain.csv", index=False)
    return readers.read(engine.opened(folder), "plain.csv", root=folder, **PLAIN)


def told(raw: readers.Raw, rule: str) -> list[tuple[int, str]]:
    found = raw.quality[raw.quality["rule"] == rule]
    return [(int(row), str(value)) for row, value in zip(found["row"], found["value"], strict=True)]


@pytest.mark.parametrize(
    "row",
    [
        ("合计", 2019, 1, 1),  # a word that no unit bears settles it
        ("浦东新区小计：", 2019, 1, 1),
        ("合 计", None, None, None),
        ("Total", 2020, 6, 8),  # of its year
        ("全市", None, 15.5, 21),  # of all
        (None, None, 15.5, 21),  # no identifier, but sums of more than three rows in two columns
        ("浦东新区", None, 15.5, 21),  # an identifier of another shape than all others
        ("平均", None, 3.1, 4.2),
    ],
)
def test_a_total_is_no_unit_and_is_named_with_its_row(row: tuple[object, ...], tmp_path: Path) -> None:
    raw = plain(tmp_path, row)
    assert raw.rows == len(UNITS) and set(raw.table.to_pandas()["firm_id"]) == {"A1", "A2", "A3"}
    assert [at for at, _ in told(raw, "total_row")] == [6]
    quality = checks.check(raw, "stop")  # it breaks nothing
    assert quality.loc[quality["rule"] == "total_row", "message_zh"].str.contains("合计").all()


def test_totals_of_each_year_and_of_all_are_all_found(tmp_path: Path) -> None:
    raw = plain(
        tmp_path, ("Subtotal", 2019, 9.5, 13), ("Subtotal", 2020, 6, 8), ("Grand total", None, 15.5, 21)
    )
    assert raw.rows == len(UNITS) and len(told(raw, "total_row")) == 3


def test_a_total_above_its_parts_is_one_too(tmp_path: Path) -> None:
    frame = pd.DataFrame([("全市", None, 15.5, 21), *UNITS], columns=["firm_id", "year", "x", "y"])
    frame.to_csv(tmp_path / "above.csv", index=False)
    raw = readers.read(engine.opened(tmp_path), "above.csv", root=tmp_path, **PLAIN)
    assert raw.rows == len(UNITS) and told(raw, "total_row") == [(1, "全市")]


def test_an_enterprise_that_is_called_total_stays_and_is_said(tmp_path: Path) -> None:
    raw = plain(tmp_path, ("Total", 2019, 80, 95), ("Total", 2020, 81, 99))
    assert raw.rows == len(UNITS) + 2
    assert told(raw, "total_row") == [] and told(raw, "called_total") == [(6, "Total"), (7, "Total")]


def test_a_row_without_identifier_that_adds_up_nothing_is_a_missing_key(tmp_path: Path) -> None:
    raw = plain(tmp_path, (None, 2020, 7, 8))
    assert raw.rows == len(UNITS) + 1 and told(raw, "total_row") == []
    assert "key_missing" in set(checks.check(raw, "set_aside")["rule"])


def test_an_item_that_ends_in_a_word_for_sums_is_none(tmp_path: Path) -> None:
    """Beside an identifier 合计 is a group or an item of the unit (流动资产合计)."""
    frame = pd.DataFrame(
        [("流动资产合计", "A1", 2019, 1, 2), ("合计", "A2", 2019, 3, 4)],
        columns=["item", "firm_id", "year", "x", "y"],
    )
    frame.to_csv(tmp_path / "items.csv", index=False)
    raw = readers.read(engine.opened(tmp_path), "items.csv", root=tmp_path, **PLAIN)
    assert raw.rows == 2 and told(raw, "total_row") == []


def test_an_adapter_without_a_word_for_it_sets_it_aside_and_counts_it(tmp_path: Path) -> None:
    rows = ["统一社会信用代码,单位详细名称,行业代码,资产总计,营业收入"]
    codes = ["91310115100000139Q", "91310117100001502T", "91310151100002871E", "91310105100004244D"]
    rows += [f"{code},甲{i},3911,{90 + i},{70 + i}" for i, code in enumerate(codes)]
    rows += [",浦东各单位,,366,286"]
    (tmp_path / "605-1_2018.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    source = adapters.read(
        engine.opened(tmp_path),
        "605-1_2018.csv",
        "bureau",
        root=tmp_path,
        contract="minimal",
        extra_columns={},
    )
    (file,) = source.files
    assert (file.read, file.kept, file.aside) == (5, 4, {"total": 1})
