"""Service share and productivity of firms that are not pilots.

    ω_it = level + μ_path + α_i + growth·t + γ_t + r_path,t + v_it + θ (s_it − s̄),   v_it = ρ v_i,t−1 + σ u_it

Log points, 万元 and persons. Transitory noise ε (sd 0.12) is part of value added and not of ω.
"""

from __future__ import annotations

import numpy as np

from fusion.panel.synthetic.firms import Bools, Firms, Floats
from fusion.panel.synthetic.settings import Settings
from fusion.panel.synthetic.streams import Streams
from fusion.panel.synthetic.tables import Tables


def manufacturers(firms: Firms, tables: Tables) -> Bools:
    """True for firms whose path is not 'service', shape (N,)."""
    return (tables.paths["path"] != "service").to_numpy()[firms.path]


def service_share(settings: Settings, firms: Firms, tables: Tables, streams: Streams) -> Floats:
    """Share of services in revenue without the pilots, shape (N, T).

    A hurdle that a firm passes for good, and a bounded logistic drift above it. Service firms come down from
    nearly 1 as they enter manufacturing.
    """
    value, shape = tables.value, (settings.firms, settings.n_years)
    t = np.arange(settings.n_years) - (settings.n_years - 1) / 2
    shift = tables.paths["service_shift"].to_numpy()[firms.path]
    scale = (firms.size - firms.size.mean()) / firms.size.std()
    wish = (
        shift
        + value["service_threshold_size"] * scale
        + value["service_threshold_sd"] * streams("service hurdle").standard_normal(settings.firms)
    )
    sells = wish[:, None] + value["service_threshold_trend"] * t > value["service_threshold"]
    centre = value["service_logit"] + value["service_logit_sd"] * streams("service level").standard_normal(
        settings.firms
    )
    noise = value["service_logit_noise"] * autoregression(streams("service drift"), shape, 0.7)
    share = _logistic(centre[:, None] + value["service_logit_trend"] * t + noise)
    share = np.where(sells, np.minimum(share, value["service_cap"]), 0.0)
    made = np.clip(0.004 + 0.03 * np.abs(noise) + 0.008 * np.arange(settings.n_years), 0, 0.3)
    return np.where(manufacturers(firms, tables)[:, None], share, 1 - made)


def untreated_productivity(
    settings: Settings, firms: Firms, share: Floats, tables: Tables, streams: Streams
) -> Floats:
    """ω of every firm-year had there been no pilots, shape (N, T)."""
    value, shape = tables.value, (settings.firms, settings.n_years)
    years = np.arange(settings.first_year, settings.last_year + 1)
    year_effect = value["growth"] * (np.arange(settings.n_years) - (settings.n_years - 1) / 2)
    year_effect = year_effect + value["shock_2020"] * (years == 2020) + value["shock_2022"] * (years == 2022)
    walk = value["path_year_sd"] * np.cumsum(
        streams("path year").standard_normal((len(tables.paths), settings.n_years)), axis=1
    )
    shock = autoregression(streams("productivity"), shape, value["shock_persistence"])
    sd = value["shock_sd"] / np.sqrt(1 - value["shock_persistence"] ** 2)
    firm = value["productivity_level"] + tables.paths["ln_productivity"].to_numpy()[firms.path]
    omega = (firm + firms.productivity)[:, None] + year_effect + walk[firms.path] + sd * shock
    return omega + service_term(share, firms, tables)


def service_term(share: Floats, firms: Firms, tables: Tables) -> Floats:
    """θ (s − s̄) for manufacturers and 0 for service firms, shape of `share`."""
    value = tables.value
    term = value["service_slope"] * (share - value["service_centre"])
    return np.where(manufacturers(firms, tables)[:, None], term, 0.0)


def autoregression(rng: np.random.Generator, shape: tuple[int, int], rho: float) -> Floats:
    """Stationary AR(1) with unit variance in each row, shape (N, T)."""
    draws = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        draws[:, t] = rho * draws[:, t - 1] + np.sqrt(1 - rho**2) * draws[:, t]
    return draws


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
