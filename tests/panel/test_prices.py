"""Price indices by industry and year, from a file: joined by the longest code, at one year's prices; what is refused; used."""

from __future__ import annotations

import re
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from estimators.production import productivity
from fusion.evaluation import bureau, targets
from fusion.panel import PanelError, prices
from fusion.panel.contract import contract
from fusion.panel.readers import Raw
from workbook import paths

HEAD = ",".join(prices.COLUMNS)
LINES = [
    "output,,,2019,100,2019,Yearbook A",
    "output,,,2020,98,2019,Yearbook A",
    "output,,,2021,102.9,2019,Yearbook A",
    "output,34,,2020,110,previous,Bulletin B",
    "output,34,,2021,105,previous,Bulletin B",
    "output,3421,2017,2019,50,2018,Bulletin C",
    "output,3421,2017,2020,100,2018,Bulletin C",
    "input,,,2020,120,previous,Yearbook A",
]


def write(folder: Path, *lines: str) -> Path:
    file = folder / "prices.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    return file


def raw(**more: object) -> Raw:
    rows = pd.DataFrame(
        [(code, year, "2017") for code in ("1311", "3411", "C3421") for year in (2019, 2020, 2021)],
        columns=["ind4", "year", "class_version"],
    ).assign(source_row=range(9), **more)
    rows["firm_id"] = rows["ind4"]
    known = {c.column: c for c in contract()}
    table = ibis.duckdb.connect().create_table("raw", rows)
    return Raw(table, pd.DataFrame(), {c: known[c] for c in rows if c in known}, "made", len(rows))


def test_the_template_is_the_contract() -> None:
    assert (paths.DATA / "contract" / "deflators_template.csv").read_text("utf-8").strip() == HEAD


def test_the_longest_code_of_the_edition_holds_at_prices_of_the_first_common_year(tmp_path: Path) -> None:
    found = prices.joined(raw(), write(tmp_path, *LINES))
    rows = found.table.to_pandas().set_index(["ind4", "year"]).sort_index()
    own = rows["deflator"]
    assert own["1311"].tolist() == pytest.approx([1, 0.98, 1.029])
    assert own["3411"].tolist() == pytest.approx([1, 1.1, 1.1 * 1.05]), (
        "a chain starts a year before its first"
    )
    # Its own series ends in 2020; the division's change of 2021 carries it on.
    assert own["C3421"].tolist() == pytest.approx([1, 2, 2 * 1.05])
    assert rows["deflator_input"].xs(2020, level="year").tolist() == pytest.approx([1.2] * 3)
    assert rows["deflator_input"].xs(2021, level="year").isna().all() and "deflator_capital" not in rows
    assert {"deflator", "deflator_input"} <= set(found.columns) and len(rows) == 9


def test_prices_of_the_panel_itself_are_never_mixed_with_those_of_the_file(tmp_path: Path) -> None:
    """One value throughout, as made-up panels and forms without prices have it, is no price."""
    asked, none = write(tmp_path, *LINES), prices.joined(raw(), write(tmp_path, *LINES)).table.to_pandas()
    for own in (2.0, [2.0, None, None] * 3, np.nan):
        found = prices.joined(raw(deflator=own), asked).table.to_pandas()
        pd.testing.assert_frame_equal(found[none.columns], none)
    for own, rows in (([2.0, 3.0, None] * 3, 6), ([2.0, 3.0, 4.0] * 3, 9)):
        said = rf"prices.csv: the panel has prices of its own \(deflator\) in {rows} of 9 rows.*lines of 'output'"
        with pytest.raises(PanelError, match=said):
            prices.joined(raw(deflator=own), asked)


def test_a_series_is_carried_on_both_ways_by_the_change_of_the_broader_one(tmp_path: Path) -> None:
    found = prices.read(
        write(tmp_path, *LINES[:3], "output,13,,2020,50,2018,D", "output,131,,2020,70,2018,E")
    )
    for industry in (
        "13",
        "131",
    ):  # of one year alone: at the prices of 2020, all change is of all industries
        own = found[found["industry"] == industry].set_index("year")["price"].sort_index()
        assert own.to_dict() == pytest.approx({2019: 1 / 0.98, 2020: 1, 2021: 1.029 / 0.98})
    gap = ["output,13,,2019,100,2019,D", "output,13,,2021,120,2019,D"]
    own = prices.read(write(tmp_path, *LINES[:3], *gap)).query("industry == '13'").set_index("year")["price"]
    assert own.to_dict() == pytest.approx({2019: 1, 2020: 0.98, 2021: 1.2})


def test_other_editions_do_not_take_its_codes(tmp_path: Path) -> None:
    older = raw()
    table = older.table.mutate(class_version=ibis.literal("2011"))
    found = prices.joined(Raw(table, older.quality, older.columns, "made", 9), write(tmp_path, *LINES))
    own = found.table.to_pandas().set_index(["ind4", "year"])["deflator"]
    assert own["C3421", 2020] == pytest.approx(1.1)


def test_what_is_covered_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, *LINES)
    told = prices.covered(prices.joined(raw(), file).table, prices.read(file)).set_index("of")
    assert told.loc["output", ["base_year", "series", "units", "first", "last"]].tolist() == [
        2019,
        3,
        3,
        2019,
        2021,
    ]
    assert told.loc["output", "rows"] == 100 and told.loc["input", "rows"] == pytest.approx(200 / 3)
    assert told.loc["output", "source"] == "Bulletin B; Bulletin C; Yearbook A"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["outputs,,,2019,100,2019,A"], "prices.csv, line 2: of = 'outputs'; allowed: output, input, capital"),
        (["output,C34,,2019,100,2019,A"], "line 2: industry = 'C34'; allowed: two to four digits"),
        (["output,,,19,100,2019,A"], "line 2: year = '19'"),
        (["output,,,2019,0,2019,A"], "line 2: index = '0'; allowed: a number above zero"),
        (["output,,,2019,nan,2019,A"], "line 2: index = 'nan'"),
        (["output,,,2019,100,base,A"], "line 2: base = 'base'; allowed: the year of which the index is 100"),
        (["output,,,2019,100,2019,"], "line 2: source = ''; allowed: who published"),
        ([LINES[0], LINES[0]], "line 3: 2019 is there twice for all industries (output)"),
        ([LINES[0], "output,,,2020,98,previous,A"], "indices on different bases: 2019, previous"),
        (["output,,,2019,100,previous,A", "output,,,2021,100,previous,A"], "is chained and lacks 2020"),
        ([LINES[0], "output,34,,2021,100,2021,A"], "have no year in common"),
        ([], "no row below the header"),
    ],
)  # fmt: skip
def test_files_that_are_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(PanelError, match=re.escape(message)):
        prices.read(write(tmp_path, *lines))


def test_a_missing_file_and_a_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(PanelError, match=r"none\.csv: no such file"):
        prices.read(tmp_path / "none.csv")
    file = tmp_path / "short.csv"
    file.write_text("of,year\noutput,2019\n", "utf-8")
    with pytest.raises(PanelError, match="columns are missing: industry"):
        prices.read(file)
    assert prices.joined(raw(), None).columns.keys() == raw().columns.keys()


def test_growth_at_constant_prices_in_targets_and_bureau_tables() -> None:
    """Two industries at 10 % nominal growth each; prices rose by 10 % in one: together 4.76 … by hand."""
    panel = pd.DataFrame(
        {
            "firm_id": ["a", "a", "b", "b"], "year": [2020, 2021] * 2, "path": ["P1", "P1", "P2", "P2"],
            "revenue": [100.0, 110.0, 100.0, 110.0], "deflator": [1.0, 1.1, 1.0, 1.0],
        }
    )  # fmt: skip
    table = bureau.growth_table(panel, "path", ["revenue"], 2021).loc["revenue"]
    assert table["real"].tolist() == pytest.approx([0, 10, 5]) and table["growth"].tolist() == pytest.approx(
        [10] * 3
    )
    parts = bureau.contributions(panel, "path", ["revenue"], 2021).query("group == 'total'")
    assert 100 * (parts["real_now"].sum() / parts["real_before"].sum() - 1) == pytest.approx(5)
    real = targets.growth(panel, "revenue", 2020, 2021, "all", "real")
    assert real.rate == pytest.approx(5)
    assert "real" not in bureau.growth_table(panel.assign(deflator=1.0), "path", ["revenue"], 2021)


def test_inputs_of_production_functions_have_their_own_prices() -> None:
    """Capital that is three times as dear is no more capital: with its own index the elasticities are the same."""
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(
        [(f"f{i}", year) for i in range(80) for year in range(2015, 2021)], columns=["firm_id", "year"]
    )
    labour, capital = np.exp(rng.normal(4, 1, len(rows))), np.exp(rng.normal(6, 1, len(rows)))
    rows = rows.assign(division="34", employees_avg=labour, fixed_assets_net=capital)
    rows["value_added"] = labour**0.6 * capital**0.3 * np.exp(rng.normal(0, 0.1, len(rows)))
    plain = productivity.productivity(rows, ["ols"], "division")
    dear = rng.choice([1.0, 3.0], len(rows))
    priced = rows.assign(fixed_assets_net=capital * dear, deflator=1.0, deflator_capital=dear)
    same = productivity.productivity(priced, ["ols"], "division")
    pd.testing.assert_frame_equal(plain.coefficients, same.coefficients)
    wrong = productivity.productivity(priced.drop(columns="deflator_capital"), ["ols"], "division")
    gap = (wrong.coefficients["estimate"] - plain.coefficients["estimate"]).abs().max()
    assert gap > 0.01
