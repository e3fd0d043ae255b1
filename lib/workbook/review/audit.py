"""The reviewer's checklist: each point decided by code where code can, and by a person's sentence where it cannot.

Statuses: ``pass`` and ``fail`` are decided here, from what the study wrote; ``stated`` is a person's sentence
(parameter ``statements``), which nothing here has checked; ``needs a sentence`` waits for one; ``not
applicable`` says why; ``open`` is a point that this workbook does not build yet.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbook import paths
from workbook.exhibits import listing
from workbook.language import said

POINTS = paths.DATA / "audit" / "points.csv"
STATUSES = {
    "pass": "通过",
    "fail": "未通过",
    "stated": "已说明",
    "needs a sentence": "待说明",
    "not applicable": "不适用",
    "open": "尚未实现",
}
KINDS = {"table": ("Table", "表"), "figure": ("Figure", "图"), "file": ("File", "文件")}
# Two engines solve the same least squares; what is left is rounding in their demeaning.
ENGINES_AGREE = 1e-8
# Below this, cluster-robust intervals lean on large-sample theory that does not hold (usual rule in the field).
FEW_CLUSTERS = 50


class AuditError(ValueError):
    """The table of points, or the statements, cannot be used."""


@dataclass(frozen=True)
class Point:
    """A point of the checklist (a row of ``data/audit/points.csv``)."""

    number: int
    point_en: str
    point_zh: str
    decided_by: str
    exhibits: tuple[str, ...]


def facts(p: Any) -> dict[str, Any]:
    """A study's own words from its parameters (``estimand_en``, …), as `Evidence` takes them."""
    said = {"estimand_en": p.estimand_en, "estimand_zh": p.estimand_zh}
    said |= {"cannot_en": p.cannot_en, "cannot_zh": p.cannot_zh}
    return said | {"data_en": p.data_en, "data_zh": p.data_zh, "licence": p.licence}


@dataclass(frozen=True)
class Evidence:
    """What the points are decided on.

    Parameters
    ----------
    tables : dict
        Artefact name: table; those that the study lacks are left out.
    exhibits : list of dict
        Rows of ``exhibits.csv`` of the notebooks before.
    facts : dict
        The study's own words: ``estimand``, ``cannot``, ``data``, each with ``_en`` and ``_zh``; ``licence``.
    statements : dict
        Number of a point: the sentence that answers it, or ``en`` and ``zh`` of it.
    language : {"en", "zh"}
        Language of the evidence.
    """

    tables: Mapping[str, pd.DataFrame]
    exhibits: Sequence[Mapping[str, str]]
    facts: Mapping[str, Any]
    statements: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    language: str = "en"

    def say(self, en: str, zh: str) -> str:
        """The one of two texts in the study's language."""
        return zh if self.language == "zh" else en

    def fact(self, name: str) -> Any:
        """One of the study's own words, in this language."""
        return self.facts.get(f"{name}_{self.language}", self.facts.get(name)) or ""

    def statement(self, point: Point) -> str:
        """The person's sentence on a point, in this language if it was given in both; empty if there is none."""
        found = self.statements.get(str(point.number), "")
        return (found if isinstance(found, str) else found[self.language]).strip()

    def table(self, name: str) -> pd.DataFrame | None:
        """An artefact with at least one row, or None."""
        found = self.tables.get(name)
        return found if found is not None and len(found) else None


Verdict = tuple[str, str]
Rule = Callable[[Evidence, Point], Verdict]


def points(file: Path = POINTS) -> list[Point]:
    """Read the table of points.

    Raises
    ------
    AuditError
        When a number comes twice or a rule is not known, with file and line.
    """
    found: dict[int, Point] = {}
    with file.open(encoding="utf-8", newline="") as stream:
        for line, row in enumerate(csv.DictReader(stream), start=2):
            number, rule = int(row["number"]), row["decided_by"]
            if number in found:
                raise AuditError(f"{file.name}:{line}: point {number} is there twice")
            if rule not in RULES:
                allowed = ", ".join(sorted(RULES))
                raise AuditError(f"{file.name}:{line}: decided_by = '{rule}'; allowed: {allowed}")
            ids = tuple(part for part in row["exhibit"].split(";") if part)
            found[number] = Point(number, row["point_en"], row["point_zh"], rule, ids)
    return list(found.values())


def made(root: Path, notebooks: Iterable[str]) -> list[dict[str, str]]:
    """Exhibits that finished notebooks of a study made, or left out with a reason."""
    return [entry for notebook in notebooks for entry in listing.exhibits(root, notebook)]


def checklist(evidence: Evidence, which: Sequence[Point] | None = None) -> pd.DataFrame:
    """Decide every point.

    Parameters
    ----------
    evidence : Evidence
        What the study has.
    which : list of Point, optional
        The points; by default all of ``data/audit/points.csv``.

    Returns
    -------
    pandas.DataFrame
        number (int), point_en, point_zh, status (one of STATUSES, in English), evidence_en, evidence_zh; one row a
        point.

    Raises
    ------
    AuditError
        When a statement answers a point that does not exist.
    """
    listed = points() if which is None else list(which)
    unknown = sorted(set(evidence.statements) - {str(p.number) for p in listed})
    if unknown:
        last = max(p.number for p in listed)
        raise AuditError(said("review.statements", unknown=", ".join(unknown), last=last))
    rows = []
    for point in listed:
        status, english = _decided(replace(evidence, language="en"), point)
        _, chinese = _decided(replace(evidence, language="zh"), point)
        rows.append((point.number, point.point_en, point.point_zh, status, english, chinese))
    heads = ["number", "point_en", "point_zh", "status", "evidence_en", "evidence_zh"]
    return pd.DataFrame(rows, columns=heads)


def _decided(evidence: Evidence, point: Point) -> Verdict:
    """The rule's verdict with the study's own sentence, in one language."""
    status, text = RULES[point.decided_by](evidence, point)
    sentence = evidence.statement(point)
    if sentence and status in ("open", "needs a sentence"):
        return "stated", sentence
    return status, evidence.say(" ", "").join(filter(None, (text, sentence)))


def tally(table: pd.DataFrame) -> dict[str, str]:
    """How many points have each status, in words of both languages."""
    counts = table["status"].value_counts()
    known = [(status, word, counts[status]) for status, word in STATUSES.items() if counts.get(status, 0) > 0]
    return {
        "en": ", ".join(
            f"{n} {status.replace('needs', 'need') if n > 1 else status}" for status, _, n in known
        ),
        "zh": "，".join(f"{n} {word}" for _, word, n in known),
    }


def flow(table: pd.DataFrame | None) -> dict[str, Any] | None:
    """The sample flow in a few numbers: rows and units at the start and the end, and why rows were dropped.

    Parameters
    ----------
    table : pandas.DataFrame, optional
        rows, firms, rows_dropped, reason_en, reason_zh; one row a step.

    Returns
    -------
    dict or None
        ``rows``, ``rows_kept``, ``units``, ``units_kept``, ``reasons`` (texts in both languages, most rows first).
    """
    if table is None or table.empty:
        return None
    first, last, steps = table.iloc[0], table.iloc[-1], table.iloc[1:]
    dropped = steps[steps["rows_dropped"] > 0].sort_values("rows_dropped", ascending=False)
    reasons = [
        {
            "en": f"{r['reason_en']} ({int(r['rows_dropped']):,})",
            "zh": f"{r['reason_zh']}（{int(r['rows_dropped']):,}）",
        }
        for _, r in dropped.iterrows()
    ]
    ends = {
        "rows": first["rows"],
        "rows_kept": last["rows"],
        "units": first["firms"],
        "units_kept": last["firms"],
    }
    return {**{name: int(value) for name, value in ends.items()}, "reasons": reasons}


def quality_counts(quality: pd.DataFrame | None) -> pd.DataFrame:
    """Findings of the checks by severity.

    Parameters
    ----------
    quality : pandas.DataFrame, optional
        rule, severity, unit, set_aside; one row a finding.

    Returns
    -------
    pandas.DataFrame
        severity, rules, findings, units, set_aside; errors first, one row a severity, zeros where there is none.
    """
    rows = []
    listed = pd.DataFrame() if quality is None else quality
    for severity in () if quality is None else ("error", "warning"):
        part = listed[listed["severity"] == severity]
        aside = int(part["set_aside"].astype(bool).sum())
        rows.append((severity, part["rule"].nunique(), len(part), part["unit"].nunique(), aside))
    return pd.DataFrame(rows, columns=["severity", "rules", "findings", "units", "set_aside"])


# -- rules -------------------------------------------------------------------------------------


def _open(evidence: Evidence, point: Point) -> Verdict:
    return "open", evidence.say("not built yet in this workbook", "本工作簿尚未实现")


def _statement(evidence: Evidence, point: Point) -> Verdict:
    key = f'audit.statements "{point.number}"'
    return "needs a sentence", evidence.say(f"only a person can say: {key}", f"须由研究者说明：{key}")


def _exhibits(evidence: Evidence, point: Point) -> Verdict:
    """All exhibits of the point were shown; left out with a reason; or not there."""
    found = [e for e in evidence.exhibits if _names(e) & set(point.exhibits)]
    left_out = [e for e in found if e["kind"] not in KINDS]
    missing = set(point.exhibits) - set().union(*map(_names, found))
    if missing:
        names = sorted(missing)
        return "open", evidence.say(f"no exhibit {', '.join(names)}", f"没有图表 {'、'.join(names)}")
    if left_out:
        reasons = [e["note_zh"] if evidence.language == "zh" else e["note_en"] for e in left_out]
        joint = evidence.say("; ", "；")
        return "not applicable", joint.join(dict.fromkeys(reason.rstrip(".。") for reason in reasons))
    return "pass", _cite(evidence, found)


def _estimand(evidence: Evidence, point: Point) -> Verdict:
    if str(evidence.fact("estimand")).strip():
        return "pass", evidence.say("above: The estimand", "见上文“估计目标”")
    return "needs a sentence", evidence.say("study.estimand_en is empty", "study.estimand_zh 为空")


def _sample_flow(evidence: Evidence, point: Point) -> Verdict:
    """The counts add up: rows at the start less all rows dropped are those at the end."""
    flow = evidence.table("sample_flow")
    if flow is None:
        return "fail", evidence.say("no sample flow was written", "没有样本流")
    start, end = int(flow["rows"].iloc[0]), int(flow["rows"].iloc[-1])
    dropped = int(flow["rows_dropped"].iloc[1:].sum())
    text = f"{start:,} − {dropped:,} = {end:,}"
    if start - dropped != end:
        wrong = f"{start:,} − {dropped:,} ≠ {end:,}"
        return "fail", evidence.say(f"the counts do not add up: {wrong}", f"数量不符：{wrong}")
    return "pass", _with_exhibits(evidence, point, evidence.say(f"rows add up, {text}", f"行数相符，{text}"))


def _mde(evidence: Evidence, point: Point) -> Verdict:
    table = evidence.table("mde")
    if table is None or "mde" not in table.columns:
        return _no_regressions(evidence)
    smallest = float(table["mde"].iloc[0])
    if not np.isfinite(smallest):
        return "fail", evidence.say("it could not be computed", "无法计算")
    return "pass", _with_exhibits(evidence, point, f"{smallest:.3g}")


def _clusters(evidence: Evidence, point: Point) -> Verdict:
    """Why this level is a person's to say; that clusters are few is the code's."""
    table = evidence.table("estimates")
    if table is None:
        return _no_regressions(evidence)
    fewest = int(table["clusters"].min())
    counted = evidence.say(f"at least {fewest:,} clusters.", f"至少 {fewest:,} 个聚类。")
    if fewest < FEW_CLUSTERS:
        shown = [e for e in evidence.exhibits if "wild" in _names(e) and e["kind"] in KINDS]
        few = evidence.say(
            f"only {fewest} (fewer than {FEW_CLUSTERS})", f"仅 {fewest} 个（少于 {FEW_CLUSTERS}）"
        )
        if not shown:
            lacking = evidence.say("no wild cluster bootstrap was shown", "没有野聚类自助法")
            return "fail", few + evidence.say("; ", "；") + lacking
        counted = few + evidence.say("; ", "；") + _cite(evidence, shown) + evidence.say(".", "。")
    if evidence.statement(point):
        return "pass", counted
    status, text = _statement(evidence, point)
    return status, f"{counted} {text}"


def _singletons(evidence: Evidence, point: Point) -> Verdict:
    table = evidence.table("estimates")
    if table is None:
        return _no_regressions(evidence)
    within = table[table["fixed_effects"].astype(str) != ""]
    counts = within.groupby("fixed_effects")["dropped_singletons"].max()
    if counts.isna().any():
        silent = ", ".join(counts.index[counts.isna()])
        return "fail", evidence.say(f"not stated for: {silent}", f"未说明：{silent}")
    most = int(counts.max()) if len(counts) else 0
    text = evidence.say(f"at most {most:,} rows alone in an effect", f"至多 {most:,} 行单例")
    return "pass", _with_exhibits(evidence, point, text)


def _ladder(evidence: Evidence, point: Point) -> Verdict:
    """Several sets of fixed effects, and engines that agree on every coefficient."""
    table = evidence.table("estimates")
    if table is None:
        return _no_regressions(evidence)
    labels = table.loc[table["fixed_effects"].astype(str) != "", "fixed_effects"].astype(str)
    steps, by_time = labels.nunique(), labels.str.contains("[*×]", regex=True).any()
    gap = engines_gap(table)
    apart = f"{gap:.1e}"
    text = evidence.say(
        f"{steps} sets of fixed effects; engines differ by {apart} at most",
        f"{steps} 组固定效应；两个引擎最大相差 {apart}",
    )
    if gap > ENGINES_AGREE:
        return "fail", text
    if not by_time:
        why = f'audit.statements "{point.number}"'
        return "needs a sentence", text + evidence.say(
            f"; none by industry and year or district and year: {why} can say why",
            f"；没有行业×年份或区×年份：可在 {why} 说明原因",
        )
    return "pass", _with_exhibits(evidence, point, text)


def _intervals(evidence: Evidence, point: Point) -> Verdict:
    table = evidence.table("estimates")
    if table is None:
        return _no_regressions(evidence)
    inside = (table["ci_low"] <= table["estimate"]) & (table["estimate"] <= table["ci_high"])
    if not inside.all():
        return "fail", evidence.say(
            f"{int((~inside).sum())} estimates lack an interval", f"{int((~inside).sum())} 个估计没有区间"
        )
    text = evidence.say("every estimate has its interval", "每个估计均有区间")
    return "pass", _with_exhibits(evidence, point, text)


def _record(evidence: Evidence, point: Point) -> Verdict:
    return "pass", "manifest.json"


def _access(evidence: Evidence, point: Point) -> Verdict:
    parts = [str(evidence.fact(name)).strip() for name in ("data", "licence")]
    if all(parts):
        return "pass", evidence.say("; ", "；").join(part.rstrip(".。") for part in parts)
    return "needs a sentence", evidence.say(
        "study.data_en or study.licence is empty", "study.data_zh 或 study.licence 为空"
    )


def _limits(evidence: Evidence, point: Point) -> Verdict:
    listed = evidence.fact("cannot")
    if listed:
        return "pass", evidence.say(
            f"above: What these data cannot answer ({len(listed)})",
            f"见上文“这些数据不能回答什么”（{len(listed)} 条）",
        )
    return "needs a sentence", evidence.say("study.cannot_en is empty", "study.cannot_zh 为空")


def _apart(evidence: Evidence, point: Point) -> Verdict:
    """No column stands on both sides of a regression; what is shared as a denominator is counted."""
    made = evidence.table("components")
    if made is None:
        return _no_regressions(evidence)
    shared = evidence.tables["shared"]
    bad = shared[shared["how"] != "scale"]
    if len(bad):
        named = ", ".join(dict.fromkeys(bad["regressor"] + " / " + bad["against"]))
        return "fail", evidence.say(f"not apart: {named}", f"未能分开：{named}")
    pairs = len(shared[["regressor", "against"]].drop_duplicates())
    return "pass", evidence.say(
        f"{len(made)} columns held against one another; {pairs} pairs share a denominator only (table above)",
        f"已核对 {len(made)} 列；仅分母相同的有 {pairs} 对（见上表）",
    )


def _held(evidence: Evidence, point: Point) -> Verdict:
    """No control is moved by treatment, or a person says why those that are moved are held constant."""
    made = evidence.table("held")
    if made is None:
        return "not applicable", evidence.say("no control, or no start year", "没有控制变量或没有开始年份")
    moved = made[made["moves"].astype(bool)]
    if moved.empty:
        return "pass", evidence.say(
            f"treatment moves none of {len(made)} controls beyond chance",
            f"{len(made)} 个控制变量均未明显受处理影响",
        )
    names = evidence.say(", ".join(moved["label_en"]), "、".join(moved["label_zh"]))
    text = evidence.say(
        f"treatment moves {len(moved)} of {len(made)} controls ({names}): what runs through them is not in the estimates.",
        f"{len(made)} 个控制变量中有 {len(moved)} 个受处理影响（{names}）：经由其的部分不含在估计值中。",
    )
    if evidence.statement(point):
        return "stated", text
    key = f'audit.statements "{point.number}"'
    return "needs a sentence", text + evidence.say(f" Why they are held: {key}", f"为何保持不变：{key}")


RULES: dict[str, Rule] = {
    "apart": _apart,
    "held": _held,
    "open": _open,
    "statement": _statement,
    "exhibits": _exhibits,
    "estimand": _estimand,
    "sample_flow": _sample_flow,
    "mde": _mde,
    "clusters": _clusters,
    "singletons": _singletons,
    "ladder": _ladder,
    "intervals": _intervals,
    "record": _record,
    "access": _access,
    "limits": _limits,
}


def engines_gap(estimates: pd.DataFrame) -> float:
    """Largest difference between engines on one coefficient, relative to its size; 0 with one engine.

    Parameters
    ----------
    estimates : pandas.DataFrame
        spec, fixed_effects, engine, term, estimate.
    """
    key = ["spec", "fixed_effects", "term"]
    by_term = estimates.assign(fixed_effects=estimates["fixed_effects"].astype(str)).groupby(key)["estimate"]
    spread, size = by_term.max() - by_term.min(), by_term.apply(lambda x: x.abs().max())
    compared = by_term.size() > 1
    if not compared.any():
        return 0.0
    return float((spread / size.where(size > 0, 1.0))[compared].max())


# -- inside ------------------------------------------------------------------------------------


def _no_regressions(evidence: Evidence) -> Verdict:
    return "not applicable", evidence.say("this study has no regressions", "本研究没有回归")


def _with_exhibits(evidence: Evidence, point: Point, text: str) -> str:
    """A finding with those of the point's exhibits that were shown."""
    shown = [e for e in evidence.exhibits if _names(e) & set(point.exhibits) and e["kind"] in KINDS]
    return _cite(evidence, shown) + evidence.say(": ", "：") + text if shown else text


def _names(exhibit: Mapping[str, str]) -> set[str]:
    """By what a point may call an exhibit: its id, or notebook/id where two share one."""
    return {exhibit["id"], f"{exhibit['notebook']}/{exhibit['id']}"}


def _cite(evidence: Evidence, shown: Iterable[Mapping[str, str]]) -> str:
    cited = [f"{evidence.say(*KINDS[e['kind']])} {e['number']}" for e in shown]
    return evidence.say(", ", "、").join(cited)
