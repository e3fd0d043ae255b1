"""Tables under the heads of statistical offices, as a user has them: national ones, the OECD's, of many sectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion import io
from fusion.io import both_ways, heads
from fusion.io.algebra import InputOutputError

NATIONAL = Path(__file__).parents[3] / "shared" / "verification" / "io"
COMPETITIVE = """Code,Description,DescriptionInChinese,01,02,03,TIU,FU101,EX,IM,GO
01,Farming,农林牧渔业,20,40,0,60,40,0,0,100
02,Making,纺织业,10,60,20,90,150,40,80,200
03,Serving,金融业,10,40,30,80,20,0,0,100
TII,Total,中间投入合计,40,140,50,,,,,
TVA,Value added,增加值合计,60,60,50,,,,,
TI,Total inputs,总投入,100,200,100,,,,,
"""
OWN = """code,divisions,name_en,name_zh,01,02,03,output,exports,imports
01,01-05,Farming,农林牧渔业,20,40,0,100,0,0
02,17,Making,纺织业,10,60,20,200,40,80
03,66-69,Serving,金融业,10,40,30,100,0,0
value_added,,,,60,60,50,,,
"""
# The OECD's: other names of rows and columns, output in a row, imports below zero, taxes beside intermediate inputs.
OECD = """Code,D01T02,D13T15,D64T66,HFCE,GFCF,EXPO,IMPO
TTL_01T02,20,40,0,30,10,0,0
TTL_13T15,10,60,20,100,50,40,-80
TTL_64T66,10,40,30,15,5,0,0
TXS_INT_FNL,5,5,5,1,1,,
VALU,55,55,45,,,,
OUTPUT,100,200,100,,,,
"""


def own(folder: Path, text: str) -> io.Own:
    file = folder / "table.csv"
    file.write_text(text, "utf-8")
    return io.read_own(file)


def test_a_published_table_is_that_of_ones_own_form(tmp_path: Path) -> None:
    found, by_hand = own(tmp_path, COMPETITIVE), own(tmp_path, OWN)
    assert found.kinds == by_hand.kinds == ("other", "manufacturing", "services")
    assert found.divisions == by_hand.divisions and found.table.codes == by_hand.table.codes
    pd.testing.assert_frame_equal(both_ways.degrees(found), both_ways.degrees(by_hand))
    pd.testing.assert_frame_equal(both_ways.service_exports(found), both_ways.service_exports(by_hand))


def test_other_heads_and_codes_give_the_same(tmp_path: Path) -> None:
    found, by_hand = own(tmp_path, OECD), own(tmp_path, OWN)
    assert found.table.codes == ("01T02", "13T15", "64T66")
    assert found.kinds == by_hand.kinds
    assert found.divisions[1] == ("17", "18", "19") and found.divisions[2] == ("66", "67", "68", "69")
    np.testing.assert_array_equal(found.table.flows, by_hand.table.flows)
    np.testing.assert_array_equal(found.table.imports, by_hand.table.imports)
    np.testing.assert_array_equal(found.table.value_added, [60, 60, 50])
    pd.testing.assert_frame_equal(both_ways.degrees(found), both_ways.degrees(by_hand))


def test_rows_of_imports_are_taken_out_as_listed(tmp_path: Path) -> None:
    """Imports that only farming and making use, where proportion would take them from all."""
    text = """Code,DescriptionInChinese,Origin,01,02,03,TIU,TC,EX,GO
01,农林牧渔业,Domestic,20,40,0,60,40,0,100
02,纺织业,Domestic,8,40,20,68,92,40,200
03,金融业,Domestic,10,40,30,80,20,0,100
01,农林牧渔业,Imports,0,0,0,0,0,0,0
02,纺织业,Imports,2,20,0,22,58,0,80
03,金融业,Imports,0,0,0,0,0,0,0
TVA,增加值合计,TOT,60,60,50,,,,
"""
    found = own(tmp_path, text)
    np.testing.assert_array_equal(found.table.flows, own(tmp_path, OWN).table.flows)
    np.testing.assert_allclose(found.table.domestic_coefficients[1], [0.08, 0.2, 0.2])
    both = both_ways.degrees(found).set_index(["flows", "measure"])["manufacturing_in_services"]
    # Services import no goods: what they buy at home is all that they buy.
    assert both["domestic", "direct"] == pytest.approx(both["all", "direct"]) == pytest.approx(20)


def test_imports_above_home_use_are_a_share_of_supply() -> None:
    """Processing trade: 50 imported, 30 used at home; 50 of a supply of 150 come from abroad."""
    a = np.array([[0.1, 0.2], [0.1, 0.1]])
    found = io.domestic(a, [100, 200], imports=[50, 0], exports=[120, 0])
    np.testing.assert_allclose(found, [[0.1 * 2 / 3, 0.2 * 2 / 3], [0.1, 0.1]])


def test_what_is_not_known_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputOutputError, match="divisions of GB/T 4754 of these sectors are not known: 02"):
        own(tmp_path, COMPETITIVE.replace("纺织业", "某业"))
    with pytest.raises(InputOutputError, match="lacks code, divisions, output"):
        own(tmp_path, COMPETITIVE.replace("TVA,", "XYZ,"))
    told = COMPETITIVE.replace("Code,", "divisions,Code,").replace("\n0", "\n17,0").replace("\nT", "\n,T")
    assert (
        own(tmp_path, told.replace("17,01", "1-5,01").replace("17,03", "66,03")).kinds[1] == "manufacturing"
    )


def test_divisions_of_all_sectors_by_isic() -> None:
    """Every division of GB/T 4754 is in one of the OECD's 45 sectors."""
    text = "01T02 03 05T06 07T08 09 10T12 13T15 16 17T18 19 20 21 22 23 24 25 26 27 28 29 30 31T33 35 36T39 41T43"
    text += " 45T47 49 50 51 52 53 55T56 58T60 61 62T63 64T66 68 69T75 77T82 84 85 86T88 90T93 94T96 97T98"
    found = heads._by_isic(text.split())
    held = [d for own in found.values() for d in own.split()]
    assert len(held) == len(set(held))
    assert {f"{d:02d}" for d in range(13, 43)} <= set(held) and "43" not in held
    assert found["10T12"] == "13 14 15 16" and found["26"] == "39 40" and found["64T66"] == "66 67 68 69"


def test_names_of_national_sectors_agree_with_the_crosswalk() -> None:
    """What `gbt_to_io42.csv` says of divisions of manufacturing, this says of its sectors."""
    own = pd.read_csv(io.table.FOLDER / "sector_divisions.csv", dtype=str).set_index("sector_zh")["divisions"]
    links = pd.read_csv(io.table.FOLDER / "gbt_to_io42.csv", dtype=str)
    for division, name in links.loc[links["sector_zh"].isin(own.index), ["division", "sector_zh"]].itertuples(
        index=False
    ):
        first, _, last = own[name].partition("-")
        assert int(first) <= int(division) <= int(last or first), (division, name)
    assert links["sector_zh"].isin(own.index).mean() > 0.9


@pytest.mark.skipif(not NATIONAL.is_dir(), reason="published tables are not there")
@pytest.mark.parametrize("file", ["2005_42", "2010_41", "2015_42", "2017_42", "2018_42", "2020_42"])
def test_national_tables_as_they_are_published(file: str) -> None:
    found = io.read_own(NATIONAL / f"china_{file}.csv")
    assert len(found.table.codes) == int(file[-2:]) and found.has_exports and "mixed" not in found.kinds
    held = [d for own in found.divisions for d in own]
    assert len(held) == len(set(held)) and {f"{d:02d}" for d in range(13, 43)} <= set(held)
    degrees = both_ways.degrees(found).set_index(["flows", "measure"])
    assert (degrees.loc["domestic"] <= degrees.loc["all"]).to_numpy().all()
    assert degrees.loc[("all", "direct"), "services_in_manufacturing"] == pytest.approx(12, abs=4)
    assert not both_ways.service_exports(found).empty
