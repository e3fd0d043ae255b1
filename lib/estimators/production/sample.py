"""Firm-years ready for estimation: numpy arrays, with the row of each firm's year before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.language import listed, said
from estimators.production.errors import ProductionError, TooFewError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
FEWEST_FIRMS = 20


@dataclass(frozen=True)
class Sample:
    """n firm-years, sorted by firm and year; inputs and output in logs.

    Attributes
    ----------
    y : (n,) output
    free : (n, F) inputs chosen after productivity is known (labour, as a rule)
    state : (n, S) inputs that are given when productivity is drawn (capital)
    proxy : (n, P) investment or materials; NaN where a firm has none
    demand : (n, D) what else moves the demand for the proxy
    controls : (n, C) enter linearly and are no inputs (year dummies among them)
    policy : (n,) or None
    firm : (n,) numbers 0 … firms − 1
    year : (n,)
    lag : (n,) row of the same firm's year before, −1 where it is missing
    exits : (n,) True in a firm's last row if the panel goes on after it
    row : (n,) position of the row in the frame it came from
    names : name of each column, by kind ("output", "free", "state", "proxy", "demand", "controls")
    """

    y: Floats
    free: Floats
    state: Floats
    proxy: Floats
    demand: Floats
    controls: Floats
    policy: Floats | None
    firm: Ints
    year: Ints
    lag: Ints
    exits: Bools
    row: Ints
    names: dict[str, list[str]]

    @property
    def firms(self) -> int:
        """Number of firms."""
        return int(self.firm[-1]) + 1

    @property
    def has_proxy(self) -> Bools:
        """Rows whose proxies are all known, (n,)."""
        return known(self.proxy)


def known(x: Floats) -> Bools:
    """Rows without a NaN, (n,) of x (n, columns)."""
    return np.asarray(~np.isnan(x).any(axis=1), dtype=bool)


def logs(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Copy of a frame with logs of some columns; NaN where a value is missing, zero or negative.

    Parameters
    ----------
    frame : DataFrame
    columns : mapping
        Name of the log → name of the column, e.g. ``{"y": "value_added", "l": "employees_avg"}``.

    Returns
    -------
    DataFrame
        The frame with the logs added; ``attrs["not_positive"]`` counts, by log, values that were zero or negative.

    Raises
    ------
    ProductionError
        A column that is not there.
    """
    _present(frame, columns.values())
    made, refused = {}, {}
    for name, column in columns.items():
        x = frame[column].to_numpy(dtype=float, na_value=np.nan)
        refused[name] = int((x <= 0).sum())
        made[name] = np.log(np.where(x > 0, x, np.nan))
    out = frame.assign(**made)
    out.attrs["not_positive"] = refused
    return out


def sample(
    frame: pd.DataFrame,
    output: str,
    free: Sequence[str],
    state: Sequence[str],
    proxy: Sequence[str] = (),
    controls: Sequence[str] = (),
    policy: str | None = None,
    firm: str = "firm_id",
    year: str = "year",
    year_effects: bool = True,
    demand: Sequence[str] = (),
) -> Sample:
    """Arrays of the rows whose output, inputs, controls and policy are known.

    Parameters
    ----------
    frame : DataFrame
        One row for each firm and year; output and inputs in logs.
    output, free, state, proxy, controls, policy, demand : str or sequence of str
        Columns, as in `Sample`.
    year_effects : bool
        Adds a dummy for each year but the first to the controls.

    Raises
    ------
    ProductionError
        Columns that are missing or not numbers, infinite values, a firm-year twice, years that are not whole, or
        fewer than 20 firms.
    """
    names = {
        "output": [output],
        "free": list(free),
        "state": list(state),
        "proxy": list(proxy),
        "demand": list(demand),
        "controls": list(controls),
    }
    needed = [output, *free, *state, *controls, *demand, *([policy] if policy else [])]
    _present(frame, [*needed, *proxy, firm, year])
    table = _numbers(frame, [*needed, *proxy])
    keys = pd.DataFrame({"firm": pd.factorize(frame[firm])[0], "year": _years(frame, year)})
    keep = table[needed].notna().all(axis=1).to_numpy() & (keys["firm"] >= 0).to_numpy()
    order = np.lexsort((keys["year"], keys["firm"]))
    order = order[keep[order]]
    codes = np.unique(keys["firm"].to_numpy()[order], return_inverse=True)[1]
    if len(order) == 0 or codes[-1] + 1 < FEWEST_FIRMS:
        raise TooFewError(
            said(
                "production.few_firms",
                found=codes[-1] + 1 if len(order) else 0,
                needed=listed(needed),
                fewest=FEWEST_FIRMS,
            )
        )
    years = keys["year"].to_numpy()[order]
    lag = _lag(codes, years, frame[firm].to_numpy()[order])
    ends = np.append(codes[1:] != codes[:-1], True)
    arrays = {kind: table[names[kind]].to_numpy()[order] for kind in names if kind != "output"}
    if year_effects:
        each = np.unique(years)[1:]
        arrays["controls"] = np.hstack([arrays["controls"], (years[:, None] == each).astype(float)])
        names["controls"] += [f"{year}={y}" for y in each]
    return Sample(
        y=table[output].to_numpy()[order],
        policy=table[policy].to_numpy()[order] if policy else None,
        firm=codes,
        year=years,
        lag=lag,
        exits=ends & (years < years.max()),
        row=order,
        names=names,
        **arrays,
    )


def _present(frame: pd.DataFrame, columns: object) -> None:
    missing = [c for c in columns if c not in frame]  # type: ignore[attr-defined]
    if missing:
        raise ProductionError(
            said("production.no_columns", missing=listed(map(repr, missing)), known=listed(frame))
        )


def _numbers(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The columns as floats with NaN for missing values; infinite ones are logs of zero and are refused."""
    made = {}
    for name in columns:
        try:
            made[name] = frame[name].to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            raise ProductionError(
                said("production.not_a_number", name=name, dtype=frame[name].dtype)
            ) from None
        bad = np.flatnonzero(np.isinf(made[name]))
        if len(bad):
            raise ProductionError(said("production.infinite", name=name, count=len(bad), first=bad[0]))
    return pd.DataFrame(made)


def _years(frame: pd.DataFrame, year: str) -> Ints:
    x = _numbers(frame, [year])[year].to_numpy()
    bad = np.flatnonzero(~(x == np.floor(x)))
    if len(bad):
        raise ProductionError(
            said("production.whole_years", year=year, found=frame[year].iloc[bad[0]], row=bad[0])
        )
    return x.astype(np.int64)


def _lag(firm: Ints, year: Ints, label: NDArray[np.object_]) -> Ints:
    """Row of the year before; a gap in the years leaves −1."""
    same = firm[1:] == firm[:-1]
    step = year[1:] - year[:-1]
    twice = np.flatnonzero(same & (step == 0))
    if len(twice):
        raise ProductionError(
            said("production.twice", label=label[twice[0]], year=year[twice[0]], count=len(twice))
        )
    lag = np.full(len(firm), -1, dtype=np.int64)
    before = np.flatnonzero(same & (step == 1))
    lag[before + 1] = before
    return lag
