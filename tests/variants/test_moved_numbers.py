"""What moves a number between variants: by hand, and beside the analysis of variance of another package."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from estimators.robustness import variants
from estimators.robustness.variants import complete, moves, shares


def factorial(*sizes: int) -> pd.DataFrame:
    rows = list(product(*(range(size) for size in sizes)))
    names = [f"c{i}" for i in range(len(sizes))]
    return pd.DataFrame(rows, columns=names, index=range(1, len(rows) + 1)).astype(str)


def test_choices_that_add_up_share_the_variance() -> None:
    levels = factorial(2, 2)
    y = pd.Series([0.0, 1.0, 3.0, 4.0], index=levels.index)  # c0 moves by 3, c1 by 1
    found = shares(levels, y).set_index("kind")
    assert found.loc["alone", "share"].tolist() == pytest.approx([0.9, 0.1])
    assert found.loc["pair", "share"] == found.loc["rest", "share"] == 0


def test_shares_are_those_of_the_analysis_of_variance() -> None:
    levels = factorial(3, 2, 4)
    rng = np.random.default_rng(1)
    y = pd.Series(rng.normal(size=len(levels)), index=levels.index)
    found = shares(levels, y)
    table = anova_lm(
        ols("y ~ C(c0) + C(c1) + C(c2) + C(c0):C(c1) + C(c0):C(c2) + C(c1):C(c2)", levels.assign(y=y)).fit()
    )
    squares = table["sum_sq"] / table["sum_sq"].sum()
    assert found["share"].to_numpy() == pytest.approx(squares.to_numpy(), abs=1e-10)
    assert found["share"].sum() == pytest.approx(1)


def test_where_combinations_are_missing_parts_of_r2_sum_to_it() -> None:
    levels = factorial(2, 3).drop(index=[2, 6])
    rng = np.random.default_rng(2)
    y = pd.Series(rng.normal(size=len(levels)), index=levels.index)
    assert not complete(levels)
    found = shares(levels, y)
    fit = ols("y ~ C(c0) + C(c1)", levels.assign(y=y)).fit()
    one = {name: ols(f"y ~ C({name})", levels.assign(y=y)).fit().rsquared for name in levels}
    by_hand = {
        "c0": (one["c0"] + fit.rsquared - one["c1"]) / 2,
        "c1": (one["c1"] + fit.rsquared - one["c0"]) / 2,
    }
    assert found[found["kind"] == "alone"].set_index("first")["share"].to_dict() == pytest.approx(by_hand)
    assert "pair" not in set(found["kind"]) and found["share"].sum() == pytest.approx(1)


def test_a_number_that_does_not_vary_has_no_shares() -> None:
    levels = factorial(2, 2)
    assert shares(levels, pd.Series(7.0, index=levels.index)).empty


def test_moves_are_split_by_shapley_values() -> None:
    levels = factorial(2, 2)
    y = pd.Series([0.0, 1.0, 3.0, 10.0], index=levels.index)
    found = moves(levels, y, 1)
    last = found[found["variant"] == 4].set_index("parameter")["part"]
    assert last.to_dict() == pytest.approx({"c0": (3 + 9) / 2, "c1": (1 + 7) / 2})  # sum 10
    assert found.groupby("variant")["part"].sum().to_dict() == pytest.approx({2: 1, 3: 3, 4: 10})


def test_a_move_over_a_combination_that_is_missing_is_not_split() -> None:
    levels = factorial(2, 2).drop(index=2)
    found = moves(levels, pd.Series([0.0, 3.0, 10.0], index=levels.index), 1)
    assert found.loc[found["variant"] == 4, "part"].isna().all()
    assert found.loc[found["variant"] == 3, "part"].tolist() == [3.0]


def listed(levels: pd.DataFrame) -> pd.DataFrame:
    """Choices as the grid writes them, with what they are called."""
    long = (
        levels.rename_axis("variant").reset_index().melt("variant", var_name="parameter", value_name="level")
    )
    return long.assign(parameter_en=long["parameter"].str.upper(), parameter_zh="选" + long["parameter"])


def numbers(levels: pd.DataFrame, estimate: list[float]) -> pd.DataFrame:
    names = levels.agg(" ".join, axis=1)
    return pd.DataFrame(
        {"estimate": estimate, "n": 7.0, "units": 3, "levels_en": names, "levels_zh": names},
        index=levels.index,
    ).rename_axis("variant")


def test_shares_of_several_numbers_say_what_their_choices_are_called() -> None:
    levels = factorial(2, 2)
    found = numbers(levels, [0.0, 1.0, 3.0, 5.0])
    chosen = variants.chosen(listed(levels), found)
    assert chosen.to_numpy().tolist() == levels.to_numpy().tolist()
    made = variants.called(variants.of_each(chosen, found, ["estimate", "n"]), listed(levels))
    assert set(made["number"]) == {"estimate"}, "a number that is the same everywhere has none"
    assert made["source_en"].tolist() == ["C0", "C1", "C0 × C1", ""]
    assert variants.most(made) == {"en": "C0", "zh": "选c0"}
    assert variants.largest(made) == made["share"].max()
    none = variants.called(variants.of_each(chosen, found, ["n"]), listed(levels))
    assert none.empty and variants.most(none) is None and variants.largest(none) is None


def test_the_variants_that_move_most_are_shown_with_their_choices() -> None:
    levels = factorial(2, 2)
    found = numbers(levels, [0.0, 1.0, 3.0, 10.0])
    split = variants.split(levels, found, 1, ["estimate", "n"])
    assert split.columns.tolist() == ["variant", "parameter", "number", "part"] and len(split) == 8
    shown = variants.widest(split, found, listed(levels), shown=1)
    assert shown["variant"].tolist() == [4, 4] and shown["parameter_en"].tolist() == ["C0", "C1"]
    assert shown["estimate"].tolist() == [6.0, 4.0] and (shown["units"] == 3).all()
    gone = variants.split(levels, found, 9, ["estimate"])
    assert gone.empty and variants.widest(gone, found, listed(levels)).empty
