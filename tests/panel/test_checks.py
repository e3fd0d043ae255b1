"""Every rule can be broken, and is then the one that is reported; a sound panel is reported sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.panel import PanelError, checks, clean, codes, contract, readers

Cells = dict[str, Any]
# Optional columns that some rules need, with values that keep every rule.
OPTIONAL: Cells = {
    "current_assets": 4000.0, "intangible_assets": 100.0, "current_liab": 90.0, "ps_input": 10.0,
    "intermediate_input": 900.0, "service_revenue_external": 5.0, "service_revenue_nonlocal": 5.0,
    "service_exports": 5.0, "n_establishments": 3, "n_serv_establishments": 1, "pilot_start_year": 2016,
    "pilot_end_year": 2018, "service_staff": 5.0, "rd_staff": 5.0, "newprod_revenue": 50.0, "tech_revenue": 5.0,
}  # fmt: skip

# rule: (cells changed in row 6 = firm F001 in 2017, whose years are rows 4-7)
BROKEN: dict[str, Cells] = {
    "employees_positive": {"employees_avg": 0.0},
    "assets_positive": {"total_assets": 0.0},
    "service_within_revenue": {"service_revenue": 5006.2},
    "fixed_within_assets": {"fixed_assets_net": 9000.2},
    "current_within_assets": {"current_assets": 9001.0},
    "intangible_within_assets": {"intangible_assets": 9001.0},
    "current_within_liab": {"current_liab": 5000.0},
    "services_bought_within_inputs": {"ps_input": 901.0},
    "external_within_service": {"service_revenue_external": 4000.0},
    "nonlocal_within_service": {"service_revenue_nonlocal": 4000.0},
    "exports_within_service": {"service_exports": 4000.0},
    "mode_sales_within_revenue": {"mode_sales": 6000.0},
    "long_within_service": {"long_contracts": 4000.0},
    "bonded_within_service": {"bonded_repair": 4000.0},
    "tourism_within_service": {"tourism_revenue": 4000.0},
    "service_establishments": {"n_serv_establishments": 4},
    "established_later": {"est_year": 2018},
    "pilot_ends_before_start": {"pilot_end_year": 2015},
    "code_unknown": {"ind4": "9999"},
    "code_coarse": {"ind4": "356"},
    "edition_unknown": {"class_version": None},
    "edition_late": {"class_version": "2011"},
    "edition_early": {"class_version": "2017", "year": 2014, "firm_id": "F999"},
    "staff_within_employees": {"service_staff": 121.0},
    "rd_staff_within_employees": {"rd_staff": 121.0},
    "tied_within_service": {"service_revenue_tied": 4000.0},
    "goods_within_contracts": {"contract_goods": 4000.0},
    "commissioned_within_rd": {"rd_outsourced": 4000.0},
    "newprod_within_revenue": {"newprod_revenue": 6000.0},
    "tech_within_revenue": {"tech_revenue": 6000.0},
    "inventory_within_current": {"inventory": 4001.0},
    "receivable_within_current": {"accounts_receivable": 4001.0},
    "assets_add_up": {"current_assets": 8999.0},
    "current_assets_add_up": {"inventory": 3000.0, "accounts_receivable": 2000.0},
    "liabilities_to_assets": {"total_liab": 13501.0},
    "value_added_rate": {"value_added": -2600.0},
    "revenue_jump": {"operating_revenue": 60000.0},
    "employees_jump": {"employees_avg": 1300.0},
    "industry_flip": {"ind4": "1311", "class_version": "2017", "year": 2018},
    "code_reused": {"ind4": "6550"},
    "district_flip": {"district": "310115"},
    "id_reused": {"est_year": 2010},
    "below_minimum": {"operating_cost": -1.0},
    "above_maximum": {"year": 2150, "est_year": 2001, "firm_id": "F999"},
    "not_allowed": {"control_type": "国有"},
    "code_format": {"ind4": "I3911"},
    "key_missing": {"firm_id": None},
    "duplicate_key": {"year": 2016, "class_version": "2011"},
}


@pytest.fixture
def full(good: pd.DataFrame) -> pd.DataFrame:
    asked = ("mode_sales", "long_contracts", "bonded_repair", "tourism_revenue", "service_revenue_tied")
    asked += ("contract_goods", "contract_revenue", "rd_outsourced", "rd_expense_total")
    return good.assign(**OPTIONAL, **dict.fromkeys(asked, 1.0))


def found(con: Any, frame: pd.DataFrame) -> pd.DataFrame:
    return checks.check(readers.take(con, frame), "set_aside")


def test_a_sound_panel_has_nothing_to_report(con: Any, full: pd.DataFrame) -> None:
    raw = readers.take(con, full)
    quality = checks.check(raw)
    assert quality.empty and list(quality.columns) == checks.QUALITY
    summary = checks.summary(quality, raw.columns)
    assert set(summary["status"]) == {"none"} and summary["cells"].sum() == 0


def test_every_rule_is_tried() -> None:
    tried = {*BROKEN, "duplicate_row"}
    assert tried == {r.rule for r in contract.rules()} | set(checks.GENERAL) | set(checks.BOUNDS)


def test_each_broken_rule_is_found(con: Any, full: pd.DataFrame) -> None:
    """One panel for each rule, stacked under firms of their own, so that one check tries all."""
    parts = []
    for i, (rule, cells) in enumerate(BROKEN.items()):
        part = full.copy()
        if rule == "industry_flip":
            part["year"] += 1
            part["class_version"] = ["2017" if y >= 2017 else "2011" for y in part["year"]]
        if rule == "code_reused":
            part["ind4"] = "6550"
        for column, value in cells.items():
            part.loc[6, column] = value
        parts.append(part.assign(firm_id=f"R{i:02d}-" + part["firm_id"], rule=rule))
    stacked = pd.concat(parts, ignore_index=True)
    quality = found(con, stacked.drop(columns="rule"))
    meant = stacked["rule"].to_numpy()[quality["row"].to_numpy(dtype=int) - 1]
    hits = quality.assign(meant=meant, at=(quality["row"] - 1) % len(full))
    for rule in BROKEN:
        mine = hits.loc[(hits["meant"] == rule) & (hits["rule"] == rule)]
        assert 6 in mine["at"].tolist(), f"{rule} was not found at its row"
        field = mine.loc[mine["at"] == 6, "field"].iloc[0]
        assert field in full.columns
    out = quality["set_aside"] | quality["emptied"]
    assert (quality.loc[out, "severity"] == "error").all()
    assert set(quality.loc[out, "row"]) == set(quality.loc[quality["severity"] == "error", "row"])


def test_a_cell_that_is_wrong_by_itself_takes_no_row_along(con: Any, full: pd.DataFrame) -> None:
    """By hand: which row goes and which cell, of faults of one cell and of cells that contradict each other."""
    broken = full.copy()
    broken["ind4"] = broken["ind4"].where(broken.index != 0, "I3562")  # its section is C
    broken.loc[1, "employees_avg"] = 0.0
    broken.loc[2, "total_assets"] = 0.0  # below each of its parts, which say nothing more then
    broken.loc[3, "service_revenue"] = broken.loc[3, "operating_revenue"] + 1  # nobody knows which is wrong
    quality = found(con, broken)
    errors = quality[quality["severity"] == "error"]
    assert set(errors.loc[errors["set_aside"], "row"]) == {4}
    assert {(r, f) for r, f in errors.loc[errors["emptied"], ["row", "field"]].to_numpy()} == {
        (1, "ind4"),
        (2, "employees_avg"),
        (3, "total_assets"),
    }
    raw = readers.take(con, broken)
    kept = (
        clean.sample(raw.table, quality, first_year=2000, last_year=2030)
        .table.to_pandas()
        .set_index("source_row")
    )
    assert len(kept) == len(full) - 1 and 4 not in kept.index
    assert kept["operating_revenue"].sum() == full["operating_revenue"].drop(index=3).sum()
    assert kept["employees_avg"].isna().sum() == kept["total_assets"].isna().sum() == 1
    assert pd.isna(kept.loc[1, "ind4"])  # the quality table has what was written
    of_c = clean.sample(raw.table, quality, first_year=2000, last_year=2030, keep_industries=["C"]).table
    assert 1 not in of_c.to_pandas()["source_row"].tolist()


def test_a_year_that_is_missing_is_not_the_year_before(con: Any, full: pd.DataFrame) -> None:
    jumped = full.copy()
    jumped.loc[7, "operating_revenue"] = 90_000.0
    assert "revenue_jump" in found(con, jumped)["rule"].tolist()
    assert "revenue_jump" not in found(con, jumped.drop(index=6))["rule"].tolist()


def test_identical_rows_keep_the_first_and_different_ones_none(con: Any, full: pd.DataFrame) -> None:
    twice = pd.concat([full, full.iloc[[2, 2]], full.iloc[[5]].assign(payroll=1.0)], ignore_index=True)
    quality = found(con, twice)
    rows = quality.groupby("rule")["row"].apply(list).to_dict()
    n = len(full)
    assert rows == {"duplicate_row": [n + 1, n + 2], "duplicate_key": [6, n + 3]}
    flow = clean.sample(readers.take(con, twice).table, quality, first_year=2000, last_year=2030)
    assert flow.table.count().execute() == n - 1
    assert flow.table.select("firm_id", "year").distinct().count().execute() == n - 1


def test_stop_tells_counts_examples_and_the_way_to_mend(con: Any, full: pd.DataFrame) -> None:
    broken = full.copy()
    broken.loc[:9, "operating_cost"] = -1.0
    broken.loc[3, "ind4"] = "I1311"
    broken["ind4"] = broken["ind4"].where(broken.index != 4, "131")
    with pytest.raises(PanelError) as caught:
        checks.check(readers.take(con, broken))
    message = str(caught.value)
    assert message.startswith("synthetic: 10 of 24 rows break the contract (12 violations):")
    assert (
        "below_minimum, operating_cost: 10: Operating cost below 0 万元. row 1 (F000, 2015)='-1.0'" in message
    )
    assert "and 7 more" in message and message.count("row ") <= 3 * 3
    assert "'I1311' may be 1311" in message and "'131' may be 0131, 1311" in message
    assert "on_violation: set_aside" in message


def test_the_message_stays_short_and_the_table_whole(con: Any, many: pd.DataFrame) -> None:
    broken = many.assign(payroll=-1.0)
    raw = readers.take(con, broken)
    assert len(checks.check(raw, "set_aside")) == len(broken)
    with pytest.raises(PanelError) as caught:
        checks.check(raw)
    assert len(str(caught.value)) < 1000


def test_leaving_out_sound_rows_leaves_out_no_violation(con: Any) -> None:
    """The expressions that leave rows out say the same as pandera on the whole table."""
    rng = np.random.default_rng(1)
    n = 400
    frame = pd.DataFrame({"firm_id": [f"F{i}" for i in range(n)], "year": 2018})
    for c in contract.contract():
        if c.minimum is not None and c.column != "year" and c.required != "derived":
            top = c.maximum if c.maximum is not None else 100.0
            frame[c.column] = np.round(rng.uniform(c.minimum - 1, top + 1, n))
            frame.loc[rng.random(n) < 0.2, c.column] = np.nan
        if c.allowed and c.required != "derived":
            frame[c.column] = rng.choice([*c.allowed, "x", None], n)
        if c.is_code:
            frame[c.column] = rng.choice(["310104", "0111", "159", "11", "0111\n1", "a111", None], n)
    raw = readers.take(con, frame, contract="minimal")
    held = checks._verdicts(raw, []).to_pandas()
    rules = set(checks.BOUNDS)
    whole = checks._judge(held, raw.columns, []).query("rule in @rules")
    found = checks.check(raw, "set_aside").query("rule in @rules")
    columns = ["rule", "field", "row"]
    assert set(whole["rule"]) == rules
    pd.testing.assert_frame_equal(
        whole.sort_values(columns, ignore_index=True).astype("str"),
        found[columns].sort_values(columns, ignore_index=True).astype("str"),
    )


def test_bad_choice(con: Any, good: pd.DataFrame) -> None:
    with pytest.raises(PanelError, match="'drop' is not one of: stop, set_aside"):
        checks.check(readers.take(con, good), "drop")


def test_summary_carries_no_identifiers(con: Any, full: pd.DataFrame) -> None:
    raw = readers.take(con, full.assign(payroll=-1.0))
    summary = checks.summary(checks.check(raw, "set_aside"), raw.columns)
    line = summary.set_index("rule").loc["below_minimum"]
    assert (line["cells"], line["rows"], line["firms"], line["emptied"]) == (24, 24, 6, 24)
    assert not summary.astype(str).apply(lambda c: c.str.contains("F00")).any().any()


def test_cells_that_are_only_counted_are_all_counted(con: Any) -> None:
    """One line of the queue stands for them; the summary printed that line as one cell."""
    frame = pd.DataFrame({"firm_id": list("abc"), "year": 2015, "x": ["5%", "7%", "—"]})
    declared = {"x": {"label_en": "X", "label_zh": "某", "unit": "%"}}
    raw = readers.take(con, frame, contract="minimal", extra_columns=declared)
    cells = checks.summary(checks.check(raw), raw.columns).set_index("rule")["cells"]
    assert cells["percent_read"] == 2 and cells["missing_word"] == 1 and cells["duplicate_row"] == 0


def test_the_minimal_contract_applies_the_rules_it_can(con: Any) -> None:
    frame = pd.DataFrame({"firm_id": ["a", "a"], "year": [2015, 2015], "x": [1.0, 2.0]})
    declared = {"x": {"label_en": "X", "label_zh": "某", "minimum": 1.5}}
    raw = readers.take(con, frame, contract="minimal", extra_columns=declared)
    quality = checks.check(raw, "set_aside")
    assert quality["rule"].tolist() == ["below_minimum", "duplicate_key", "duplicate_key"]
    assert checks.applicable(list(raw.columns)) == []


def test_columns_may_be_words_of_sql(con: Any) -> None:
    words = {"label_en": "a label", "label_zh": "标签", "minimum": 0}
    frame = pd.DataFrame({"firm_id": ["a"], "year": [2015], "union": [-1], "order": [1], "table": [1]})
    raw = readers.take(
        con, frame, contract="minimal", extra_columns=dict.fromkeys(["union", "order", "table"], words)
    )
    assert checks.check(raw, "set_aside")["field"].tolist() == ["union"]


@pytest.mark.parametrize(
    ("value", "width", "expected"),
    [
        ("0111", 4, ["0111"]), ("C1311", 4, ["1311"]), ("1311.0", 4, ["1311"]), ("１３１１", 4, ["1311"]),
        ("x", 4, []), ("13110", 4, []), ("31010", 6, ["031010"]), ("159", 3, ["159"]),
    ],
)  # fmt: skip
def test_candidates(value: str, width: int, expected: list[str]) -> None:
    assert codes.candidates(value, width) == expected


def test_a_lost_zero_is_a_candidate_and_so_is_a_group() -> None:
    assert codes.candidates("111", 4)[0] == "0111"
    assert all(code.startswith("131") for code in codes.candidates("131", 4) if code != "0131")


def test_reused_codes_of_the_two_editions() -> None:
    reused = set(codes.classes().query("reused")["code"])
    # 6550 was IC design in 2011; that class is 6520 in 2017, where 6550 names another.
    assert "6550" in reused and "3562" not in reused and "0111" not in reused


def test_a_lone_note_on_the_whole_file_has_no_row(con: Any, tmp_path: Any) -> None:
    """Nothing is wrong with the rows, and one header is not known."""
    file = tmp_path / "panel.csv"
    file.write_text("firm_id,year,zzz\nA,2012,1\nB,2012,1\n", encoding="utf-8")
    raw = readers.read(con, str(file), root=tmp_path, contract="minimal")
    quality = checks.check(raw, "set_aside")
    assert quality[["rule", "field"]].to_numpy().tolist() == [["column_ignored", "zzz"]]
    assert quality["row"].isna().all() and quality["year"].isna().all() and not quality["set_aside"].any()
    assert raw.rows == 2
