"""The panel as a table: columns of the enterprise contract, errors of reporting and empty cells included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fusion.panel.synthetic import finance, innovation, missing, reporting, services
from fusion.panel.synthetic.frame import STATUS
from fusion.panel.synthetic.rows import Rows
from fusion.panel.synthetic.tables import EDITION_2017

COUNTS = (
    "n_establishments",
    "n_serv_establishments",
    "inv_patents_valid",
    "patents_applied",
    "trademarks_valid",
    "std_intl",
    "std_natl_ind",
    "scm_flags",
)
NOT_MONEY = (
    "employees_avg",
    "employees_end",
    "service_staff",
    "rd_staff",
    "cnc_rate",
    "supplier_cr5",
    "platform_users",
    "energy_tce",
    "top1_share",
    "tobin_q",
    "deflator",
)


def assemble(rows: Rows) -> pd.DataFrame:
    """All columns of the observed rows, sorted by firm and year."""
    columns = _firm_columns(rows)
    numbers = _number_columns(rows)
    empty = missing.empty_cells(rows)
    money_columns = [name for name in numbers if name not in NOT_MONEY and name not in COUNTS]
    told = (numbers["service_revenue"] > 0) & ~empty["service_rev_by_class"]
    numbers |= _listed(rows, numbers["total_assets"])
    for name, values in numbers.items():
        columns[name] = _number(values, empty.get(name), whole=name in COUNTS)
    columns["service_rev_by_class"] = _text(services.by_class(rows, numbers["service_revenue"], told))
    left = numbers["operating_revenue"] * (
        1 - rows.share
    )  # goods are told as they are, whatever is said of services
    columns["goods_rev_by_class"] = _text(services.goods_by_class(rows, left, ~empty["service_revenue"]))
    mix = innovation.patent_shares(rows, np.where(empty["pat_ipc_shares"], 0, numbers["inv_patents_valid"]))
    columns["pat_ipc_shares"] = _text(mix)
    columns |= _policy_columns(rows)
    for name in ("firm_name", "biz_activity_codes", "size_class", "park_id"):
        columns[name] = columns[name].mask(empty[name])
    panel = pd.DataFrame(columns, copy=False)
    reporting.slip_units(panel, money_columns, rows)
    return reporting.enter_twice(panel, rows)


def _number_columns(rows: Rows) -> dict[str, np.ndarray]:
    research = innovation.research(rows)
    numbers: dict[str, np.ndarray] = {"employees_avg": rows.employees}
    numbers["employees_end"] = np.rint(rows.employees * np.exp(0.03 * rows.normal("year end")))
    numbers |= finance.finance(rows, research["rd_expense"])
    numbers |= research
    numbers |= services.services(rows)
    numbers |= innovation.patents(rows, research["rd_expense"])
    numbers |= innovation.digital(rows)
    numbers |= innovation.chain(rows)
    numbers["deflator"] = np.ones(len(rows))
    return numbers


def _firm_columns(rows: Rows) -> dict[str, pd.Series]:
    """Keys and what describes the firm."""
    s, tables, firm = rows.s, rows.s.tables, rows.firm
    n = s.settings.firms
    main = reporting.main_codes(rows)
    founded = s.years[s.firms.entry] - s.firms.age
    return {
        "firm_id": _pick([f"SYN{k:07d}" for k in range(1, n + 1)], firm),
        "year": pd.Series(rows.calendar.astype(np.int64)),
        "firm_name": _pick([f"合成企业{k:07d}" for k in range(1, n + 1)], firm),
        "ind4": _text(main),
        "class_version": _pick(["2011", "2017"], (rows.calendar >= EDITION_2017).astype(int)),
        "biz_activity_codes": _text(services.activities(rows, main)),
        "district": _pick(tables.districts["district"].tolist(), s.firms.district[firm]),
        "park_id": _pick([f"K{k:02d}" for k in range(1, 41)], (rows.firm_uniform("park") * 40).astype(int)),
        "reg_type": _pick(tables.ownership["reg_type"].tolist(), s.firms.owner[firm]),
        "control_type": _pick(tables.ownership["control_type"].tolist(), s.firms.owner[firm]),
        "est_year": pd.Series(founded[firm].astype(np.int64)),
        "size_class": _pick(["L", "M", "S", "micro"], _size_class(rows)),
        "status": _pick(list(STATUS), rows.cut(s.frame.status)),
    }


def _size_class(rows: Rows) -> np.ndarray:
    """Three-way class by employees and revenue, the lower of the two; 0 = large … 3 = micro."""
    value, people, revenue = rows.s.tables.value, rows.employees, rows.revenue
    large = (people >= value["size_large_employees"]) & (revenue >= value["size_large_revenue"])
    medium = (people >= value["size_medium_employees"]) & (revenue >= value["revenue_line"])
    return np.select([large, medium, people >= value["size_small_employees"]], [0, 1, 2], 3)


def _listed(rows: Rows, assets: np.ndarray) -> dict[str, np.ndarray]:
    """Shareholding and Tobin's Q of the few listed firms (large ones), empty for others."""
    listed = listed_rows(rows)
    top = np.round(np.clip(35 + 14 * rows.firm_normal("top holder"), 5, 90), 1)
    q = np.round(np.exp(0.5 + 0.35 * rows.firm_normal("q level") + 0.2 * rows.normal("q")), 3)
    return {"top1_share": np.where(listed, top, np.nan), "tobin_q": np.where(listed, q, np.nan)}


def listed_rows(rows: Rows) -> np.ndarray:
    """True for rows of listed firms."""
    size = rows.s.firms.size
    return ((size > np.quantile(size, 0.9)) & (rows.s.streams("listed").random(len(size)) < 0.2))[rows.firm]


def _policy_columns(rows: Rows) -> dict[str, pd.Series]:
    """Pilot status as recorded, type of actor, listing."""
    s = rows.s
    start = reporting.recorded_start(rows)[rows.firm]
    never = start < 0
    year = pd.Series(s.years[0] + start, dtype="Int64").mask(never)
    batch = np.where(never, 0, s.pilots.cohort[rows.firm])
    names = [f"synthetic_batch_{k}" for k in s.tables.cohorts["cohort"]]
    kinds = ["chain_leader", "backbone", "sme", "platform", ""]
    kind = _actor(rows)
    return {
        "pilot_scheme": _pick(names, batch).mask(never),
        "pilot_start_year": year,
        "pilot_end_year": year + int(s.tables.value["pilot_years"]),
        "actor_type": _pick(kinds, kind).mask(kind == 4),
        "listed": pd.Series(listed_rows(rows)),
    }


def _actor(rows: Rows) -> np.ndarray:
    """Type of actor by the firm's target size, fixed over time: row number in the list of types, 4 = none."""
    size, path = rows.s.firms.size, rows.s.tables.paths["path"].to_numpy()[rows.s.firms.path]
    big = size > np.quantile(size, 0.97)
    middle = size > np.quantile(size, 0.82)
    listed = rows.s.streams("sme list").random(len(size)) < 0.3
    kind = np.select([path == "service", big, middle, listed & (size < np.log(300))], [3, 0, 1, 2], 4)
    return kind[rows.firm]


def _number(values: np.ndarray, empty: np.ndarray | None, whole: bool) -> pd.Series:
    if whole:
        column = pd.Series(values, dtype="Int64")
        return column if empty is None else column.mask(empty)
    values = values.astype(float)
    if empty is not None:
        values = np.where(empty, np.nan, values)
    return pd.Series(values)


def _text(values: Sequence[str | None] | np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="str")


def _pick(names: list[str], number: np.ndarray) -> pd.Series:
    """Texts by their numbers."""
    return pd.Series(pd.array(names, dtype="str").take(number))
