"""Spillovers up and down the chain where the truth is known: the estimator of notebook 06 on made-up panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.robustness import robustness, speccurve
from fusion import io
from fusion.io import both_ways

SECTORS, FIRMS, YEARS = 24, 6, 8
UP, DOWN, OWN = 0.5, -0.3, 0.2


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> io.Own:
    """A sparse table of single divisions, as tables are: a sector buys much of a few."""
    rng = np.random.default_rng(7)
    codes = [f"{d:02d}" for d in range(13, 13 + SECTORS)]
    z = rng.lognormal(0, 2, (SECTORS, SECTORS)) * (rng.random((SECTORS, SECTORS)) < 0.35)
    output = 1.5 * z.sum(axis=0) + z.sum(axis=1) + 1
    table = pd.DataFrame(z, columns=codes).assign(output=output)
    table.insert(0, "code", codes)
    table.insert(1, "divisions", codes)
    added = {"code": "value_added", **dict(zip(codes, output - z.sum(axis=0), strict=True))}
    file = tmp_path_factory.mktemp("io") / "table.csv"
    pd.concat([table, pd.DataFrame([added])]).to_csv(file, index=False)
    return io.read_own(file)


def panel(own: io.Own, seed: int) -> pd.DataFrame:
    """Firms start at years that differ by sector; sectors share shocks that persist; exposures move outcomes by UP and DOWN."""
    rng = np.random.default_rng(seed)
    n = SECTORS * FIRMS
    sector = np.repeat(np.arange(SECTORS), FIRMS)
    early = rng.integers(1, YEARS + 3, SECTORS)[sector]
    start = early + rng.integers(0, 3, n)
    rows = pd.DataFrame({"firm_id": np.tile(np.arange(n), YEARS), "year": np.repeat(np.arange(YEARS), n)})
    rows = rows.assign(
        sector=sector[rows["firm_id"]], treated=(rows["year"] >= start[rows["firm_id"]]).astype(float)
    )
    rows = rows.assign(
        division=(13 + rows["sector"]).map("{:02d}".format), size=rng.lognormal(0, 1, n)[rows["firm_id"]]
    )
    found = both_ways.exposures(rows, own, {"treated": "treated"}, "size")
    rows = rows.merge(found.drop(columns="sector").assign(io_sector=found["sector"]), on=["firm_id", "year"])
    shock = np.zeros((YEARS, SECTORS))
    for t in range(YEARS):
        shock[t] = 0.5 * shock[max(t - 1, 0)] + rng.normal(0, 0.05, SECTORS)
    noise = shock[rows["year"], rows["sector"]] + rng.normal(0, 0.2, len(rows))
    effects = rng.normal(0, 1, n)[rows["firm_id"]] + 0.1 * rows["year"]
    moved = UP * rows["upstream_treated"] + DOWN * rows["downstream_treated"] + OWN * rows["treated"]
    return rows.assign(y=effects + moved + noise)


def test_the_estimator_finds_what_was_put_in(own: io.Own) -> None:
    draws, truth = 30, {"upstream_treated": UP, "downstream_treated": DOWN}
    found = []
    for seed in range(draws):
        rows = panel(own, seed)
        specs = {
            a: speccurve.Specification("y", a, (b, "treated"), ("firm_id", "year"), "io_sector")
            for a, b in both_ways.pairs(rows)
        }
        assert set(specs) == set(truth)
        found.append(robustness.several(rows, specs)[0])
    every = pd.concat(found)
    every = every.assign(truth=every["label"].map(truth))
    error = every["estimate"] - every["truth"]
    means = error.groupby(every["label"]).agg(["mean", "std"])
    # The mean error lies within three of its own standard errors.
    assert (means["mean"].abs() < 3 * means["std"] / np.sqrt(draws)).all()
    inside = (every["ci_low"] <= every["truth"]) & (every["truth"] <= every["ci_high"])
    # 60 intervals of 95 %: with 24 clusters some few points fewer; fewer than 80 % would be no accident.
    assert inside.mean() >= 0.8
    # Clustered by firm, the intervals take a sector's firms for so many observations.
    assert every["clusters"].eq(SECTORS).all()
