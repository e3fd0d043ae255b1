"""Samples, columns and tables of the robustness notebook."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.engines.gmm import dynamic_panel
from estimators.engines.partial import partial_out
from estimators.engines.within import feols
from estimators.errors import EffectsError
from estimators.robustness import robustness as robust
from estimators.robustness.speccurve import Specification, curve


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"firm_id": np.repeat(np.arange(40), 6), "year": np.tile(np.arange(2010, 2016), 40)})
    table["start"] = np.repeat(np.where(np.arange(40) < 15, 2013.0, np.nan), 6)
    table["path"] = np.repeat(rng.choice(["a", "b", "c"], 40), 6)
    table["d"] = (table["year"] >= table["start"]).astype(float)
    table["x"], table["z"] = rng.normal(size=(2, 240))
    table["y"] = 0.5 * table["d"] + table["x"] + rng.normal(size=240)
    return table


BASE = Specification("y", "d", ("x",), ("firm_id", "year"), "firm_id")


def test_samples_by_what_they_leave_out(rows: pd.DataFrame) -> None:
    kept = robust.samples(len(rows), {"late": rows["year"].isin([2014, 2015]).to_numpy()})
    assert list(kept) == ["all", "− late"]
    assert kept["− late"].sum() == 160 and kept["all"].all()
    with pytest.raises(EffectsError, match="exclusions: 'every'"):
        robust.samples(len(rows), {"every": np.ones(len(rows), bool)})


def test_widened_takes_each_column_once(rows: pd.DataFrame) -> None:
    one = rows[["firm_id", "year", "z"]].assign(w=1.0, q=2.0)
    two = rows[["firm_id", "year"]].assign(w=3.0, year_late=4.0)
    wide = robust.widened(rows, [one, two], ["w", None, "nowhere", "year_late"])
    assert wide["w"].eq(1).all() and wide["year_late"].eq(4).all() and "q" not in wide


def test_without_each_keeps_firms_that_never_start(rows: pd.DataFrame) -> None:
    masks = robust.without_each(rows, ["start", "path", "firm_id", "nowhere"], most=5)
    assert set(masks) == {"path: a", "path: b", "path: c"}  # one start year only, and too many firms
    two = rows.assign(start=rows["start"].where(rows["firm_id"] > 5, 2014.0))
    assert robust.without_each(two, ["start"])["start: 2014"][two["start"].isna()].all()


def test_several_equals_single_fits_and_says_what_failed(rows: pd.DataFrame) -> None:
    masks = robust.without_each(rows, ["path"])
    specs = {n: BASE._replace(sample=n) for n in masks}
    specs |= {"lost": BASE._replace(outcome="nowhere"), "absorbed": BASE._replace(treatment="start")}
    table, reasons = robust.several(rows.assign(start=rows["start"].fillna(0)), specs, masks, family="f")
    assert set(reasons) == {"lost", "absorbed"} and "nowhere" in reasons["lost"]
    single = curve(rows[masks["path: a"]], [BASE])
    assert table.loc[0, "estimate"] == pytest.approx(single.loc[0, "estimate"], rel=1e-10)
    widest = robust.extremes(table, table["label"].str.split(": ").str[0])
    assert widest.loc[0, "levels"] == 3 and widest.loc[0, "highest"] == table["estimate"].max()


def test_early_values_and_trends(rows: pd.DataFrame) -> None:
    early = robust.early_values_by_year(rows.sample(frac=1, random_state=0), ["x"]).sort_index()
    assert list(early) == [f"x_in_{year}" for year in range(2011, 2016)]
    first = rows.loc[rows["year"] == 2010, "x"].to_numpy()
    assert (early.loc[rows["year"] == 2012, "x_in_2012"].to_numpy() == first).all()
    assert (early.loc[rows["year"] == 2012].drop(columns="x_in_2012") == 0).all(axis=None)
    trends = robust.trend_columns(rows, rows["start"].fillna(0))
    assert trends["trend_1"].tolist() == ((rows["year"] - 2010) * rows["start"].notna()).tolist()


def test_winsorised_draws_in_both_tails() -> None:
    values = pd.Series(np.arange(101.0))
    assert robust.winsorised(values, 0.05).agg(["min", "max"]).tolist() == [5, 95]
    assert robust.winsor_name("y", 0.025) == "y_w2_5" and robust.winsor_name("y", 0.0) == "y"


def test_partial_out_gives_the_slope_and_its_error(rows: pd.DataFrame) -> None:
    p = partial_out(rows, ["y", "d"], ["x"], ["firm_id", "path*year"], "firm_id")
    slope = p.residuals["y"] @ p.residuals["d"] / (p.residuals["d"] @ p.residuals["d"])
    fit = feols("y ~ d + x | firm_id + path^year", rows, {"CRV1": "firm_id"})
    # Frisch–Waugh–Lovell: the same numbers to rounding; K counts the slope besides what was taken out.
    assert slope == pytest.approx(fit.coef()["d"], rel=1e-9)
    assert p.parameters + 1 == fit.parameters
    assert list(p.clusters) == list(rows.loc[p.residuals.index, "firm_id"])


def test_gmm_lines_name_the_test_that_each_first_lag_needs(rows: pd.DataFrame) -> None:
    model = dynamic_panel(
        rows, "y", ["L1.y", "d"], {"y": (2, 4), "d": (1, 3)}, collapse=True, orders=(1, 2, 3)
    )
    line = robust.gmm_lines({"m": (3, model)}, "y", "d").iloc[0]
    assert line["ar_needed"] == model.ar[3].p_value and line["ar2"] == model.ar[2].p_value
    assert line["estimate"] == model.table().loc["d", "estimate"] and line["instruments"] == model.instruments


def test_frozen_reads_before_the_start_and_passes_over_what_makes_no_strata(rows: pd.DataFrame) -> None:
    moved = rows.assign(path=rows["path"].where(rows["year"] < 2013, "late"), same="x")
    made = robust.frozen(moved, ["path", "same", "nowhere"], "start")
    assert list(made) == ["path_before"]
    first = moved[moved["year"] == 2010].set_index("firm_id")["path"]
    assert (made["path_before"].to_numpy() == first[moved["firm_id"]].to_numpy()).all()


def test_units_are_counted_in_the_rows_used(rows: pd.DataFrame) -> None:
    masks = robust.without_each(rows, ["path"])
    table, _ = robust.several(rows, {n: BASE._replace(sample=n) for n in masks}, masks)
    inside = [rows.loc[masks[n], "firm_id"].nunique() for n in table["label"]]
    assert table["units"].tolist() == inside
    alone = rows.drop(rows.index[1:6])  # one firm with a single row: a singleton of its effect
    kept = [
        robust.several(alone, {"b": BASE}, drop_singletons=drop)[0].loc[0, "units"] for drop in (True, False)
    ]
    assert kept == [39, 40]


def test_a_sample_rests_on_the_fewer_of_those_in_and_those_left_out(rows: pd.DataFrame) -> None:
    masks = {"all": np.ones(len(rows), bool), "− two": rows["firm_id"].ge(2).to_numpy()}
    table = pd.DataFrame({"sample": list(masks), "units": [40, 38]})
    assert robust.fewest(table, rows, masks)["units"].tolist() == [40, 2]


def test_tables_are_gathered_in_the_columns_of_all_checks(rows: pd.DataFrame) -> None:
    table, _ = robust.several(rows, {"base": BASE}, family="f")
    whole = robust.gathered([table, pd.DataFrame(), pd.DataFrame({"label": ["m"], "rho": [0.5]})])
    assert list(whole) == robust.KEPT and whole["label"].tolist() == ["base", "m"]
    assert whole["estimate"].dtype == float and whole["effects"].tolist()[0] == "firm_id + year"
    assert list(robust.gathered([])) == robust.KEPT
    assert robust.compared(table).empty and len(robust.compared(pd.concat([table, table]))) == 2


def test_forms_of_an_amount_and_a_square_only_where_there_is_one(rows: pd.DataFrame) -> None:
    money = rows.assign(sales=np.where(rows["year"] == 2010, 0.0, np.e))
    made = robust.amount_forms(money, "sales")
    assert made["amount_log"].isna().sum() == 40 and made["amount_log"].max() == 1
    assert made["amount_log1"].min() == 0
    assert robust.amount_forms(money, None) == {} and robust.amount_forms(money, "z") == {}
    bent = robust.with_square(rows, "y", "x")
    assert (bent["along"].min(), bent["along"].max()) == (-1, 1) and (
        bent["square"] == bent["along"] ** 2
    ).all()
    assert robust.with_square(rows, "y", "d").empty and robust.with_square(rows, "y", "nowhere").empty


def test_treatment_is_dealt_among_clusters_that_share_it(rows: pd.DataFrame) -> None:
    towns = rows.assign(town=rows["firm_id"] // 5)  # the first three towns start as one
    assert robust.assigned(towns, "town", ["start"], ["d"]) == "town"
    assert robust.assigned(towns, "path", ["start"], ["d"]) == "firm_id"
    assert robust.assigned(towns, "town", ["start", "path"], ["d"]) == "firm_id"
    assert robust.assigned(rows, "firm_id", ["start"], ["d"]) == "firm_id"
