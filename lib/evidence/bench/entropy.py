"""The entropy index of fourteen indicators in five chains, from Parquet to Parquet, beside the obvious way.

Values are cut to their 1st and 99th percentile, scaled over all rows, weighted by entropy within chains. The obvious
way reads all into a frame and works on arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 1_000_000
FILE = "values.parquet"
SIZES = {"A": 2, "B": 3, "C": 5, "D": 1, "E": 3}
CHAINS = {f"{chain}{i}": chain for chain, size in SIZES.items() for i in range(1, size + 1)}
DIRECTIONS = {code: "-" if code == "E3" else "+" for code in CHAINS}
TAIL = 0.01
# Quantiles and bounds agree to the last digit; sums of a million terms differ by their order.
TOLERANCE = 1e-8


def prepare(folder: Path, rows: int) -> None:
    """Skewed values, a quarter of them zero in the second chain, one in ten missing."""
    from fusion.engine import connected

    con = connected(folder, memory="1GB", threads=1)
    con.execute("SELECT setseed(0.42)")
    columns = []
    for number, code in enumerate(CHAINS):
        value = f"exp(1.5 * random() + 0.5 * random() * {number % 3 + 1})"
        value = f"CASE WHEN random() < 0.25 THEN 0 ELSE {value} END" if CHAINS[code] == "B" else value
        columns.append(f"CASE WHEN random() < 0.1 THEN NULL ELSE {value} END AS {code}")
    con.execute(
        f"COPY (SELECT i AS firm_id, {', '.join(columns)} FROM range({rows}) t(i)) "
        f"TO '{folder / FILE}' (FORMAT parquet)"
    )


def expressions(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own for large tables."""
    from fusion.composite import tables
    from fusion.engine import opened

    con = opened(folder, memory="1GB", threads=2)
    target = folder / "scores.parquet"

    def work() -> dict[str, float]:
        table = con.read_parquet(str(folder / FILE))
        scored, weights = tables.entropy_index(table, DIRECTIONS, CHAINS, tail=TAIL)
        scored.select("firm_id", *SIZES, "index").to_parquet(str(target))
        return _numbers(con.read_parquet(str(target)), weights)

    return work


def arrays(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own for tables in memory, as the notebooks use it."""
    import pandas as pd

    from fusion.composite import index, scale, treat
    from fusion.engine import opened

    target = folder / "arrays.parquet"

    def work() -> dict[str, float]:
        frame = pd.read_parquet(folder / FILE)
        values = frame[list(CHAINS)]
        cut = treat.apply(values, treat.fit(values, "winsorise", tail=TAIL))
        built = index.build(scale.normalise(cut, DIRECTIONS), CHAINS)
        built.scores.assign(firm_id=frame["firm_id"]).to_parquet(target, index=False)
        return _numbers(opened(folder).read_parquet(str(target)), built.weights)

    return work


def _numbers(scores: Any, weights: Any) -> dict[str, float]:
    """What must agree: the weights, rows with a score, their mean and spread."""
    found = scores.aggregate(
        n=scores["index"].count(),
        mean=scores["index"].mean(),
        sd=scores["index"].std(),
        top=scores["B"].max(),
    )
    numbers = {str(k): float(v) for k, v in found.to_pandas().iloc[0].items()}
    return {**numbers, **dict(zip(weights["code"], map(float, weights["weight"]), strict=True))}


CONTENDERS = {"expressions": expressions, "arrays": arrays}
