"""Writers that put a panel of the contract's columns into the layouts that users bring: a test tool."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from fusion.panel.contract import MONEY, contract

# Columns of the panel that a bureau's forms carry, under the header of the form.
BUREAU = {
    "year": "年份", "firm_name": "单位详细名称", "ind4": "行业代码", "district": "行政区划代码",
    "reg_type": "登记注册统计类别", "control_type": "企业控股情况", "est_year": "开业时间", "size_class": "单位规模",
    "status": "运营状态", "employees_avg": "平均用工人数;本年", "employees_end": "从业人员期末人数;本年",
    "operating_revenue": "营业收入;本年", "operating_cost": "营业成本;本年", "tax_surcharge": "税金及附加;本年",
    "selling_expense": "销售费用;本年", "admin_expense": "管理费用；本年", "rd_expense": "研发费用;本年",
    "finance_expense": "财务费用;本年", "operating_profit": "营业利润;本年", "total_profit": "利润总额;本年",
    "net_profit": "净利润;本年", "gross_output": "工业总产值（当年价格）;本年", "value_added": "工业增加值;本年",
    "payroll": "应付职工薪酬（本年贷方累计发生额）;本年", "vat": "应交增值税（本年累计发生额）;本年",
    "fixed_assets_net": "固定资产净额;本年", "depreciation": "其中：本年折旧211;本年", "total_assets": "资产总计;本年",
    "total_liab": "负债合计;本年", "current_assets": "流动资产合计;本年", "inventory": "存货;本年",
    "accounts_receivable": "应收账款;本年", "current_liab": "流动负债合计;本年", "intangible_assets": "无形资产;本年",
    "export_value": "出口交货值;本年", "rd_staff": "研究开发人员合计;本年", "newprod_revenue": "新产品销售收入;本年",
    "inv_patents_valid": "期末有效发明专利数;本年", "patents_applied": "当年专利申请数;本年",
    "energy_tce": "综合能源消费量;本年", "subsidy": "补贴收入;本年", "cnc_rate": "关键工序数控化率;本年",
}  # fmt: skip
# The same items as other years' forms spell them.
BUREAU_OLD = {
    "管理费用；本年": "管理费用", "其中：本年折旧211;本年": "其中：本年折旧1;本年", "应收账款;本年": "应收账款［年末］;年末",
    "应付职工薪酬（本年贷方累计发生额）;本年": "应付职工薪酬(本年贷方累计发生额)", "年份": "报告期",
}  # fmt: skip
BUREAU_VALUES = {
    "control_type": {"soe": "国有控股", "collective": "集体控股", "private": "私人控股", "hmt": "港澳台商控股",
                     "foreign": "外商控股",
                     "other": "其他"},
    "size_class": {"L": "大型", "M": "中型", "S": "小型", "micro": "微型"},
    "status": {"active": "正常运营", "suspended": "停业(歇业)", "closed": "当年关闭", "exited_frame": "退库"},
}  # fmt: skip
CSMAR = {
    "combas": {"total_assets": "A001000000", "total_liab": "A002000000", "fixed_assets_net": "A001212000",
               "inventory": "A001123000", "accounts_receivable": "A001111000", "intangible_assets": "A001218000",
               "current_assets": "A001100000", "current_liab": "A002100000"},
    "comins": {"operating_revenue": "B001101000", "operating_cost": "B001201000", "tax_surcharge": "B001207000",
               "selling_expense": "B001209000", "admin_expense": "B001210000", "finance_expense": "B001211000",
               "rd_expense": "B001216000", "operating_profit": "B001300000", "total_profit": "B001000000",
               "net_profit": "B002000000"},
    "rd": {"rd_staff": "RDPerson", "rd_expense_total": "RDSpendSum"},
}  # fmt: skip
WIND = {
    "firm_name": "证券简称", "ind4": "国民经济行业代码", "district": "行政区划代码", "reg_type": "登记注册类型",
    "control_type": "控股情况", "est_year": "成立日期", "status": "营业状态", "employees_avg": "平均用工人数（人）",
    "operating_revenue": "营业收入", "operating_cost": "营业成本", "operating_profit": "营业利润", "total_profit": "利润总额",
    "rd_expense": "研发费用", "gross_output": "工业总产值", "value_added": "增加值", "payroll": "职工薪酬",
    "total_assets": "资产总计", "total_liab": "负债合计", "fixed_assets_net": "固定资产净额", "inventory": "存货",
    "accounts_receivable": "应收账款", "service_revenue": "服务收入", "top1_share": "第一大股东持股比例（％）",
}  # fmt: skip
MONEY_COLUMNS = {c.column for c in contract() if c.unit == MONEY and c.type == "float"}


def organisation(firm: pd.Series) -> pd.Series:
    """A 9-character organisation code made of a synthetic identifier."""
    return "MA" + firm.str[-7:]


def social_credit(firm: pd.Series) -> pd.Series:
    """The 18-character code that contains it."""
    return "91310000" + organisation(firm) + "X"


def scaled(values: pd.Series, factor: int) -> pd.Series:
    """万元 to a smaller unit, without the noise of binary fractions."""
    return (values.astype(float) * factor).round(6)


def bureau(panel: pd.DataFrame, folder: Path, encoding: str = "gb18030") -> list[Path]:
    """One CSV a year in 千元; before 2016 with 9-character codes, older spellings and a total below the rows."""
    files = []
    for year, rows in panel.groupby("year"):
        old = year < 2016
        table = pd.DataFrame({"组织机构代码" if old else "统一社会信用代码": organisation(rows["firm_id"]) if old
                              else social_credit(rows["firm_id"])})  # fmt: skip
        for column, header in BUREAU.items():
            cells = (
                rows[column].map(BUREAU_VALUES.get(column, {})) if column in BUREAU_VALUES else rows[column]
            )
            cells = scaled(cells, 10) if column in MONEY_COLUMNS else cells
            table[BUREAU_OLD.get(header, header) if old else header] = cells
        table["营业收入;上年"] = 1.0
        table["从业人员期末人数;上年"] = 1.0
        file = folder / f"一套表_{year}.csv"
        text = table.to_csv(index=False, lineterminator="\r\n")
        if old:
            text += "合计" + "," * (table.shape[1] - 1) + "\r\n说明：本表由企业填报\r\n"
        file.write_bytes(text.encode(encoding))
        files.append(file)
    return files


def establishments(panel: pd.DataFrame, folder: Path) -> Path:
    """Form 611: a row for each establishment, services' revenue by class in 千元, and one factory for each firm."""
    lines = []
    for row in panel.itertuples():
        if row.year < 2016:
            continue
        credit = "91310000MA" + row.firm_id[-7:] + "X"
        lines.append((credit, f"{credit[:-1]}1", row.year, "3511", 1.0))
        for code, revenue in json.loads(row.service_rev_by_class).items():
            lines.append((credit, f"{credit[:-1]}2", row.year, code, round(revenue * 10, 6)))
    names = ["法人单位统一社会信用代码", "统一社会信用代码", "年份", "行业代码", "经营性单位收入"]
    file = folder / "611表_产业活动单位.csv"
    pd.DataFrame(lines, columns=names).to_csv(file, index=False, encoding="utf-8-sig")
    return file


def csmar(panel: pd.DataFrame, folder: Path) -> list[Path]:
    """Three tables in 元 with labels and units below the names, parent-company rows and half-year rows among them."""
    files = []
    for table, columns in CSMAR.items():
        rows = pd.DataFrame(
            {"Stkcd": panel["firm_id"].str[-6:].astype(int), "Accper": panel["year"].astype(str) + "-12-31"}
        )
        if table != "rd":
            rows["Typrep"] = "A"
        for column, name in columns.items():
            rows[name] = scaled(panel[column], 10_000) if column in MONEY_COLUMNS else panel[column]
        noise = rows.head(20).copy()
        half = noise.assign(Accper=noise["Accper"].str.replace("12-31", "06-30"))
        extra = [half, noise.assign(Typrep="B")] if table != "rd" else [half]
        every = pd.concat([rows, *extra], ignore_index=True).astype(object)
        labels = pd.DataFrame(
            [
                [f"标签{c}" for c in every],
                ["元" if c[:1] in "AB" and len(c) == 10 else "没有单位" for c in every],
            ]
        )
        labels.columns = every.columns
        file = folder / f"FS_{table}.xlsx" if table == "rd" else folder / f"FS_{table}.csv"
        whole = pd.concat([labels, every], ignore_index=True)
        if table == "rd":
            whole.to_excel(file, index=False)
        else:
            whole.to_csv(file, index=False)
        files.append(file)
    return files


def wind(panel: pd.DataFrame, folder: Path, unit: str = "亿元") -> Path:
    """A spreadsheet with a merged title, units in its headers, full-width letters, dates, notes below."""
    factor = {"亿元": 10_000, "万元": 1}[unit]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["上市公司主要财务指标"])
    sheet.append([])
    headers = ["证券代码", "报告期"]
    for column, header in WIND.items():
        headers.append(f"{header}（{unit}）" if column in MONEY_COLUMNS else header)
    sheet.append(headers)
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(headers))
    for row in panel.to_dict("records"):
        cells = [row["firm_id"], f"{row['year']}-12-31"]
        for column in WIND:
            value = row[column]
            if column == "est_year":
                value = f"{value}-03-01"
            elif column in BUREAU_VALUES:
                value = BUREAU_VALUES[column].get(value)
            elif column in MONEY_COLUMNS and not pd.isna(value):
                value = float(np.round(value / factor, 12))
            cells.append(None if pd.isna(value) else value)
        sheet.append(cells)
    sheet.append(["数据来源：Ｗｉｎｄ"])
    file = folder / "wind.xlsx"
    book.save(file)
    return file


def wind_wide(panel: pd.DataFrame, folder: Path) -> Path:
    """Items by year side by side, as Wind exports them: year and unit in each header, half-years among them."""
    items = {"operating_revenue": "营业收入", "total_assets": "资产总计", "inventory": "存货"}
    firms = pd.DataFrame({"证券代码": panel["firm_id"].unique()})
    for column, header in items.items():
        for year, rows in panel.groupby("year"):
            cells = rows.set_index("firm_id")[column]
            firms[f"{header}\n[报告期] {year}年报\n[报表类型] 合并报表\n[单位] 万元"] = firms["证券代码"].map(
                cells
            )
        firms[f"{header}\n[报告期] 2016中报\n[报表类型] 合并报表\n[单位] 万元"] = 1.0
    file = folder / "wide.xlsx"
    firms.to_excel(file, index=False)
    return file
