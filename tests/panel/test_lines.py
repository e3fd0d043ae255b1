"""Lines from which units report: by industry and year, with who crosses them."""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.panel import lines


def panel(*rows: tuple[object, ...]) -> ibis.Table:
    names = ["firm_id", "year", "ind4", "class_version", "operating_revenue", "employees_avg", "control_type"]
    return ibis.memtable(
        pd.DataFrame(rows, columns=names).astype({"operating_revenue": float, "employees_avg": float})
    )


def test_the_line_is_that_of_the_industry_and_the_year() -> None:
    rows = [
        ("soe", 2005, "3911", "2002", 400, 9, "soe"), ("own", 2005, "3911", "2002", 400, 9, "private"),
        ("ten", 2010, "3911", "2002", 600, 9, "private"), ("eleven", 2011, "3911", "2002", 600, 9, "private"),
        ("staff", 2019, "7249", "2017", 300, 60, "private"), ("few", 2019, "7249", "2017", 300, 40, "private"),
        ("late", 2020, "7249", "2017", 300, 60, "private"), ("it", 2020, "6513", "2017", 1500, 60, "private"),
        ("flat", 2021, "7020", "2017", 1500, 60, "private"), ("shop", 2021, "5211", "2017", 600, 6, "private"),
        ("silent", 2021, "3911", "2017", None, 60, "private"),
    ]  # fmt: skip
    found = lines.flagged(panel(*rows)).to_pandas().set_index("firm_id")["above_line"]
    above = {k for k, v in found.items() if v is True or v == 1}
    assert above == {"soe", "ten", "staff", "flat", "shop"}
    assert pd.isna(found["silent"]) and not bool(found["eleven"])
    built = panel(
        ("dev", 2021, "7010", "2017", 9e5, 60, "private"), ("build", 2021, "4710", "2017", 1, 6, "private")
    )
    held = lines.flagged(built).to_pandas().set_index("firm_id")["above_line"]
    assert "dev" not in held and pd.isna(held["build"]), "no line, and one that a qualification draws"


def test_entries_exits_and_falls_are_told_apart() -> None:
    rows = [
        ("stays", 2018, "3911", "2017", 3000, 9, ""), ("stays", 2019, "3911", "2017", 3000, 9, ""),
        ("falls", 2018, "3911", "2017", 3000, 9, ""), ("falls", 2019, "3911", "2017", 1000, 9, ""),
        ("rises", 2018, "3911", "2017", 1000, 9, ""), ("rises", 2019, "3911", "2017", 3000, 9, ""),
        ("leaves", 2018, "3911", "2017", 3000, 9, ""), ("enters", 2019, "3911", "2017", 3000, 9, ""),
    ]  # fmt: skip
    found = lines.moves(panel(*rows)).set_index("year")
    assert found.loc[2018].tolist() == [3, 1, 0, 0, 0, 0]
    assert found.loc[2019].to_dict() == {
        "above": 3,
        "below": 1,
        "enters": 1,
        "leaves": 1,
        "falls": 1,
        "rises": 1,
    }


def test_every_line_has_a_source_and_no_two_hold_at_once() -> None:
    held = lines.by_code()
    assert (lines.table()[["source", "url"]] != "").all(axis=None)
    for _, part in held.groupby(["edition", "prefix"]):
        ordered = part.sort_values("first")
        assert (ordered["first"].iloc[1:].to_numpy() > ordered["last"].iloc[:-1].to_numpy()).all()
