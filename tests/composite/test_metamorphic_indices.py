"""Every index under changes that change nothing: money in other units, other names, other order, a unit that says nothing.

One table of indices, one of changes. A rule of scaling, weighing, joining or coupling that has no line here fails the last test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion import io
from fusion.composite import (
    aggregate,
    coherence,
    coupling,
    dea,
    pca,
    reliability,
    scale,
    tables,
    treat,
    weights,
)
from fusion.indicators import measure
from fusion.integration import firms, region, relatedness, sources
from workbook.params.indicators import Weighting

LIB = Path(__file__).resolve().parents[2] / "lib" / "fusion"
CODES = ["A1", "A2", "B1", "B2"]
DIRECTIONS = {"A1": "+", "A2": "-", "B1": "+", "B2": "+"}
CHAINS = {"A1": "industry", "A2": "industry", "B1": "value", "B2": "value"}
MONEY = ["A1", "A2", "B1", "B2", "size", "operating_revenue"]
Scores = pd.DataFrame  # by unit and year, or by what else has a name; never by place in the table


def made() -> pd.DataFrame:
    """80 units × 2 years; all four indicators are amounts of money, one of them with gaps."""
    rng = np.random.default_rng(9)
    data = pd.DataFrame({"firm_id": [f"F{i // 2:03d}" for i in range(160)], "year": [2020, 2021] * 80})
    data[CODES] = np.exp(
        3 + rng.normal(size=(160, 1)) * [1, -1, 1, 1] + rng.normal(size=(160, 4))
    )  # one thing in common
    data.loc[rng.random(160) < 0.1, "A2"] = np.nan
    data["size"], data["operating_revenue"] = np.exp(rng.normal(4, 1, (2, 160)))
    data["place"] = rng.choice(["north", "south", "east", "west"], 160)
    data["kind"] = rng.choice(["manufacturing", "services", "other"], 160)
    data["ind4"] = rng.choice(["3411", "3562", "3919", "6513"], 160)
    data["told"] = rng.random(160) > 0.3
    data["part"] = rng.uniform(0, 0.6, 160)
    return data


def keyed(data: pd.DataFrame, **columns: Any) -> Scores:
    return pd.DataFrame(columns, index=pd.MultiIndex.from_frame(data[["firm_id", "year"]])).sort_index()


def scored(data: pd.DataFrame) -> pd.DataFrame:
    return scale.normalise(data[CODES], DIRECTIONS, "minmax")


# -- indices ---------------------------------------------------------------------------------------
def normalised(how: str) -> Callable[[pd.DataFrame], Scores]:
    def call(data: pd.DataFrame) -> Scores:
        extra: dict[str, Any] = {}
        if how == "target":
            extra["targets"] = {
                c: data[c].max() * 1.1 if DIRECTIONS[c] == "+" else data[c].min() * 0.9 for c in CODES
            }
        if how == "goalposts":
            extra["goalposts"] = {c: (data[c].min() * 0.5, data[c].max() * 2) for c in CODES}
        positive = dict.fromkeys(CODES, "+") if how == "share_of_max" else DIRECTIONS
        made = scale.normalise(data[CODES], positive, how, **extra)
        return keyed(data, **{c: made[c].to_numpy() for c in CODES})

    return call


def weighed(how: str) -> Callable[[pd.DataFrame], Scores]:
    def call(data: pd.DataFrame) -> Scores:
        found = (
            weights.from_data(scored(data).to_numpy(), how) if how != "equal" else weights.equal(scored(data))
        )
        return pd.DataFrame({"weight": found}, index=CODES)

    return call


def joined(how: str) -> Callable[[pd.DataFrame], Scores]:
    def call(data: pd.DataFrame) -> Scores:
        return keyed(
            data, index=aggregate.aggregate(scored(data).to_numpy(), np.full(4, 0.25), how, 0.5, 0.01)
        )

    return call


def steps(**how: str) -> Callable[[pd.DataFrame], Scores]:
    def call(data: pd.DataFrame) -> Scores:
        plan = measure.steps(
            **{
                "treatment": "winsorise", "winsor_tail": 0.02, "normalise": "minmax", "bounds": "pooled", "weights": "entropy",
                "chain_weights": "equal", "aggregation": "arithmetic", "aggregation_floor": 0.01, "min_chain_share": 0.5,
            } | how
        )  # fmt: skip
        built = {"composite": measure.fusion_index(data, CODES, plan)}
        found = measure.scores(data[["firm_id", "year"]], built)
        return keyed(data, **{c: found[c].to_numpy() for c in found if c not in ("firm_id", "year")})

    return call


def by_sql(data: pd.DataFrame) -> Scores:
    table = ibis.duckdb.connect().create_table("t", data[["firm_id", "year", *CODES]])
    index, found = tables.entropy_index(table, DIRECTIONS, CHAINS, tail=0.02)
    out = index.to_pandas()
    return pd.concat([keyed(out, index=out["index"].to_numpy()), found.set_index("code")[["weight"]]])


def coupled(form: str) -> Callable[[pd.DataFrame], Scores]:
    def call(data: pd.DataFrame) -> Scores:
        u = scored(data)[["A1", "B1"]].to_numpy()
        degree = coupling.coordination(u, form)
        return keyed(
            data,
            coupling=coupling.coupling(u, form),
            degree=degree,
            grade=coupling.grade(degree),
            lag=coupling.lag(u),
        )

    return call


def told_of(data: pd.DataFrame) -> Scores:
    z = scored(data).dropna()
    chains = coherence.chain_summary(z, CHAINS).set_index("chain").select_dtypes("number")
    rest = {
        "alpha": reliability.alpha(z),
        "omega": reliability.omega(z),
        "icc": reliability.icc(data["B1"], data["firm_id"]),
    }
    rest["kaiser"] = pca.weights(z)[0]
    return pd.concat([chains.stack().rename("value").to_frame(), pd.Series(rest).rename("value").to_frame()])


def treated(data: pd.DataFrame) -> Scores:
    cut = treat.apply(data[CODES], treat.fit(data[CODES], "winsorise", tail=0.05))
    share = cut / data[CODES].max()
    return keyed(data, **{c: share[c].to_numpy() for c in CODES})


def doubt(data: pd.DataFrame) -> Scores:
    z = scored(data).fillna(0.0).to_numpy()
    return keyed(data, score=dea.benefit_of_doubt(z).scores)


def located(data: pd.DataFrame) -> Scores:
    found = region.location(data, "place", "size", 2020).set_index("region")
    return found.sort_values(list(found)).reset_index(drop=True)


def together(data: pd.DataFrame) -> Scores:
    return region.together(data, "place", "size", 2020, draws=2)[["units", "gamma"]]


def points(data: pd.DataFrame) -> pd.DataFrame:
    revenue = data["operating_revenue"]
    services = [
        json.dumps({"6513": p * r, "7320": 0.1 * r}) if t else None
        for t, p, r in zip(data["told"], data["part"], revenue, strict=True)
    ]
    sold = ((data["part"] + 0.1) * revenue).where(data["told"])
    panel = data[["firm_id", "year", "ind4", "operating_revenue"]].assign(
        class_version="2017", service_rev_by_class=services, service_revenue=sold
    )
    table = ibis.duckdb.connect().create_table("panel", panel)
    return firms.integration(table, relatedness.relatedness(relatedness.Choices(alpha=0.0))).to_pandas()


def integrated(data: pd.DataFrame) -> Scores:
    found = points(data)
    return keyed(found, **{c: found[c].to_numpy(float) for c in ("low", "point", "high", "tier")})


def apart_by(data: pd.DataFrame) -> Scores:
    found = points(data)
    told = sources.sources(found[found["year"] == found["year"].max()])
    assert len(told) > 3
    return told.set_index(["part", "source"])[["share", "units"]]


def leontief(data: pd.DataFrame) -> Scores:
    sectors = (
        data.assign(sector=[f"s{i % 5}" for i in data["firm_id"].str[1:].astype(int) % 5]) if False else data
    )
    flows = sectors.pivot_table(index="kind", columns="place", values="size", aggfunc="sum").fillna(0.0)
    square = flows.to_numpy() @ flows.to_numpy().T / flows.to_numpy().sum()
    output = 3 * square.sum(axis=0)
    inverse = io.leontief(io.direct(square, output))
    forward = io.ghosh(io.allocation(square, output))
    found = {
        "influence": io.influence(inverse),
        "sensitivity": io.sensitivity(inverse),
        "ghosh": io.sensitivity(forward),
    }
    return pd.DataFrame(found, index=flows.index)


@dataclass(frozen=True)
class Index:
    """Modules that it answers for; whether a constant more in every indicator, or a unit that tells nothing, changes nothing."""

    of: tuple[str, ...]
    call: Callable[[pd.DataFrame], Scores]
    constant: bool = False
    silent: bool = True
    smaller: bool = True  # whether money may be in smaller units


SHIFTS = ("minmax", "zscore", "normal", "rank", "percentile", "borda", "reference")
INDICES: dict[str, Index] = {
    **{f"scale {how}": Index(("composite/scale",), normalised(how), how in SHIFTS) for how in scale.METHODS},
    **{
        f"weights {how}": Index(("composite/weights",), weighed(how), True)
        for how in ("equal", *weights.FROM_DATA)
    },
    **{
        f"join {how}": Index(
            ("composite/aggregate",), joined(how), True, how not in ("grey", "copeland", "topsis")
        )
        for how in aggregate.METHODS
    },
    **{
        f"steps {how}": Index(("composite/index", "composite/record"), steps(weights=how), True)
        for how in get_args(Weighting)
    },
    "by sql": Index(("composite/tables",), by_sql, True),
    **{
        f"coupling {form}": Index(("composite/coupling",), coupled(form), True)
        for form in ("standard", "wang", "fan")
    },
    "told of": Index(("composite/coherence", "composite/reliability", "composite/pca"), told_of, True),
    "treated": Index(("composite/treat",), treated),
    "doubt": Index(("composite/dea",), doubt, True, False),
    "location": Index(("integration/region",), located),
    "together": Index(("integration/region",), together),
    # Forms are rounded to .1 (ten thousand yuan), which is an amount: below it nobody tells services from none.
    "integration": Index(
        tuple(f"integration/{name}" for name in ("firms", "pairing", "engine", "relatedness", "special")),
        integrated,
        smaller=False,
    ),
    "rank sources": Index(("integration/sources",), apart_by, silent=False, smaller=False),
    "leontief": Index(("io/algebra",), leontief),
}


def alike(name: str, before: Scores, after: Scores) -> None:
    shared = before.index.intersection(after.index) if name != "location" else before.index
    assert len(shared) == len(before)
    one, other = (t.loc[shared].to_numpy(float) for t in (before, after))
    np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10, equal_nan=True, err_msg=name)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return made()


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("unit", [1e4, 1e-4, 1e8, 1e-8])
def test_money_has_no_unit(data: pd.DataFrame, name: str, unit: float) -> None:
    if unit < 1 and not INDICES[name].smaller:
        unit = 1 / unit
    alike(
        name, INDICES[name].call(data), INDICES[name].call(data.assign(**{c: data[c] * unit for c in MONEY}))
    )


@pytest.mark.parametrize("name", INDICES)
def test_rows_have_no_order(data: pd.DataFrame, name: str) -> None:
    order = np.random.default_rng(3).permutation(len(data))
    alike(name, INDICES[name].call(data), INDICES[name].call(data.iloc[order].reset_index(drop=True)))


@pytest.mark.parametrize("name", INDICES)
def test_units_and_places_have_no_names(data: pd.DataFrame, name: str) -> None:
    new = dict(zip(sorted(set(data["firm_id"])), np.random.default_rng(4).permutation(80), strict=True))
    names = {"north": "9", "south": "a", "east": "zz", "west": "0"}
    other = data.assign(
        firm_id=data["firm_id"].map(new).map("X{:04d}".format), place=data["place"].map(names)
    )
    found = INDICES[name].call(other)
    if list(found.index.names) == ["firm_id", "year"]:
        back = {f"X{v:04d}": k for k, v in new.items()}
        found.index = pd.MultiIndex.from_tuples(
            [(back[f], y) for f, y in found.index], names=found.index.names
        )
    elif name == "by sql":
        back = {f"X{v:04d}": k for k, v in new.items()}
        found.index = pd.Index(
            [(back[i[0]], i[1]) if isinstance(i, tuple) else i for i in found.index], tupleize_cols=False
        )
    alike(name, INDICES[name].call(data), found)


@pytest.mark.parametrize("name", [n for n, i in INDICES.items() if i.constant])
def test_a_constant_more(data: pd.DataFrame, name: str) -> None:
    more = data.assign(**{c: data[c] + 40 for c in CODES})
    alike(name, INDICES[name].call(data), INDICES[name].call(more))


@pytest.mark.parametrize("name", [n for n, i in INDICES.items() if i.silent])
def test_a_unit_that_tells_nothing(data: pd.DataFrame, name: str) -> None:
    nothing = dict.fromkeys(MONEY, np.nan) | {"firm_id": "F999", "kind": "", "told": False, "place": None}
    more = pd.concat([data, data.iloc[[0]].assign(**nothing)], ignore_index=True)
    alike(name, INDICES[name].call(data), INDICES[name].call(more))


# What is no index by itself: files, tables, draws, words.
NONE = {
    "composite": {"base", "mistakes", "prepare", "uncertainty"},
    "integration": {"draws", "groups", "inputs", "learn", "presets", "sides", "sums", "tiers", "validity"},
}


def test_every_index_has_a_line() -> None:
    answered = {name for index in INDICES.values() for name in index.of}
    for room, none in NONE.items():
        here = {f.stem for f in (LIB / room).glob("*.py")} - {"__init__", "errors"}
        told = {name.split("/")[1] for name in answered if name.startswith(f"{room}/")}
        assert here - told - none == set(), f"no line in INDICES for {room}"
        assert (told | none) - here == set(), f"no such module of {room}"
