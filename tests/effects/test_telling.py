"""How many units tell a coefficient, on panels small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import tables
from estimators.engines.telling import of_none, telling

NO_EFFECTS = pd.DataFrame(index=range(40))
# Ten units of four years: unit 0 and 1 are "new"; 2 to 5 start in the third year; 6 is always treated.
ROWS = pd.DataFrame({"unit": np.repeat(np.arange(10), 4), "year": np.tile(np.arange(4), 10)})
ROWS["new"] = (ROWS["unit"] < 2).astype(float)
ROWS["old"] = 1 - ROWS["new"]
ROWS["starts"] = (ROWS["unit"].between(2, 5) & (ROWS["year"] > 1)).astype(float)
ROWS["treated"] = ROWS["starts"].where(ROWS["unit"] != 6, 1.0)
ROWS["size"] = np.random.default_rng(1).normal(size=40)
ROWS["paid"] = ROWS["size"].where(ROWS["unit"] < 3, 0.0)
ROWS["region"] = (ROWS["unit"] < 2).astype(int)
ROWS["inside"] = ROWS["size"].where(ROWS["region"] == 1, ROWS["region"].astype(float))


@pytest.mark.parametrize(
    ("regressor", "effects", "units"),
    [
        ("new", [], 2),  # two firms against eight: their mean follows
        ("old", [], 2),  # and the same the other way round
        ("starts", [], 4),
        ("treated", [], 5),
        ("treated", ["unit", "year"], 4),  # who is treated throughout is taken out with his mean
        ("size", [], 10),
        ("size", ["unit", "year"], 10),
        ("paid", [], 3),
        ("paid", ["unit"], 3),
        ("new", ["unit"], 0),  # effects leave nothing
        ("inside", ["region"], 2),  # a constant in the other region
    ],
)
def test_units_are_those_that_differ(regressor: str, effects: list[str], units: int) -> None:
    assert telling(ROWS, [regressor], "unit", ROWS[effects])[regressor] == units


def test_neither_order_nor_names_nor_units_of_measurement_matter() -> None:
    names, effects = ["treated", "paid", "size"], ["unit", "year"]
    expected = telling(ROWS, names, "unit", ROWS[effects])
    order = np.random.default_rng(2).permutation(len(ROWS))
    other = ROWS.iloc[order].assign(
        unit=lambda f: "u" + f["unit"].astype(str), size=lambda f: 1e8 * f["size"]
    )
    other["paid"] *= 1e-8
    assert telling(other, names, "unit", other[effects]).equals(expected)


def test_the_base_is_told_by_who_has_none_of_the_levels() -> None:
    rows = ROWS.assign(middle=(ROWS["unit"].between(3, 5)).astype(float))
    assert of_none(rows, ["new", "middle"], "unit") == 5
    assert of_none(rows, [], "unit") == 10


def test_levels_tell_no_more_than_their_base() -> None:
    rows = ROWS.rename(columns={"unit": "firm_id"})
    rows["kind"] = rows["firm_id"].map(lambda i: "a" if i < 2 else "b" if i < 6 else "c")
    rows["y"] = rows["size"]
    column = {
        "outcome": "y", "treatments": ["levels(kind)"], "controls": ["size"], "fixed_effects": [], "cluster": ["firm_id"],
        "errors": "clustered", "sample": [], "estimator": "ols", "quantile": 0.5, "like": "fixest", "singletons": "keep",
        "iv": {}, "mark": {}, "weights": None, "lags": None,
    }  # fmt: skip
    column |= {"outcome": "z", "controls": []}
    rows["z"] = rows["y"] + rows["year"]
    fitted = tables.fit(column, rows, {})
    # Two firms are the base, four and four the others: no more than two tell the differences, and the constant.
    assert fitted.told().to_dict() == {"kind = b": 2, "kind = c": 2, "const": 2}
