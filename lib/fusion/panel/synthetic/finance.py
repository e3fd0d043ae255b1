"""Income statement and balance sheet, consistent with production.

Identities that hold to the last digit:

    value_added = payroll + tax_surcharge + vat + depreciation + operating_profit        (income approach)
    value_added = gross_output − intermediate_input + vat                                (production approach)
    operating_profit = operating_revenue − operating_cost − tax_surcharge − selling − admin − R&D − financial expense

Return on assets is U-shaped in the service share with its lowest point at 0.25: the profit term
κ ((s − 0.25)² − c) · assets comes out of payroll, and the service premium of productivity goes to wages.
"""

from __future__ import annotations

import numpy as np

from fusion.panel.synthetic.firms import Floats
from fusion.panel.synthetic.rows import Rows, money

Columns = dict[str, np.ndarray]


def finance(rows: Rows, rd: Floats) -> Columns:
    """Money columns of production, income statement and balance sheet, 万元.

    Parameters
    ----------
    rd : array
        R&D expense of each row, which enters the income statement.
    """
    made = rows.s.made
    out: Columns = {
        "operating_revenue": rows.revenue,
        "gross_output": rows.cut(made.gross_output),
        "value_added": rows.cut(made.value_added),
        "intermediate_input": rows.cut(made.materials),
        "vat": rows.cut(made.vat),
        "fixed_assets_net": rows.cut(made.capital),
        "investment": rows.cut(made.investment),
    }
    out["depreciation"] = money(rows.s.tables.value["depreciation_rate"] * out["fixed_assets_net"])
    out |= _assets(rows, out)
    out |= _liabilities(rows, out["total_assets"])
    out |= _income(rows, out)
    out |= _statement(rows, out, rd)
    return out


def _premium(rows: Rows) -> Floats:
    """Factor by which the service term raises output, for each row."""
    value = rows.s.tables.value
    term = value["service_slope"] * (rows.share - value["service_centre"])
    return np.where(rows.manufacturer, np.exp(term), 1.0)


def _assets(rows: Rows, out: Columns) -> Columns:
    """Assets as a sum of parts: services bind neither stock nor receivables."""
    value, goods = rows.s.tables.value, rows.revenue / _premium(rows)
    spread = 0.30 * rows.firm_normal("stock level") + 0.12 * rows.normal("stock")
    inventory = money(value["inventory_days"] / 365 * 0.8 * goods * np.exp(spread - 0.05))
    spread = 0.30 * rows.firm_normal("credit level") + 0.12 * rows.normal("credit")
    receivable = money(value["receivable_days"] / 365 * goods * np.exp(spread - 0.05))
    cash = money(0.32 * goods * np.exp(0.35 * rows.firm_normal("cash level") + 0.15 * rows.normal("cash")))
    intangible = money(0.10 * out["fixed_assets_net"] * np.exp(0.6 * rows.firm_normal("intangible") - 0.18))
    rest = money(0.45 * out["fixed_assets_net"] * np.exp(0.4 * rows.firm_normal("other assets")))
    current = money(inventory + receivable + cash)
    return {
        "inventory": inventory,
        "accounts_receivable": receivable,
        "current_assets": current,
        "intangible_assets": intangible,
        "total_assets": money(current + intangible + rest + out["fixed_assets_net"]),
    }


def _liabilities(rows: Rows, assets: Floats) -> Columns:
    mean = rows.s.tables.value["leverage_mean"]
    share = mean + 0.16 * rows.firm_normal("leverage level") + 0.05 * rows.normal("leverage")
    total = money(np.clip(share, 0.03, 1.3) * assets)
    short = np.clip(0.80 + 0.08 * rows.firm_normal("short debt"), 0.4, 0.98)
    return {"total_liab": total, "current_liab": money(short * total)}


def _income(rows: Rows, out: Columns) -> Columns:
    """Value added by income: taxes and depreciation, profit, and payroll as what is left."""
    value, added = rows.s.tables.value, out["value_added"]
    tax = money(rows.by_path("tax_share") * added * np.exp(0.2 * rows.normal("tax") - 0.02))
    spread = value["profit_firm_sd"] * rows.firm_normal("profit level")
    spread = 1 + spread + value["profit_noise_sd"] * rows.normal("profit")
    arch = (rows.share - value["roa_turning"]) ** 2 - value["roa_centre"]
    arch = np.where(rows.manufacturer, value["roa_curvature"] * arch, 0.0)
    net = (added - tax - out["vat"]) / _premium(rows) - out["depreciation"]
    part = np.minimum(rows.by_path("profit_share") * spread, value["profit_share_cap"])
    wish = part * net + arch * out["total_assets"]
    least = np.maximum(value["wage_floor"] * rows.employees, value["labour_share_floor"] * added)
    left = added - tax - out["vat"] - out["depreciation"]
    profit = money(np.minimum(wish, left - least))
    return {"tax_surcharge": tax, "operating_profit": profit, "payroll": money(left - profit)}


def _statement(rows: Rows, out: Columns, rd: Floats) -> Columns:
    """Expenses, cost as what is left, and profit after other items."""
    value, revenue, profit = rows.s.tables.value, rows.revenue, out["operating_profit"]
    selling = money(value["selling_rate"] * revenue * np.exp(0.4 * rows.firm_normal("selling") - 0.08))
    admin = money(value["admin_rate"] * revenue * np.exp(0.3 * rows.firm_normal("admin") - 0.045))
    interest = money(value["interest_rate"] * out["total_liab"] * np.exp(0.3 * rows.normal("interest")))
    cost = revenue - out["tax_surcharge"] - selling - admin - rd - interest - profit
    receives = rows.uniform("grant") < 0.35
    grant = money(np.where(receives, 0.004 * revenue * np.exp(rows.normal("grant size") - 0.5), 0.0))
    total = money(profit + grant - np.where(rows.uniform("fine") < 0.1, 0.002 * revenue, 0.0))
    rate = np.where(rows.firm_uniform("tax rate") < 0.3, 0.15, 0.25)
    return {
        "selling_expense": selling,
        "admin_expense": admin,
        "finance_expense": interest,
        "operating_cost": money(np.maximum(cost, 0.0)),
        "subsidy": grant,
        "total_profit": total,
        "net_profit": money(total - rate * np.maximum(total, 0.0)),
    }
