"""Empty cells: items not asked, small firms that do not answer, forms that only some firms fill in."""

from __future__ import annotations

import numpy as np

from fusion.panel.synthetic.firms import Bools
from fusion.panel.synthetic.rows import Rows

RESEARCH = ("rd_expense", "rd_expense_total", "rd_outsourced")
SERVICES = (
    "service_revenue",
    "service_rev_by_class",
    "service_revenue_external",
    "service_revenue_nonlocal",
    "service_exports",
)
RD_ITEM = 2018  # R&D expense is an item of its own from the 2018 statements on


def empty_cells(rows: Rows) -> dict[str, Bools]:
    """True where a cell is empty, by column; keys and required identities never are."""
    scale = rows.s.settings.missingness
    out: dict[str, Bools] = {}
    for line in rows.s.tables.missing.itertuples():
        column = str(line.column)
        draw = rows.firm_uniform if line.level == "firm" else rows.uniform
        out[column] = draw(f"missing {column}") < min(float(str(line.share)) * scale, 0.98)
    asked = not_asked(rows, scale)
    hidden = not_told(rows, scale)
    none = np.zeros(len(rows), dtype=bool)
    out |= {column: out.get(column, none) | asked for column in RESEARCH}
    out |= {column: out.get(column, none) | hidden for column in SERVICES}
    return out


def not_asked(rows: Rows, scale: float) -> Bools:
    """R&D before 2018: 60 % of firms outside electronics and health were not asked."""
    paths = rows.s.tables.paths["path"].to_numpy()
    tech = np.isin(paths, ["P1", "P2", "service"])[rows.s.firms.path][rows.firm]
    return (
        ~tech & (rows.calendar < RD_ITEM) & (rows.firm_uniform("asked for research") < min(0.6 * scale, 0.98))
    )


def not_told(rows: Rows, scale: float) -> Bools:
    """Service revenue: 35 % empty; among small firms those with little of it stay silent (not at random)."""
    small = rows.employees < 100
    little = rows.share < 0.05
    share = np.where(small, np.where(little, 0.62, 0.32), 0.22)
    return rows.uniform("silent on services") < np.minimum(share * scale, 0.98)
