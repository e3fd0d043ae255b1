"""Pages of evidence that belong to no study: published results recomputed, estimators against known truth, times."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbook.exhibits.words import Words, table
from workbook.publish import markup as m
from workbook.run import chain

Rows = list[dict[str, str]]

EXPECTED = {
    "raised": "power / 功效",
    "quiet": "size / 检验水平",
    "coverage": "coverage / 覆盖率",
    "band": "band holds the path / 带覆盖整条路径",
}
# Why a verdict that does not hold is known not to.
REASONS = {
    "shared_shocks": "errors by firm do not see shocks that the firms of a path share; the answer's interval does / "
    "按企业计算的误差看不到同一路径企业的共同冲击；回答的区间已计入",
    "wider_interval": "the wider of two intervals holds the truth more often than either / "
    "取两个区间中较宽者，覆盖率高于任一区间",
    "few_paths": "shocks that paths share leave as many draws as there are paths; no sample tried is large enough / "
    "同一路径的共同冲击使独立抽取数只有路径数；所试样本均不够大",
    "bound_of_error": "its error is the most that it can be: errors of years added up, without their covariance / "
    "误差取上界：各年误差直接相加，未计其协方差",
    "larger_sample": "needs the larger sample, where it holds / 需较大样本，在其中成立",
}
# Modes of the synthetic panel, in words.
MODES = {
    "parallel": "nothing is broken / 无违背",
    "null": "no effect / 无效应",
    "trend": "treated firms on another trend / 处理组趋势不同",
    "dip": "a dip before application / 申报前下滑",
    "anticipation": "effects begin early / 提前反应",
    "spillover": "neighbours move too / 溢出",
    "misdated": "starts dated wrongly / 起始年记错",
}
VERIFIED = {
    "source": "source / 出处",
    "estimator": "estimator / 估计量",
    "statistic": "statistic / 统计量",
    "basis": "basis / 依据",
    "published": "published / 已发表",
    "computed": "computed / 重算",
    "tolerance": "tolerance / 容差",
    "ok": "agrees / 是否一致",
}
# Names that are made of others, in Chinese.
MADE_OF = (
    (r"se (.+)", r"\1 的标准误"),
    (r"clustered se (.+)", r"\1 的聚类标准误"),
    (r"corrected se (.+)", r"\1 的修正标准误"),
    (r"indicator (\w+)", r"指标 \1"),
    (r"([\d() +]+) of (\d+)", r"\2 中的 \1"),
)
ALARMS = {
    "pretrend": "pre-trends / 前趋势",
    "base": "base period / 基期",
    "spillover": "spillover / 溢出",
    "effect": "an effect / 有效应",
}

# Steps of the chain that are no notebook.
STEPS = {"site": "site / 网站", "whole": "whole / 合计"}


def files(build: Path) -> list[Path]:
    """Tables in the folder of what is built that a page is made of."""
    names = [name for _, names, _ in PAGES.values() for name in names]
    return [build / name for name in names if (build / name).is_file()]


def pages(build: Path, language: str) -> dict[str, str]:
    """Sources of the pages whose first table is there, by name, in a language."""
    return {
        name: maker(*[_read(build / table) for table in tables], language)
        for name, (_, tables, maker) in PAGES.items()
        if (build / tables[0]).is_file()
    }


def titles(build: Path, language: str) -> dict[str, str]:
    """Titles of those pages."""
    return {
        name: _in(title, language)
        for name, (title, tables, _) in PAGES.items()
        if (build / tables[0]).is_file()
    }


def _in(both: str, language: str) -> str:
    """The part of a text in a language; the two are parted by a stroke."""
    english, _, chinese = both.partition(" / ")
    return (chinese or english) if language == "zh" else english


def _read(file: Path) -> Rows:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


# -- verification ----------------------------------------------------------------------------------
def verification_page(rows: Rows, language: str) -> str:
    """Published results and the same recomputed, by dataset."""
    groups: dict[str, Rows] = defaultdict(list)
    for row in rows:
        groups[row.get("dataset") or "other"].append(row)
    right = sum(_agrees(row) for row in rows)
    said = (
        f"Published results, recomputed with the functions that the notebooks use: **{right} of {len(rows)}** "
        "agree within the tolerance stated in their row. / "
        f"以各笔记本所用函数重算已发表结果：{len(rows)} 个数中 **{right}** 个在所列容差内一致。"
    )
    lines = [f"# {_in('Verification / 验证', language)}", _in(said, language)]
    for name, group in groups.items():
        title = _named(name, language).strip("`")
        lines += [f"## {m.text(title)}", m.raw(_verified(group, title, language))]
    return "\n\n".join(lines)


def _verified(rows: Rows, label: str, language: str) -> str:
    columns = [column for column in rows[0] if column != "dataset"]
    numeric = {i for i, column in enumerate(columns) if column in ("published", "computed", "tolerance")}
    body = []
    for before, row in zip([{}, *rows], rows, strict=False):
        cells = [_cell(column, row[column] or "", language) for column in columns]
        if "source" in columns and before.get("source") == row["source"]:
            cells[columns.index("source")] = "″"  # as above
        if "ok" in columns:
            cells[columns.index("ok")] = _mark(
                _agrees(row), _in("agrees / 一致", language), _in("DIFFERS / 不一致", language)
            )
        body.append(cells)
    heads = [_in(VERIFIED.get(column, column), language) for column in columns]
    return m.table(heads, body, numeric=numeric, label=label)


def _cell(column: str, value: str, language: str) -> str:
    """A cell in words; what is cited stays in the language of the work."""
    if column == "source" and value != "worked by hand":
        return f'<span lang="en">{m.html(value)}</span>'
    if column in ("estimator", "statistic", "basis", "source"):
        return m.marked(_named(value, language))
    return m.html(m.shortened(value))


def _named(name: str, language: str) -> str:
    """What is verified, in a language; names of variables stay, between backticks."""
    known = table("verified")
    if language == "en":
        return name
    for pattern, chinese in MADE_OF:
        found = re.fullmatch(pattern, name)
        if found:
            return found.expand(chinese).replace(found[1], _named(found[1], language), 1)
    if name in known:
        return known[name].zh
    return f"`{name}`" if re.fullmatch(r"[a-z]\w+", name) else name


def _agrees(row: dict[str, Any]) -> bool:
    return str(row.get("ok")).strip().lower() in ("true", "1", "yes")


def _mark(right: bool, yes: str, no: str) -> str:
    return f'<span class="{"fusion-ok" if right else "fusion-off"}">{yes if right else no}</span>'


# -- Monte Carlo -----------------------------------------------------------------------------------
def montecarlo_page(rows: Rows, alarms: Rows, verdicts: Rows, production: Rows, language: str) -> str:
    """Bias, coverage, size and power of each estimator by mode, alarms, and production functions."""
    most = max(int(row["draws"]) for row in rows)
    told = (
        f"Synthetic panels whose truth is known, {most} draws a mode. Bias is against the truth of the same draw; a 95 % "
        "interval should cover it in 95 draws of 100. Bias beyond twice its simulation error is marked. / "
        f"真值已知的合成面板，每种情形 {most} 次抽样。偏误相对于同一次抽样的真值；95% 区间应在 100 次中覆盖 95 次。"
        "偏误超过其模拟误差两倍者加标记。"
    )
    lines = [f"# {_in('Monte Carlo / 蒙特卡罗检验', language)}", _in(told, language)]
    if alarms:
        lines += [f"## {_in('Alarms / 警报', language)}", _alarms(alarms, verdicts, language)]
    for mode in dict.fromkeys(row["mode"] for row in rows):
        part = [row for row in rows if row["mode"] == mode]
        title = _in(MODES.get(mode, mode), language)
        lines += [f"## {m.text(title)}", m.raw(_estimators(part, title, language))]
    if production:
        lines += [
            f"## {_in('Production functions / 生产函数', language)}",
            *_production(production, language),
        ]
    return "\n\n".join(lines)


def _alarms(rows: Rows, verdicts: Rows, language: str) -> str:
    names = [name for name in rows[0] if name not in ("mode", "firms")]
    heads = [
        _in(head, language)
        for head in ["mode / 情形", "firms / 企业数", *(ALARMS.get(name, name) for name in names)]
    ]
    body = [
        [
            m.html(_in(MODES.get(row["mode"], row["mode"]), language)),
            f"{int(row['firms']):,}",
            *(_round(row[name], 3) for name in names),
        ]
        for row in rows
    ]
    said = (
        "Share of draws in which each test of notebook 06 rejects at 5 %: high where its mode is drawn, near 0.05 where "
        "nothing is broken. What a test cannot tell in a small sample is tried in a larger one, where its verdict falls: at "
        "3,000 firms for the dip, which was simulated before; at sizes foretold from rates in smaller samples for the others, so "
        "that the line with the larger sample says whether they hold. / "
        "笔记本 06 各检验在 5% 水平拒绝的比例：对应情形下应高，无违背时应接近 0.05。"
        "小样本中无法识别的违背，另在较大样本中检验并据以判定：申报前下滑取 3,000 家，此前已模拟；"
        "其余样本量由较小样本的拒绝率推算，是否成立以较大样本一行为准。"
    )
    table = m.table(heads, body, numeric=set(range(1, len(heads))), label=_in("Alarms / 警报", language))
    parts = [_in(said, language), m.raw(table)]
    if verdicts:
        parts += [f"## {_in('Verdicts / 判定', language)}", m.raw(_verdicts(verdicts, language))]
    return "\n\n".join(parts)


def _verdicts(rows: Rows, language: str) -> str:
    """Each verdict with what is allowed, and why where it is not met."""
    heads = [
        "mode / 情形",
        "firms / 企业数",
        "verdict on / 判定对象",
        "draws / 抽样",
        "rate / 比例",
        "allowed / 允许",
    ]
    spoken = Words(language)
    body = []
    for row in rows:
        name, what = row["name"], _in(EXPECTED.get(row["what"], row["what"]), language)
        called = _in(ALARMS[name], language) if name in ALARMS else spoken.of("cohort_estimator", name)
        reason = _in(REASONS.get(row["known"], row["known"]), language)
        mark = _mark(_agrees(row), _in("holds / 成立", language), _in("DOES NOT HOLD / 不成立", language))
        body.append(
            [
                m.html(_in(MODES.get(row["mode"], row["mode"]), language)),
                f"{int(row['firms']):,}",
                m.html(what + {"en": ": ", "zh": "："}[language] + called),
                row["draws"],
                _round(row["rate"], 3),
                f"{_round(row['low'], 3)}–{_round(row['high'], 3)}",
                mark + (f" {m.html(reason)}" if reason else ""),
            ]
        )
    spoken_heads = [_in(head, language) for head in [*heads, "verdict / 判定"]]
    label = _in("Verdicts / 判定", language)
    return m.table(spoken_heads, body, numeric={1, 3, 4, 5}, label=label)


def _estimators(rows: Rows, label: str, language: str) -> str:
    heads = [
        "estimator / 估计量",
        "truth / 真值",
        "bias / 偏误",
        "sd / 标准差",
        "mean se / 平均标准误",
        "coverage / 覆盖率",
        "rejects 0 / 拒绝零",
        "band holds the path / 带覆盖整条路径",
        "all years' intervals do / 各年区间均覆盖",
        "failed / 失败",
    ]
    body = []
    for row in rows:
        bias = _round(row["bias"], 4)
        if abs(float(row["bias"])) > 2 * float(row["bias_se"]):
            bias = f"<strong>{bias}</strong>"
        numbers = [_round(row[name], 4) for name in ("sd", "mean_se")]
        shares = [_round(row.get(name, ""), 3) for name in ("coverage", "rejection", "band", "alone")]
        body.append(
            [
                m.html(Words(language).of("cohort_estimator", row["estimator"])),
                _round(row["truth"], 4),
                bias,
                *numbers,
                *shares,
                m.html(row["failed"]),
            ]
        )
    spoken = [_in(head, language) for head in heads]
    return m.table(spoken, body, numeric=set(range(1, len(heads))), label=label)


def _production(rows: Rows, language: str) -> list[str]:
    heads = [
        "design / 情形",
        "method / 方法",
        "assumptions hold / 假设成立",
        "term / 项",
        "truth / 真值",
        "bias / 偏误",
    ]
    heads += ["sd / 标准差"]
    spoken = Words(language)
    body = [
        [
            m.html(spoken.of("production_design", row["design"])),
            m.html(spoken.of("production_method", row["method"])),
            _in("yes / 是" if row["holds"].lower() == "true" else "no / 否", language),
            m.html(spoken.of("production_term", row["term"])),
            *(_round(row[name], 3) for name in ("truth", "bias", "sd")),
        ]
        for row in rows
    ]
    said = (
        f"Firms whose technology is known, {rows[0]['draws']} draws a design: a method should find it where its "
        "assumptions hold, and is seen to miss it where they do not."
    )
    chinese = (
        f"技术参数已知的企业，每种情形 {rows[0]['draws']} 次抽样：假设成立时应能还原，不成立时可见其偏误。"
    )
    label = _in("Production functions / 生产函数", language)
    heads = [_in(head, language) for head in heads]
    return [
        chinese if language == "zh" else said,
        m.raw(m.table(heads, body, numeric={4, 5, 6}, label=label)),
    ]


# -- times -----------------------------------------------------------------------------------------
def bench_page(rows: Rows, language: str) -> str:
    """Times of the heavy works beside other ways to do them."""
    heads = ["work / 任务", "rows / 行数", "way / 做法", "seconds / 秒", "ratio / 倍数", "peak MB / 内存峰值"]
    spoken = Words(language)
    body = [
        [
            m.html(spoken.of("bench_work", row["work"])),
            f"{int(row['rows']):,}",
            m.html(spoken.of("bench_way", row["contender"])),
            *(_round(row[name], places) for name, places in (("seconds", 2), ("ratio", 1), ("peak_mb", 0))),
        ]
        for row in rows
    ]
    said = (
        "Contenders take turns in processes of their own and must find the same numbers; the best round counts. "
        "The first way named is the workbook's. `make bench` repeats it. / "
        "各做法轮流在独立进程中运行，结果必须一致，取最好一轮；每组首行为本工作簿的做法。`make bench` 可重做。"
    )
    heads = [_in(head, language) for head in heads]
    return "\n\n".join(
        [
            f"# {_in('Times / 耗时', language)}",
            _in(said, language),
            m.raw(m.table(heads, body, numeric={1, 3, 4, 5}, label=_in("Times / 耗时", language))),
        ]
    )


def chain_page(rows: Rows, language: str) -> str:
    """Times of each notebook of the chain at several sizes, one table a size."""
    heads = [
        "step / 步骤",
        "seconds / 秒",
        "of a processor / 处理器秒",
        "peak MB / 内存峰值",
        "growth of time / 时间增长指数",
        "growth of memory / 内存增长指数",
    ]
    columns = (
        ("seconds", 1),
        ("processor_seconds", 1),
        ("peak_mb", 0),
        ("time_exponent", 2),
        ("memory_exponent", 2),
    )
    said = (
        "Notebooks run one at a time. Growth is the exponent from the next smaller size, of processor time and of "
        "memory: 1 means that twice the firms take twice as much. `make bench WORK=chain` repeats it. / "
        "各笔记本逐一运行。增长指数相对于上一较小规模，按处理器时间与内存计：1 表示企业数加倍，用量也加倍。"
        "`make bench WORK=chain` 可重做。"
    )
    title = _in("Times of the chain / 整条链路耗时", language)
    parts = [f"# {title}", _in(said, language)]
    for study, firms, size in dict.fromkeys((r["study"], r["firms"], r["rows"]) for r in rows):
        label = _in("{study}: {firms} firms, {rows} rows / {study}：{firms} 家企业，{rows} 行", language)
        label = label.format(study=Path(study).stem, firms=f"{int(firms):,}", rows=f"{int(size):,}")
        body = [
            [
                m.html(_step(row["step"], language)),
                *(_round(row[name], places) for name, places in columns),
            ]
            for row in rows
            if (row["study"], row["firms"]) == (study, firms)
        ]
        table = m.table([_in(h, language) for h in heads], body, numeric={1, 2, 3, 4, 5}, label=label)
        parts += [f"## {label}", m.raw(table)]
    return "\n\n".join(parts)


def _step(name: str, language: str) -> str:
    """What a step of the chain is called."""
    if name in STEPS:
        return _in(STEPS[name], language)
    return f"{name[:2]} {getattr(chain.step(name), f'title_{language}')}"


def _round(value: str, places: int) -> str:
    return f"{float(value):.{places}f}" if value not in ("", "nan") else "–"


# Name: title, tables (the first must be there), and what makes the page of them.
PAGES: dict[str, tuple[str, tuple[str, ...], Callable[..., str]]] = {
    "verification": ("Verification / 验证", ("verification.csv",), verification_page),
    "montecarlo": (
        "Monte Carlo / 蒙特卡罗",
        ("montecarlo.csv", "montecarlo_alarms.csv", "montecarlo_verdicts.csv", "montecarlo_production.csv"),
        montecarlo_page,
    ),
    "bench": ("Times / 耗时", ("bench.csv",), bench_page),
    "bench_chain": ("Times of the chain / 整条链路耗时", ("bench_chain.csv",), chain_page),
}
