"""Labour, capital, intermediate input and output, given productivity.

    ln VA = 0.60 ln L + 0.35 ln K + ω + ε        (prices of one base year: the deflator is 1)

Order within a year: K_t follows from last year's investment and L_t from last year's productivity, both before
the year's shock; then ω_t; then intermediate input M_t, strictly rising in ω_t given L_t and K_t and free of
noise; last ε. Gross output follows from the accounts: VA = gross output − M + VAT payable.

For control-function estimators: ω holds a firm effect besides its AR(1) part, so that it is not exactly a
first-order Markov process. Employment therefore answers to last year's ω only (and to demand shocks that have
nothing to do with ω), which the conditional mean of ω_t already holds; the small remaining bias comes from
capital, which remembers older ω.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.panel.synthetic.firms import Firms, Floats
from fusion.panel.synthetic.productivity import autoregression
from fusion.panel.synthetic.streams import Streams
from fusion.panel.synthetic.tables import Tables

FEWEST_EMPLOYEES = 5.0


@dataclass(frozen=True)
class Production:
    """Inputs and outputs, each of shape (N, T); persons and 万元."""

    employees: Floats
    capital: Floats
    investment: Floats
    materials: Floats
    vat: Floats
    value_added: Floats
    gross_output: Floats
    revenue: Floats


def produce(firms: Firms, omega: Floats, scale: Floats, tables: Tables, streams: Streams) -> Production:
    """Inputs and outputs of all firm-years.

    Parameters
    ----------
    omega : array (N, T)
        Productivity.
    scale : array (N,)
        Log points added to the size of a firm, labour and capital alike (0 but for entrants below the line).
    """
    value, shape = tables.value, omega.shape
    employees, capital, investment = _inputs(firms, omega, scale, tables, streams)
    core = value["elasticity_labour"] * np.log(employees) + value["elasticity_capital"] * np.log(capital)
    noise = value["noise_sd"] * streams("noise").standard_normal(shape)
    added = _cents(np.exp(core + omega + noise))
    rate = tables.paths["va_rate"].to_numpy()[firms.path]
    vat_share = tables.paths["vat_share"].to_numpy()[firms.path][:, None]
    centre = value["productivity_level"]
    materials = _cents(
        np.exp(core + centre + value["material_response"] * (omega - centre))
        * (1 / rate[:, None] - 1 + vat_share)
    )
    vat = _cents(added * vat_share * np.exp(0.15 * streams("vat").standard_normal(shape)))
    output = _cents(added + materials - vat)
    sales = np.exp(value["sales_noise"] * streams("sales").standard_normal(shape))
    return Production(employees, capital, investment, materials, vat, added, output, _cents(output * sales))


def _inputs(
    firms: Firms, omega: Floats, scale: Floats, tables: Tables, streams: Streams
) -> tuple[Floats, Floats, Floats]:
    """Employees (whole), capital and investment (万元) by year, each (N, T): decided before the year's shock."""
    value, (n, years) = tables.value, omega.shape
    centre, delta = value["productivity_level"], value["depreciation_rate"]
    per_worker = np.log(tables.paths["capital_per_worker"].to_numpy(dtype=float)[firms.path])
    demand = value["labour_sd"] * autoregression(
        streams("labour demand"), (n, years), value["labour_persistence"]
    )
    invests = streams("investment").random((n, years)) < value["investment_probability"]
    target = firms.size + scale
    # The first year has no year before: the lasting part of productivity stands for it.
    past = tables.paths["ln_productivity"].to_numpy(dtype=float)[firms.path] + firms.productivity
    ln_capital = target + per_worker + firms.intensity
    wished = ln_capital.copy()
    employees, capital, investment = (np.empty((n, years)) for _ in range(3))
    for t in range(years):
        labour = target + value["labour_response"] * past + demand[:, t]
        employees[:, t] = np.maximum(np.rint(np.exp(labour)), FEWEST_EMPLOYEES)
        capital[:, t] = _cents(np.exp(ln_capital))
        above = omega[:, t] - centre
        rate = delta + value["capital_adjust"] * (
            wished + value["capital_response"] * above - np.log(capital[:, t])
        )
        lump = np.where(invests[:, t], np.maximum(rate, 0) / value["investment_probability"], 0)
        investment[:, t] = _cents(capital[:, t] * lump)
        ln_capital = np.log((1 - delta) * capital[:, t] + investment[:, t])
        past = above
    return employees, capital, investment


def _cents(x: Floats) -> Floats:
    """Rounded to 100 yuan, the last digit of 万元 with two decimals; at least that."""
    return np.maximum(np.round(x, 2), 0.0)
