"""Small pieces of MyST and HTML for the site's pages, and its words in two languages."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from workbook import inert

LONG_TEXT = 30
FORMS = {
    ".json": "JSON",
    ".csv": "CSV",
    ".tex": "LaTeX",
    ".svg": "SVG",
    ".png": "PNG",
    ".pdf": "PDF",
    ".docx": "Word",
    ".xlsx": "Excel",
    ".htm": "HTML",
}
html, text, raw = inert.html, inert.markdown, inert.raw

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "how_found": "How it was found",
        "rest": "All of it",
        "all_exhibits": "All {} tables and figures",
        "all_left_out": "What was left out, and why",
        "for_reviewers": "On the reviewer's page",
        "at_top": "{} stands at the top of this page.",
        "first_rows": "The first {} of {} rows; the files below hold all.",
        "here": "Permanent link",
        "cite": "Copy citation",
        "take": "Copy table",
        "sift": "Rows with …",
        "copied": "Copied",
        "cited": "“{title}”, {kind} {number} of “{study}”",
        "comma": ", ",
        "full_stop": ".",
        "estimand": "What is estimated",
        "data": "Data",
        "licence": "Licence:",
        "cannot": "What these data cannot answer",
        "stop": ".",
        "notebooks": "Notebooks",
        "exhibits": "Exhibits",
        "left_out": "Left out",
        "parameters": "Parameters",
        "provenance": "Provenance",
        "downloads": "Downloads",
        "synthetic": "SYNTHETIC DATA",
        "real": "REAL DATA",
        "banner": "<strong>Synthetic data.</strong> Every firm and every number on this page is made up, "
        "to show and to test the method. Nothing here is a finding about the world.",
        "unfinished": "This study is not complete. Not published:",
        "states": {
            "done": "done",
            "failed": "failed",
            "skipped": "skipped",
            "interrupted": "interrupted",
            "running": "running",
            "pending": "waits to be run again",
            "not run": "not run",
            "missing": "its executed file is missing",
            "altered": "its executed file was altered after the run",
        },
        "state": "Status",
        "seconds": "Seconds",
        "number": "No.",
        "title": "Title",
        "table": "Table",
        "figure": "Figure",
        "file": "File",
        "none": "None.",
        "executed": "executed notebook",
        "manifest": "the run's record: parameters, inputs, outputs, versions",
        "exhibits_csv": "list of exhibits",
        "journal": "what was found, Word: methods, headline tables and figures",
        "word": "all exhibits, Word, tables with three rules",
        "excel": "all tables, Excel, full precision",
        "methods": "methods section, written from parameters and record",
        "release": "secrecy rules that the published files passed",
        "name": "Parameter",
        "value": "Value",
        "default": "Default",
        "changed": "{} of {} parameters differ from their default.",
        "all_parameters": "All {} parameters",
        "these_parameters": "Parameters of this notebook ({}; {} differ from the default)",
        "as_default": "as default",
        "this_provenance": "Provenance of this notebook",
        "inputs": "Inputs",
        "outputs": "Outputs",
        "rows": "Rows",
        "bytes": "Bytes",
        "started": "Started",
        "ended": "Ended",
        "took": "Took",
        "memory": "Peak memory",
        "commit": "Commit",
        "dirty": "with uncommitted changes",
        "no_commit": "outside version control",
        "seed": "Seed",
        "parameters_file": "Parameters file",
        "lock": "Environment lock",
        "python": "Python",
        "packages": "Packages",
        "machine": "Machine",
        "files_of": "Inputs and outputs of {}",
        "study": "Study",
        "show_code": "Show code",
        "hide_code": "Hide code",
        "withheld": "Withheld for secrecy",
        "all_studies": "All studies",
        "own_name": "English",
        "search": "Search",
        "menu": "Studies",
        "about_site": "Fusion Workbook. Mathematics set by MathJax (Apache License 2.0).",
        "about": "Studies of how advanced manufacturing and modern services grow together, each rerun from its "
        "parameters. Every printed number leads back to a notebook, its inputs, its parameters and a commit.",
        "evidence": "Evidence",
        "no_study": "No study has been run yet. Run one with `make study`.",
    },
    "zh": {
        "how_found": "如何得到",
        "rest": "全部材料",
        "all_exhibits": "全部 {} 个图表",
        "all_left_out": "略去的内容及原因",
        "for_reviewers": "列于审核说明页",
        "at_top": "{}见本页开头。",
        "first_rows": "此处列出 {1} 行中的前 {0} 行；全部见下列文件。",
        "here": "永久链接",
        "cite": "复制引用",
        "take": "复制表格",
        "sift": "筛选行",
        "copied": "已复制",
        "cited": "“{title}”，《{study}》{kind} {number}",
        "comma": "，",
        "full_stop": "。",
        "estimand": "估计对象",
        "data": "数据",
        "licence": "许可：",
        "cannot": "这些数据不能回答的问题",
        "stop": "：",
        "notebooks": "笔记本",
        "exhibits": "图表",
        "left_out": "略去",
        "parameters": "参数",
        "provenance": "来源与记录",
        "downloads": "下载",
        "synthetic": "合成数据",
        "real": "真实数据",
        "banner": "<strong>合成数据。</strong>本页所有企业与数字均为人工生成，仅用于演示和检验方法，"
        "不构成对现实的任何结论。",
        "unfinished": "本研究尚未完成。未发布：",
        "states": {
            "done": "完成",
            "failed": "失败",
            "skipped": "跳过",
            "interrupted": "中断",
            "running": "运行中",
            "pending": "等待重新运行",
            "not run": "未运行",
            "missing": "缺少执行后的文件",
            "altered": "执行后的文件在运行后被改动",
        },
        "state": "状态",
        "seconds": "秒",
        "number": "编号",
        "title": "标题",
        "table": "表",
        "figure": "图",
        "file": "文件",
        "none": "无。",
        "executed": "执行后的笔记本",
        "manifest": "运行记录：参数、输入、输出、版本",
        "exhibits_csv": "图表目录",
        "journal": "主要结果，Word：方法、主要表格与图",
        "word": "全部图表，Word，三线表",
        "excel": "全部表格，Excel，完整精度",
        "methods": "方法部分（由参数与运行记录生成）",
        "release": "发布前通过的保密规则",
        "name": "参数",
        "value": "取值",
        "default": "默认值",
        "changed": "{1} 个参数中有 {0} 个与默认值不同。",
        "all_parameters": "全部 {} 个参数",
        "these_parameters": "本笔记本的参数（{} 个，其中 {} 个与默认值不同）",
        "as_default": "同默认值",
        "this_provenance": "本笔记本的来源与记录",
        "inputs": "输入",
        "outputs": "输出",
        "rows": "行数",
        "bytes": "字节",
        "started": "开始",
        "ended": "结束",
        "took": "用时",
        "memory": "内存峰值",
        "commit": "提交",
        "dirty": "含未提交的改动",
        "no_commit": "不在版本控制之下",
        "seed": "随机种子",
        "parameters_file": "参数文件",
        "lock": "环境锁定文件",
        "python": "Python",
        "packages": "软件包",
        "machine": "机器",
        "files_of": "{} 的输入与输出",
        "study": "研究",
        "show_code": "显示代码",
        "hide_code": "隐藏代码",
        "withheld": "因保密未发布",
        "all_studies": "全部研究",
        "own_name": "中文",
        "search": "搜索",
        "menu": "研究",
        "about_site": "Fusion Workbook。数学公式由 MathJax（Apache License 2.0）排版。",
        "about": "先进制造业与现代服务业融合研究，均可由参数重新运行；每个印出的数都可追溯到笔记本、输入、参数与提交。",
        "evidence": "证据",
        "no_study": "尚无已运行的研究，可用 `make study` 运行。",
    },
}


def words(language: str) -> dict[str, Any]:
    """The site's words in a language."""
    return WORDS[language]


def tag(language: str) -> str:
    """The language as HTML names it."""
    return "zh-CN" if language == "zh" else "en"


def marked(text: str) -> str:
    """Plain text whose parts between backticks are code, as HTML."""
    parts = text.split("`")
    return "".join(code(part) if i % 2 else html(part) for i, part in enumerate(parts))


def code(value: object) -> str:
    """A name or a value in a fixed-width font."""
    return f"<code>{html(value)}</code>"


def toctree(pages: list[str]) -> str:
    """Pages that belong under this one; the menu shows them, the page does not."""
    return "\n".join(["~~~{toctree}", ":hidden:", "", *pages, "~~~"]) if pages else ""


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Collection[int] = (),
    label: str = "",
) -> str:
    """A table of finished HTML cells, in a frame that scrolls sideways; the first cell of a row names it."""
    kinds = ["num" if i in numeric else _kind(rows, i) for i in range(len(heads))]
    top = "".join(f'<th scope="col" class="{k}">{html(h)}</th>' for h, k in zip(heads, kinds, strict=True))
    body = "".join(f"<tr>{_row(row, kinds)}</tr>" for row in rows)
    return (
        f'<div class="fusion-scroll" role="region" tabindex="0" aria-label="{html(label)}">'
        f'<table class="fusion-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def within(name: str, content: str) -> str:
    """Markdown within an element of a class, so that the search finds its text."""
    return f'{raw(f"""<div class="{name}">""")}\n\n{content}\n\n{raw("</div>")}'


def folded(summary: str, content: str) -> str:
    """Markdown that is folded until it is asked for; the search finds its text."""
    opening = f'<details class="fusion-details"><summary>{html(summary)}</summary>'
    return f"{raw(opening)}\n\n{content}\n\n{raw('</details>')}"


def reasons(rows: Sequence[Mapping[str, Any]], language: str) -> str:
    """Exhibits that are not there as a list in Markdown, by their reason, which is given once."""
    titles: dict[str, list[str]] = {}
    for row in rows:
        titles.setdefault(text(row["note"]), []).append(text(row["title"]))
    comma, stop = {"en": "; ", "zh": "、"}[language], words(language)["stop"]
    items = (f"- {comma.join(names)}{f'{stop} {note}' if note else ''}" for note, names in titles.items())
    return "\n".join(items)


def details(summary: str, content: str) -> str:
    """A part that is folded until it is asked for."""
    return f'<details class="fusion-details"><summary>{html(summary)}</summary>{content}</details>'


def number(value: object, digits: int = 0) -> str:
    """A number with separated thousands; empty when there is none."""
    return f"{value:,.{digits}f}" if isinstance(value, int | float) else ""


def value(found: Any, language: str) -> str:
    """A parameter's value as YAML would show it, in HTML; an entry of a list or mapping to a line.

    Of texts in both languages (``label_en``, ``label_zh``; ``en``, ``zh``) only the language's is shown.
    """
    found = _in(found, language)
    if isinstance(found, list) and any(isinstance(item, dict) for item in found):
        return "<br>".join(code("- " + _flow(item)) for item in found)
    if isinstance(found, dict) and found:
        return "<br>".join(code(f"{key}: {_flow(item)}") for key, item in found.items())
    return code(_flow(found))


def _in(found: Any, language: str) -> Any:
    """A value without its texts in the other language."""
    if isinstance(found, list):
        return [_in(item, language) for item in found]
    if not isinstance(found, dict):
        return found
    if set(found) == {"en", "zh"}:
        return found[language]
    other = "_en" if language == "zh" else "_zh"
    return {key: _in(item, language) for key, item in found.items() if not str(key).endswith(other)}


def _flow(found: Any) -> str:
    """A value on one line; entries that say nothing are left out of a mapping."""
    if isinstance(found, dict):
        entries = {k: v for k, v in found.items() if v not in ("", None, [])}
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in entries.items()) + "}"
    if isinstance(found, list):
        return "[" + ", ".join(_flow(item) for item in found) + "]"
    return found if isinstance(found, str) and found else json.dumps(found, ensure_ascii=False)


def shortened(cell: str) -> str:
    """A number of a CSV with no more digits than are read (eight); other text as it is."""
    try:
        exact = float(cell)
    except ValueError:
        return cell
    brief = f"{exact:.8g}"
    return brief if len(brief) < len(cell) else cell


def _kind(rows: Sequence[Sequence[str]], column: int) -> str:
    plain = (re.sub("<[^>]*>", "", row[column]) for row in rows)
    # In this encoding, as on the page, a Chinese character takes twice the room of a Latin one.
    longest = max((len(cell.encode("gb18030")) for cell in plain), default=0)
    return "text long" if longest > LONG_TEXT else "text"


def _row(cells: Sequence[str], kinds: Sequence[str]) -> str:
    first, *others = zip(cells, kinds, strict=True)
    rest = "".join(f'<td class="{kind}">{cell}</td>' for cell, kind in others)
    return f'<th scope="row" class="{first[1]}">{first[0]}</th>{rest}'
