"""What the publisher asks: which exhibits may leave the house, and what of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbook.publish.secrecy import amounts
from workbook.publish.secrecy.changes.suggest import suggest
from workbook.publish.secrecy.changes.trial import Trial, linked, systems
from workbook.publish.secrecy.exhibit import COUNTS, KEYS, Exhibit
from workbook.publish.secrecy.judge import Judged, beside_means, judge
from workbook.publish.secrecy.linear.system import Cell
from workbook.publish.secrecy.releases import (
    PublishedCount,
    PublishedSum,
    Release,
    names,
    unit_mark,
    value_mark,
)
from workbook.publish.secrecy.rules import Rules
from workbook.publish.secrecy.words import MARK, Finding, Suggestion, say

# Rows of a longer table of which not every sum but for two is tried.
REST = 200


class Hidden:
    """Stands where a title or note would show a number that is left out; prints as a mark in any format."""

    def __format__(self, spec: str) -> str:
        return MARK

    __str__ = __repr__ = lambda self: MARK


@dataclass(frozen=True)
class Verdict:
    """What becomes of an exhibit.

    Parameters
    ----------
    verdict : str
        ``"pass"`` (with cells left out where ``hidden`` says so), ``"leave_out"`` or ``"internal"``.
    findings : list of Finding
        The rule and the cell of everything that is left out.
    suggestion : Suggestion or None
        The smallest change that would pass; None where nothing is left out.
    protected_frame : pandas.DataFrame
        The frame that goes everywhere: cells left out are missing, counts and amounts rounded if the rules say so.
        Empty unless the verdict is ``"pass"``.
    hidden : pandas.DataFrame of bool
        Which of its cells are left out, same shape.
    texts : mapping
        Values of titles and notes, with a mark for those that a hidden cell would show through.
    """

    verdict: Literal["pass", "leave_out", "internal"]
    findings: list[Finding]
    suggestion: Suggestion | None
    protected_frame: pd.DataFrame
    hidden: pd.DataFrame
    texts: Mapping[str, Any] = field(default_factory=dict)


def verdicts(
    study_exhibits: Sequence[Exhibit],
    rules: Rules,
    earlier: Sequence[Release] = (),
    *,
    leave_out: Collection[str] = (),
    sample_units: int | None = None,
    regressors: int = 1,
) -> dict[str, Verdict]:
    """Judge all exhibits of a study together.

    Parameters
    ----------
    study_exhibits : sequence of Exhibit
        Everything that the study would publish.
    rules : Rules
        Rules.
    earlier : sequence of Release
        What was published before.
    leave_out : collection of str
        Exhibits that are not to be published.
    sample_units : int, optional
        Units of the study, for exhibits that rest on all of them.
    regressors : int
        Regressors of the study's regressions.

    Returns
    -------
    dict of str to Verdict
        By name of the exhibit.
    """
    judged = [judge(exhibit, rules, sample_units, regressors) for exhibit in study_exhibits]
    for one in judged:
        if one.exhibit.name in leave_out:
            one.refused.append(Finding(one.exhibit.name, "asked"))
            one.findings.insert(0, one.refused[-1])
    _sources(judged)
    hidden = [(one.reasons != "").to_numpy().copy() for one in judged]
    found_systems = systems(judged, rules, earlier)
    for system in found_systems:
        cells, broken = system.protect()
        _apply(judged, hidden, cells, broken, earlier)
    for one, mask in zip(judged, hidden, strict=True):
        _with_means(one, mask)
    by_name = {one.exhibit.name: i for i, one in enumerate(judged)}
    for i, one in enumerate(judged):
        if one.taken and one.exhibit.secrecy.drawn_from and not one.sums:
            _drawn(judged, hidden, i, by_name[one.exhibit.secrecy.drawn_from])
    near = linked(found_systems, len(judged))
    trial = Trial(judged, hidden, near, rules, earlier, sample_units, regressors)
    found = {one.exhibit.name: _verdict(place, trial) for place, one in enumerate(judged)}
    return {one.exhibit.name: _as_source(one, found) for one in judged}


def _as_source(one: Judged, found: Mapping[str, Verdict]) -> Verdict:
    """A verdict; what shows another exhibit's cells passes once that one does, so that its change is this one's."""
    verdict, source = found[one.exhibit.name], one.exhibit.secrecy.drawn_from
    of_source = {"source_hidden", "source_left_out"} & {f.rule for f in verdict.findings}
    if not of_source or source is None or source not in found:
        return verdict
    change = found[source].suggestion
    return replace(verdict, suggestion=change and Suggestion("source", {"source": source, "change": change}))


def _apply(
    judged: list[Judged],
    hidden: list[np.ndarray],
    cells: set[Cell],
    broken: list[Cell | None],
    earlier: Sequence[Release],
) -> None:
    """Note what was hidden for other cells' sake, and what nothing can hide any more."""
    for place, row, column in sorted(cells):
        one = judged[place]
        at = one.exhibit.frame.columns.get_loc(column)
        if not hidden[place][row, at]:
            hidden[place][row, at] = True
            one.findings.append(Finding(one.exhibit.name, "complement", one.exhibit.key(row), column))
    for cell in dict.fromkeys(broken):
        if cell is None:
            continue
        one = judged[cell[0]]
        rule = "earlier" if earlier else "known"
        values = {"releases": tuple(names(earlier))}
        one.findings.append(Finding(one.exhibit.name, rule, one.exhibit.key(cell[1]), cell[2], values))


def _with_means(one: Judged, hidden: np.ndarray) -> None:
    """What tells a mean that was hidden for other cells' sake is hidden with it."""
    means, others = beside_means(one.exhibit, one.sums if one.taken else {})
    at = one.exhibit.frame.columns.get_indexer
    for row in np.flatnonzero(hidden[:, at(means)].any(axis=1)):
        for column, place in zip(others, at(others), strict=True):
            if not hidden[row, place] and pd.notna(one.exhibit.frame.iloc[row, place]):
                hidden[row, place] = True
                one.findings.append(Finding(one.exhibit.name, "complement", one.exhibit.key(row), column))


def _sources(judged: list[Judged]) -> None:
    """What is drawn from an exhibit that is not published is not published either."""
    by_name = {one.exhibit.name: one for one in judged}
    for _ in judged:
        for one in judged:
            source = one.exhibit.secrecy.drawn_from
            if source is None or not one.taken:
                continue
            other = by_name.get(source)
            if other is None or not other.taken:
                rule = "no_source" if other is None else "source_left_out"
                one.refused.append(Finding(one.exhibit.name, rule, values={"source": source}))
                one.findings.append(one.refused[-1])


def _drawn(judged: list[Judged], hidden: list[np.ndarray], place: int, source: int) -> None:
    """An exhibit that shows another's cells shows no more of them than the other does."""
    one, other = judged[place], judged[source]
    frame, below = one.exhibit.frame, other.exhibit.frame
    shared = [c for c in one.exhibit.of_role(*KEYS) if c in below.columns and other.exhibit.roles[c] in KEYS]
    data = [c for c in frame.columns if one.exhibit.roles[c] not in KEYS]
    rows = one.exhibit.keys[shared].assign(_row=range(len(frame)))
    under = other.exhibit.keys[shared].assign(_under=range(len(below)))
    pairs = rows.merge(under, on=shared) if shared else rows.merge(under, how="cross")
    lost = set(rows["_row"]) - set(pairs["_row"])
    few = np.array([any(r == "frequency" for r in line) for line in other.reasons.to_numpy()])
    for column in data:
        if lost or not (column in below.columns or np.isfinite(other.units).any()):
            one.refused.append(Finding(one.exhibit.name, "no_count", column=column))
            one.findings.append(one.refused[-1])
            return
        mask = hidden[source][:, below.columns.get_loc(column)] if column in below.columns else few
        if column not in below.columns and one.exhibit.roles[column] in (
            "amount",
            "share",
            "unit_share",
            "growth",
            "score",
        ):
            mask = few | hidden[source].any(axis=1)
        rows_hidden = pairs.loc[mask[pairs["_under"]], "_row"].unique()
        for row in rows_hidden:
            if not hidden[place][row, frame.columns.get_loc(column)]:
                hidden[place][row, frame.columns.get_loc(column)] = True
                values = {"source": other.exhibit.name}
                one.findings.append(
                    Finding(one.exhibit.name, "source_hidden", one.exhibit.key(int(row)), column, values)
                )


def _verdict(place: int, trial: Trial) -> Verdict:
    one, mask, rules = trial.judged[place], trial.hidden[place], trial.rules
    exhibit = one.exhibit
    hidden = pd.DataFrame(mask, index=exhibit.frame.index, columns=exhibit.frame.columns)
    data = [c for c in exhibit.frame.columns if exhibit.roles[c] not in KEYS]
    shown = exhibit.frame[data].notna() & ~hidden[data]
    findings = list(one.findings)
    if one.taken and data and len(exhibit.frame) and not shown.any(axis=None) and hidden.any(axis=None):
        one.refused.append(Finding(exhibit.name, "nothing_left"))
        findings.append(one.refused[-1])
    if not one.taken:
        nothing = exhibit.frame.iloc[:0]
        suggestion = suggest(place, hidden, trial) if not one.internal else None
        kind: Literal["internal", "leave_out"] = "internal" if one.internal else "leave_out"
        return Verdict(kind, findings, suggestion, nothing, hidden.iloc[:0])
    frame = _rounded(exhibit, rules)
    for column in data:
        if hidden[column].any():
            whole = pd.api.types.is_integer_dtype(frame[column])
            frame[column] = (frame[column].astype("Int64") if whole else frame[column]).mask(hidden[column])
    texts, caught = _texts(exhibit, hidden, frame)
    findings += caught
    suggestion = suggest(place, hidden, trial) if hidden.any(axis=None) else None
    return Verdict("pass", findings, suggestion, frame, hidden, texts)


def _rounded(exhibit: Exhibit, rules: Rules) -> pd.DataFrame:
    """The frame with counts and amounts as multiples of the rules' bases."""
    frame = exhibit.frame.copy()
    if exhibit.secrecy.holds in ("words", "settings"):
        return frame
    for base, roles in ((rules.count_base, COUNTS), (rules.amount_base, ("amount",))):
        for column in exhibit.of_role(*roles) if base else []:
            whole = pd.api.types.is_integer_dtype(frame[column])
            near = (pd.to_numeric(frame[column], errors="coerce") / base).round() * base
            frame[column] = near.astype("Int64") if whole and near.notna().all() else near
    return frame


def _texts(
    exhibit: Exhibit, hidden: pd.DataFrame, frame: pd.DataFrame
) -> tuple[dict[str, Any], list[Finding]]:
    """Values of titles and notes; those that a hidden cell shows through, or would follow from, become a mark."""
    gone, sums = (np.array(numbers) for numbers in _secrets(exhibit, hidden))
    seen = exhibit.frame.where(~hidden).apply(pd.to_numeric, errors="coerce").to_numpy(float)
    rounded = _was_rounded(exhibit, hidden, frame)
    caught: list[Finding] = []

    def shown(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: shown(f"{name}.{k}", v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [shown(name, v) for v in value]
        number = _number(value)
        if number is None:
            return value
        # A hidden number may stand in another cell too, but a text says whose it is; a sum that is shown is no news.
        if _among(number, gone) or (_among(number, sums) and not (seen == number).any()):
            caught.append(Finding(exhibit.name, "text", values={"text": name}))
            return Hidden()
        return rounded.get(number, value)

    return {name: shown(name, value) for name, value in exhibit.texts.items()}, caught


def _among(number: float, secrets: np.ndarray) -> bool:
    return bool(np.isclose(number, secrets, rtol=1e-6, atol=1e-12).any())


def _secrets(exhibit: Exhibit, hidden: pd.DataFrame) -> tuple[list[float], list[float]]:
    """Hidden numbers; and their column's mean and sums from which they follow: of all rows, of all but one or two."""
    hid: list[float] = []
    found: list[float] = []
    for column in exhibit.frame.columns[hidden.any()]:
        numbers = pd.to_numeric(exhibit.frame[column], errors="coerce")
        gone = numbers[hidden[column]].dropna()
        rest = np.append(numbers[~hidden[column]].dropna().to_numpy(float)[:REST], 0.0)
        total = float(numbers.sum())
        hid += list(gone)
        found += [gone.sum(), numbers.mean(), *(total - np.unique(rest[:, None] + rest[None, :]))]
    first, second = ([float(v) for v in one if np.isfinite(v) and v != 0] for one in (hid, found))
    return first, second


def _was_rounded(exhibit: Exhibit, hidden: pd.DataFrame, frame: pd.DataFrame) -> dict[float, Any]:
    """Counts and amounts as they were, and as they are shown."""
    found = {}
    for column in exhibit.of_role(*COUNTS, "amount"):
        pairs = zip(exhibit.frame[column], frame[column], hidden[column], strict=True)
        found.update({float(a): b for a, b, no in pairs if not no and pd.notna(a) and pd.notna(b) and a != b})
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    return float(value) if np.isfinite(value) else None


def release_of(
    name: str, study_exhibits: Sequence[Exhibit], found: Mapping[str, Verdict], rules: Rules
) -> Release:
    """The record of a release, for the next one.

    Parameters
    ----------
    name : str
        Date or run.
    study_exhibits : sequence of Exhibit
        What was judged.
    found : mapping of str to Verdict
        The verdicts on it.
    rules : Rules
        Rules.

    Returns
    -------
    Release
        Sums and counts that were published.
    """
    sums: list[PublishedSum] = []
    tallies: list[PublishedCount] = []
    for exhibit in study_exhibits:
        verdict = found[exhibit.name]
        if verdict.verdict != "pass":
            continue
        one = judge(exhibit, rules)
        for column in one.sums:
            sums += _published(one, column, verdict)
        for column in exhibit.of_role(*COUNTS):
            shown = verdict.protected_frame[column]
            tallies += [
                PublishedCount(exhibit.name, exhibit.key(i), column, None if pd.isna(v) else float(v))
                for i, v in enumerate(shown)
            ]
        for column, units in one.counted.items():
            shown = verdict.protected_frame[column].notna()
            tallies += [
                PublishedCount(exhibit.name, exhibit.key(i), column, float(n) if there else None)
                for i, (n, there) in enumerate(zip(units.part, shown, strict=True))
            ]
    return Release(name, sums, tallies)


def _published(one: Judged, column: str, verdict: Verdict) -> list[PublishedSum]:
    """The sums that one column gives away."""
    parts = one.sums[column]
    places = [part.places(len(one.exhibit.frame)) for part in parts]
    found = []
    for row in np.flatnonzero(verdict.protected_frame[column].notna()):
        at = [place[row] for place in places]
        units, values = (
            np.concatenate([getattr(p, n)[i] for p, i in zip(parts, at, strict=True)])
            for n in ("unit", "value")
        )
        weights = amounts.weights([p.value[i] for p, i in zip(parts, at, strict=True)])
        marks = [value_mark(u, v) for u, v in zip(units, values, strict=True)]
        found.append(
            PublishedSum(
                one.exhibit.name,
                one.exhibit.key(int(row)),
                column,
                float(np.dot(weights, values)),
                [unit_mark(u) for u in units],
                marks,
                [float(w) for w in weights],
            )
        )
    return found


def left_out(found: Mapping[str, Verdict]) -> list[str]:
    """Exhibits that are refused as a whole, or of which cells are left out; what ``on_refusal: stop`` stops at."""
    return [name for name, v in found.items() if v.verdict == "leave_out" or v.hidden.any(axis=None)]


def audit_said(found: Mapping[str, Verdict], earlier: Sequence[Release], language: str) -> str:
    """The audit's sentence on earlier releases: how many were taken into account, what they give away with this one."""
    given = [f for v in found.values() for f in v.findings if f.rule == "earlier"]
    if not earlier:
        return say("audit.none", language)
    key = "audit.given" if given else "audit.safe"
    where = say("semicolon", language).join(f.where(language) for f in given)
    listed = say("join", language).join(names(earlier))
    return say(key, language, n=len(earlier), releases=listed, cells=len(given), where=where)
