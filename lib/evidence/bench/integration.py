"""Integration of firm-years with up to ten classes of services each, from Parquet to Parquet, beside the obvious way.

A fifth of firms sell more services than goods, so that the most related are paired first. The obvious way parses and
fills firm by firm; it is asked for a thousandth of the rows, and its time is that of those.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 10_000_000
AGREE = 1000  # one in so many rows
FILE = "panel.parquet"
SERVICES = ("4330", "7320", "7484", "7040", "6520", "5821", "7111", "8111", "6531", "7520")
GOODS = ("3421", "3130", "3973", "3611", "1411", "2710", "4011", "3812")


def prepare(folder: Path, rows: int) -> None:
    """One to ten classes a firm-year, as forms have them: JSON text."""
    from fusion.engine import connected

    con = connected(folder, memory="1GB", threads=2)
    services, goods = list(SERVICES), list(GOODS)
    # ten small parts; one firm-year in five has revenue little above its services
    con.execute(
        f"COPY (SELECT firm_id, year, '2017' AS class_version, ind4, 'P4' AS path, service_revenue, "
        "service_revenue * CASE WHEN firm_id % 5 = 0 THEN 1.2 ELSE 8 END AS operating_revenue, service_rev_by_class FROM ("
        f"SELECT i AS firm_id, 2020 AS year, {goods}[(1 + hash(i) % {len(goods)})::BIGINT] AS ind4, "
        "list_sum(list_transform(parts, x -> x.v)) AS service_revenue, "
        "'{' || array_to_string(list_transform(parts, x -> '\"' || x.k || '\": ' || x.v::VARCHAR), ', ') || '}' "
        "AS service_rev_by_class FROM ("
        f"SELECT i, list_transform(range(1 + (hash(i + 7) % 10)::INT), n -> {{'k': {services}[n + 1], "
        "'v': round(1 + (hash(i * 11 + n) % 10000) / 100.0, 2)::DOUBLE}) AS parts "
        f"FROM range({rows}) t(i)))) TO '{folder / FILE}' (FORMAT parquet)"
    )


def engine(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own."""
    from fusion.integration import firms, relatedness

    made = relatedness.relatedness(relatedness.Choices(alpha=0.0))
    target = folder / "integration"
    target.mkdir(exist_ok=True)

    def work() -> dict[str, float]:
        for old in target.iterdir():
            old.unlink()
        firms.stream(folder / FILE, target, made)
        return _numbers(f"read_parquet('{target}/*.parquet')", folder)

    return work


def one_by_one(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The obvious way, of one row in a thousand."""
    import json

    import pandas as pd

    from fusion.engine import connected
    from fusion.integration import relatedness

    made = relatedness.relatedness(relatedness.Choices(alpha=0.0)).r
    con = connected(folder)
    query = f"SELECT * FROM read_parquet('{folder / FILE}') WHERE firm_id % {AGREE} = 0"

    def work() -> dict[str, float]:
        scores = []
        for firm in con.execute(query).df().itertuples():
            sold = json.loads(str(firm.service_rev_by_class))
            room, found = firm.operating_revenue - sum(sold.values()), 0.0
            for code in sorted(sold, key=lambda c: -made.loc[firm.ind4, c]):
                paired = min(room, sold[code])
                found, room = found + 2 * paired * made.loc[firm.ind4, code], room - paired
            scores.append((firm.firm_id, found / firm.operating_revenue, firm.operating_revenue))
        frame = pd.DataFrame(scores, columns=["firm_id", "point", "volume"])
        return {
            "mean": float(frame["point"].mean()),
            "yuan": float((frame["point"] * frame["volume"]).sum()),
        }

    return work


def _numbers(source: Any, folder: Path) -> dict[str, float]:
    from fusion.engine import connected

    row = (
        connected(folder)
        .sql(f"SELECT avg(point), sum(point * volume) FROM {source} WHERE firm_id % {AGREE} = 0")
        .fetchone()
    )
    assert row
    return {"mean": float(row[0]), "yuan": float(row[1])}


CONTENDERS = {"engine": engine, "one_by_one": one_by_one}
