"""Firm and industry×year effects, five regressors, errors clustered by firm, beside the fastest peer.

The project's own reads Parquet within its time; pyfixest finds the frame in memory. Both are called once on a few rows
before, so that imports and compilation do not count. linearmodels' AbsorbingLS takes 24 s for 100,000 rows when it is
made to agree to the tolerance below, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 1_000_000
EFFECTS = "firm + industry^year"
FILE = "panel.parquet"
REGRESSORS = ("x1", "x2", "x3", "x4", "x5")
# pyfixest iterates to a tolerance of its own.
TOLERANCE = 1e-6
Work = Callable[[Path, int], Callable[[], dict[str, float]]]


def prepare(folder: Path, rows: int, firms_at_once: int = 100_000) -> None:
    """An unbalanced panel of some ten years a firm, in the order of firms; one firm-year in fifty in another industry."""
    import pyarrow.parquet as pq

    from fusion.engine import connected

    con = connected(folder, memory="1GB", threads=1)
    con.execute("SELECT setseed(0.42)")
    firms, writer = max(int(rows / 9.96), 50), None
    for start in range(0, firms, firms_at_once):
        block = con.sql(_rows(start, min(start + firms_at_once, firms))).to_arrow_table()
        writer = writer or pq.ParquetWriter(folder / FILE, block.schema)
        writer.write_table(block, row_group_size=122_880)
    assert writer is not None
    writer.close()


def _rows(start: int, stop: int) -> str:
    x = "random() + (firm % 13) * 0.1 AS x1, random() * year * 0.001 + (firm % 7) * 0.3 AS x2, "
    x += "random() * (firm % 3) AS x3, (random() > 0.5)::DOUBLE + 0.01 * (firm % 5) AS x4, random() - random() AS x5"
    return (
        f"SELECT *, 0.3 * x1 - 0.2 * x2 + 0.1 * x3 + 0.05 * x4 + 0.02 * (year - 2010) * (firm % 90) "
        f"+ (firm % 11) * 0.2 + random() AS y FROM (SELECT firm::INTEGER AS firm, year::INTEGER AS year, "
        f"(firm * 104729 % 50)::INTEGER AS region, ((firm * 7919 + (hash(firm * 31 + year) % 50 = 0)::INTEGER) % 90)"
        f"::INTEGER AS industry, {x} FROM range({start}, {stop}) f(firm), range(2010, 2022) t(year) "
        f"WHERE hash(firm * 1000 + year) % 100 < 83) ORDER BY firm, year"
    )


def formula(effects: str) -> str:
    """The regression."""
    return f"y ~ {' + '.join(REGRESSORS)} | {effects}"


def numbers(coefficients: Any, errors: Any, n: int) -> dict[str, float]:
    """What must agree."""
    found = {f"b_{name}": float(coefficients[name]) for name in REGRESSORS}
    found |= {f"se_{name}": float(errors[name]) for name in REGRESSORS}
    return {**found, "n": float(n)}


def exact(effects: str) -> Work:
    """The project's own, from Parquet."""

    def contender(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
        import pyarrow.parquet as pq

        from estimators.engines.within import Within, feols

        def estimate(data: Any) -> Within:
            return feols(formula(effects), data, ssc={"k_fixef": "full"}, fixef_rm="none")

        few = next(pq.ParquetFile(folder / FILE).iter_batches(5000)).to_pandas()
        estimate(few)

        def work() -> dict[str, float]:
            fit = estimate(folder / FILE)
            return numbers(fit.coef(), fit.se(), fit.n)

        return work

    return contender


def pyfixest(effects: str) -> Work:
    """pyfixest with its fastest demeaner for crossed effects, on a frame in memory."""

    def contender(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
        import pandas as pd
        import pyfixest as pf
        from pyfixest.demeaners import LsmrDemeaner

        frame = pd.read_parquet(folder / FILE)

        def fit(data: pd.DataFrame) -> Any:
            return pf.feols(
                formula(effects),
                data,
                vcov={"CRV1": "firm"},
                ssc=pf.ssc(k_fixef="full"),
                fixef_rm="none",
                demeaner=LsmrDemeaner(),
                lean=True,
                copy_data=False,
                store_data=False,
            )

        fit(frame.head(5000).copy())

        def work() -> dict[str, float]:
            found = fit(frame)
            return numbers(found.coef(), found.se(), len(frame))

        return work

    return contender


CONTENDERS = {"exact": exact(EFFECTS), "pyfixest": pyfixest(EFFECTS)}
