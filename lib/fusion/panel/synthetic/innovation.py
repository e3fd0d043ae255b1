"""R&D, patents, standards, new products, digital means, energy and logistics of each row."""

from __future__ import annotations

import numpy as np

from fusion.panel.synthetic.firms import Floats
from fusion.panel.synthetic.rows import Rows, money

Columns = dict[str, np.ndarray]


def research(rows: Rows) -> Columns:
    """R&D spending and staff; zero where a firm does none (not asked is another matter)."""
    does = rows.firm_uniform("does research") < rows.by_path("rd_share_of_firms")
    level = 0.6 * rows.firm_normal("research level") + 0.2 * rows.normal("research") - 0.2
    share = np.minimum(rows.by_path("rd_intensity") * np.exp(level), 0.20)
    spent = money(np.where(does, share * rows.revenue, 0.0))
    bought = np.clip(0.10 + 0.08 * rows.firm_normal("research bought"), 0, 0.6)
    total = money(spent * (1 + bought))
    staff = np.clip(
        2.2 * share * np.exp(0.3 * rows.firm_normal("research staff")) * (1 + 0.1 * rows.normal("staff")),
        0,
        0.6,
    )
    return {
        "rd_expense": spent,
        "rd_expense_total": total,
        "rd_outsourced": money(total - spent),
        "rd_staff": np.round(np.where(does, staff, 0.0) * rows.employees),
        "rd_super_deduction": money(0.10 * spent),
    }


def patents(rows: Rows, rd: Floats) -> Columns:
    """Patents, trademarks and standards: counts with many zeros."""
    s = rows.s
    active = rows.firm_uniform("patents at all") < 0.45
    mean = np.where(
        active, 0.4 * np.maximum(rd, 0) ** 0.45 * np.exp(0.7 * rows.firm_normal("patent level")), 0
    )
    applied = _poisson(rows, "patents", np.minimum(mean, 500))
    stock: Floats = np.zeros(s.frame.observed.shape)
    stock.reshape(-1)[rows.at] = applied
    for t in range(1, stock.shape[1]):
        stock[:, t] += 0.9 * stock[:, t - 1]
    valid = 0.5 * rows.cut(stock) + np.where(active, 1.5 * mean, 0)
    marks = _poisson(rows, "trademarks", np.exp(0.5 * np.log(rows.employees) - 1 + rows.firm_normal("brand")))
    size = np.log(rows.employees) - 5
    return {
        "patents_applied": applied,
        "inv_patents_valid": np.floor(valid).astype(np.int64),
        "trademarks_valid": marks,
        "std_intl": _poisson(rows, "standards abroad", np.exp(-4.5 + 0.6 * size)),
        "std_natl_ind": _poisson(
            rows, "standards", np.exp(-2.0 + 0.6 * size + 0.5 * rows.firm_normal("std"))
        ),
    }


def _poisson(rows: Rows, purpose: str, mean: Floats) -> np.ndarray:
    """Poisson counts from one uniform by row (normal approximation above 30), so that a row keeps its draw."""
    u = rows.uniform(purpose)
    z = rows.normal(purpose + " large")
    count = np.maximum(np.rint(mean + np.sqrt(mean) * z), 0)
    small = mean < 30
    term = np.exp(-mean[small])
    below, k, rest = np.zeros(small.sum()), np.zeros(small.sum()), term.copy()
    for j in range(1, 75):
        below = below + term
        rest = u[small] >= below
        if not rest.any():
            break
        k += rest
        term = term * mean[small] / j
    count[small] = k
    return count.astype(np.int64)


def patent_shares(rows: Rows, valid: np.ndarray) -> list[str | None]:
    """JSON text division → share for firms with patents: the firm's own division and, for some, a second."""
    s = rows.s
    own = s.tables.codes["code_2017"].str[:2].to_numpy()[s.firms.code][rows.firm]
    draw = rows.firm_uniform("patent mix")
    second = np.where(own == "35", "40", "35")
    part = np.where(draw < 0.5, np.round(0.5 + 0.45 * draw / 0.5, 3), 1.0)
    return [
        None if n == 0 else _shares(a, b, p)
        for n, a, b, p in zip(valid.tolist(), own.tolist(), second.tolist(), part.tolist(), strict=True)
    ]


def _shares(first: str, second: str, part: float) -> str:
    return f'{{"{first}": 1.0}}' if part == 1 else f'{{"{first}": {part:.3f}, "{second}": {1 - part:.3f}}}'


def digital(rows: Rows) -> Columns:
    """IT spending, numerical control, information systems, e-commerce; rising over the years."""
    latent = rows.firm_normal("digital") + 0.3 * (np.log(rows.employees) - 5) + 0.08 * (rows.calendar - 2017)
    u = np.stack([rows.firm_uniform(f"system {k}") for k in range(6)])
    hard = np.array([-0.8, 0.4, 0.2, 0.6, 1.0, 0.5])[:, None]
    used = u < 1 / (1 + np.exp(-(latent - hard)))
    online = rows.firm_uniform("online") < 0.35
    sold = np.where(online, np.clip(0.10 * np.exp(0.6 * rows.firm_normal("online share")), 0, 0.8), 0)
    bought = np.where(online, np.clip(0.07 * np.exp(0.6 * rows.firm_normal("online buy")), 0, 0.8), 0)
    spent = 0.004 * np.exp(0.35 * latent + 0.25 * rows.normal("it"))
    return {
        "it_spend": money(np.minimum(spent, 0.1) * rows.revenue),
        "cnc_rate": np.round(100 / (1 + np.exp(-(0.6 * latent - 0.1 + 0.1 * rows.normal("cnc")))), 1),
        "scm_flags": (used * 2 ** np.arange(6)[:, None]).sum(axis=0).astype(np.int64),
        "ecom_sales": money(sold * rows.revenue),
        "ecom_purchases": money(bought * rows.cut(rows.s.made.materials)),
    }


def chain(rows: Rows) -> Columns:
    """Inputs and outputs of the supply chain: services bought, materials, energy, logistics, new products."""
    value, materials = rows.s.tables.value, rows.cut(rows.s.made.materials)
    output = rows.cut(rows.s.made.gross_output)
    bought = value["ps_share"] * np.exp(0.35 * rows.firm_normal("services bought") + 0.1 * rows.normal("ps"))
    bought = np.minimum(bought * (0.95 + rows.share), 0.6)
    energy = rows.by_path("energy_intensity") * np.exp(0.5 * rows.firm_normal("energy") - 0.125)
    energy = energy * np.exp(-0.02 * (rows.calendar - 2017) + 0.08 * rows.normal("energy use"))
    renews = rows.firm_uniform("renews") < 0.55
    fresh = np.clip(
        0.22 * np.exp(0.5 * rows.firm_normal("new level") + 0.2 * rows.normal("new") - 0.1), 0, 0.9
    )
    reman = np.where(rows.firm_uniform("remanufactures") < 0.06, 0.05 * rows.firm_uniform("reman share"), 0)
    exports = rows.firm_uniform("exports") < rows.by_owner("export_probability") + 0.05 * (
        np.log(rows.employees) - 5
    )
    abroad = np.clip(
        rows.by_path("export_share") * 2.9 * np.exp(0.4 * rows.firm_normal("abroad") - 0.08), 0, 0.95
    )
    return {
        "ps_input": money(bought * materials),
        "material_purchases": money(np.clip(0.80 + 0.05 * rows.firm_normal("materials"), 0.5, 1) * materials),
        "energy_tce": np.round(energy * output, 1),
        "logistics_cost": money(0.03 * rows.revenue * np.exp(0.4 * rows.firm_normal("logistics") - 0.08)),
        "supplier_cr5": np.round(
            np.clip(45 + 14 * rows.firm_normal("suppliers") + 3 * rows.normal("cr5"), 5, 98), 1
        ),
        "newprod_revenue": money(np.where(renews, fresh, 0) * rows.revenue),
        "reman_revenue": money(reman * rows.revenue),
        "export_value": money(np.where(exports, abroad, 0.0) * np.minimum(output, rows.revenue)),
    }
