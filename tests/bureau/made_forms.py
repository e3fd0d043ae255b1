"""A bureau's forms, made up: files as they arrive, the truth behind them, and the mistakes that were planted."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

FIRST, LAST = 2017, 2021
MAKERS, SERVERS = 72, 28
# Classes of GB/T 4754-2017: makers of six paths; services of producer services and one of none.
GOODS = ["3911", "3963", "2710", "3612", "3411", "3670", "2641", "3054"]
SERVICES = ["7320", "6513", "5990", "7482", "6110"]
DISTRICTS = ["310115", "310114", "310112", "310117", "310120", "310113", "310116", "310151"]
TENFOLD, TENTH = ("M0005", 2020), ("M0006", 2018)  # forms in a wrong unit
MONEY = {
    "资产总计": "assets", "负债合计": "debt", "流动资产合计": "current", "营业收入": "revenue", "营业成本": "cost",
    "税金及附加": "tax", "管理费用": "admin", "研发费用": "rd", "营业利润": "profit", "利润总额": "total_profit",
    "应付职工薪酬（本年贷方累计发生额）": "payroll", "应交增值税（本年累计发生额）": "vat", "其中：本年折旧": "depreciation",
    "工业总产值（当年价格）": "output", "固定资产净额": "fixed", "存货": "stock", "应收账款": "owed",
}  # fmt: skip
TRAITS = ["行政区划代码", "登记注册统计类别", "企业控股情况", "开业时间", "运营状态"]
KEY = ["firm", "year"]
TEXTS = 4 + len(TRAITS)  # columns before the money


@dataclass
class Forms:
    """What was made.

    Attributes
    ----------
    truth : pandas.DataFrame
        firm, year, code of credit, class, district, staff, money in 千元, services sold.
    files : list of Path
        The forms as they arrive.
    rows : dict
        Rows of units in each file.
    """

    truth: pd.DataFrame
    files: list[Path] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)


def credit(number: int, district: str) -> str:
    """A code of the form of a unified social credit code (its check characters are not computed)."""
    return f"91{district}MA1{number:06d}X"[:18].ljust(18, "0")


def truth(seed: int = 3) -> pd.DataFrame:
    """Firms that grow 8 % a year with services that grow faster, without mistakes; three enter in 2020, two leave in 2019."""
    rng, lines = np.random.default_rng(seed), []
    for i in range(MAKERS + SERVERS):
        maker = i < MAKERS
        firm, district = f"M{i:04d}", DISTRICTS[int(rng.integers(len(DISTRICTS)))]
        staff, share = float(np.exp(rng.normal(4.8, 0.7))), float(rng.beta(2, 9)) if maker else 1.0
        code, shock = (GOODS if maker else SERVICES)[i % (8 if maker else 5)], 0.0
        for year in range(FIRST, LAST + 1):
            shock = 0.6 * shock + float(rng.normal(0, 0.06))
            revenue = round(staff * 900 * 1.08 ** (year - FIRST) * np.exp(shock))
            services = round(revenue * min(0.95, share * (1 + 0.04 * (year - FIRST))))
            absent = (i >= 97 and year < 2020) or (i in (20, 21) and year >= 2019)
            if not absent:
                lines.append(
                    (firm, year, credit(i, district), code, district, maker, round(staff), revenue, services)
                )
    names = ["firm", "year", "credit", "code", "district", "maker", "staff", "revenue", "services"]
    table = pd.DataFrame(lines, columns=names)
    noise = np.exp(rng.normal(0, 0.05, (len(table), 4)))
    parts = {
        "assets": 1.3,
        "debt": 0.6,
        "current": 0.7,
        "cost": 0.76,
        "tax": 0.008,
        "admin": 0.07,
        "rd": 0.03,
    }
    parts |= {
        "profit": 0.08,
        "total_profit": 0.082,
        "payroll": 0.14,
        "vat": 0.025,
        "depreciation": 0.03,
        "output": 1.02,
    }
    parts |= {"fixed": 0.3, "stock": 0.15, "owed": 0.2}
    for j, (name, part) in enumerate(parts.items()):
        table[name] = (table["revenue"] * part * noise[:, j % 4]).round()
    table["output"] = table["output"].where(table["maker"], 0)
    return table


def reported(table: pd.DataFrame) -> pd.DataFrame:
    """What units report: one form ten times its money, one a tenth of it."""
    made, money = table.copy(), ["revenue", "services", *dict.fromkeys(set(MONEY.values()) - {"revenue"})]
    for (firm, year), factor in ((TENFOLD, 10.0), (TENTH, 0.1)):
        at = made["firm"].eq(firm) & made["year"].eq(year)
        made[money] = made[money].astype(float)
        made.loc[at, money] = (made.loc[at, money] * factor).round()
    return made


def write(folder: Path, table: pd.DataFrame, last: int = LAST) -> Forms:
    """Write the forms of all years up to ``last``: GB18030 and UTF-8 CSV, Excel with a head of two lines, 万元 in 2019.

    Letters stand before the codes of 2017, thousands are separated, every file has title lines, a total and notes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = Forms(table)
    for year, own in table[table["year"] <= last].groupby("year"):
        unit, divide = ("万元", 10) if year == 2019 else ("千元", 1)
        title = [
            [f"{year}年规模以上法人单位财务状况（B603-1表）"],
            [f"{year}年", "", "", "", f"计量单位：{unit}"],
        ]
        head = [
            "序号",
            "统一社会信用代码",
            "单位详细名称",
            *TRAITS,
            "行业代码",
            *MONEY,
            "平均用工人数",
        ]
        body = [_line(n, row, int(year), divide) for n, row in enumerate(own.to_dict("records"), 1)]
        sums = [
            f"{sum(float(str(line[TEXTS + k]).replace(',', '')) for line in body):,.0f}"
            for k in range(len(MONEY))
        ]
        tail = [
            ["合计", *[""] * (TEXTS - 1), *sums, ""],
            ["单位负责人：（略）"],
            ["说明：本表由辖区内规模以上法人单位填报。"],
        ]
        file = folder / (f"B603-1_{year}.xlsx" if year == 2018 else f"B603-1_{year}.csv")
        if year == 2018:
            _excel(file, title, head, body + tail)
        else:
            _csv(file, [*title, head, *body, *tail], "utf-8-sig" if year == 2020 else "gb18030")
        made.files.append(file)
        made.rows[file.name] = len(body)
        made.files.append(_establishments(folder, own, int(year)))
    return made


def services_of_makers(table: pd.DataFrame, year: int) -> float:
    """千元 that manufacturers sell of services, by form 611."""
    return float(table.loc[table["maker"] & table["year"].eq(year), "services"].sum())


# -- inside ------------------------------------------------------------------------------------
def _line(number: int, row: dict[str, object], year: int, divide: int) -> list[object]:
    letter = (
        ("C" if row["maker"] else "M") if year == FIRST and row["code"] in ("3911", "7320", "3411") else ""
    )
    money = [f"{float(row[name]) / divide:,.1f}".removesuffix(".0") for name in MONEY.values()]  # type: ignore[arg-type]
    name = f"上海{row['firm']}{'制造' if row['maker'] else '服务'}有限公司"
    traits = [f"{row['district']}000000", "173", "私人控股", "2005年6月", "正常运营"]
    return [number, row["credit"], name, *traits, f"{letter}{row['code']}", *money, row["staff"]]


def _csv(file: Path, lines: list[list[object]], encoding: str) -> None:
    with file.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, lineterminator="\r\n").writerows(lines)


def _excel(file: Path, title: list[list[object]], head: list[str], rows: list[list[object]]) -> None:
    """A head of two lines: groups over the money columns, merged."""
    book = openpyxl.Workbook()
    sheet = book.active
    for line in title:
        sheet.append(line)
    upper = [*head[:TEXTS], "财务状况", *[""] * (len(MONEY) - 1), "人员"]
    lower = [*[""] * TEXTS, *head[TEXTS:]]
    sheet.append(upper)
    sheet.append(lower)
    for column in range(1, TEXTS + 1):
        sheet.merge_cells(start_row=3, end_row=4, start_column=column, end_column=column)
    sheet.merge_cells(start_row=3, end_row=3, start_column=TEXTS + 1, end_column=TEXTS + len(MONEY))
    for line in rows:
        sheet.append(line)
    book.create_sheet("填表说明").append(["本表金额以千元计"])
    book.save(file)


def _establishments(folder: Path, own: pd.DataFrame, year: int) -> Path:
    """Form 611: the factory and two services of each manufacturer, one line a service firm; 千元."""
    lines: list[list[object]] = [
        [f"法人单位所属产业活动单位情况（611表） {year}年"],
        ["", "", "", "计量单位：千元"],
    ]
    lines.append(["归属法人单位统一社会信用代码", "产业活动单位详细名称", "行业代码", "经营性单位收入"])
    for row in own.to_dict("records"):
        half = round(row["services"] * 0.6)
        parts = [
            (row["code"], row["revenue"] - row["services"]),
            ("7320", half),
            ("5990", row["services"] - half),
        ]
        for code, amount in parts if row["maker"] else [(row["code"], row["services"])]:
            lines.append([row["credit"], "某单位", code, f"{amount:,.0f}"])
    file = folder / f"611表_{year}.csv"
    _csv(file, [*lines, ["合计"], ["说明：产业活动单位收入为经营性单位收入。"]], "gb18030")
    return file
