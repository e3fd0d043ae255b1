"""Totals of I over groups: what is known, a declared model for what is not told, and where a change comes from.

F of a group is ΣI/ΣR. Who does not tell is between low and high; the model says what is likely, with its uncertainty,
and is never used to rank a firm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.classification import intervals
from fusion.integration.relatedness import FOLDER

Floats = NDArray[np.float64]
ERRORS = ("sampled_error", "silent_error", "related_error", "splice_error")
FEWEST_UNITS = 3  # of a group of which a total is told
FEWEST = 30  # firm-years that tell, on either side of zero, that the model needs


@dataclass(frozen=True)
class Model:
    """Choices of the model for firm-years that do not tell.

    Attributes
    ----------
    draws : int
        Multiple imputations.
    odds, level : float
        The silent differ from those that tell alike in all else: their odds of selling services at all, and the level of
        F of those that do, times these.
    seed : int
    """

    draws: int = 20
    odds: float = 1.0
    level: float = 1.0
    seed: int = 1


def impute(rows: pd.DataFrame, model: Model) -> Floats | None:
    """F of all firm-years, those without a point by multiple imputation.

    A logit says who has F above zero, a log-linear regression with drawn residuals how much, on path, log staff, year,
    number of services among the activities, and the firm's own F in neighbouring years.

    Parameters
    ----------
    rows : pandas.DataFrame
        firm_id, year, point, high, and what there is of path, employees_avg, biz_activity_codes.
    model : Model

    Returns
    -------
    ndarray, shape (draws, rows), or None
        None where too few tell to learn from.
    """
    point, high = rows["point"].to_numpy(float), rows["high"].to_numpy(float)
    told, silent = np.isfinite(point), ~np.isfinite(point)
    some = told & (point > 0)
    if min(some.sum(), (told & ~some).sum()) < FEWEST:
        return None
    x = _design(rows)
    beta, spread = _logit(x[told], (point[told] > 0).astype(float))
    gamma, residuals, inverse = _levels(x[some], np.log(point[some]))
    rng = np.random.default_rng(model.seed)
    out = np.tile(np.where(told, point, 0.0), (model.draws, 1))
    root, other = np.linalg.cholesky(spread), np.linalg.cholesky(inverse)
    for d in range(model.draws):
        b = beta + root @ rng.normal(size=len(beta))
        scale = np.sqrt((residuals**2).sum() / rng.chisquare(max(len(residuals) - len(gamma), 1)))
        g = gamma + scale * (other @ rng.normal(size=len(gamma)))
        chance = 1 / (1 + np.exp(-np.clip(x[silent] @ b + np.log(model.odds), -30, 30)))
        sells = rng.random(silent.sum()) < chance
        drawn = x[silent] @ g + rng.choice(residuals, silent.sum()) + np.log(model.level)
        out[d, silent] = np.minimum(np.exp(drawn) * sells, high[silent])
    return out


def totals(
    rows: pd.DataFrame,
    drawn: Floats | None,
    by: list[str],
    share: float = 1.0,
    related: Floats | None = None,
) -> pd.DataFrame:
    """F and I of groups with what is certain, what is likely, and how much was told.

    Parameters
    ----------
    rows : pandas.DataFrame
        The groups, volume, low, point, high; splice_error, where there is one (`tiers.splice`).
    drawn : ndarray, shape (draws, rows), optional
        `impute`; without it the groups have bounds alone.
    by : list of str
        Grouping columns.
    share : float
        Sampling fraction of the frame; at 1 (a census) the firms themselves are no source of error.
    related : ndarray, shape (draws, rows), optional
        `draws.of_all`: F under draws of relatedness, whose spread comes on top. All firms of a draw share its relatedness, so
        that it does not average out over firms.

    Returns
    -------
    pandas.DataFrame
        The groups; units, silent (share of volume not told), low, high (F, identified set, %), value (F by the model, %),
        error (its standard error, points: the root of the squares of sampled_error, within the sample; silent_error, between
        imputations; related_error, between draws of relatedness; splice_error, of the slope between tiers), yuan (integrated
        revenue, 亿元), mean (unweighted, of those that tell, %), effective (number of equal firms with the same weight),
        largest (share of the largest firm).
    """
    kept = rows[by].notna().all(axis=1).to_numpy()
    data, codes = rows[kept], rows[kept].groupby(by, sort=True).ngroup().to_numpy()
    groups = data.groupby(by, sort=True)
    w = data["volume"].to_numpy(float)
    size = len(groups)
    total = np.bincount(codes, w, minlength=size)

    def weighted(values: Floats) -> Floats:
        return np.bincount(codes, values * w, minlength=size) / total

    table = groups.agg(units=("firm_id", "nunique")).reset_index()
    table["silent"] = 100 * weighted(data["point"].isna().to_numpy(float))
    table["low"], table["high"] = (
        100 * weighted(data["low"].to_numpy()),
        100 * weighted(data["high"].to_numpy()),
    )
    if drawn is None:
        table = table.assign(value=np.nan, error=np.nan, **dict.fromkeys(ERRORS, np.nan))
    else:
        each = np.stack([weighted(draw) for draw in drawn[:, kept]])
        centre, m = each.mean(axis=0), len(each)
        n = np.bincount(codes, minlength=size)
        apart = (
            np.bincount(codes, (w * (drawn[:, kept].mean(axis=0) - centre[codes])) ** 2, minlength=size)
            / total**2
        )
        parts = {
            "sampled_error": (1 - share) * n / np.maximum(n - 1, 1) * apart,
            "silent_error": (1 + 1 / m) * each.var(axis=0, ddof=1),
            "related_error": np.zeros(size)
            if related is None
            else np.var([weighted(draw) for draw in related[:, kept]], axis=0, ddof=1),
            # A path has one slope, so that its error is of all its firms at once.
            "splice_error": weighted(data["splice_error"].to_numpy(float)) ** 2
            if "splice_error" in data
            else np.zeros(size),
        }
        table["value"], table["error"] = 100 * centre, 100 * np.sqrt(sum(parts.values()))
        table = table.assign(**{name: 100 * np.sqrt(part) for name, part in parts.items()})
    table["yuan"] = table["value"] / 100 * total / 1e4
    table["mean"] = 100 * groups["point"].mean().to_numpy()
    table["effective"] = total**2 / np.bincount(codes, w**2, minlength=size)
    table["largest"] = 100 * groups["volume"].max().to_numpy() / total
    return table


def lines(table: pd.DataFrame, fewest: int = 10) -> pd.DataFrame:
    """`totals` by path and year as lines with a 95 % band: path, year, units, mean (F, %), low, high.

    Groups of fewer than ``fewest`` units, and those without a model, are left out.
    """
    half = 1.96 * table["error"]
    ends = {"low": table["value"] - half, "high": table["value"] + half}  # a share of revenue: from 0 to 100
    found = table.assign(mean=table["value"], **{name: end.clip(0, 100) for name, end in ends.items()})
    found = found.loc[found["units"] >= fewest, ["path", "year", "units", "mean", "low", "high"]]
    return found.dropna()


def silence(rows: pd.DataFrame) -> pd.DataFrame:
    """F by what was told: zero, positive, nothing.

    Returns
    -------
    pandas.DataFrame
        told (zero, positive, silent), rows, units, volume (share, %), low, point, high (unweighted means, %), and
        conditions and results where there are such columns.
    """
    data = rows.assign(told=told(rows))
    extra = [c for c in ("conditions", "results") if c in rows]
    table = data.groupby("told").agg(
        rows=("firm_id", "size"), units=("firm_id", "nunique"), volume=("volume", "sum"), **{c: (c, "mean") for c in extra},
        low=("low", "mean"), point=("point", "mean"), high=("high", "mean"),
    )  # fmt: skip
    table["volume"] *= 100 / table["volume"].sum()
    table[["low", "point", "high"]] *= 100
    return table.reindex([s for s in ("zero", "positive", "silent") if s in table.index]).reset_index()


def change(rows: pd.DataFrame, by: str, first: int, last: int) -> pd.DataFrame:
    """Change of F of groups between two years: within firms, shift of revenue between them, entry, exit.

    Of firms that tell in the years in which they are there: Σ s₀ΔF + Σ Δs (F₁ − F̄₀) + Σ_in s₁(F₁ − F̄₀) − Σ_out s₀(F₀ − F̄₀),
    s the share in the group's revenue.

    Returns
    -------
    pandas.DataFrame
        by, units, before, after (F, %), within, shift, entry, exit (points; before + their sum = after).
    """
    told = rows[rows["point"].notna() & rows["year"].isin([first, last])].dropna(subset=[by])
    parts = []
    for name, group in told.groupby(by):
        wide = group.pivot_table(index="firm_id", columns="year", values=["point", "volume"])
        if not {("point", first), ("point", last)} <= set(wide.columns):
            continue
        f0, f1 = wide["point"][first], wide["point"][last]
        s0, s1 = (wide["volume"][y] / wide["volume"][y].sum() for y in (first, last))
        base = (s0 * f0).sum()
        stay, new, gone = f0.notna() & f1.notna(), f0.isna(), f1.isna()
        parts.append(
            {
                by: name,
                "units": len(wide),
                "before": base,
                "after": (s1 * f1).sum(),
                "within": (s0 * (f1 - f0))[stay].sum(),
                "shift": ((s1 - s0) * (f1 - base))[stay].sum(),
                "entry": (s1 * (f1 - base))[new].sum(),
                "exit": -(s0 * (f0 - base))[gone].sum(),
            }
        )
    names = ["before", "after", "within", "shift", "entry", "exit"]
    table = pd.DataFrame(parts, columns=[by, "units", *names])
    return table.assign(**{c: 100 * table[c] for c in names})


def change_ends(table: pd.DataFrame, rows: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """`change` by path with the least and the most that both of its ends can be where codes leave paths open.

    Returns
    -------
    pandas.DataFrame
        With before_least, before_most, after_least, after_most (%); as it was where nothing is open.
    """
    if "paths_possible" not in rows:
        return table
    told = rows[rows["point"].notna()].assign(part=100 * rows["point"] * rows["volume"])
    for year, name in ((first, "before"), (last, "after")):
        long = intervals.beside(told[told["year"] == year])
        ends = intervals.ratios(long, ["year"], "part", "volume").droplevel("year")
        table = intervals.with_ends(table, ends, name)
    return table


def parts(rows: pd.DataFrame, drawn: Floats | None, by: list[str]) -> pd.DataFrame:
    """What each firm adds to the cells of `totals`: the groups, unit, and parts and wholes of each share."""
    w = rows["volume"].to_numpy(float)
    likely = np.full(len(rows), np.nan) if drawn is None else drawn.mean(axis=0)
    shares = {
        "silent": rows["point"].isna().to_numpy(float),
        "low": rows["low"].to_numpy(float),
        "high": rows["high"].to_numpy(float),
        "value": likely,
    }
    table = rows[by].assign(unit=rows["firm_id"], yuan=likely * w / 1e4, mean=100 * rows["point"])
    for name, share in shares.items():
        table[f"{name}_part"], table[f"{name}_whole"] = 100 * share * w, w
    return table.dropna(subset=by)


def year_parts(rows: pd.DataFrame, drawn: Floats | None, year: int) -> pd.DataFrame:
    """`parts` of one year by path and in total, with those of paths that codes leave open."""
    now = (rows["year"] == year).to_numpy()
    own = parts(rows[now], drawn[:, now] if drawn is not None else None, ["path"])
    return with_open_parts(pd.concat([own, own.assign(path="total")]), rows, drawn, year)


def quietest(frame: pd.DataFrame) -> dict[str, Any]:
    """The row that tells least of a table as it is shown, with ``all_tell``: none is silent in any row, and none is hidden."""
    row = frame.loc[frame["silent"].idxmax() if frame["silent"].notna().any() else frame.index[0]]
    return {**row.to_dict(), "all_tell": bool(frame["silent"].eq(0).all())}


def of_year(
    rows: pd.DataFrame,
    drawn: Floats | None,
    by: str,
    year: int,
    share: float = 1.0,
    related: Floats | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`totals` and `parts` of one year by a column of which an empty text is no group.

    Returns
    -------
    table, parts : pandas.DataFrame
        Groups of three units and more; empty where there is none.
    """
    now = (rows["year"] == year).to_numpy()
    own = rows[now].assign(**{by: rows.loc[now, by].replace({"": None}) if by in rows else None})
    if own[by].isna().all():
        return pd.DataFrame(), pd.DataFrame()
    mine, theirs = (None if each is None else each[:, now] for each in (drawn, related))
    table = totals(own, mine, [by], share, theirs)
    return table[table["units"] >= FEWEST_UNITS], parts(own, mine, [by])


def open_rows(rows: pd.DataFrame, drawn: Floats | None) -> pd.DataFrame:
    """Firm-years beside each path that they are or may be of, with the model's integrated revenue (part, %) and their volume.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `totals` takes them, with path and paths_possible; without these, or a model, none.
    """
    if drawn is None or "paths_possible" not in rows:
        return pd.DataFrame()
    frame = rows[["firm_id", "year", "path", "paths_possible"]].assign(whole=rows["volume"])
    return intervals.beside(frame.assign(part=100 * drawn.mean(axis=0) * frame["whole"]))


def open_ends(rows: pd.DataFrame, drawn: Floats | None) -> pd.DataFrame:
    """Least and greatest F (%, by the model) of each path and year where codes leave the paths of some firms open.

    Returns
    -------
    pandas.DataFrame
        By year and cell: least, most.
    """
    long = open_rows(rows, drawn)
    return intervals.ratios(long, ["year"], "part", "whole") if len(long) else pd.DataFrame()


def with_open_parts(parts: pd.DataFrame, rows: pd.DataFrame, drawn: Floats | None, year: int) -> pd.DataFrame:
    """`parts` by path with what each firm adds to `open_ends` of a year: part and whole of value_least and value_most."""
    long = open_rows(rows, drawn)
    if not len(long):
        return parts
    found = intervals.ratio_parts(long[long["year"] == year], [], "part", "whole")
    names = {c: f"value_{c}" for c in found.columns if c.startswith(("least", "most"))}
    return pd.concat([parts, found.rename(columns={"cell": "path", **names})], ignore_index=True)


def told(rows: pd.DataFrame) -> pd.Series:
    """What each firm-year tells of its services: zero, positive, silent."""
    state = np.where(rows["point"].isna(), "silent", np.where(rows["point"] > 0, "positive", "zero"))
    return pd.Series(state, rows.index, dtype="str")


def silence_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """What each firm adds to the cells of `silence`."""
    names = ["low", "point", "high"]
    found = (100 * rows[names]).assign(
        told=told(rows), unit=rows["firm_id"], volume_part=100 * rows["volume"]
    )
    extra = [c for c in ("conditions", "results") if c in rows]
    whole = rows[["firm_id", "volume"]].set_axis(["unit", "volume_whole"], axis=1)
    return _with_wholes(found.join(rows[extra]), ["told"], whole)


def _with_wholes(parts: pd.DataFrame, cell: list[str], whole: pd.DataFrame) -> pd.DataFrame:
    """Parts of cells that are shares of one whole: in each cell the whole has the amounts of all units, in it or not."""
    return pd.concat([parts, parts[cell].drop_duplicates().merge(whole, how="cross")], ignore_index=True)


def by_stage(made: pd.DataFrame, rows: pd.DataFrame, year: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where integration comes from, among those that tell: stages of services and the policy's chains.

    Parameters
    ----------
    made : pandas.DataFrame
        `firms.contributions`.
    rows : pandas.DataFrame
        `firms.integration`.
    year : int

    Returns
    -------
    table : pandas.DataFrame
        stage, chain, units, yuan (亿元), points (of F over all that tell, %), share (%); largest first. A code whose classes
        are of several stages stands in that of most of them; yuan_low and yuan_high, where there are such, without and with
        all that may be of the stage.
    parts : pandas.DataFrame
        What each firm adds: stage, chain, unit, yuan, share_part, share_whole, and of both ends.
    """
    told = made[made["year"] == year]
    if "splice" in rows:  # what brings firms to one tier brings their parts to it
        told = told.merge(rows[["firm_id", "year", "splice"]], on=["firm_id", "year"])
        told = told.assign(amount=told["amount"] * told["splice"])
    own = told.merge(chains(), on="stage")
    own = own.assign(yuan=own["amount"] / 1e4)
    volume = rows.loc[(rows["year"] == year) & rows["point"].notna(), "volume"].sum() / 1e4
    table = own.groupby(["stage", "chain"], as_index=False).agg(
        units=("firm_id", "nunique"), yuan=("yuan", "sum")
    )
    table = table.assign(points=100 * table["yuan"] / volume, share=100 * table["yuan"] / table["yuan"].sum())
    each = own[["stage", "chain", "yuan"]].assign(unit=own["firm_id"], share_part=100 * own["yuan"])
    whole = own[["firm_id", "yuan"]].set_axis(["unit", "share_whole"], axis=1)
    each = _with_wholes(each, ["stage", "chain"], whole)
    table = table.sort_values("yuan", ascending=False, ignore_index=True)
    ends = _stage_ends(told)
    if (ends["yuan_low"] == ends["yuan_high"]).all():
        return table, each
    both = ends.groupby("stage", as_index=False)[["yuan_low", "yuan_high"]].sum()
    return table.merge(both, on="stage", how="left"), pd.concat([each, ends], ignore_index=True)


def _stage_ends(told: pd.DataFrame) -> pd.DataFrame:
    """Integrated revenue of each firm that is surely of a stage, and that may be: stage, chain, unit, yuan_low, yuan_high."""
    long = told.assign(stage=told["stages_possible"].str.split(","), yuan_high=told["amount"] / 1e4)
    long = long.explode("stage").merge(chains(), on="stage")
    sure = long["stages_possible"] == long["stage"]
    long = long.assign(yuan_low=long["yuan_high"].where(sure, 0.0), unit=long["firm_id"])
    return long[["stage", "chain", "unit", "yuan_low", "yuan_high"]]


def chains() -> pd.DataFrame:
    """Chain of the policy document in which each stage is shown: stage, chain."""
    table = pd.read_csv(FOLDER / "stages.csv", dtype=str, keep_default_na=False)
    return table[["stage", "chain"]].replace({"chain": {"": "none"}})


# -- inside ------------------------------------------------------------------------------------
def _design(rows: pd.DataFrame) -> Floats:
    parts = [np.ones(len(rows))]
    for name in ("path", "year"):
        if name in rows and len(set(rows[name].dropna())) > 1:
            parts += list(
                pd.get_dummies(rows[name].astype("str").fillna(""), drop_first=True).to_numpy(float).T
            )
    if "employees_avg" in rows:
        staff = np.log(rows["employees_avg"].astype(float).clip(lower=1))
        parts += [staff.fillna(staff.mean()).to_numpy(), staff.isna().to_numpy(float)]
    if "biz_activity_codes" in rows:
        named = rows["biz_activity_codes"].astype("str").str.count(r"\b(?:43|49|5[1-9]|[6-9]\d)\d\d\b")
        asked = rows["biz_activity_codes"].notna().to_numpy(float)
        parts += [named.fillna(0).to_numpy(float) * asked, asked]
    parts += list(_neighbours(rows))
    x = np.stack(parts, axis=1)
    keep = np.ones(x.shape[1], bool)
    keep[1:] = x[:, 1:].std(axis=0) > 0
    return x[:, keep]


def _neighbours(rows: pd.DataFrame) -> Floats:
    """Mean of the firm's F in the years before and after, whether it is above zero, and whether there is one."""
    wide = rows.pivot_table(index="firm_id", columns="year", values="point", dropna=False)
    wide = wide.reindex(columns=range(int(rows["year"].min()), int(rows["year"].max()) + 1))
    both = np.stack([wide.shift(1, axis=1).to_numpy(float), wide.shift(-1, axis=1).to_numpy(float)])
    there = np.isfinite(both).any(axis=0)
    mean = np.where(there, np.nansum(both, axis=0) / np.maximum(np.isfinite(both).sum(axis=0), 1), 0.0)
    at = wide.index.get_indexer(rows["firm_id"]), wide.columns.get_indexer(rows["year"])
    level = np.log(np.maximum(mean[at], 1e-3)) * (mean[at] > 0)
    return np.stack([level, (mean[at] > 0).astype(float), there[at].astype(float)])


def _logit(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Logit with a light ridge, which a perfect predictor needs: coefficients and their covariance."""
    ridge = 1e-2 * np.eye(x.shape[1])
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        mu = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        hessian = (x * (mu * (1 - mu))[:, None]).T @ x + ridge
        step = np.linalg.solve(hessian, x.T @ (y - mu) - ridge @ beta)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    return beta, np.asarray(np.linalg.inv(hessian), float)


def _levels(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    inverse = np.asarray(np.linalg.inv(x.T @ x + 1e-2 * np.eye(x.shape[1])), float)
    gamma = inverse @ (x.T @ y)
    return gamma, y - x @ gamma, inverse
