"""Point shares of partial classes; the bounds never move."""

from __future__ import annotations

import json
from pathlib import Path

import ibis
import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import coefficients as co
from fusion.classification import reported

PARTIAL = gbt.members("modern_services_2023").query("membership == 'partial'")["code"].iloc[0]


def write(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "shares.csv"
    file.write_text("\n".join(["standard,gbt_code,coefficient", *rows]) + "\n", encoding="utf-8")
    return file


def test_a_file_moves_the_point_alone(tmp_path: Path) -> None:
    file = write(tmp_path, f"modern_services_2023,{PARTIAL},0.2")
    own, plain = (
        gbt.lookup(coefficients=c).query("edition == '2017'").set_index("code")
        for c in (co.from_file(file, 0.5), co.equal(0.5))
    )
    assert own.loc[PARTIAL, "services_share_point"] == 0.2
    assert plain.loc[PARTIAL, "services_share_point"] == 0.5
    assert own.loc[PARTIAL, ["services_share_low", "services_share_high"]].tolist() == [0, 1]
    assert own.drop(index=PARTIAL).equals(plain.drop(index=PARTIAL).reindex(own.drop(index=PARTIAL).index))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"modern_2023,{PARTIAL},0.2", "row 2: no standard 'modern_2023'"),
        ("modern_services_2023,99,0.2", "row 2: '99' is not a class"),
        (f"modern_services_2023,{PARTIAL},1.2", "coefficient '1.2'; allowed: 0 to 1"),
        (f"modern_services_2023,{PARTIAL},half", "coefficient 'half'"),
    ],
)
def test_bad_files_say_the_row(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(gbt.ClassificationError, match=message):
        co.from_file(write(tmp_path, row))


def test_missing_files_columns_and_double_rows(tmp_path: Path) -> None:
    with pytest.raises(gbt.ClassificationError, match="no coefficients file"):
        co.from_file(tmp_path / "none.csv")
    row = f"modern_services_2023,{PARTIAL},0.2"
    with pytest.raises(gbt.ClassificationError, match="twice"):
        co.from_file(write(tmp_path, row, row))
    (tmp_path / "bare.csv").write_text("standard,gbt_code\n")
    with pytest.raises(gbt.ClassificationError, match="lacks the column coefficient"):
        co.from_file(tmp_path / "bare.csv")
    with pytest.raises(gbt.ClassificationError, match=r"partial_share = 1\.5"):
        co.equal(1.5)


def reporting(firms: int) -> ibis.Table:
    held = gbt.members("modern_services_2023").set_index("code")["membership"]
    full = held.index[held == "full"][0]
    other = held.index[held == "partial"][1]
    # Of 100 sold, 30 in a class that is in the standard, 20 in one that is partly: 30 / (100 − 20).
    by_class = json.dumps({full: 30.0, other: 20.0, "0111": 10.0})
    rows = [(f"f{i}", 2018, PARTIAL, "2017", 100.0, by_class) for i in range(firms)]
    rows += [("silent", 2018, PARTIAL, "2017", 100.0, None), ("broken", 2018, PARTIAL, "2017", 100.0, "{")]
    names = ["firm_id", "year", "ind4", "class_version", "operating_revenue", "service_rev_by_class"]
    return ibis.memtable(pd.DataFrame(rows, columns=names))


def test_shares_estimated_from_units_that_report() -> None:
    found = reported.estimated(reporting(6), ["modern_services_2023"], 0.5, min_units=5)
    assert found.how == "estimated"
    assert [(s, c) for s, c, _ in found.values] == [("modern_services_2023", PARTIAL)]
    assert found.values[0][2] == pytest.approx(30 / 80)
    assert reported.estimated(reporting(4), ["modern_services_2023"], 0.5, min_units=5).values == ()


def test_without_reports_the_equal_share_stays() -> None:
    bare = ibis.memtable(pd.DataFrame({"firm_id": ["a"], "year": [2018]}))
    assert reported.estimated(bare, ["modern_services_2023"], 0.4) == co.Coefficients("estimated", 0.4)


def test_own_classes_of_a_standard_have_their_own_coefficients(tmp_path: Path) -> None:
    code = gbt.members("three_new_2018", ("02",)).query("membership == 'partial'")["code"].iloc[0]
    found = co.from_file(write(tmp_path, f"three_new_2018:02,{code},0.9"))
    table = gbt.lookup(coefficients=found).query("edition == '2017'").set_index("code")
    assert table.loc[code, "manufacturing_share_point"] == 0.9
