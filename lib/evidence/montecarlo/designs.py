"""Synthetic firms whose production function is known, for checking the estimators.

    y = 0.6 l + 0.4 k + ω + ε,      ω_t = 0.7 ω_{t−1} + ξ_t,      sd(ω) 0.3, sd(ε) 0.1

in the manner of Ackerberg, Caves & Frazer (2015, section 5): materials follow the plan without noise, capital from
last year's investment. Designs:

"planned"   materials are planned before labour departs from its plan by a persistent deviation of the firm, so that
            they show ω given capital alone: Levinsohn–Petrin, Wooldridge (both ways) and Ackerberg–Caves–Frazer hold.
"timing"    wages differ between firms and persist, labour is chosen before the last part of ω, materials after both
            (Leontief): Ackerberg–Caves–Frazer holds; Levinsohn–Petrin's first stage and Wooldridge's do not.
"exit"      investment shows ω given capital exactly, and firms leave when ω is low, the sooner the less capital they
            have: Olley–Pakes holds with the exit correction.
"policy"    as "planned", and a policy given to firms of high past ω raises next year's productivity by 0.1.
"gross"     y = 0.25 l + 0.15 k + 0.55 m + ω + ε with prices of materials that differ between firms and persist.
"cheap"     as "gross" with one price for all: the elasticity of materials is not identified (Gandhi, Navarro & Rivers
            2020, Journal of Political Economy 128).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from estimators.production.errors import ProductionError
from estimators.production.sample import Floats

DESIGNS = ("planned", "timing", "exit", "policy", "gross", "cheap")
RHO, SD_OMEGA, SD_NOISE = 0.7, 0.3, 0.1
LABOUR, CAPITAL = 0.6, 0.4
GROSS = {"l": 0.25, "k": 0.15, "m": 0.55}
POLICY = 0.1
DEPRECIATION = 0.2
BURN_IN = 30


def truth(design: str) -> dict[str, float]:
    """Elasticities by input, and the policy's effect where there is one."""
    if design in ("gross", "cheap"):
        return dict(GROSS)
    found = {"l": LABOUR, "k": CAPITAL}
    return found | {"policy effect": POLICY} if design == "policy" else found


def simulate(design: str, firms: int, years: int, seed: int) -> pd.DataFrame:
    """Draw a panel.

    Returns
    -------
    DataFrame
        firm_id, year, y, l, k, m, i (logs), d (policy, 0 or 1), omega; sorted by firm and year.

    Raises
    ------
    ProductionError
        For an unknown design.
    """
    if design not in DESIGNS:
        raise ProductionError(f"design '{design}'; allowed: {', '.join(DESIGNS)}")
    rng = np.random.default_rng(seed)
    made = _MAKERS[design](design, rng, firms, years + BURN_IN)
    panel = {name: x[:, BURN_IN:].ravel() for name, x in made.items()}
    frame = pd.DataFrame(
        {
            "firm_id": np.repeat(np.arange(firms), years),
            "year": np.tile(np.arange(2000, 2000 + years), firms),
            **panel,
        }
    )
    return frame[frame.pop("stays") > 0].reset_index(drop=True)


# -- inside ------------------------------------------------------------------------------------
def _persistent(rng: np.random.Generator, shape: tuple[int, int], rho: float, sd: float) -> Floats:
    """Stationary AR(1) in each row."""
    draws = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        draws[:, t] = rho * draws[:, t - 1] + np.sqrt(1 - rho**2) * draws[:, t]
    return sd * draws


def _capital(rng: np.random.Generator, omega: Floats, spread: float) -> tuple[Floats, Floats, Floats]:
    """ln capital, ln investment, ln capital as it was expected a year before.

    Investment rises with ω and differs between firms by a persistent cost.
    """
    n, years = omega.shape
    cost = _persistent(rng, omega.shape, 0.9, spread) if spread else np.zeros(omega.shape)
    k, i = np.empty((n, years)), np.empty((n, years))
    k[:, 0] = 2 + 0.5 * rng.standard_normal(n)
    luck = 0.1 * rng.standard_normal((n, years))
    for t in range(years):
        i[:, t] = 0.2 + 0.4 * k[:, t] + 1.2 * omega[:, t] + cost[:, t]
        if t + 1 < years:
            k[:, t + 1] = np.log((1 - DEPRECIATION) * np.exp(k[:, t]) + np.exp(i[:, t])) + luck[:, t]
    return k, i, k - np.roll(luck, 1, axis=1)


def _planned(design: str, rng: np.random.Generator, n: int, years: int) -> dict[str, Floats]:
    shape = (n, years)
    d = np.zeros(shape)
    omega = _persistent(rng, shape, RHO, SD_OMEGA)
    if design == "policy":
        omega, d = _adopt(rng, omega)
    k, i, _ = _capital(rng, omega, 0.4)
    plan = (np.log(LABOUR) + CAPITAL * k + omega) / (1 - LABOUR)
    m = LABOUR * plan + CAPITAL * k + omega
    labour = plan + _persistent(rng, shape, 0.4, 0.3)
    return _panel(rng, labour, k, m, i, omega, d, LABOUR * labour + CAPITAL * k)


def _adopt(rng: np.random.Generator, omega: Floats) -> tuple[Floats, Floats]:
    """ω with a policy that lifts it a year later and lasts, by way of the process; and the policy."""
    innovations = omega.copy()
    innovations[:, 1:] -= RHO * omega[:, :-1]
    d, found = np.zeros(omega.shape), omega.copy()
    for t in range(1, omega.shape[1]):
        found[:, t] = RHO * found[:, t - 1] + POLICY * d[:, t - 1] + innovations[:, t]
        chance = 0.1 / (1 + np.exp(-4 * found[:, t])) if t >= BURN_IN else np.zeros(len(omega))
        d[:, t] = np.maximum(d[:, t - 1], rng.random(len(omega)) < chance)
    return found, d


def _timing(design: str, rng: np.random.Generator, n: int, years: int) -> dict[str, Floats]:
    shape, half = (n, years), np.sqrt(RHO)
    # Labour is chosen half a year before: ω moves to that point and on from it by √ρ each.
    part = SD_OMEGA * np.sqrt(1 - RHO)
    omega, seen = np.empty(shape), np.empty(shape)
    now = SD_OMEGA * rng.standard_normal(n)
    for t in range(years):
        seen[:, t] = half * now + part * rng.standard_normal(n)
        now = half * seen[:, t] + part * rng.standard_normal(n)
        omega[:, t] = now
    k, i, _ = _capital(rng, omega, 0.4)
    wage = _persistent(rng, shape, 0.5, 0.15)
    labour = (np.log(LABOUR) - wage + CAPITAL * k + half * seen) / (1 - LABOUR)
    core = LABOUR * labour + CAPITAL * k
    return _panel(rng, labour, k, core + omega, i, omega, np.zeros(shape), core)


def _exit(design: str, rng: np.random.Generator, n: int, years: int) -> dict[str, Floats]:
    shape = (n, years)
    omega = _persistent(rng, shape, RHO, SD_OMEGA)
    k, i, expected = _capital(rng, omega, 0.0)
    labour = (np.log(LABOUR) + CAPITAL * k + RHO * np.roll(omega, 1, axis=1)) / (1 - LABOUR)
    labour = labour + 0.2 * rng.standard_normal(shape)
    made = _panel(rng, labour, k, omega, i, omega, np.zeros(shape), LABOUR * labour + CAPITAL * k)
    below = omega < -0.25 - 0.6 * (expected - expected[:, BURN_IN:].mean())
    below[:, : BURN_IN + 1] = False
    return made | {"stays": (np.cumsum(below, axis=1) == 0).astype(float)}


def _gross(design: str, rng: np.random.Generator, n: int, years: int) -> dict[str, Floats]:
    shape = (n, years)
    omega = _persistent(rng, shape, RHO, SD_OMEGA)
    k, i, _ = _capital(rng, omega, 0.4)
    price = _persistent(rng, shape, 0.4, 0.3) if design == "gross" else np.zeros(shape)
    wage = _persistent(rng, shape, 0.4, 0.3)
    # Labour before this year's innovation, at last year's ω; then materials by their first-order condition.
    past = np.concatenate([omega[:, :1], omega[:, :-1]], axis=1)
    a, b, c = GROSS["l"], GROSS["k"], GROSS["m"]
    labour = (b * k + RHO * past - wage - c * price) / (1 - a - c)
    m = (np.log(c) + a * labour + b * k + omega - price) / (1 - c)
    return _panel(rng, labour, k, m, i, omega, np.zeros(shape), a * labour + b * k + c * m) | {"price": price}


def _panel(
    rng: np.random.Generator,
    labour: Floats,
    k: Floats,
    m: Floats,
    i: Floats,
    omega: Floats,
    d: Floats,
    core: Floats,
) -> dict[str, Floats]:
    y = core + omega + SD_NOISE * rng.standard_normal(omega.shape)
    return {
        "y": y,
        "l": labour,
        "k": k,
        "m": m,
        "i": i,
        "d": d,
        "omega": omega,
        "stays": np.ones(omega.shape),
    }


_MAKERS: dict[str, Callable[[str, np.random.Generator, int, int], dict[str, Floats]]] = {
    "planned": _planned,
    "policy": _planned,
    "timing": _timing,
    "exit": _exit,
    "gross": _gross,
    "cheap": _gross,
}
