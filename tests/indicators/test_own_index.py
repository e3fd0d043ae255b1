"""An index of a user's own, by a file with five groups: by hand, with gaps, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import own_index as stated
from fusion.evaluation.errors import EvaluationError
from fusion.indicators import measure, own_index
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
    assert groups["weight"].tolist() == [20, 20, 30, 10, 20] and groups["units"].tolist() == [3] * 5
    assert groups["firms"].tolist() == pytest.approx([1, 0.5, 1, 1, 0.5])
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
