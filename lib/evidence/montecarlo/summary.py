"""What many draws say: bias, coverage, size, power, alarms, and a verdict on each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evidence.montecarlo.modes import MODES, MonteCarloError

# Below so many draws a rate is not known to within two points.
ENOUGH = 400
QUIET = {"parallel": ["pretrend", "base", "spillover"], "null": ["effect"]}
# Reasons: errors by firm do not see shocks that the firms of a path share (the answer's interval by signs of paths does); the
# wider of two intervals holds the truth more often than either; the alarm needs a larger sample, in which it was tried too; the
# wider interval of neighbours rests on as many draws as there are paths (power .21 in 6,000 firms, .25 in 15,000; by firm .33
# and .50, but by firm .11 is rejected where nothing is broken, by the wider one .04).
_SHARED, _WIDER, LARGER, _FEW = "shared_shocks", "wider_interval", "larger_sample", "few_paths"
# No covariance of event times is kept: their errors are added up, which is the most that the sum's can be.
_BOUND = "bound_of_error"
# What is known not to hold, with the reason: (what, name).
_BY_FIRM = (
    "imputation",
    "two_stage",
    "extended_twfe",
    "cs_never",
    "cs_not_yet",
    "cs_covariates",
    "sun_abraham",
)
KNOWN: dict[tuple[str, str], str] = {
    ("coverage", "headline"): _WIDER,
    ("raised", "spillover"): _FEW,
    ("coverage", "switchers"): _BOUND,
    **{("coverage", name): _SHARED for name in (*_BY_FIRM, "twfe", "stacked", "local_projections")},
}
KEPT = ["mode", "firms", "what", "name", "level", "draws", "rate"]
COLUMNS = [
    "mode",
    "estimator",
    "draws",
    "failed",
    "truth",
    "mean_estimate",
    "bias",
    "bias_se",
    "sd",
    "mean_se",
    "coverage",
    "rejection",
    "band",
    "alone",
    "alarm",
    "alarm_name",
]


def summarise(draws: pd.DataFrame, size: float = 0.05) -> pd.DataFrame:
    """One line for each mode and estimator.

    Parameters
    ----------
    draws : DataFrame
        Rows of `draw.one_draw`.
    size : float
        Of the tests; intervals are 1 − size.

    Returns
    -------
    DataFrame
        draws (with an estimate), failed; means of truth and estimate; bias = mean of estimate − truth of the same
        draw, bias_se its simulation error; sd of that difference; mean standard error; coverage of the draw's
        truth; rejection of a zero effect (size under mode "null", power elsewhere); band, alone = share of draws in
        which the band, or the interval of every single year, holds the whole true path (missing where an estimator
        has none); alarm = share of draws in which the alarm that the mode must raise is raised, alarm_name which one
        that is.

    Raises
    ------
    MonteCarloError
        With fewer than two draws in a mode.
    """
    few = draws.groupby("mode")["seed"].nunique()
    if (few < 2).any():
        raise MonteCarloError(f"mode '{few.idxmin()}' has {few.min()} draw; two or more are needed")
    rows = [
        _line(str(mode), str(name), part, size)
        for (mode, name), part in draws.groupby(["mode", "estimator"], sort=False)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _line(mode: str, name: str, part: pd.DataFrame, size: float) -> dict[str, object]:
    used = part.dropna(subset=["estimate", "std_error"])
    known = used.dropna(subset=["truth"])
    error = known["estimate"] - known["truth"]
    alarm = MODES[mode].alarm
    return {
        "mode": mode,
        "estimator": name,
        "draws": len(used),
        "failed": len(part) - len(used),
        "truth": used["truth"].mean(),
        "mean_estimate": used["estimate"].mean(),
        "bias": error.mean(),
        "bias_se": error.std() / max(len(used), 1) ** 0.5,
        "sd": error.std(),
        "mean_se": used["std_error"].mean(),
        "coverage": _covered(known).mean(),
        "rejection": ((used["ci_low"] > 0) | (used["ci_high"] < 0)).mean(),
        "band": part["band"].mean(),
        "alone": part["alone"].mean(),
        "alarm": (part[alarm].dropna() < size).mean(),
        "alarm_name": alarm,
    }


def alarm_table(draws: pd.DataFrame, size: float = 0.05) -> pd.DataFrame:
    """Share of draws in which each alarm is raised, by mode and firms: the diagonal should be high, "parallel" near the size."""
    once = draws.drop_duplicates(["mode", "firms", "seed"])
    names = ["pretrend", "base", "spillover", "effect"]
    rates = once[names].lt(size).where(once[names].notna())
    return rates.groupby([once["mode"], once["firms"]], sort=False).mean().reset_index()


def verdicts(draws: pd.DataFrame, size: float = 0.05) -> pd.DataFrame:
    """Whether intervals hold the truth as often as they say, tests reject no more, and alarms ring where something is broken.

    Parameters
    ----------
    draws : DataFrame
        Rows of `draw.one_draw`.
    size : float
        Of the tests; intervals are 1 − size.

    Returns
    -------
    DataFrame
        mode, firms, what (coverage, band, quiet, raised), name (estimator or alarm), draws, rate, low, high (what is
        allowed), ok, known (why it is not, where that is known: `KNOWN`, or "larger_sample" where the same alarm rings
        in more firms). Coverage of averages, and of whole paths by bands, under "parallel" and "null" is to be within
        two points; a test where nothing is broken rejects at most in 1.5 · size; an alarm rings in half of the draws of
        its mode. With fewer than `ENOUGH` draws the bounds give way by three simulation errors.
    """
    rows: list[tuple[str, int, str, str, int, float, float, float]] = []
    for key, part in draws.groupby(["mode", "firms"], sort=False):
        mode, firms = str(key[0]), int(key[1])
        sound = QUIET.get(mode)
        limits, what = ((0.0, 1.5 * size), "quiet") if sound else ((0.5, 1.0), "raised")
        for alarm in sound or [MODES[mode].alarm]:
            p = part.drop_duplicates("seed")[alarm].dropna()
            rows.append((mode, firms, what, alarm, len(p), float((p < size).mean()), *limits))
        for estimator, own in part.groupby("estimator", sort=False) if sound else ():
            used = own.dropna(subset=["estimate", "std_error", "truth"])
            for what, share in (("coverage", _covered(used)), ("band", own["band"].dropna())):
                if len(share):
                    allowed = (0.98 - size, 1.02 - size)
                    rows.append(
                        (mode, firms, what, str(estimator), len(share), float(share.mean()), *allowed)
                    )
    table = pd.DataFrame(rows, columns=["mode", "firms", "what", "name", "draws", "rate", "low", "high"])
    rate = np.where(table["what"] == "raised", 0.5, size)
    room = np.where(
        table["draws"] >= ENOUGH, 0.0, 3 * np.sqrt(rate * (1 - rate) / table["draws"].clip(lower=1))
    )
    table["ok"] = table["rate"].between(table["low"] - room, table["high"] + room)
    rings = table[(table["what"] == "raised") & table["ok"]].groupby("mode")["firms"].max()
    known = [
        LARGER if w == "raised" and rings.get(m, 0) > f else KNOWN.get((w, n), "")
        for m, f, w, n in table[["mode", "firms", "what", "name"]].itertuples(index=False)
    ]
    return table.assign(known=pd.Series(known, dtype=str).where(~table["ok"], ""))


def kept(found: pd.DataFrame, before: pd.DataFrame | None = None, size: float = 0.05) -> pd.DataFrame:
    """What pages say of intervals: how often each held the truth in trials, beside what earlier runs found.

    Parameters
    ----------
    found : DataFrame
        Of `verdicts`.
    before : DataFrame, optional
        An earlier table; a line of the same trial takes the place of its own.
    size : float
        Intervals are 1 − size.

    Returns
    -------
    DataFrame
        mode, firms, what (coverage, band), name, level, draws, rate.
    """
    lines = found[found["what"].isin(["coverage", "band"])].assign(level=1 - size)[KEPT]
    both = pd.concat([before, lines], ignore_index=True) if before is not None else lines
    return both.drop_duplicates(KEPT[:5], keep="last").sort_values(KEPT[:5], ignore_index=True)


def _covered(used: pd.DataFrame) -> pd.Series:
    return used["truth"].between(used["ci_low"], used["ci_high"])
