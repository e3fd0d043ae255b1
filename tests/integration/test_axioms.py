"""What every firm's integration must satisfy, whatever its revenue and relatedness."""

from __future__ import annotations

import json
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from handmade import Measure, panel
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fusion.integration import firms, pairing, relatedness

TIGHT = 1e-7  # HiGHS solves to 1e-9 or so; sums of nine products stay well within
share = st.floats(0, 1)
COUNT = 3


@st.composite
def units(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of three goods and three services that add up to one with the rest, and their relatedness."""
    raw = draw(hnp.arrays(float, 2 * COUNT + 1, elements=st.floats(0, 1).map(lambda x: round(x, 4))))
    whole = max(raw.sum(), 1e-9)
    r = draw(hnp.arrays(float, (COUNT, COUNT), elements=st.floats(0, 1).map(lambda x: round(x, 3))))
    return raw[:COUNT] / whole, raw[COUNT : 2 * COUNT] / whole, r


EVERY = settings(max_examples=100, deadline=None)
FEW = settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])  # half a second a call


@EVERY
@given(units())
def test_one_side_alone_is_none(unit: Any) -> None:
    p, q, r = unit
    assert pairing.integration(0 * p, q, r) == pytest.approx(0, abs=TIGHT)
    assert pairing.integration(p, 0 * q, r) == pytest.approx(0, abs=TIGHT)


@EVERY
@given(units())
def test_the_smaller_side_counts(unit: Any) -> None:
    p, q, r = unit
    found = pairing.integration(p, q, r)
    assert -TIGHT <= found <= 2 * r.max() * min(p.sum(), q.sum()) + TIGHT


@EVERY
@given(units())
def test_both_sides_are_one_scale(unit: Any) -> None:
    p, q, r = unit
    assert pairing.integration(q, p, r.T) == pytest.approx(pairing.integration(p, q, r), abs=TIGHT)


@EVERY
@given(units(), hnp.arrays(float, (COUNT, COUNT), elements=st.floats(0, 1)))
def test_more_related_is_more_integrated(unit: Any, more: np.ndarray) -> None:
    p, q, r = unit
    higher = np.minimum(r + more, 1)
    assert pairing.integration(p, q, higher) >= pairing.integration(p, q, r) - TIGHT


@EVERY
@given(units(), st.floats(0, 5))
def test_unrelated_revenue_leaves_yuan_alone(unit: Any, added: float) -> None:
    p, q, r = unit
    whole = 1 + added
    with_flats = np.c_[r, np.zeros(COUNT)]
    found = pairing.integration(p / whole, np.r_[q, added] / whole, with_flats)
    assert found * whole == pytest.approx(pairing.integration(p, q, r), abs=TIGHT * whole)


@EVERY
@given(units(), units())
def test_a_group_is_never_less_than_its_parts(one: Any, other: Any) -> None:
    p, q, r = one
    a, b, _ = other
    whole = 2 * pairing.integration((p + a) / 2, (q + b) / 2, r)
    assert whole >= pairing.integration(p, q, r) + pairing.integration(a, b, r) - TIGHT


@EVERY
@given(units(), share)
def test_finer_codes_are_no_gain(unit: Any, part: float) -> None:
    p, q, r = unit
    finer = np.r_[q[0] * part, q[0] * (1 - part), q[1:]]
    again = np.c_[r[:, :1], r]
    assert pairing.integration(p, finer, again) == pytest.approx(pairing.integration(p, q, r), abs=TIGHT)


@EVERY
@given(units(), st.integers(0, 2 * COUNT - 1), st.integers(0, 2 * COUNT - 1), share)
def test_an_error_in_a_share_counts_at_most_twice(unit: Any, out: int, into: int, part: float) -> None:
    p, q, r = unit
    shares = np.r_[p, q]
    moved = part * shares[out]
    changed = shares.copy()
    changed[out] -= moved
    changed[into] += moved
    found = pairing.integration(changed[:COUNT], changed[COUNT:], r)
    assert abs(found - pairing.integration(p, q, r)) <= 2 * moved + TIGHT


@EVERY
@given(
    st.lists(st.tuples(st.integers(0, 4), share, share), max_size=30), st.lists(share, min_size=5, max_size=5)
)
def test_filling_solves_the_programme(lines: list[tuple[int, float, float]], room: list[float]) -> None:
    """One class of goods: falling r is as good as the transport problem of goods cut in two."""
    row = np.array([line[0] for line in lines], np.int64)
    q, r = (np.array([line[i] for line in lines], float) for i in (1, 2))
    paired = pairing.fill(room, row, q, r)
    assert (paired <= q + TIGHT).all() and (paired >= -TIGHT).all()
    for unit in range(5):
        own = row == unit
        if own.any():
            best = pairing.integration(np.array([room[unit] / 2] * 2), q[own], np.array([r[own]] * 2))
            assert 2 * (paired * r)[own].sum() == pytest.approx(best, abs=TIGHT * 10)


# -- the engine ----------------------------------------------------------------------------------
SERVICES = ["4330", "7320", "7484", "7040", "6520", "5821", "7111", "8111"]
GOODS = ["3421", "3130", "3973", "3611", "1411"]


@st.composite
def tellers(draw: st.DrawFn) -> dict[str, Any]:
    """A firm with revenue by class in any proportion, a factory or a services firm."""
    amount = st.floats(0.01, 100).map(lambda x: round(x, 2))
    sold = draw(st.dictionaries(st.sampled_from(SERVICES), amount, max_size=6))
    goods = draw(st.dictionaries(st.sampled_from(GOODS), amount, max_size=2))
    main = draw(st.sampled_from(GOODS + SERVICES))
    rest = draw(amount)
    told: dict[str, Any] = {"ind4": main, "service_rev_by_class": sold, "service_revenue": sum(sold.values())}
    if goods or main in SERVICES:
        told["goods_rev_by_class"] = goods
    return {**told, "operating_revenue": sum(sold.values()) + sum(goods.values()) + rest}


def by_programme(firm: dict[str, Any], made: relatedness.Relatedness) -> float:
    """The definition, solved as it stands."""
    sold, goods = firm["service_rev_by_class"], dict(firm.get("goods_rev_by_class", {}))
    left = firm["operating_revenue"] - sum(sold.values()) - sum(goods.values())
    maker = firm["ind4"] in GOODS
    # A residual within rounding is no class of its own.
    if maker and (
        not goods or set(goods) == {firm["ind4"]} or left > max(0.1, 0.01 * firm["operating_revenue"])
    ):
        goods[firm["ind4"]] = goods.get(firm["ind4"], 0) + left
    elif maker and len(goods) == 1:
        goods = {code: value + left for code, value in goods.items()}
    elif maker:
        goods[firm["ind4"]] = goods.get(firm["ind4"], 0) + left
    if not sold or not goods:
        return 0.0
    r = made.r.loc[list(goods), list(sold)].to_numpy()
    whole = firm["operating_revenue"]
    return pairing.integration(
        np.array(list(goods.values())) / whole, np.array(list(sold.values())) / whole, r
    )


@FEW
@given(st.lists(tellers(), min_size=5, max_size=20))
def test_the_engine_solves_the_programme(prior: relatedness.Relatedness, told: list[dict[str, Any]]) -> None:
    found = firms.integration(panel(*told), prior).to_pandas().set_index("firm_id")
    expected = pd.Series([by_programme(firm, prior) for firm in told], [f"F{i}" for i in range(len(told))])
    # A maker of services above nine tenths may have placed its goods at customers: no point, and it may be above.
    solved = found["point"].dropna()
    assert solved.tolist() == pytest.approx(expected[solved.index].tolist(), abs=1e-6)
    assert (found["high"] >= expected[found.index] - 1e-6).all()


def hidden(told: list[dict[str, Any]], mask: list[int]) -> list[dict[str, Any]]:
    """Firms that leave out the classes of their services, then their sum, then their activities."""
    out = []
    for firm, level in zip(told, mask, strict=True):
        left = ["service_rev_by_class", "service_revenue", "goods_rev_by_class"][:level]
        out.append({name: value for name, value in firm.items() if name not in left})
    return out


@FEW
@given(st.lists(tellers(), min_size=5, max_size=20), st.data())
def test_who_withholds_gains_nothing_and_moves_nobody(
    prior: relatedness.Relatedness, told: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A6, A11 to A13: bounds hold the truth, fewer items never narrow them, the least never rises, others stay."""
    mask = data.draw(st.lists(st.integers(0, 3), min_size=len(told), max_size=len(told)))
    full = firms.integration(panel(*told), prior).to_pandas().set_index("firm_id")
    less = firms.integration(panel(*hidden(told, mask)), prior).to_pandas().set_index("firm_id")
    less = less.loc[full.index]
    assert (less["low"] <= full["low"] + 1e-9).all()
    assert (less["high"] >= full["high"] - 1e-9).all()
    assert (less["low"] <= full["point"].fillna(1) + 1e-9).all()
    silent = np.array(mask) == 0
    kept = [f"F{i}" for i in range(len(told)) if silent[i]]
    assert less.loc[kept, "point"].tolist() == pytest.approx(full.loc[kept, "point"].tolist(), nan_ok=True)


@FEW
@given(tellers(), st.floats(0.1, 1000))
def test_neither_size_nor_unit(prior: relatedness.Relatedness, firm: dict[str, Any], by: float) -> None:
    scaled = dict(firm)
    for name, value in firm.items():
        if isinstance(value, dict):
            scaled[name] = {code: amount * by for code, amount in value.items()}
        elif isinstance(value, float | int):
            scaled[name] = value * by
    large = dict(firm, operating_revenue=firm["operating_revenue"])
    found = firms.integration(panel(large, scaled), prior).to_pandas()
    # Rounding of forms (0.1) is a unit, so that firms of a few 万元 may fall on either side of it.
    if min(firm["operating_revenue"], scaled["operating_revenue"]) > 20:
        assert found["point"].iloc[0] == pytest.approx(found["point"].iloc[1], abs=0.02, nan_ok=True)


def test_nothing_but_revenue_by_class_is_read(measure: Measure) -> None:
    """A10: staff, research, profit and stocks change nothing; the engine asks for no such column."""
    from fusion.integration import engine

    assert not {"employees_avg", "rd_expense", "total_profit", "inventory", "it_spend"} & set(engine.COLUMNS)
    firm = {"ind4": "3421", "service_revenue": 20.0, "service_rev_by_class": json.dumps({"4330": 20.0})}
    plain, other = (
        measure(firm),
        measure({**firm, "employees_avg": 900.0, "rd_expense": 30.0, "total_profit": -5.0}),
    )
    assert plain["point"].tolist() == other["point"].tolist()


def test_streams_are_the_same(
    prior: relatedness.Relatedness, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panel in parts gives what it gives as a whole."""
    monkeypatch.setattr(firms, "CHUNK", 7)
    rng = np.random.default_rng(3)
    rows = [
        {
            "firm_id": f"F{i}",
            "year": 2020,
            "class_version": "2017",
            "ind4": GOODS[i % 5],
            "operating_revenue": 100.0,
        }
        | {"service_rev_by_class": json.dumps({SERVICES[i % 8]: 10.0 + i}), "service_revenue": 10.0 + i}
        for i in range(30)
    ]
    table = pd.DataFrame(rows).sample(frac=1, random_state=rng)
    table.to_parquet(tmp_path / "all.parquet")
    (tmp_path / "out").mkdir()
    firms.stream(tmp_path / "all.parquet", tmp_path / "out", prior)
    parts = pd.read_parquet(tmp_path / "out").set_index("firm_id").sort_index()
    whole = (
        firms.integration(ibis.duckdb.connect().create_table("t", table), prior)
        .to_pandas()
        .set_index("firm_id")
    )
    pd.testing.assert_series_equal(parts["point"], whole["point"].sort_index())


def test_shares_that_cannot_be(prior: relatedness.Relatedness) -> None:
    with pytest.raises(firms.IntegrationError):
        pairing.integration([-0.1], [0.5], [[0.5]])
    with pytest.raises(firms.IntegrationError):
        pairing.integration([0.1], [0.5], [[1.5]])
    with pytest.raises(firms.IntegrationError):
        pairing.integration([0.1, 0.2], [0.5], [[0.5]])
    with pytest.raises(firms.IntegrationError):
        firms.Settings(mix=0.1)
    with pytest.raises(firms.IntegrationError):
        relatedness.relatedness(relatedness.Choices(alpha=2.0))
