"""The published national tables keep every identity, and the coefficients under data/io come out of them.

Skipped where the tables are not at hand: they are not part of this project.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion import io

DATA = Path(__file__).parents[2] / "data" / "io"
TABLES = Path(__file__).parents[3] / "shared" / "verification" / "io"
YEARS = {2005: 42, 2010: 41, 2015: 42, 2017: 42, 2018: 42, 2020: 42}
pytestmark = pytest.mark.skipif(
    not TABLES.is_dir(),
    reason=f"the national tables are not at {TABLES}; identities tested on a small table alone",
)
REPORTED = pd.read_csv(DATA / "producer_services_nbs.csv", dtype={"code": str})
SERVICES = pd.read_csv(DATA / "service_sectors.csv", dtype={"code": str})


@lru_cache
def national(year: int) -> io.Table:
    layout = "nbs_competitive" if year < 2017 else "nbs_noncompetitive"
    return io.read(TABLES / f"china_{year}_{YEARS[year]}.csv", layout)


def of(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    return frame[(frame["year"] == year) & (frame["table_sectors"] == YEARS[year])]


@pytest.mark.parametrize("year", YEARS)
def test_identities(year: int) -> None:
    t = national(year)
    x, z = t.output, t.flows
    inverse = io.leontief(t.coefficients)
    # Rows: final use less imports and errors calls up exactly the output. Published cells are rounded, and a
    # sector's row may miss its total by the 1e-4 that reading allows; the inverse at most triples it.
    final = x - z.sum(axis=1)
    np.testing.assert_allclose(inverse @ final, x, rtol=1e-9)
    if t.imported is not None:
        home = io.leontief(t.domestic_coefficients)
        np.testing.assert_allclose(home @ t.final, x, rtol=3e-4)
        assert (home <= inverse + 1e-12).all(), "imports taken out, less is called up at home"
    # Columns: primary inputs pushed through the Ghosh inverse make the output.
    forward = io.ghosh(io.allocation(z, x))
    np.testing.assert_allclose(t.value_added @ forward, x, rtol=3e-4)
    np.testing.assert_allclose(forward, inverse * x / x[:, None], rtol=1e-8)
    assert io.influence(inverse).mean() == pytest.approx(1)


@pytest.mark.parametrize("year", YEARS)
def test_the_shipped_coefficients_come_out_of_the_table(year: int) -> None:
    told, services = of(REPORTED, year).set_index("code"), of(SERVICES, year)
    got = io.producer_services(
        national(year), told.index.tolist(), dict(zip(services["code"], services["service"], strict=True))
    ).set_index("code")
    for column in [c for c in told if c.startswith(("d_", "c_"))] + ["va_rate", "ps_share_intermediate"]:
        # Six significant digits are shipped.
        np.testing.assert_allclose(got[column], told[column], rtol=6e-6, err_msg=f"{year} {column}")
