"""A study whose columns are called like the workbook's own, its rows in another order, has the numbers of the same study."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from runs import MAIN, Run

from fusion.panel.contract import contract
from workbook.params import load
from workbook.params.file import apart

# What the study makes and uses, under names that estimators give to columns of their own, and words of formulas.
USED = {"ln_lp": "y", "ln_employees": "treated", "ln_capital_labour": "weight", "pilot": "on", "leverage": "square",
        "new_products": "cohort", "ln_wage": "lambda", "roa": "event_time"}  # fmt: skip
# What its panel holds beside: names that are listed in the issue of any stranger's panel, and each pattern.
BESIDE = (
    "group3 path_service actor unit share year_ section division composite integration conditions results start stack "
    "before next_year const groups class effect cluster estimate term unit_stack time_stack exposed placebo z since markup "
    "lists edition code_own mapping_status fields_main f"
)
# Poisson and GMM in notebook 07 stop iterating at 1e-8, in another order of columns elsewhere.
EXACT: dict[str, Any] = {"check_exact": True}
ITERATED: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-9}
COMPARED = ["classified", "indicators", "weights", "estimation_sample", "mde", "estimates", "dynamics", "att", "robustness",
            "heterogeneity", "scorecards", "published"]  # fmt: skip


def _filled(pattern: str) -> str:
    """A name that a pattern of the chain's columns has."""
    return re.sub(r"\[(.).*?\]", r"\1", pattern).replace("*", "x").replace("?", "9").lower()


def _names() -> list[str]:
    patterned = [_filled(one) for one in apart.reserved() if set(one) & set("*?[")]
    known = {c.column for c in contract()}
    return [n for n in dict.fromkeys([*BESIDE.split(), *patterned]) if n not in known | set(USED.values())]


@pytest.fixture(scope="module")
def named(run: Callable[[str], Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    first, folder, yaml = run(MAIN), tmp_path_factory.mktemp("names"), YAML()
    text = Path(first.study).read_text("utf-8")
    for old, new in USED.items():
        text = re.sub(rf"\b{old}\b", new, text)
    study = yaml.load(text)
    panel = pd.read_parquet(first.folder / "01_panel" / "panel.parquet")
    panel = panel[[c.column for c in contract() if c.column in panel and c.required != "derived"]]
    rng = np.random.default_rng(5)
    more = pd.DataFrame({n: rng.integers(0, 6, len(panel)) for n in _names()}, index=panel.index)
    # Another order of rows, too: nothing that is estimated may know it.
    pd.concat([panel, more], axis=1).sample(frac=1, random_state=7).to_parquet(
        folder / "rows.parquet", index=False
    )
    study.pop("synthetic")
    study["study"]["synthetic"] = False
    study["panel"] |= {"source": "rows.parquet", "money_unit": "万元"}
    study["panel"]["extra_columns"] = {n: {"label_en": n, "label_zh": n, "type": "int"} for n in more}
    yaml.dump(study, folder / "names.yaml")
    return run(str(folder / "names.yaml"))


def test_numbers_are_those_of_the_study_under_other_names(run: Callable[[str], Run], named: Run) -> None:
    first = run(MAIN)
    made, before = (load.load(one.study).parameters.panel.columns for one in (named, first))
    back = dict(zip(made, before, strict=True))  # the same columns in the same order
    compared = 0
    for name in COMPARED:
        (mine,), (theirs,) = (list(one.folder.glob(f"*/{name}.parquet")) for one in (named, first))
        frame, other = pd.read_parquet(mine).rename(columns=back), pd.read_parquet(theirs)
        assert {*other} - {*frame} <= {"truth"} and set(frame) <= set(other), (
            name
        )  # of made-up data alone it is known
        for column in other[frame.columns].select_dtypes("number"):
            told = f"{name}.{column}"
            pd.testing.assert_series_equal(
                frame[column],
                other[column],
                check_dtype=False,
                obj=told,
                **(ITERATED if name == "robustness" else EXACT),
            )
        compared += other.size
    assert compared > 50_000


def test_values_are_kept_and_it_is_said(named: Run) -> None:
    given = pd.read_parquet(Path(named.study).parent / "rows.parquet").set_index(["firm_id", "year"])
    kept = pd.read_parquet(named.folder / "01_panel" / "panel.parquet").set_index(["firm_id", "year"])
    (said,) = [line for line in load.load(named.study).told if "own_" in line]
    for name in _names():
        new = apart.renamed([name]).get(name, name)
        assert (kept[new] == given.loc[kept.index, name]).all(), name
        assert new == name or f"{name} → {new}" in said


def _every() -> Iterator[str]:
    yield from (name for name in apart.reserved() if not set(name) & set("*?["))


def test_every_name_of_the_workbooks_own_has_a_way_out() -> None:
    """Each gets another that is nobody's, and expressions follow."""
    names = [*_every()]
    assert 400 < len(names) < 700 and {
        "treated",
        "event_time",
        "actor",
        "group3",
        "C",
        "class",
        "stack",
    } <= set(names)
    new = apart.renamed(names)
    assert set(new) == set(names) and len({one.casefold() for one in new.values()}) == len(names)
    assert not any(apart.taken(one) for one in new.values())


def test_expressions_follow() -> None:
    put = apart.expression(
        {"unit_": "own_unit_", "in_": "own_in_", "log": "own_log", "by": "own_by", "t": "own_t"}, {"t": [1]}
    )
    assert put('log(log) + mean(t, by=by) > 1 and x in t and by == "by t"') == (
        'log(own_log) + mean(own_t, by=own_by) > 1 and x in t and own_by == "by t"'
    )
