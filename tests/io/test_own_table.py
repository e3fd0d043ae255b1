"""A user's input–output table: by hand, with mistakes in the file, and exposures up and down the chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion import io
from fusion.io import InputOutputError, both_ways

# x = (100, 200, 100), A = [[.2, .2, 0], [.1, .3, .2], [.1, .2, .3]]; 342 L = [[450, 140, 40], [90, 560, 160], [90, 180, 540]].
TABLE = """code,divisions,name_en,name_zh,a,m,s,output,exports
a,01-05,Farming,农业,20,40,0,100,0
m,13-15 30,Making,制造,10,60,20,200,40
s,51; 72,Serving,服务,10,40,30,100,0
value_added,,,,60,60,50,,
"""


def own(folder: Path, text: str = TABLE) -> io.Own:
    file = folder / "table.csv"
    file.write_text(text, "utf-8")
    return io.read_own(file)


def test_sectors_make_and_serve_by_their_divisions(tmp_path: Path) -> None:
    found = own(tmp_path)
    assert found.kinds == ("other", "manufacturing", "services")
    assert found.divisions[1] == ("13", "14", "15", "30") and found.sector_of()["72"] == "s"
    excel = tmp_path / "table.xlsx"
    pd.read_csv(tmp_path / "table.csv", dtype=str).to_excel(excel, index=False)
    again = io.read_own(excel)
    np.testing.assert_array_equal(again.table.flows, found.table.flows)
    assert again.kinds == found.kinds


def test_both_ways_by_hand(tmp_path: Path) -> None:
    table = both_ways.degrees(own(tmp_path)).set_index("measure")
    assert set(table["flows"]) == {"all"}, "without imports there is one kind of flows"
    columns = ["services_in_manufacturing", "manufacturing_in_services"]
    assert table.loc["direct", columns].tolist() == pytest.approx([20, 20])
    assert table.loc["complete", columns].tolist() == pytest.approx([100 * 180 / 342, 100 * 160 / 342])
    assert table.loc["distribution", columns].tolist() == pytest.approx([40, 10])
    rows = both_ways.sectors(own(tmp_path)).set_index("sector_en")
    assert rows.loc["Making", ["services", "manufacturing"]].tolist() == pytest.approx([20, 30])
    # Columns of 342 L: 630, 880, 740; mean 750.
    assert rows["influence"].to_dict() == pytest.approx(
        {"Making": 880 / 750, "Serving": 740 / 750, "Farming": 630 / 750}
    )


def test_service_value_added_in_exports_by_hand(tmp_path: Path) -> None:
    """A yuan of exports calls up 180/342 of services, half of it value added; makers themselves buy 20/100."""
    found = both_ways.service_exports(own(tmp_path)).iloc[0]
    assert found[["share", "direct"]].tolist() == pytest.approx([50 * 180 / 342, 10])
    shut = TABLE.replace(",200,40", ",200,0")
    assert both_ways.service_exports(own(tmp_path, shut)).empty
    unsaid = "\n".join(line.rsplit(",", 1)[0] for line in TABLE.strip().split("\n")) + "\n"
    assert both_ways.service_exports(own(tmp_path, unsaid)).empty


def test_shares_of_exports_have_no_unit(tmp_path: Path) -> None:
    """A table in billions sells less than one of anything."""
    whole = both_ways.service_exports(own(tmp_path))
    rows = pd.read_csv(tmp_path / "table.csv", dtype={"code": str, "divisions": str})
    numbers = ["a", "m", "s", "output", "exports"]
    rows.assign(**rows[numbers] * 1e-4).to_csv(tmp_path / "small.csv", index=False)
    small = both_ways.service_exports(io.read_own(tmp_path / "small.csv"))
    pd.testing.assert_frame_equal(small, whole, rtol=1e-12)


def test_a_table_may_miss_its_output_by_a_thousandth(tmp_path: Path) -> None:
    for off, told in ((0.15, False), (0.3, True)):  # of 200: .75 and 1.5 thousandths
        text = TABLE.replace(",200,40", f",{200 + off},40")
        if told:
            with pytest.raises(InputOutputError):
                own(tmp_path, text)
        else:
            assert own(tmp_path, text).table.output[1] == 200 + off


def test_imports_are_taken_out_by_proportion(tmp_path: Path) -> None:
    """40 of 160 that are used at home of m are imported: a quarter of each flow."""
    text = "\n".join(
        line + extra
        for line, extra in zip(TABLE.strip().split("\n"), (",imports", ",0", ",40", ",0", ","), strict=True)
    )
    text = text.replace("m,13-15 30,Making,制造,10,60,20,200,40", "m,13-15 30,Making,制造,10,60,20,200,80")
    table = both_ways.degrees(own(tmp_path, text + "\n")).set_index(["flows", "measure"])
    assert table.loc[("all", "direct"), "manufacturing_in_services"] == pytest.approx(20)
    assert table.loc[("domestic", "direct"), "manufacturing_in_services"] == pytest.approx(15)
    assert table.loc[("domestic", "direct"), "services_in_manufacturing"] == pytest.approx(20)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("s,51; 72,Serving,服务,10,40,30,100,0\n", "", "not square: 2 rows and 3 columns of sectors"),
        ("s,51; 72,Serving,服务,10,40,30,100,0\n", "", "without a column: –; without a row: s"),
        (",a,m,s,output", ",a,m,t,output", "without a column: s; without a row: t"),
        ("m,13-15 30", "a,13-15 30", "rows that stand twice: a"),
        ("10,60,20", "10,-60,20", "row m, column m: a flow of -60 is below zero"),
        ("10,60,20", "10,many,20", "row m, column m: 'many' is no number"),
        ("10,60,20", "10,600,20", "of sector m make"),
        ("value_added,,,,60,60,50,,\n", "", "no row whose code is value_added"),
        ("13-15 30", "13-15 98", "sector m: '98' is no division"),
        ("13-15 30", "C13", "sector m: 'C13' is no division"),
        ("51; 72", "51; 30", "stand in two sectors: 30"),
        (",output,exports", ",total,exports", "lacks output"),
        ("code,divisions", "code,holds", "lacks divisions"),
    ],
)  # fmt: skip
def test_mistakes_in_the_file_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TABLE
    with pytest.raises(io.InputOutputError) as caught:
        own(tmp_path, TABLE.replace(old, new, 1))
    assert said in str(caught.value)


def test_no_table_is_told(tmp_path: Path) -> None:
    for name, content in (
        ("none.csv", None),
        ("bytes.csv", b"\xff\xfe\x00\x81"),
        ("zip.xlsx", b"PK\x03\x04"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(io.InputOutputError, match=name):
            io.read_own(tmp_path / name)


def test_a_sector_that_holds_both_is_of_neither(tmp_path: Path) -> None:
    mixed = own(tmp_path, TABLE.replace("13-15 30", "42 43"))
    assert mixed.kinds[1] == "mixed" and both_ways.degrees(mixed).empty


# -- exposures ---------------------------------------------------------------------------------
def firms() -> pd.DataFrame:
    rows = [
        ("a1", "01", 1.0, 1.0),
        ("s1", "72", 0.0, 1.0),
        ("s2", "51", 1.0, 3.0),
        ("m1", "30", 0.0, 5.0),
        ("m2", "14", 1.0, 1.0),
    ]
    table = pd.DataFrame(
        [*rows, ("x", "", 1.0, 9.0), ("y", "45", 1.0, 9.0)], columns=["firm_id", "division", "t", "size"]
    )
    return table.assign(year=2020)


def test_exposure_by_hand_leaves_the_own_sector_out(tmp_path: Path) -> None:
    """m buys 40 of a and 40 of s, and sells 10 to a and 20 to s; services are 3/4 treated by size, farming wholly."""
    found = both_ways.exposures(firms(), own(tmp_path), {"treated": "t"}, "size").set_index("firm_id")
    assert "x" not in found.index and "y" not in found.index, "no division, and one that no sector holds"
    for firm in ("m1", "m2"):
        assert found.loc[firm, "upstream_treated"] == pytest.approx(0.5 * 1 + 0.5 * 0.75)
        assert found.loc[firm, "downstream_treated"] == pytest.approx(1 / 3 + 2 / 3 * 0.75)
    changed = firms().assign(t=[1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    again = both_ways.exposures(changed, own(tmp_path), {"treated": "t"}, "size").set_index("firm_id")
    assert again.loc["m1", "upstream_treated"] == found.loc["m1", "upstream_treated"]
    assert again.loc["s1", "upstream_treated"] != found.loc["s1", "upstream_treated"]


def test_what_the_panel_does_not_hold_is_left_out_and_told(tmp_path: Path) -> None:
    part = firms().query("firm_id != 'a1'")
    found = both_ways.exposures(part, own(tmp_path), {"treated": "t"}, "size").set_index("firm_id")
    assert found.loc["m1", ["upstream_treated", "upstream_covered"]].tolist() == pytest.approx([0.75, 0.5])
    alone = firms().query("firm_id == 'm1'")
    nothing = both_ways.exposures(alone, own(tmp_path), {"treated": "t"}, "size").iloc[0]
    assert np.isnan(nothing["upstream_treated"]) and nothing["upstream_covered"] == 0


def test_a_year_in_which_nobody_has_a_size_has_no_exposure(tmp_path: Path) -> None:
    """Not that of another year, and not a share of nothing."""
    both = pd.concat([firms().assign(year=2019, size=np.nan), firms()])
    found = both_ways.exposures(both, own(tmp_path), {"treated": "t"}, "size").set_index(["firm_id", "year"])
    told = found[["upstream_treated", "upstream_covered", "downstream_treated", "downstream_covered"]]
    none = told.xs(2019, level="year").to_numpy()
    assert np.isnan(none[:, [0, 2]]).all() and (none[:, [1, 3]] == 0).all()
    assert told.loc[("m1", 2020)].tolist() == pytest.approx([0.875, 1.0, 1 / 3 + 2 / 3 * 0.75, 1.0])


def test_the_form_reads_and_adds_up() -> None:
    found = io.read_own(Path(__file__).parents[2] / "data" / "io" / "table_template.csv")
    assert (
        found.kinds == ("other", "manufacturing", "services") and len(both_ways.service_exports(found)) == 1
    )


def test_a_table_may_miss_its_output_by_the_tolerance_and_no_more(tmp_path: Path) -> None:
    """Inputs and value added of the first sector make 100; where 125 is stated, a fifth is missing."""
    table = own(tmp_path).table
    wrong = replace(table, output=table.output + np.array([25.0, 0, 0]))
    io.table.checked(wrong, "table.csv", 0.2)
    with pytest.raises(InputOutputError):
        io.table.checked(wrong, "table.csv", 0.19)
    io.table.checked(table, "table.csv", 0.0)


@pytest.mark.parametrize(
    ("divisions", "kind"),
    [(("13", "42"), "manufacturing"), (("43",), "services"), (("12",), "other"), (("44", "50"), "other"),
     (("51", "96"), "services"), (("97",), "other"), (("42", "43"), "mixed"), (("96", "97"), "mixed")],
)  # fmt: skip
def test_what_a_sector_holds_by_its_first_and_last_divisions(divisions: tuple[str, ...], kind: str) -> None:
    from fusion.io.own import _kind

    assert _kind(divisions) == kind
