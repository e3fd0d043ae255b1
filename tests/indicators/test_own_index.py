"""An index of a user's own, by a file with five groups: by hand, with gaps, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.composite import base
from fusion.composite.errors import CompositeError
from fusion.evaluation import own_index as stated
from fusion.evaluation.errors import EvaluationError
from fusion.indicators import describe, measure, own_index
from workbook import paths

HEAD = ",".join(stated.COLUMNS)
FIVE = [
    "Scale,规模,service_revenue,+,20",
    "Input,投入,staff,+,15",
    "Input,投入,cost,-,5",
    "Contribution,贡献,A1,+,30",
    "Capability,能力,kinds,+,10",
    "Development,发展,growth,+,20",
]
STEPS = measure.steps(
    treatment="none", winsor_tail=0.0, normalise="minmax", bounds="pooled", weights="entropy",
    chain_weights="equal", aggregation="arithmetic", aggregation_floor=0.01, min_chain_share=0.6,
)  # fmt: skip
ROWS = pd.DataFrame(
    {
        "firm_id": ["a", "b", "c"],
        "year": [2020] * 3,
        "operating_revenue": [100.0, 100.0, 100.0],
        "service_revenue": [0.0, 10.0, 40.0],
        "staff": [1.0, 3.0, 2.0],
        "cost": [5.0, 5.0, 10.0],
        "kinds": [0.0, 1.0, 2.0],
        "growth": [4.0, 0.0, 8.0],
    }
)


def write(folder: Path, *lines: str) -> Path:
    file = folder / "mine.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    return file


def built(folder: Path, rows: pd.DataFrame, *lines: str) -> own_index.Own:
    panel = ibis.duckdb.connect().create_table("panel", rows)
    return own_index.build(panel, stated.load(write(folder, *lines)), STEPS)


def test_the_template_is_the_contract() -> None:
    head = (paths.DATA / "indicators" / "own_index_template.csv").read_text("utf-8").strip()
    assert head == HEAD


def test_five_groups_by_hand(tmp_path: Path) -> None:
    own = built(tmp_path, ROWS, *FIVE)
    scores = own.scores.set_index("firm_id")
    assert own.whole and own_index.counts(own) == (6, 6)
    assert own.items["used"].tolist() == pytest.approx([20, 15, 5, 30, 10, 20])
    # Input of b: staff 1, cost (less is better) 1; of c: staff 1/2, cost 0.
    assert scores["2"].tolist() == pytest.approx([25.0, 100.0, 37.5])
    # b: scale 1/4 · 20, input 20, contribution 1/4 · 30, capability 1/2 · 10, development 0.
    assert scores["own_index"].tolist() == pytest.approx([5 + 10, 5 + 20 + 7.5 + 5, 20 + 7.5 + 30 + 10 + 20])
    groups = own_index.by_group(own, ROWS.assign(integration=[0.0, 1.0, 2.0]), 2020)
    assert groups is not None
    assert groups["weight"].tolist() == [20, 20, 30, 10, 20, 100] and groups["units"].tolist() == [3] * 6
    assert groups["firms"].tolist() == pytest.approx([1, 0.5, 1, 1, 0.5, 1])
    assert groups.loc[1, ["group_en", "group_zh", "counted", "of"]].tolist() == ["Input", "投入", 2, 2]


def test_what_is_lacking_is_said_and_its_group_takes_its_weight(tmp_path: Path) -> None:
    rows = ROWS.drop(columns="cost").assign(kinds=1.0)
    own = built(tmp_path, rows, *FIVE[:4], "Capability,能力,kinds,+,5", "Capability,能力,growth,+,5", *[
        "Development,发展,operating_revenue,+,20"])  # fmt: skip
    state = own.items.set_index("indicator")
    assert state["state"].to_dict() == {
        "service_revenue": "counted", "staff": "counted", "cost": "empty", "A1": "counted", "kinds": "alike",
        "growth": "counted", "operating_revenue": "alike",
    }  # fmt: skip
    assert state.loc["cost", "needs"] == ["cost"] and state.loc["staff", "used"] == pytest.approx(25)
    # A whole group is the same for all: the four others are not that index.
    assert not own.whole and own.scores["own_index"].isna().all() and own.scores["4"].notna().all()
    table = own_index.by_indicator(own, 2020)
    assert table is not None and table.set_index("indicator").loc["cost", "units"] == 0


def test_silence_about_a_group_is_no_index(tmp_path: Path) -> None:
    """The mean of the other groups would lift who leaves a low one out."""
    silent = ROWS.assign(service_revenue=[np.nan, 10.0, 40.0])
    own = built(tmp_path, silent, *FIVE)
    assert own.scores["2"].notna().all() and own.scores["own_index"].isna().tolist() == [True, False, False]


PLANTED = [
    "Scale,规模,service_revenue,+,20",
    "Input,投入,D4,+,20",
    "Capability,能力,C1,+,10",
    "Contribution,贡献,A1,+,20",
    "Capability,能力,C8,+,15",
    "Capability,能力,digital,+,15",
]
WITHHELD = ["service_revenue", "ps_input", "rd_expense", "it_spend", "digital", "operating_revenue"]


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    """One year of firms of which some are silent about each item, and none about all of them."""
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"firm_id": [f"U{i:03}" for i in range(400)], "year": 2020})
    rows["ind4"], rows["class_version"], rows["division"] = "3421", "2017", "34"
    rows["operating_revenue"] = np.exp(rng.normal(9, 1, 400))
    shares = {"service_revenue": 0.2, "ps_input": 0.1, "rd_expense": 0.05, "it_spend": 0.02, "digital": 0.5}
    for name, share in shares.items():
        drawn = rows["operating_revenue"] * share * rng.random(400) ** 2 * (rng.random(400) < 0.8)
        rows[name] = drawn.mask(rng.random(400) < 0.15)
    return rows.assign(intermediate_input=rows["operating_revenue"] * 0.6)


def placed(rows: pd.DataFrame, folder: Path, **how: str) -> pd.Series:
    """What each firm is ranked by: its index; who has none stands below all."""
    panel = ibis.duckdb.connect().create_table("panel", rows)
    own = own_index.build(panel, stated.load(write(folder, *PLANTED)), STEPS, **how)
    assert own.items["state"].eq("counted").all()
    return own.scores.set_index("firm_id")["own_index"].fillna(-1.0)


@pytest.mark.parametrize("silence", ["none", "least"])
@pytest.mark.parametrize("item", WITHHELD)
def test_withholding_any_item_never_pays(many: pd.DataFrame, tmp_path: Path, item: str, silence: str) -> None:
    """A tenth of the firms leave an item out: their places among the others, of whom there are 360."""
    before = placed(many, tmp_path, silence=silence)
    hidden = np.random.default_rng(8).random(len(many)) < 0.1
    after = placed(many.assign(**{item: many[item].mask(hidden)}), tmp_path, silence=silence)
    order = [np.sort(scores[~hidden]) for scores in (before, after)]
    places = [np.searchsorted(o, s[hidden]) for o, s in zip(order, (before, after), strict=True)]
    gained = places[1] - places[0]
    assert gained.mean() < -1, "and it costs on average"
    if silence == "none":
        assert gained.max() <= 0, "not on average alone: nobody rises"
    else:  # where whoever was lowest leaves, the scale moves to the next
        assert gained.max() < 8


def test_the_mean_of_what_is_told_would_pay(many: pd.DataFrame, tmp_path: Path) -> None:
    """Why it is not taken: who leaves out what is lower than its others rises."""
    items, hidden = stated.load(write(tmp_path, *PLANTED)), np.random.default_rng(8).random(len(many)) < 0.1

    def plain(rows: pd.DataFrame) -> np.ndarray:
        own = own_index.build(ibis.duckdb.connect().create_table("panel", rows), items, STEPS)
        built = own.made["own_index"][0].index
        assert built is not None
        return built.scores["index"].to_numpy()[hidden]

    gained = plain(many.assign(digital=many["digital"].mask(hidden))) - plain(many)
    assert np.nanmax(gained) > 5


def test_the_lowest_score_stands_between_the_bounds(many: pd.DataFrame, tmp_path: Path) -> None:
    panel = ibis.duckdb.connect().create_table("panel", many)
    items = stated.load(write(tmp_path, *PLANTED))
    none, least = (own_index.build(panel, items, STEPS, silence=how) for how in ("none", "least"))
    low, high = (none.ends[end]["own_index"] for end in ("low", "high"))
    told = none.scores["own_index"]
    quiet = none.quiet["own_index"]
    assert told.isna().equals(quiet) and 0 < quiet.sum() < len(many)
    assert np.allclose(told[~quiet], low[~quiet]) and np.allclose(low[~quiet], high[~quiet])
    assert (high - low)[quiet].min() > 1 and least.scores["own_index"].equals(low)
    table = own_index.by_group(none, many.assign(integration=0.0), 2020)
    assert table is not None
    last = table.iloc[-1]
    assert last[["group_en", "silent", "units"]].tolist() == ["Index", quiet.sum(), (~quiet).sum()]
    assert last["low"] == pytest.approx(low.mean()) and last["high"] == pytest.approx(high.mean())
    assert own_index.silence(none, 2020) == (quiet.sum(), 400)


def test_what_no_form_of_a_year_asks_nobody_withholds(tmp_path: Path) -> None:
    lines = ["S,规模,staff,+,60", "S,规模,kinds,+,20", "S,规模,growth,+,20"]
    rows = pd.concat([ROWS, ROWS.assign(year=2021, growth=np.nan)])
    own = built(tmp_path, rows, *lines).scores.set_index(["year", "firm_id"])["own_index"]
    assert own[2021].notna().all()
    # Without growth: staff and kinds as 3 to 1 of the group.
    assert own[2021, "c"] == pytest.approx(100 * (0.5 * 60 + 1 * 20) / 80)
    assert own[2020, "c"] == pytest.approx(0.5 * 60 + 20 + 20)


def test_the_share_of_a_division_is_no_firms_own(many: pd.DataFrame, tmp_path: Path) -> None:
    panel = ibis.duckdb.connect().create_table("panel", many)
    own = own_index.build(panel, stated.load(write(tmp_path, *PLANTED)), STEPS)
    assert own.units.loc[2020, "D4"] == many["ps_input"].notna().sum() < len(many)


def test_next_year_is_scored_by_this_years_scales(tmp_path: Path) -> None:
    """Twice the staff of everybody is more, and not the same as last year; the file's weights are those of the base."""
    items = stated.load(write(tmp_path, *FIVE))
    connection = ibis.duckdb.connect()
    first = own_index.build(connection.create_table("a", ROWS), items, STEPS)
    kept = tmp_path / "base.json"
    kept.write_bytes(describe.base_file(first.made, study="mine") or b"")
    frozen = base.read(kept)["own_index"]
    later = ROWS.assign(year=2021, staff=[1.5, 3.0, 3.0])
    next_year = own_index.build(connection.create_table("b", later), items, STEPS, base=frozen)
    assert next_year.scores["2"].tolist() == pytest.approx([75 * 0.25 + 25, 100, 75])
    again = own_index.build(connection.create_table("c", ROWS), items, STEPS, base=frozen)
    pd.testing.assert_frame_equal(again.scores, first.scores)
    # A scale of its own would have hidden that "a" and "c" have more.
    alone = own_index.build(connection.create_table("d", later), items, STEPS)
    assert alone.scores["2"].tolist() == pytest.approx([25, 100, 75])

    fewer = stated.load(write(tmp_path, *FIVE[:5], "Development,发展,operating_revenue,+,20"))
    with pytest.raises(CompositeError, match=r"other groups or weights.*growth"):
        own_index.build(connection.create_table("e", later), fewer, STEPS, base=frozen)


def test_a_base_that_lacks_an_indicator_says_so(tmp_path: Path) -> None:
    lines = ["S,规模,staff,+,60", "S,规模,kinds,+,40"]
    first = built(tmp_path, ROWS.assign(kinds=np.nan), *lines)
    frozen = first.made["own_index"][0].freeze()
    panel = ibis.duckdb.connect().create_table("panel", ROWS)
    own = own_index.build(panel, stated.load(write(tmp_path, *lines)), STEPS, base=frozen)
    assert own.items["state"].tolist() == ["counted", "unscaled"]
    assert own.scores["own_index"].tolist() == pytest.approx([0, 100, 50])


def test_an_indicator_says_which_columns_it_lacks(tmp_path: Path) -> None:
    own = built(tmp_path, ROWS, "S,规模,staff,+,50", "T,贡献,C1,+,50")
    assert own.items.set_index("indicator").loc["C1", "needs"] == ["rd_expense"]


def test_without_a_file_there_is_no_column(tmp_path: Path) -> None:
    panel = ibis.duckdb.connect().create_table("panel", ROWS)
    own = own_index.build(panel, stated.load(None), STEPS)
    assert list(own.column) == ["firm_id", "year"] and own_index.by_indicator(own, 2020) is None


def test_nothing_that_counts_is_no_index(tmp_path: Path) -> None:
    own = built(tmp_path, ROWS.assign(staff=np.nan), "S,规模,staff,+,100")
    assert own_index.counts(own) == (0, 1) and own.scores["own_index"].isna().all() and not own.whole


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (FIVE[:5], "mine.csv: the weights add up to 80, not 100"),
        ([*FIVE[:5], "Capability,能力,A1,+,20"], "line 7: indicator 'A1' is there twice, in group 'Contribution' and in"),
        ([*FIVE[:5], "Development,发展,grwth,+,20"], "line 7: indicator 'grwth' is neither a declared indicator"),
        ([*FIVE[:5], "Development,发展,grwth,+,20"], "(nearest: 'growth')"),
        ([*FIVE[:5], "Development,发展,C11,+,20"], "indicator 'C11' is neither a declared indicator"),
        ([*FIVE[:5], "Development,发展,firm_name,+,20"], "'firm_name' is a column of texts or codes"),
        ([*FIVE[:5], "Development,发展,growth,up,20"], "direction = 'up'; allowed: +, -"),
        ([*FIVE[:5], "Development,发展,growth,+,much"], "weight = 'much'; allowed: a number from 0 to 100"),
        ([*FIVE[:5], ",,growth,+,20"], "group_en and group_zh are both empty"),
        ([*FIVE[:5], "Input,别的,growth,+,20"], "group_en 'Input' has another group_zh"),
        ([*FIVE[:5], "Development,发展,,+,20"], "indicator is empty"),
    ],
)  # fmt: skip
def test_files_that_are_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    columns = dict.fromkeys(ROWS.columns, "number") | {"firm_name": "text"}
    with pytest.raises(EvaluationError, match=re.escape(message)):
        stated.load(write(tmp_path, *lines), columns)


def test_a_group_named_in_one_language_is_named_so_in_both(tmp_path: Path) -> None:
    table = stated.load(write(tmp_path, ",规模,staff,+,50", "Input,,cost,-,50"))
    assert table[["group_en", "group_zh"]].values.tolist() == [["规模", "规模"], ["Input", "Input"]]
