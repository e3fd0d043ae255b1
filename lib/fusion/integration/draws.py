"""How far F and ranks rest on relatedness: draws of r, and other judgements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.integration.firms import Settings, integration
from fusion.integration.pairing import fill
from fusion.integration.relatedness import Choices, Relatedness, constant, kinds, relatedness
from fusion.integration.sides import GOODS, SERVICE

Floats = NDArray[np.float64]


def drawn(
    panel: ibis.Table, made: Relatedness, settings: Settings | None = None, draws: int = 100, seed: int = 1
) -> tuple[pd.DataFrame, Floats]:
    """F of every firm-year that sells services under draws of relatedness.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, volume: the rows with F above zero and one class of goods.
    ndarray, shape (rows, draws)
    """
    chosen = settings or Settings()
    integration(panel, made, chosen)
    con = panel.get_backend()
    lines = con.raw_sql(_LINES).df()  # type: ignore[attr-defined]
    row, units = pd.factorize(lines["row"])
    rows = lines.drop_duplicates("row")[["firm_id", "year", "volume", "room"]].reset_index(drop=True)
    ratio = chosen.mix / (1 - chosen.mix)
    out = np.zeros((len(units), draws))
    for d, r in enumerate(_related(lines, made, draws, np.random.default_rng(seed))):
        paired = fill(rows["room"].to_numpy() * ratio, row, lines["amount"], r) * r
        out[:, d] = np.bincount(row, paired, minlength=len(units)) / chosen.mix / rows["volume"]
    return rows.drop(columns="room"), out


def of_all(rows: pd.DataFrame, imputed: Floats | None, at: pd.DataFrame, drawn: Floats) -> Floats | None:
    """F of all firm-years under draws of relatedness; the silent move with those of their path that tell.

    Parameters
    ----------
    rows : pandas.DataFrame
        firm_id, year, path, point, volume; splice, where there is one (`tiers.splice`).
    imputed : ndarray, shape (imputations, rows), or None
        `sums.impute`.
    at, drawn : pandas.DataFrame, ndarray
        As `drawn` returns.

    Returns
    -------
    ndarray, shape (draws, rows), or None
        None without a model. Rows that nothing is drawn for (several goods, tied shares, contracts) stay as they are.
    """
    if imputed is None:
        return None
    base, keys = imputed.mean(axis=0), ["firm_id", "year"]
    where = pd.MultiIndex.from_frame(rows[keys]).get_indexer(pd.MultiIndex.from_frame(at[keys]))
    factor = rows["splice"].to_numpy(float) if "splice" in rows else np.ones(len(rows))
    out = np.tile(base, (drawn.shape[1], 1))
    out[:, where[where >= 0]] = drawn[where >= 0].T * factor[where[where >= 0]]
    silent, weight = rows["point"].isna().to_numpy(), rows["volume"].to_numpy(float)
    group = pd.factorize(rows["path"].astype("str").fillna("") if "path" in rows else np.zeros(len(rows)))[0]
    told = np.where(silent, 0.0, weight)
    before = np.bincount(group, told * base)
    for one in out:
        now = np.bincount(group, told * one)
        moved = np.divide(now, before, out=np.ones_like(now), where=before > 0)
        one[silent] *= moved[group[silent]]
    return out


def intervals(point: pd.Series, draws: Floats, level: float = 0.9) -> pd.DataFrame:
    """Ranks, 1 the highest, with their interval over draws.

    Returns
    -------
    pandas.DataFrame
        score, rank, median, low, high, width; as `point` is indexed.
    """
    ranks = np.apply_along_axis(lambda x: pd.Series(-x).rank(method="min").to_numpy(), 0, draws)
    low, median, high = np.quantile(ranks, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=1)
    table = {
        "score": 100 * point,
        "rank": (-point).rank(method="min"),
        "median": median,
        "low": low,
        "high": high,
    }
    return pd.DataFrame(table, index=point.index).assign(width=high - low)


def judgements(
    panel: ibis.Table, made: Relatedness, settings: Settings, met: pd.DataFrame, year: int
) -> pd.DataFrame:
    """Ranks of sellers under other judgements, against the study's own.

    Returns
    -------
    pandas.DataFrame
        judgement, units, spearman, mean_shift (places), top_tenth_kept (share), mean (F, %).
    """
    own = _sellers(integration(panel, made, settings), year)
    levels = {"partner": 0.9, "close": 0.5, "medium": 0.25, "far": 0.1, "none": 0.0}
    mixed = replace(settings, mix=0.3 if settings.mix != 0.3 else 0.5)
    others: dict[str, tuple[Relatedness, Settings]] = {
        "prior_only": (relatedness(Choices(made.choices.levels, 0.0)), settings),
        "more_evidence": (relatedness(Choices(made.choices.levels, 0.5), met), settings),
        "steeper_levels": (relatedness(Choices(levels, made.choices.alpha), met), settings),
        "all_alike": (constant(0.9), settings),
        "other_mix": (made, mixed),
    }
    rows = []
    for name, (other, how) in others.items():
        found = _sellers(integration(panel, other, how), year).reindex(own.index)
        rows.append(
            {"judgement": name, "units": len(own), **_agreement(own, found), "mean": 100 * found.mean()}
        )
    return pd.DataFrame(rows)


# -- inside ------------------------------------------------------------------------------------
_LINES = """
SELECT l.row, r.firm_id, r.year, r.edition, r.goods_code, l.code, l.amount, l.r, r.goods_low AS room, r.volume
FROM _lines AS l JOIN _rows AS r USING (row) JOIN _scored AS s USING (row)
WHERE s.point > 0 AND NOT r.special AND r.tied IS NULL
"""


def _related(lines: pd.DataFrame, made: Relatedness, draws: int, rng: np.random.Generator) -> Any:
    """Draws of each line's relatedness: the mean over the classes that its two codes may be."""
    pairs = lines[["edition", "goods_code", "code"]].drop_duplicates().reset_index(drop=True)
    known = kinds()
    members = {
        kind: known[known["kind"] == kind].set_index(["edition", "code"])["members"]
        for kind in (GOODS, SERVICE)
    }
    goods = members[GOODS].reindex(pd.MultiIndex.from_frame(pairs[["edition", "goods_code"]])).to_numpy()
    sold = members[SERVICE].reindex(pd.MultiIndex.from_frame(pairs[["edition", "code"]])).to_numpy()
    triples = [
        (i, j, k)
        for i, (js, ks) in enumerate(zip(goods, sold, strict=True))
        if isinstance(js, tuple) and isinstance(ks, tuple)
        for j in js
        for k in ks
    ]
    fixed = lines["r"].to_numpy(float)
    if not triples:
        yield from (fixed for _ in range(draws))
        return
    pair, j, k = (np.array(x) for x in zip(*triples, strict=True))
    cell, which = np.unique(
        np.char.add(made.groups.reindex(j).to_numpy(str), k.astype(str)), return_inverse=True
    )
    mean = made.r.to_numpy()[made.r.index.get_indexer(j), made.r.columns.get_indexer(k)]
    centre = np.bincount(which, mean, minlength=len(cell)) / np.bincount(which, minlength=len(cell))
    count = np.bincount(pair, minlength=len(pairs))
    at = lines.merge(pairs.assign(pair=pairs.index), on=["edition", "goods_code", "code"], how="left")[
        "pair"
    ].to_numpy()
    told = count[at] > 0
    inside, worth = (centre > 0) & (centre < 1), made.choices.worth
    safe = np.where(inside, centre, 0.5)
    for _ in range(draws):
        value = np.where(inside, rng.beta(worth * safe, worth * (1 - safe)), centre)
        r = np.bincount(pair, value[which], minlength=len(pairs)) / np.maximum(count, 1)
        yield np.where(told, r[at], fixed)


def _sellers(table: ibis.Table, year: int) -> pd.Series:
    frame = table.filter((table.year == year) & (table.point > 0)).to_pandas()
    return frame.set_index("firm_id")["point"].sort_index()


def _agreement(own: pd.Series, other: pd.Series) -> dict[str, float]:
    first, second = (-own).rank(), (-other.fillna(0)).rank()
    tenth = max(len(own) // 10, 1)
    kept = len(set(first.nsmallest(tenth).index) & set(second.nsmallest(tenth).index)) / tenth
    return {
        "spearman": float(first.corr(second)),
        "mean_shift": float((first - second).abs().mean()),
        "top_tenth_kept": kept,
    }
