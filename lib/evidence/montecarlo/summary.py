"""What many draws say: bias, coverage, size, power, alarms."""

from __future__ import annotations

from statistics import NormalDist

import pandas as pd

from evidence.montecarlo.modes import MODES, MonteCarloError

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
        truth; rejection of a zero effect (size under mode "null", power elsewhere); alarm = share of draws in which
        the alarm that the mode must raise is raised, alarm_name which one that is.

    Raises
    ------
    MonteCarloError
        With fewer than two draws in a mode.
    """
    few = draws.groupby("mode")["seed"].nunique()
    if (few < 2).any():
        raise MonteCarloError(f"mode '{few.idxmin()}' has {few.min()} draw; two or more are needed")
    z = NormalDist().inv_cdf(1 - size / 2)
    rows = [
        _line(str(mode), str(name), part, z, size)
        for (mode, name), part in draws.groupby(["mode", "estimator"], sort=False)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _line(mode: str, name: str, part: pd.DataFrame, z: float, size: float) -> dict[str, object]:
    used = part.dropna(subset=["estimate", "std_error"])
    error = used["estimate"] - used["truth"]
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
        "coverage": (error.abs() <= z * used["std_error"]).mean(),
        "rejection": (used["estimate"].abs() > z * used["std_error"]).mean(),
        "alarm": (part[alarm].dropna() < size).mean(),
        "alarm_name": alarm,
    }


def alarm_table(draws: pd.DataFrame, size: float = 0.05) -> pd.DataFrame:
    """Share of draws in which each alarm is raised, by mode: the diagonal should be high, "parallel" near the size."""
    once = draws.drop_duplicates(["mode", "seed"])
    names = ["pretrend", "base", "spillover", "effect"]
    rates = once[names].lt(size).where(once[names].notna()).groupby(once["mode"], sort=False).mean()
    return rates.reset_index()


def verdicts(draws: pd.DataFrame, size: float = 0.05, error: float = 0.001) -> pd.DataFrame:
    """Whether each mode raises its alarm, and whether alarms keep quiet where nothing is broken.

    Parameters
    ----------
    draws : DataFrame
        Rows of `draw.one_draw`.
    size : float
        Of the alarms' tests.
    error : float
        Of each verdict: an alarm is "raised" when a test of size `size` would ring so often with probability below
        `error` (exact binomial, one-sided), and "too often" by the same rule where nothing is broken.

    Returns
    -------
    DataFrame
        mode, alarm, draws, rate, expected ("raised" or "quiet"), ok. Under "parallel" all alarms but that of an effect
        should be quiet, under "null" that of an effect.
    """
    from scipy.stats import binomtest

    once = draws.drop_duplicates(["mode", "seed"])
    rows = []
    for mode, part in once.groupby("mode", sort=False):
        quiet = {"parallel": ["pretrend", "base", "spillover"], "null": ["effect"]}.get(str(mode))
        for alarm in quiet or [MODES[str(mode)].alarm]:
            p = part[alarm].dropna()
            rings = int((p < size).sum())
            often = len(p) > 0 and binomtest(rings, len(p), size, alternative="greater").pvalue < error
            expected = "quiet" if quiet else "raised"
            rate = rings / len(p) if len(p) else float("nan")
            rows.append((str(mode), alarm, len(p), rate, expected, often != bool(quiet)))
    return pd.DataFrame(rows, columns=["mode", "alarm", "draws", "rate", "expected", "ok"])
