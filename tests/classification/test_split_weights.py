"""Weights of split codes: refused where the official comparison does not know them, points by hand."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import split_weights
from fusion.classification.coefficients import equal
from fusion.classification.enterprises import bounds

HEAD = "edition,code,part,weight\n"
ROBOTS = HEAD + "2011,3599,3491,0.2\n2011,3599,3964,0.1\n2011,3599,3599,0.7\n"


def written(folder: Path, text: str) -> Path:
    (folder / "weights.csv").write_text(text, encoding="utf-8")
    return folder / "weights.csv"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("edition,code,part\n", "lacks the column weight"),
        (
            HEAD + "2011,3599,3982,1\n",
            "does not split 3599 of 2011 into 3982; its classes: 3491, 3492, 3599, 3964",
        ),
        (HEAD + "2011,3972,3982,1\n", "does not split 3972"),
        (HEAD + "1994,3599,3491,1\n", "edition '1994' is none of"),
        (HEAD + "2011,3599,3491,1.5\n", "row 2: weight '1.5'; allowed: 0 to 1"),
        (HEAD + "2011,3599,3491,x\n", "weight 'x'"),
        (HEAD + "2011,3599,3491,0.5\n2011,3599,3491,0.5\n", "gives 3599 and 3491 twice"),
        (HEAD + "2011,3599,3491,0.5\n2011,3599,3599,0.4\n", "weights of 3599 add up to 0.9"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(gbt.ClassificationError, match=told):
        split_weights.from_file(written(tmp_path, text))
    with pytest.raises(gbt.ClassificationError, match="no file of weights"):
        split_weights.from_file(tmp_path / "none.csv")


def test_weights_move_points_and_nothing_else(tmp_path: Path) -> None:
    """Robots are strategic emerging in full, the rest of 3599 in part: .2 + .1 + .7 times a half; bounds as before."""
    weights = split_weights.from_file(written(tmp_path, ROBOTS))
    rows = {}
    for name, how in (("plain", equal()), ("declared", weights.on(equal()))):
        table = bounds("strategic_emerging_2018", (), how).set_index(["edition", "code"])
        rows[name] = table.loc[("2011", "3599")]
        assert (
            table["point"]
            .drop(("2011", "3599"))
            .equals(
                bounds("strategic_emerging_2018", (), equal())
                .set_index(["edition", "code"])["point"]
                .drop(("2011", "3599"))
            )
        )
    assert rows["declared"]["point"] == pytest.approx(0.65) and pd.isna(rows["plain"]["point"])
    assert rows["declared"][["low", "high"]].tolist() == rows["plain"][["low", "high"]].tolist() == [0.0, 1.0]


def test_points_of_paths(tmp_path: Path) -> None:
    """Two makers of other machines with 100 and 300: .1 of each may be electronics (3964), .9 high-end equipment."""
    panel = pd.DataFrame(
        {"firm_id": list("ABC"), "year": 2015, "ind4": ["3599", "3599", "3972"], "class_version": "2011"}
    )
    rows = gbt.classify(ibis.memtable(panel))
    rows = rows.inner_join(
        ibis.memtable(pd.DataFrame({"firm_id": list("ABC"), "r": [100.0, 300.0, 600.0]})), "firm_id"
    )
    weights = split_weights.from_file(written(tmp_path, ROBOTS))
    told = gbt.path_totals(rows, "r", weights).set_index("path")
    assert told["firm_years_point"].dropna().to_dict() == pytest.approx({"P1": 1.2, "P4": 1.8})
    assert told["revenue_share_point"].dropna().to_dict() == pytest.approx({"P1": 0.64, "P4": 0.36})
    given = (
        gbt.path_contributions(rows, "r", weights)
        .groupby("path")[["revenue_share_point_part", "revenue_share_point_whole"]]
        .sum()
    )
    assert given.loc["P1"].tolist() == pytest.approx([640, 1000])
    assert "firm_years_point" not in gbt.path_totals(rows, "r")
    other = split_weights.Weights("file", (("2011", "0169", "0164", 1.0),))
    assert gbt.path_totals(rows, "r", other)["firm_years_point"].isna().all()  # nothing is said of 3599


def test_shares_of_enterprises_that_were_coded_anew() -> None:
    """By hand: eight of ten stay, two are robot makers; one that left says nothing, one of another code neither."""
    after = ["3599"] * 8 + ["3491"] * 2
    told = [(f"F{n}", 2016, "3599", "2011") for n in range(11)]
    told += [(f"F{n}", 2017, code, "2017") for n, code in enumerate(after)]
    told += [("G", 2016, "2710", "2011"), ("G", 2017, "3491", "2017")]
    panel = ibis.memtable(pd.DataFrame(told, columns=["firm_id", "year", "ind4", "class_version"]))
    weights = split_weights.from_later_codes(panel)
    assert weights.values == (("2011", "3599", "3491", 0.2), ("2011", "3599", "3599", 0.8))
    table = split_weights.table(weights).set_index("part")
    # Wilson's interval of 2 in 10, as textbooks print it: .057 to .510.
    assert table.loc["3491", ["low", "high"]].tolist() == pytest.approx([0.0567, 0.5098], abs=5e-5)
    assert table["units"].tolist() == [10, 10]
    assert split_weights.from_later_codes(panel, min_units=11).values == ()
    assert split_weights.table(split_weights.NONE).empty
    with pytest.raises(gbt.ClassificationError, match="split_weights 'guess'"):
        split_weights.declared("guess")


STEPS = "edition,code,part_edition,part,weight\n"
# 3141 of 2002 is 3041 and 3049 of 2011; 3049 was split into 3042 and 3049 in 2017.
CHAIN = STEPS + "2002,3141,2011,3041,.4\n2002,3141,2011,3049,.6\n2011,3049,,3042,.25\n2011,3049,,3049,.75\n"


def test_weights_of_2002_go_by_way_of_2011(tmp_path: Path) -> None:
    """By hand: 3141 is .4 of 3041, .6 times .25 of 3042, .6 times .75 of 3049; bounds are not touched."""
    weights = split_weights.from_file(written(tmp_path, CHAIN))
    own = {
        part: weight for edition, code, part, weight in weights.values if (edition, code) == ("2002", "3141")
    }
    assert own == pytest.approx({"3041": 0.4, "3042": 0.15, "3049": 0.45})
    direct = HEAD + "2002,3141,3041,.4\n2002,3141,3042,.15\n2002,3141,3049,.45\n"
    again = split_weights.from_file(written(tmp_path, direct))
    assert {v[2]: v[3] for v in again.values} == pytest.approx(own)
    plain = bounds("strategic_emerging_2018", (), equal()).set_index(["edition", "code"])
    told = bounds("strategic_emerging_2018", (), weights.on(equal())).set_index(["edition", "code"])
    assert told[["low", "high"]].equals(plain[["low", "high"]])


def test_a_class_of_2002_that_is_one_of_2011_has_its_weights(tmp_path: Path) -> None:
    """0119 of 2002 is 0190 of 2011, which was split into 0181 and 0190; a sum over all chained codes is one."""
    file = written(tmp_path, HEAD + "2011,0190,0181,.3\n2011,0190,0190,.7\n")
    weights = split_weights.from_file(file)
    told = {value[:3]: value[3] for value in weights.values}
    assert told["2002", "0119", "0181"] == 0.3 and told["2002", "0119", "0190"] == 0.7
    sums = pd.DataFrame(weights.values).groupby([0, 1])[3].sum()
    assert sums.to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CHAIN + "2002,3141,2017,3041,1\n", "for classes of 2011 and of 2017"),
        (STEPS + "2002,3141,2011,3041,.4\n2002,3141,2011,3049,.6\n", "3049 of 2011, split in 2017"),
        (STEPS + "2002,3141,1994,3041,1\n", "edition '1994' is none of"),
        (STEPS + "2002,3141,2011,3042,1\n", "does not split 3141 of 2002 into 3042"),
    ],
)
def test_a_wrong_chain_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(gbt.ClassificationError, match=told):
        split_weights.from_file(written(tmp_path, text))


def test_enterprises_coded_in_three_editions() -> None:
    """By hand: of ten of 3141 four are 3041; six are 3049 of 2011, of which five are seen again: four 3049, one 3042."""
    told = [(f"F{n}", 2011, "3141", "2002") for n in range(10)]
    told += [(f"F{n}", 2015, "3041" if n < 4 else "3049", "2011") for n in range(10)]
    told += [(f"F{n}", 2018, "3042" if n == 4 else "3049", "2017") for n in range(4, 9)]
    panel = ibis.memtable(pd.DataFrame(told, columns=["firm_id", "year", "ind4", "class_version"]))
    table = split_weights.table(split_weights.from_later_codes(panel)).set_index(["edition", "part"])
    assert table.loc["2011", "weight"].to_dict() == pytest.approx({"3042": 0.2, "3049": 0.8})
    # The one that left went, as far as is known, as the five others: 1 + .2 and 4 + .8 of ten.
    assert table.loc["2002", "weight"].to_dict() == pytest.approx({"3041": 0.4, "3042": 0.12, "3049": 0.48})
    assert table["units"].tolist() == [5, 5, 5, 5, 5]
    # Without weights of 2011 a class of 2002 that goes there has none: those that are open may not be left out.
    assert split_weights.from_later_codes(panel, min_units=6).values == ()
