"""Relatedness r of goods j and services k: the probability that a yuan of k, sold by a maker of j, is tied to its goods.

logit r = logit P + α·ln LQ + α·E/(E + κ)·ln[(n + κ)/(E + κ)], both logarithms cut at ±ln 4. P is a prior by the policy's
paths and fields (judgement: ``data/integration/relatedness.csv``), LQ the location quotient of the service in the
division's inputs (national table), n the makers of a division that sell k, E what independence would give. What no
product can be tied to (P = 0) stays at 0. Tied shares that firms report move r towards their mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import multimode

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fusion.classification.editions import NATIONAL, successors
from fusion.classification.policy import paths
from fusion.classification.tables import EDITIONS, REGULATOR, load, tree
from fusion.integration.errors import IntegrationError
from fusion.integration.sides import GOODS, SERVICE, side
from fusion.language import said

Floats = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[3] / "data"
FOLDER = DATA / "integration"
LEVELS = {"partner": 0.9, "close": 0.7, "medium": 0.5, "far": 0.25, "none": 0.0}
CUT = np.log(4)
IO_YEAR = 2017
ALL = "total"  # of all paths
NOTHING = pd.DataFrame(columns=["goods", "service", "n", "expected"])


@dataclass(frozen=True)
class Choices:
    """What is judgement in relatedness.

    Attributes
    ----------
    levels : mapping
        Prior of a partner of the goods' own path, of close, medium, far and unrelated services.
    alpha : float
        Weight of input–output tables and of co-occurrence, 0 to 0.5; 0 leaves the prior alone.
    kappa : float
        Firms' worth of doubt in co-occurrence, 2 to 20.
    worth : float
        Firms' worth of the prior, against those that report a tied share; also the spread of its draws.
    """

    levels: Mapping[str, float] = field(default_factory=lambda: dict(LEVELS))
    alpha: float = 0.25
    kappa: float = 5.0
    worth: float = 20.0


@dataclass(frozen=True)
class Relatedness:
    """Relatedness of every class of goods and every class of services of GB/T 4754-2017.

    Attributes
    ----------
    r : pandas.DataFrame
        Goods (four digits) by services (four digits).
    prior, quotient, together : pandas.DataFrame
        P, and the two terms that were added to its logit.
    choices : Choices
    means : pandas.DataFrame or None
        path (`ALL`: all together), mean, n: mean relatedness by path of an earlier panel, for services whose class is not told;
        None: the panel's own.
    """

    r: pd.DataFrame
    prior: pd.DataFrame
    quotient: pd.DataFrame
    together: pd.DataFrame
    choices: Choices
    means: pd.DataFrame | None = None

    @cached_property
    def grid(self) -> Grid:
        """`grid` of it, made once."""
        return grid(self)

    @cached_property
    def groups(self) -> pd.Series:
        """Goods that are drawn alike: division and paths of each class."""
        codes = self.r.index
        return pd.Series(codes.str[:2] + _own_paths(codes), codes)


@lru_cache
def kinds() -> pd.DataFrame:
    """Every code of every edition, of two to four digits: what it is, and which classes of 2017 it may be.

    The securities regulator's divisions are those of 2011.

    Returns
    -------
    pandas.DataFrame
        edition, code, kind (goods, service, rest: that of most classes that it may be), members (tuple of classes of
        2017 of that kind).
    """
    parts = []
    for edition in NATIONAL:
        classes = successors(edition)[["code", "code_2017"]]
        for digits in (4, 3, 2):
            own = classes.assign(code=classes["code"].str[:digits]).drop_duplicates()
            own["kind"] = own["code_2017"].map(side)
            share = own.groupby(["code", "kind"])["code_2017"].agg([("n", "size"), ("members", tuple)])
            best = share.sort_values("n", kind="stable").groupby("code").tail(1).reset_index()
            parts.append(best.assign(edition=edition)[["edition", "code", "kind", "members"]])
    table = pd.concat(parts, ignore_index=True)
    divisions = table[(table["edition"] == "2011") & table["code"].isin(tree(REGULATOR)["code"])]
    return pd.concat([table, divisions.assign(edition=REGULATOR)], ignore_index=True)


@lru_cache
def levels() -> pd.DataFrame:
    """Prior level, stage and input group of every service class of 2017: code, level, stage, inputs.

    A class that no row names is tied to no product: level ``none``, stage ``other``.
    """
    table = pd.read_csv(FOLDER / "relatedness.csv", dtype=str, keep_default_na=False)
    by_prefix = table.set_index("prefix")[["level", "stage", "inputs"]].T.to_dict("list")
    codes = [c for c in load("gbt4754_2017").query("level == '4'")["code"] if side(c) == SERVICE]
    found = [next((c[:n] for n in (4, 3, 2) if c[:n] in by_prefix), "") for c in codes]
    rows = [by_prefix[f] if f else ["none", "other", ""] for f in found]
    return pd.DataFrame(rows, columns=["level", "stage", "inputs"]).assign(code=codes)


def relatedness(
    choices: Choices | None = None, met: pd.DataFrame = NOTHING, reported: pd.DataFrame | None = None
) -> Relatedness:
    """Relatedness from the prior, the national table, co-occurrence and reported tied shares.

    Parameters
    ----------
    choices : Choices, optional
    met : pandas.DataFrame
        division, service (class of 2017), n, expected: see `together`.
    reported : pandas.DataFrame, optional
        division, service, m (firms that report a tied share), tied (its mean): these beat all else.

    Returns
    -------
    Relatedness
    """
    chosen = choices or Choices()
    _check(chosen)
    prior = _prior(chosen.levels)
    quotient = chosen.alpha * np.clip(np.log(_quotients(prior)), -CUT, CUT)
    together_ = chosen.alpha * _evidence(prior, met, chosen.kappa)
    with np.errstate(divide="ignore"):
        logit = np.log(prior) - np.log1p(-prior) + quotient + together_
    r = (1 / (1 + np.exp(-logit))).where(prior > 0, 0.0)
    if reported is not None and len(reported):
        m, tied = (_cells(prior, reported, name) for name in ("m", "tied"))
        r = (chosen.worth * r + m * tied) / (chosen.worth + m)
    return Relatedness(r, prior, quotient, together_, chosen)


def constant(value: float, choices: Choices | None = None) -> Relatedness:
    """Every service related alike, as presets without relatedness have it (r ≡ 1: 服务化率)."""
    made = relatedness(choices)
    return replace(made, r=pd.DataFrame(float(value), made.r.index, made.r.columns))


@dataclass(frozen=True)
class Grid:
    """Relatedness of codes as they are written, of either edition and two to four digits.

    Attributes
    ----------
    goods : pyarrow.Table
        edition, code, type (goods of one type are related alike to every service), top (largest upper bound).
        Code ``""`` of each edition stands for goods of which nothing is known.
    cells : pyarrow.Table
        type, code (of a service, rest or goods), kind, low, r, high: smallest, mean and largest over the classes that
        the two codes may be.
    """

    goods: pa.Table
    cells: pa.Table


def grid(made: Relatedness) -> Grid:
    """Relatedness for every written code, so that a panel needs one look-up a line."""
    known, goods, cells, types = kinds(), [], [], 0
    place, every = _bounds(made.r, known)
    for edition in EDITIONS:
        own = known[known["edition"] == edition]
        material, sold = own[own["kind"] == GOODS], own[own["kind"] == SERVICE]
        out = own[own["kind"] != SERVICE]
        bounds = [b[np.ix_(place[material.index], place[sold.index])] for b in every]
        rows, which = _distinct(np.hstack(bounds))
        unknown = np.hstack([np.zeros((1, 2 * len(sold))), bounds[2].max(axis=0, keepdims=True)])
        rows, top = np.vstack([rows, unknown]), bounds[2].max(axis=1)
        number = np.arange(len(rows)) + types
        told = {"code": [*material["code"], ""], "type": [*(which + types), number[-1]]}
        goods.append(pd.DataFrame({"edition": edition, **told, "top": [*top, top.max()]}))
        cells.append(_crossed(number, sold, np.split(rows, 3, axis=1)))
        cells.append(_crossed(number, out, [np.zeros((len(rows), len(out)))] * 3))
        types += len(rows)
    table = pa.Table.from_pandas(pd.concat(goods, ignore_index=True), preserve_index=False)
    return Grid(table, pa.concat_tables(cells))


@lru_cache
def stages() -> pd.DataFrame:
    """Stage of every service code of both editions, by most of the classes that it may be.

    Returns
    -------
    pandas.DataFrame
        edition, code, stage, stages_possible (comma-joined: of any of the classes).
    """
    stage = dict(levels()[["code", "stage"]].to_numpy())
    sold = kinds().query("kind == @SERVICE")
    # Of those that most are, the first by name.
    first = [min(multimode(stage[c] for c in m)) for m in sold["members"]]
    every = [",".join(sorted({stage[c] for c in m})) for m in sold["members"]]
    return sold[["edition", "code"]].assign(stage=first, stages_possible=every)


def together(sellers: pd.DataFrame, makers: pd.DataFrame) -> pd.DataFrame:
    """How often makers of a division sell a class of services, and how often independence would give.

    Parameters
    ----------
    sellers : pandas.DataFrame
        firm_id, division, service (class of 2017): one vote a firm, before the first pilot started.
    makers : pandas.DataFrame
        firm_id, division: all firms that could have told, whether they sell services or not.

    Returns
    -------
    pandas.DataFrame
        division, service, n, expected.
    """
    votes = sellers.drop_duplicates(["firm_id", "division", "service"])
    size = makers.drop_duplicates(["firm_id", "division"])["division"].value_counts()
    if not len(votes) or not len(size):
        return pd.DataFrame(columns=["division", "service", "n", "expected"])
    n = votes.groupby(["division", "service"]).size()
    sold = votes.groupby("service").size()
    every = pd.MultiIndex.from_product([size.index, sold.index], names=["division", "service"])
    table = n.reindex(every, fill_value=0).rename("n").reset_index()
    expected = table["division"].map(size) * table["service"].map(sold) / size.sum()
    return table.assign(expected=expected)


# -- inside ------------------------------------------------------------------------------------
def _bounds(r: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.Series, list[Floats]]:
    """Smallest, mean and largest relatedness of what a code may be: classes of goods with classes of services.

    Returns
    -------
    pandas.Series
        Row (goods) or column (services) of each code of `known`; -1 for the rest.
    list of arrays
    """
    place, groups = pd.Series(-1, known.index), {}
    for kind, codes in ((GOODS, r.index), (SERVICE, r.columns)):
        number = {code: i for i, code in enumerate(codes)}
        place[known["kind"] == kind], members = pd.factorize(known.loc[known["kind"] == kind, "members"])
        groups[kind] = [[number[c] for c in m] for m in members]
    values, found = r.to_numpy(), []
    # Most codes are one class: nothing is to be summed there.
    for how in (np.min, np.mean, np.max):
        wide = [values[:, m[0]] if len(m) == 1 else how(values[:, m], axis=1) for m in groups[SERVICE]]
        across = np.stack(wide, axis=1)
        down = [across[m[0]] if len(m) == 1 else how(across[m], axis=0) for m in groups[GOODS]]
        found.append(np.stack(down))
    return place, found


def _crossed(types: NDArray[np.int64], known: pd.DataFrame, bounds: Sequence[Floats]) -> pa.Table:
    """Cells of types of goods with codes, from matrices of types by codes."""
    each = np.tile(np.arange(len(known)), len(types))
    words = {name: pa.array(known[name], pa.string()).take(pa.array(each)) for name in ("code", "kind")}
    values = dict(zip(("low", "r", "high"), (b.ravel() for b in bounds), strict=True))
    return pa.table({"type": np.repeat(types, len(known)), **words, **values})


def _distinct(rows: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Rows that differ, sorted, and which of them each row is; few do, so that few are sorted."""
    seen: dict[bytes, int] = {}
    number = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in rows])
    kept, place = np.unique(rows[np.unique(number, return_index=True)[1]], axis=0, return_inverse=True)
    return kept, place.ravel()[number]


def _check(choices: Choices) -> None:
    if set(choices.levels) != set(LEVELS) or not all(0 <= v <= 1 for v in choices.levels.values()):
        raise IntegrationError(said("integration.levels", names=", ".join(LEVELS)))
    if not 0 <= choices.alpha <= 0.5 or choices.kappa <= 0 or choices.worth <= 0:
        raise IntegrationError(said("integration.evidence"))


@lru_cache
def _goods() -> pd.DataFrame:
    """Classes of goods with their own paths, main and adjacent: code, paths."""
    table = paths()
    table = table[table["code"].map(side) == GOODS]
    own = table["path"].str.cat(table["path_secondary"], sep=",").str.split(",")
    return pd.DataFrame(
        {"code": table["code"], "paths": own.map(lambda x: tuple(p for p in x if p.startswith("P")))}
    )


def _own_paths(codes: pd.Index) -> pd.Index:
    found = _goods().set_index("code")["paths"].map(",".join)
    return pd.Index(found.reindex(codes).fillna(""))


def _prior(value: Mapping[str, float]) -> pd.DataFrame:
    services = levels()
    partner_of = paths().set_index("code")["path_service"].reindex(services["code"]).str.split(",")
    plain = services["level"].map(value).to_numpy(float)
    goods = _goods()
    groups = {own: np.array([bool(set(own) & set(of)) for of in partner_of]) for own in set(goods["paths"])}
    rows = [np.where(groups[own], value["partner"], plain) for own in goods["paths"]]
    return pd.DataFrame(np.array(rows), goods["code"].to_numpy(), services["code"].to_numpy())


def _quotients(prior: pd.DataFrame) -> pd.DataFrame:
    """Share of the service group in the division's output over the output-weighted mean of all divisions."""
    table = pd.read_csv(DATA / "io" / "producer_services_nbs.csv", dtype={"code": str})
    table = table[(table["year"] == IO_YEAR) & (table["table_sectors"] == 42)].set_index("code")
    links = pd.read_csv(DATA / "io" / "gbt_to_io42.csv", dtype=str)
    links = links[links["tables"].str.contains(str(IO_YEAR))].set_index("division")["io42_code"]
    sector = links.reindex(prior.index.str[:2])
    out = pd.DataFrame(1.0, prior.index, prior.columns)
    inputs = levels().set_index("code")["inputs"]
    for group in [g for g in inputs.unique() if g]:
        d = table[f"d_{group}"]
        mean = (d * table["output_wan"]).sum() / table["output_wan"].sum()
        ratio = (d / mean).reindex(sector).fillna(1.0).to_numpy()
        out.loc[:, (inputs == group).reindex(out.columns).to_numpy()] = ratio[:, None]
    return out


def _evidence(prior: pd.DataFrame, met: pd.DataFrame, kappa: float) -> pd.DataFrame:
    if not len(met):
        return prior * 0.0
    n, expected = (_cells(prior, met, name) for name in ("n", "expected"))
    ratio = np.log((n + kappa) / (expected + kappa)).clip(-CUT, CUT)
    return expected / (expected + kappa) * ratio


def _cells(prior: pd.DataFrame, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """A long table by division and service on the grid of goods and services, 0 where it has no row."""
    wide = table.pivot_table(index="division", columns="service", values=column, aggfunc="sum")
    wide = wide.reindex(columns=prior.columns).reindex(prior.index.str[:2]).fillna(0.0).astype(float)
    return wide.set_axis(prior.index)
