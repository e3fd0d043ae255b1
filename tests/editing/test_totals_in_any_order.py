"""Totals beside doubts are the same whatever the order of the rows, and however many threads add them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fusion import engine
from fusion.editing import scores


def test_totals_do_not_hang_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"year": rng.integers(2012, 2016, 4_000), "x": rng.lognormal(8, 2, 4_000).round(1)})
    publication = scores.Publication(["x"], {})
    lines = pd.DataFrame(columns=scores.LINE).astype(
        dict.fromkeys(("value", "predicted", "put_right"), float)
    )
    plain, found = [], []
    for seed, threads in ((0, 1), (1, 1), (2, 2), (3, 1), (4, 1)):
        con = engine.opened(threads=threads)
        mixed = rows.sample(frac=1, random_state=seed)
        plain.append(tuple(np.add.accumulate(mixed["x"].to_numpy())[-1:]))
        found.append(scores.totals(con.create_table("rows", mixed), lines, publication)["reported"].tolist())
    assert len({*plain}) > 1, "added one after another, their sums differ"
    assert all(one == found[0] for one in found[1:])
    exact = rows.groupby("year")["x"].sum()
    assert np.allclose(found[0], exact, rtol=1e-11, atol=0)
