"""Official lists of units, and fields, modes and foci by all evidence; small tables by hand."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

from fusion.classification import ClassificationError, actors, classify, official, tags

HEAD = "kind,issuer,notice,batch,date,code,name,old_names,until,revoked,mode,source,verified"
GOOD = "91110000802100433B"  # a code that holds its check character
FIRMS = pd.DataFrame(
    [
        (GOOD, 2018, "上海甲乙电子有限公司"),
        (GOOD, 2020, "上海甲乙科技（集团）有限公司"),
        ("F2", 2020, "上海华泰电子有限公司"),
        ("F3", 2020, "同名厂"),
        ("F4", 2020, "同名厂"),
    ],
    columns=["firm_id", "year", "firm_name"],
)


def write(folder: Path, *lines: str, head: str = HEAD, encoding: str = "utf-8") -> Path:
    file = folder / "lists.csv"
    file.write_text("\n".join([head, *lines]) + "\n", encoding)
    return file


def look(folder: Path, *lines: str, **how: str) -> pd.DataFrame:
    return official.matched(official.read([write(folder, *lines, **how)]), FIRMS)


@pytest.mark.parametrize(
    ("code", "fault"),
    [(GOOD, ""), ("11320000MB151840XJ", ""), (GOOD[:-1] + "C", "checksum"), (GOOD[:-1], "length"), ("O" * 18, "letters")],
)  # fmt: skip
def test_codes_hold_their_check_character(code: str, fault: str) -> None:
    assert official.credit_code_fault(code) == fault


def test_a_unit_is_matched_by_code_then_name_then_old_name_and_never_by_likeness(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        f"smart_factory,局,,1,2019-03-01,{GOOD.lower()},上海甲乙电子有限公司,,,,,,",
        "green_factory,局,,1,2018,,上海甲乙科技(集团)有限公司,,,,,,",
        "green_factory,局,,1,2018,,某旧名,上海甲乙电子有限公司,,,,,",
        "specialised_new,局,,1,2018,,上海华泰电子科技有限公司,,,,,,",
        "chain_leader,局,,1,2018,,同名厂,,,,,,",
        f"chain_leader,局,,1,2018,{GOOD},另一公司,,,,,,",
        "chain_leader,局,,1,2018,,远方机床,,,,,,",
    )
    assert found["how"].tolist() == ["code", "name", "old_name", "alike", "ambiguous_name", "code", "none"]
    assert found["firm_id"].tolist() == [GOOD, GOOD, GOOD, "", "", GOOD, ""]
    assert found["alike"].tolist()[3] == "上海华泰电子有限公司"
    assert found["other_name"].tolist() == [False] * 5 + [True, False]
    assert set(official.odd(found)["what"]) == {"old_name", "alike", "ambiguous_name", "other_name", "none"}


def test_chinese_heads_words_and_encoding(tmp_path: Path) -> None:
    head = "名单类别,批次,公布日期,统一社会信用代码,单位名称,模式,已核实"
    found = look(
        tmp_path, f"服务型制造示范,1,2019年3月,{GOOD},,总集成总承包,否", head=head, encoding="gb18030"
    )
    row = found.iloc[0]
    assert (row["kind"], row["first"], row["mode"], row["verified"]) == (
        "service_manufacturing",
        2019,
        "M7",
        "no",
    )


def test_membership_begins_with_the_list_and_ends_with_revocation(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        f"smart_factory,局,,1,2019,{GOOD},,,,,,,",
        f"smart_factory,局,,1,2019,{GOOD},,,,,,,",
        f"green_factory,局,,1,2017,{GOOD},,,2019,,,,",
        f"quality_benchmark,局,,2,2017,{GOOD},,,,,,,",
        "quality_benchmark,局,,2,2020,,*,,,2020-05-01,,,",
    )
    years = pd.DataFrame({"firm_id": GOOD, "year": range(2016, 2022)})
    held = official.memberships(found, years).set_index("year")
    assert held["lists"].to_dict() == {
        2017: "green_factory,quality_benchmark",
        2018: "green_factory,quality_benchmark",
        2019: "green_factory,quality_benchmark,smart_factory",
        2020: "smart_factory",
        2021: "smart_factory",
    }
    assert held.loc[2017, "fields"] == "F6,F7"
    told = official.summary(found).set_index("kind")
    assert told.loc["smart_factory", ["rows", "duplicate", "firms"]].tolist() == [2, 1, 1]
    assert told.loc["quality_benchmark", "revoked"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("smart,局,,1,2019,,甲,,,,,,", "line 2, kind = 'smart'; allowed: smart_factory"),
        ("smart_factory,局,,1,,,甲,,,,,,", "date = ''; allowed: a date"),
        ("smart_factory,局,,1,2019-13,,甲,,,,,,", "date = '2019-13'; allowed: a date"),
        ("smart_factory,局,,1,2019,,甲,,,2020-02-30,,,", "revoked = '2020-02-30'"),
        ("smart_factory,局,,1,2019,,,,,,,,", "name = ''; allowed: a name"),
        ("smart_factory,局,,1,2019,,甲,,2018,,,,", "until = '2018'"),
        ("smart_factory,局,,1,2019,,甲,,,,M99,,", "mode = 'M99'; allowed: M1"),
        ("smart_factory,局,,1,2019,,甲,,,,,,yes", "a notice and a source"),
        ("smart_factory,局,,1,2019,,*,,,,,,", "a whole batch"),
    ],
)
def test_cells_that_are_not_allowed_are_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ClassificationError, match=message.replace("*", r"\*")):
        official.read([write(tmp_path, line)])
    with pytest.raises(ClassificationError, match="lacks the columns"):
        official.read([write(tmp_path, "a,b", head="x,y")])


@pytest.mark.parametrize(
    "date",
    ["2019", "2019年", "2019-12", "201912", "20191203", "2019/1/2", "2019年12月3日", "2019-12-03 00:00:00"],
)
def test_dates_as_lists_print_them(tmp_path: Path, date: str) -> None:
    assert official.read([write(tmp_path, f"smart_factory,局,,1,{date},,甲,,,,,,")])["first"].tolist() == [
        2019
    ]


def panel() -> ibis.Table:
    """A car maker with repair and design services, a steel maker without, a designer."""
    rows = [
        ("car", 2018, "3611", "2017", "3611|7491", '{"8111": 5.0, "6531": 0}'),
        ("car", 2016, "3610", "2011", "3610|6550", None),
        ("steel", 2018, "3120", "2017", "3120", "{}"),
        ("design", 2018, "7491", "2017", "7491", None),
    ]
    names = ["firm_id", "year", "ind4", "class_version", "biz_activity_codes", "service_rev_by_class"]
    return ibis.memtable(pd.DataFrame(rows, columns=names))


def tagged(on_lists: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    classified = classify(panel())
    rows = classified.inner_join(panel().drop("ind4"), ["firm_id", "year"])
    found = tags.evidence(rows, on_lists)
    out = tags.tagged(classified, found, on_lists).to_pandas().set_index(["firm_id", "year"])
    return out, found.to_pandas()


def test_activities_revenue_and_lists_tag_what_the_main_code_cannot() -> None:
    lists = pd.DataFrame(
        [("steel", 2018, "green_factory", "F7", ""), ("steel", 2018, "service_manufacturing", "F1", "M9")],
        columns=["firm_id", "year", "lists", "fields", "modes"],
    )
    one = lists.groupby(["firm_id", "year"]).agg(",".join).reset_index()
    one["modes"] = "M9"
    out, found = tagged(one)
    assert out.loc[("car", 2018), "fields_main"] == ""
    assert out.loc[("car", 2018), "fields"] == "F1,F4", "design is innovation; a maker that designs serves"
    assert out.loc[("car", 2018), "modes"] == "M1", "classes without revenue are no mode"
    assert out.loc[("car", 2018), "foci"] == "P3.3,P6.5"
    assert out.loc[("steel", 2018), ["fields", "modes", "lists"]].tolist() == [
        "F1,F7", "M9", "green_factory,service_manufacturing",
    ]  # fmt: skip
    assert out.loc[("design", 2018), "modes"] == "", "modes are of manufacturers"
    assert "F1" in out.loc[("design", 2018), "fields"] and out.loc[("design", 2018), "fields_main"] != ""
    # 6550 is integrated-circuit design in 2011 and data processing in 2017: the edition decides.
    assert out.loc[("car", 2016), "foci"] == "P1.1"
    how = found.query("firm_id == 'car' and tag == 'P3.3'")["how"].tolist()
    assert how == ["revenue"]
    table = tags.members(
        tags.evidence(classify(panel()).inner_join(panel().drop("ind4"), ["firm_id", "year"])), "fields", 4
    )
    assert table.set_index("tag").loc["F4", ["main", "activity", "firm_years", "firms"]].tolist() == [
        1,
        2,
        2,
        2,
    ]


def test_a_list_decides_on_the_actor() -> None:
    rows = classify(panel()).mutate(operating_revenue=100.0, employees_avg=5000.0)
    plain = actors.actors(rows).to_pandas().set_index("firm_id")
    told = actors.actors(rows, None, pd.Series({"steel": "chain_leader"})).to_pandas().set_index("firm_id")
    assert plain.loc["steel", "actor_from"] != "list"
    assert told.loc["steel", ["actor", "actor_from"]].tolist() == ["chain_leader", "list"]
    assert told.loc["car", "actor"] == plain.loc["car", "actor"]


def test_a_list_may_have_a_title_and_empty_rows_above_and_below(tmp_path: Path) -> None:
    file = tmp_path / "list.xlsx"
    rows = [
        ["上海市智能工厂名单（第一批）", "", ""],
        ["", "", ""],
        ["名单类别", "公布日期", "单位名称"],
        ["智能工厂", "2021", "同名厂"],
        ["", "", ""],
    ]
    pd.DataFrame(rows).to_excel(file, index=False, header=False)
    found = official.read([file])
    assert found[["kind", "first", "name", "line"]].to_numpy().tolist() == [
        ["smart_factory", 2021, "同名厂", 4]
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00\x01", b"PK\x03\x04broken", b"kind\n", b"kind,kind,date,name\na,b,2019,c\n"],
)
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_files_that_are_no_list_are_refused_in_words(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ClassificationError, match=name):
        official.read([tmp_path / name])


def test_codes_that_may_be_several_classes_may_have_a_tag_and_weights_say_how_much() -> None:
    """Each split code of 2002 and 2011 by sets; 6540 of 2011 is .3 platforms (6432) by weights, and a mode of a maker."""
    from fusion.classification.editions import links
    from fusion.classification.policy import cuts
    from fusion.classification.split_weights import Weights

    told = tags._meant(Weights("file", (("2011", "6540", "6550", 0.7), ("2011", "6540", "6450", 0.3))))
    held = {
        key: (set(part.loc[part["sure"], "tag"]), set(part["tag"]))
        for key, part in told.groupby(["edition", "code", "kind"])
    }
    for edition in ("2002", "2011"):
        for code, found in links(edition, "2017").items():
            for kind in ("fields", "foci", "modes"):
                each = [set(cuts(new)[kind].split(",")) - {""} for new in found]
                expected = (set.intersection(*each), set.union(*each))
                assert held.get((edition, code, kind), (set(), set())) == expected, (edition, code, kind)
    open_ = told[~told["sure"] & (told["edition"] == "2011") & (told["code"] == "6540")]
    for row in open_.itertuples():
        share = sum(
            w
            for new, w in (("6550", 0.7), ("6450", 0.3))
            if row.tag in cuts(new).get(row.kind, "").split(",")
        )
        assert row.weight == pytest.approx(share)
    assert told.loc[~told["sure"] & (told["code"] != "6540"), "weight"].isna().all()


def test_members_show_what_may_be_and_points_only_where_every_open_code_has_weights() -> None:
    from fusion.classification.split_weights import Weights

    rows = [("a", 2015, "6540", "2011"), ("b", 2015, "6540", "2011"), ("c", 2018, "6450", "2017")]
    one = ibis.memtable(pd.DataFrame(rows, columns=["firm_id", "year", "ind4", "class_version"]))
    found = classify(one).inner_join(one.drop("ind4"), ["firm_id", "year"])
    plain = tags.members(tags.evidence(found), "fields", 3)
    weights = Weights("file", (("2011", "6540", "6431", 0.2), ("2011", "6540", "6450", 0.8)))
    told = tags.members(tags.evidence(found, None, weights), "fields", 3)
    assert "firm_years_point" not in plain
    pd.testing.assert_frame_equal(plain, told.drop(columns="firm_years_point"))
    moved = told[told["firm_years_high"] > told["firm_years"]]
    assert len(moved) and (moved["firm_years_high"] - moved["firm_years"] == 2).all()
    extra = (moved["firm_years_point"] - moved["firm_years"]).round(9)
    assert dict(zip(moved["tag"], extra, strict=True)) == {"F1": 0.4, "F2": 2.0, "F5": 0.4}
    other = tags.evidence(found, None, Weights("file", (("2011", "3599", "3491", 1.0),)))
    assert "firm_years_point" not in tags.members(other, "fields", 3), "nothing is said of 6540"
