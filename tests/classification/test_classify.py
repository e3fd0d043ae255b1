"""A whole table: one row in, one row out, nothing guessed, bounds that hold."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification.coefficients import equal


def classified(rows: list[tuple[object, object]], **choices: object) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["ind4", "class_version"]).assign(year=2018)
    table["firm_id"] = [f"F{i:03d}" for i in range(len(table))]
    out = gbt.classify(ibis.memtable(table), **choices).order_by("firm_id").to_pandas()  # type: ignore[arg-type]
    return out


def test_one_row_out_for_each_row_in_whatever_is_written() -> None:
    rows = [("6550", "2011"), ("6550", "2017"), ("C1311", "2017"), ("131", "2017"), (None, "2017"), ("D1311", "2017"),
            ("3610", "2011"), ("1363", "2011"), ("0111", "1994"), ("9999", "2017"), ("３９２１", "2017"),
            ("n/a", "2017")]  # fmt: skip
    out = classified(rows)
    assert len(out) == len(rows)
    assert out["code_2017"].tolist() == ["6520", "6550", "1311", "", "", "", "", "", "", "", "3921", ""]
    status = (
        ["matched"] * 3 + ["unmatched"] * 3 + ["ambiguous"] * 2 + ["unmatched"] * 2 + ["matched", "unmatched"]
    )
    assert out["mapping_status"].tolist() == status
    why = [
        "zero_or_group",
        "missing",
        "letter_contradicts",
        "split",
        "split",
        "edition_unknown",
        "not_in_edition",
    ]
    assert out["mapping_how"].iloc[3:10].tolist() == why
    assert out["mapping_how"].iloc[11] == "missing"  # a word for it
    unmatched = out[out["mapping_status"] == "unmatched"]
    assert unmatched.filter(like="_share_").isna().all(axis=None)
    assert (unmatched[["section", "division", "group3", "path"]] == "").all(axis=None)


def test_an_ambiguous_code_keeps_what_its_candidates_share() -> None:
    car = classified([("3610", "2011")]).iloc[0]
    assert (car["section"], car["division"], car["group3"], car["path"]) == (
        "C",
        "36",
        "",
        "P3",
    )  # 3611, 3612, 3620
    assert (car["code_2017"], car["services_share_high"]) == ("", 0)
    members = (
        gbt.members("three_new_2018", ("02",))
        .set_index("code")["membership"]
        .reindex(["3611", "3612", "3620"])
    )
    low = float((members == "full").all())
    assert car["manufacturing_share_low"] == low
    assert car["manufacturing_share_high"] == float(members.notna().any())


def test_numbers_as_codes_and_editions() -> None:
    whole = classified([(3921, 2017)])
    assert whole["code_2017"].item() == "3921"
    float_column = classified([(3921.0, 2017.0), (np.nan, 2017.0)])
    assert float_column["code_2017"].tolist() == ["3921", ""]
    assert float_column["mapping_status"].tolist() == ["matched", "unmatched"]
    lost_zero = classified([(111, 2017), (113, 2017)])
    assert lost_zero["mapping_how"].tolist() == ["zero_or_group", "same_edition"]
    assert lost_zero["code_2017"].tolist() == ["", "0113"]  # there is no group 113


def test_coarser_codes_keep_what_all_below_them_share() -> None:
    rows = [("C39", "2017"), ("39", "2017"), ("374", "2017"), ("C", "2017"), ("C131", "2017"), ("A131", "2017"),
            ("C51", "2017"), ("1", "2017"), ("019", "2017")]  # fmt: skip
    out = classified(rows)
    status = ["ambiguous"] * 5 + ["matched", "unmatched", "unmatched", "matched"]
    assert out["mapping_status"].tolist() == status
    assert out["mapping_how"].iloc[0] == "coarser_code"
    assert out["mapping_how"].iloc[8] == "group_of_one_class"
    assert out["code_2017"].tolist() == ["", "", "", "", "", "0131", "", "", "0190"]
    assert out["path"].iloc[:5].tolist() == ["P1", "P1", "P4", "", "other"]
    assert out["division"].tolist()[:5] == ["39", "39", "37", "", "13"]
    assert out.loc[2, ["manufacturing_share_low", "manufacturing_share_high"]].tolist() == [0, 1]


@pytest.mark.parametrize("manufacturing", ["three_new_2018", "hightech_manufacturing_2017"])
def test_bounds_hold_over_every_code(manufacturing: str) -> None:
    table = gbt.lookup("modern_services_2023", manufacturing, equal(0.3))
    of_2002, of_2011, of_2017 = 20 + 95 + 396 + 913, 20 + 96 + 432 + 1094, 20 + 97 + 473 + 1381
    assert (
        len(table) == of_2002 + of_2011 + of_2017 + 18 + 89
    )  # the regulator's S and S90 are nothing in GB/T 4754
    assert not table.duplicated(["edition", "code"]).any()
    for kind in ("services", "manufacturing"):
        low, high, point = (table[f"{kind}_share_{b}"] for b in ("low", "high", "point"))
        assert (low.isna() == (table["mapping_status"] == "unmatched")).all()
        assert low.dropna().isin([0, 1]).all()
        assert high.dropna().isin([0, 1]).all()
        settled = point.notna()
        assert ((low <= point) & (point <= high))[settled].all()
        assert set(point[settled]) <= {0, 0.3, 1}
        assert settled[table["mapping_status"] == "matched"].all()


def test_shares_are_the_standards() -> None:
    table = gbt.lookup().query("edition == '2017' and code.str.len() == 4").set_index("code")
    held = gbt.members("modern_services_2023").set_index("code")["membership"]
    for word, bounds in {"full": (1, 1, 1), "partial": (0, 1, 0.5)}.items():
        rows = table.loc[held[held == word].index, [f"services_share_{b}" for b in ("low", "high", "point")]]
        assert len(rows) > 20
        assert (rows.to_numpy() == bounds).all()
    none = table.drop(index=held.index)
    assert (none.filter(like="services_share") == 0).all(axis=None)


def test_other_standards_move_the_answer() -> None:
    rows = [("7310", "2017"), ("2710", "2017")]
    choices = {
        "services_standard": "scitech_services_2018",
        "manufacturing_standard": "hightech_manufacturing_2017",
    }
    science = classified(rows, **choices)
    assert science["services_share_low"].tolist() == [1, 0]
    assert science["manufacturing_share_low"].tolist() == [0, 1]


def test_bad_choices_are_refused() -> None:
    with pytest.raises(gbt.ClassificationError, match=r"partial_share = 1\.5; allowed: 0 to 1"):
        classified([("6550", "2017")], partial_share=1.5)
    with pytest.raises(gbt.ClassificationError, match="Did you mean 'modern_services_2023'"):
        classified([("6550", "2017")], services_standard="modern_services_2022")


def test_a_panel_without_codes_gets_its_keys() -> None:
    bare = ibis.memtable(pd.DataFrame({"firm_id": ["a", "b"], "year": [1987, 1988], "sales": [1.0, 2.0]}))
    out = gbt.classify(bare).to_pandas()
    full = classified([("6550", "2017")])
    assert list(out.columns) == list(full.columns)
    assert (out["section"] == "").all()
    assert (out["division"] == "").all()
    assert out["services_share_low"].isna().all()


@pytest.fixture(scope="module")
def rows() -> ibis.Table:
    """A panel over the switch: a firm of a full class, one partial, one split within a path, one split over paths."""
    codes = {
        "full": ("6550", "6520"),
        "partial": ("3512", "3512"),
        "split": ("3610", "3611"),
        "lost": ("3599", "3599"),
    }
    revenue = {"full": 10.0, "partial": 20.0, "split": 30.0, "lost": 40.0}
    table = pd.DataFrame(
        [
            (firm, year, codes[firm][year > 2016], "2017" if year > 2016 else "2011", revenue[firm])
            for firm in codes
            for year in (2015, 2016, 2017, 2018)
        ],
        columns=["firm_id", "year", "ind4", "class_version", "revenue"],
    )
    t = ibis.memtable(table)
    return gbt.classify(t).inner_join(t.select("firm_id", "year", "revenue"), ["firm_id", "year"])


def test_coverage_by_hand(rows: ibis.Table) -> None:
    cover = gbt.coverage(
        rows, ["modern_services_2023", "three_new_2018:02", "producer_services_2019"], revenue="revenue"
    )
    services = cover.iloc[0]
    # The IC designer is a full member in each of its 4 years: 4 of 16 firm-years, 10 of 100 of revenue.
    assert services[["firm_years_low", "firm_years_point", "firm_years_high"]].tolist() == [0.25] * 3
    assert services["revenue_high"] == pytest.approx(0.1)
    assert (services["firms_certain"], services["firms_possible"]) == (1, 1)
    made = cover.iloc[1]
    assert made["firm_years_low"] < made["firm_years_point"] < made["firm_years_high"]
    assert "先进制造业" in made["title_zh"]
    assert cover["verified"].tolist() == [True, True, False]
    assert "UNVERIFIED" in cover.iloc[2]["title_en"]


def test_totals_add_up(rows: ibis.Table) -> None:
    status = gbt.mapping_status(rows, "revenue")
    assert status["firm_years"].sum() == 16
    assert status.groupby("year")["revenue_share"].sum().to_numpy() == pytest.approx(np.ones(4))
    paths = gbt.path_totals(rows, "revenue")
    assert paths["firm_years"].sum() == 16
    assert paths["revenue_share"].sum() == pytest.approx(1)
    assert (paths["firm_years_overlapping"] >= paths["firm_years"]).all()
    assert paths.set_index("path").loc["unmapped", "firm_years"] == 2
    # 3599 became 3491, 3492, 3599 (all P4) and 3964 (P1): two firm-years certain in P4, two more possible there.
    by_path = paths.set_index("path")
    assert by_path.loc["P4", "firm_years_high"] - by_path.loc["P4", "firm_years"] == 2
    assert by_path.loc["P1", "firm_years_high"] - by_path.loc["P1", "firm_years"] == 2
    assert by_path.loc["P4", "revenue_share_high"] - by_path.loc["P4", "revenue_share"] == pytest.approx(0.2)
    lost = gbt.unmapped_codes(rows, revenue="revenue")
    assert lost["code_own"].tolist() == ["3512", "3599", "3610"]
    assert lost["revenue_share"].tolist() == pytest.approx([0.1, 0.2, 0.15])


def test_the_change_of_edition_is_found(rows: ibis.Table) -> None:
    moves = gbt.edition_break(gbt.path_shares(rows)).set_index("path")
    assert set(moves["year"]) == {2017}
    assert moves.loc["unmapped", "change"] == pytest.approx(-0.25)
    assert moves["usual_change"].to_numpy() == pytest.approx(0)
    one = gbt.path_shares(rows.filter(rows["edition"] == "2017"))
    assert gbt.edition_break(one).empty


def test_contributions_add_up_to_what_is_shown(rows: ibis.Table) -> None:
    def made(given: pd.DataFrame, name: str, by: list[str]) -> pd.Series:
        sums = given.groupby(by)[[f"{name}_part", f"{name}_whole"]].sum()
        return sums[f"{name}_part"] / sums[f"{name}_whole"]

    status = gbt.mapping_status(rows, "revenue")
    by = ["year", "edition", "mapping_status"]
    given = gbt.contributions(rows, status[by], "revenue", ["year"])
    assert given is not None and (given.groupby(by)["unit"].nunique() == 4).all(), (
        "who has nothing has a zero"
    )
    assert made(given, "revenue_share", by).to_numpy() == pytest.approx(status["revenue_share"].to_numpy())
    paths = gbt.path_totals(rows, "revenue").set_index("path")
    given = gbt.path_contributions(rows, "revenue")
    for name in ("revenue_share", "revenue_share_overlapping", "revenue_share_service"):
        assert made(given, name, ["path"])[paths.index].to_numpy() == pytest.approx(paths[name].to_numpy())
    assert paths["firms"].sum() >= 4 and gbt.path_contributions(rows, None) is None
    asked = ["modern_services_2023", "three_new_2018:02"]
    cover = gbt.coverage(rows, asked, revenue="revenue").set_index("standard")
    given = gbt.coverage_contributions(rows, asked, revenue="revenue")
    for name in ("revenue_low", "revenue_point", "revenue_high", "revenue_width"):
        assert made(given, name, ["standard"])[asked].to_numpy() == pytest.approx(cover[name].to_numpy(float))
