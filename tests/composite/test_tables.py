"""The entropy index as table expressions gives what arrays give."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.composite import index, scale, tables, treat
from fusion.composite.errors import CompositeError

CHAINS = {"a1": "A", "a2": "A", "b1": "B", "b2": "B", "b3": "B", "c1": "C"}
SIGNS = {"a1": "+", "a2": "-", "b1": "+", "b2": "+", "b3": "+", "c1": "-"}


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x = np.exp(rng.normal(size=(500, 6)))
    x[rng.random(x.shape) < 0.2] = np.nan
    x[:100, 2] = 0
    return pd.DataFrame(x, columns=list(CHAINS))


@pytest.mark.parametrize("tail", [0.0, 0.02])
@pytest.mark.parametrize("min_share", [0.6, 1.0])
def test_expressions_give_the_index_of_arrays(values: pd.DataFrame, tail: float, min_share: float) -> None:
    cut = treat.apply(values, treat.fit(values, "winsorise" if tail else "none", tail=tail))
    built = index.build(scale.normalise(cut, SIGNS), CHAINS, min_share=min_share)
    con = ibis.duckdb.connect()
    table = con.create_table("v", values.assign(row=range(len(values))).astype({"row": int}))
    scored, weights = tables.entropy_index(
        table.mutate(**{c: table[c].nullif(float("nan")) for c in CHAINS}),
        SIGNS,
        CHAINS,
        tail=tail,
        min_share=min_share,
    )
    got = scored.order_by("row").to_pandas()[["A", "B", "C", "index"]]
    assert got["index"].isna().sum() > 0
    # Sums of 500 terms in another order.
    np.testing.assert_allclose(got.to_numpy(float), built.scores.to_numpy(float), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(weights["weight"], built.weights["weight"], rtol=1e-10)
    assert "_z_a1" not in scored.columns and "_has_a1" not in scored.columns


def test_refusals_name_the_column(values: pd.DataFrame) -> None:
    table = ibis.memtable(values.assign(b3=1.0))
    with pytest.raises(CompositeError, match="b3 has no two different values"):
        tables.entropy_index(table, SIGNS, CHAINS)
    with pytest.raises(CompositeError, match="no column or no chain for d1"):
        tables.entropy_index(table, SIGNS | {"d1": "+"}, CHAINS)
    with pytest.raises(CompositeError, match="direction of a1 'up'; allowed"):
        tables.entropy_index(table, SIGNS | {"a1": "up"}, CHAINS)
    with pytest.raises(CompositeError, match=r"tail is 0\.5"):
        tables.entropy_index(table, SIGNS, CHAINS, tail=0.5)
