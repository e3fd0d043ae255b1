"""Primary rules: which cells of one exhibit give a unit away by themselves."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbook.publish.secrecy.exhibit import (
    CONTRIBUTIONS,
    COUNTS,
    KEYS,
    MODEL,
    SAMPLE,
    SINGLE,
    SUMS,
    UNIT_SHARE,
    Counted,
    Exhibit,
    Sums,
    counted,
    sums,
)
from workbook.publish.secrecy.rules import Rules, SecrecyError, rounding_room
from workbook.publish.secrecy.words import Finding

# What tells the terms of one model apart.
TERMS = ("term", "event_time")
POSITIONS = (
    (re.compile(r"(?:^|_)p(\d{1,2})(?:_|$)"), 100.0),
    (re.compile(r"(?:^|_)q(\d\d)(?:_|$)"), 100.0),
    (re.compile(r"(?:^|_)q([1-3])(?:_|$)"), 4.0),
)


@dataclass
class Judged:
    """An exhibit with what the primary rules say of it.

    ``reasons`` holds, for each cell of the frame, the rule that forbids it (empty: none); ``units`` the units that
    each row rests on (missing: unknown), ``terms`` what was estimated with them; ``sums`` the unit amounts behind
    columns, ``counted`` the units behind shares of units; ``refused`` why the whole exhibit cannot be published.
    """

    exhibit: Exhibit
    units: np.ndarray
    terms: np.ndarray
    reasons: pd.DataFrame
    sums: dict[str, list[Sums]] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)
    refused: list[Finding] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def internal(self) -> bool:
        """Whether it shows single units, so that it never leaves the build folder."""
        return self.exhibit.secrecy.holds == "units"

    @property
    def taken(self) -> bool:
        """Whether it can be published at all, cells left out where they must be."""
        return not self.internal and not self.refused


def judge(exhibit: Exhibit, rules: Rules, sample_units: int | None = None, regressors: int = 1) -> Judged:
    """Judge one exhibit by itself.

    Parameters
    ----------
    exhibit : Exhibit
        What is to be judged.
    rules : Rules
        Rules.
    sample_units : int, optional
        Units of the study, for exhibits that rest on all of them.
    regressors : int
        Regressors of the study's regressions.

    Returns
    -------
    Judged
        With a finding for each cell that may not be shown, and for each reason why nothing may.
    """
    found = _prepared(exhibit, sample_units, regressors)
    if found.internal:
        found.findings.append(Finding(exhibit.name, "single_units"))
        return found
    if exhibit.secrecy.holds == "drawn_from" and exhibit.contributions is None:
        return found
    for column in exhibit.frame.columns:
        _column(found, column, rules)
    _beside_means(found, rules)
    found.findings += [*found.refused, *_cells(found, rules)]
    return found


def _prepared(exhibit: Exhibit, sample_units: int | None, regressors: int) -> Judged:
    frame = exhibit.frame
    empty = pd.DataFrame("", index=frame.index, columns=frame.columns, dtype=object)
    found = Judged(exhibit, np.full(len(frame), np.nan), _terms(exhibit, regressors), empty)
    try:
        of_units = exhibit.of_role(UNIT_SHARE)
        found.sums = {c: parts for c in frame if c not in of_units and (parts := sums(exhibit, c))}
        found.counted = {c: units for c in of_units if (units := counted(exhibit, c)) is not None}
        found.units = _row_units(exhibit, sample_units)
    except SecrecyError as error:
        found.refused.append(Finding(exhibit.name, "unmatched", values={"error": str(error)}))
    return found


def _terms(exhibit: Exhibit, regressors: int) -> np.ndarray:
    """Terms that were estimated together with each row: rows of one model, and at least the study's regressors."""
    if exhibit.secrecy.holds != "estimates":
        return np.ones(len(exhibit.frame))
    model = exhibit.keys[[c for c in exhibit.of_role("label", "word", "year") if c not in TERMS]]
    code = (
        pd.factorize(pd.MultiIndex.from_frame(model))[0] if len(model.columns) else np.zeros(len(model), int)
    )
    together = np.bincount(code)[code] if any(c in exhibit.frame for c in TERMS) else np.ones(len(code))
    return np.maximum(together, regressors)


def _row_units(exhibit: Exhibit, sample_units: int | None) -> np.ndarray:
    """Units that each row rests on: the column that says so, else the fewest that any column of units counts."""
    frame, rests_on = exhibit.frame, exhibit.secrecy.rests_on
    counted = [rests_on] if rests_on in frame.columns else exhibit.of_role("units")
    if rests_on == SAMPLE:
        return np.full(len(frame), np.nan if sample_units is None else float(sample_units))
    if counted and rests_on != CONTRIBUTIONS:
        numbers = frame[counted].apply(pd.to_numeric, errors="coerce")
        return numbers.min(axis=1).to_numpy(float)
    if exhibit.contributions is None:
        return np.full(len(frame), np.nan)
    row = exhibit.row_of
    units = exhibit.contributions.assign(_row=row).loc[row >= 0].groupby("_row")["unit"].nunique()
    return units.reindex(range(len(frame)), fill_value=0).to_numpy(float)


def _column(found: Judged, column: str, rules: Rules) -> None:
    """Fill in a column's reasons, or say why it cannot be judged."""
    exhibit, role = found.exhibit, found.exhibit.roles[column]
    holds = exhibit.secrecy.holds
    if role in KEYS or (holds == "words" and role in ("rows", "count")):
        return
    problem = _cannot(found, column, role)
    if problem:
        found.refused.append(Finding(exhibit.name, problem, column=column))
        return
    shown = exhibit.frame[column].notna().to_numpy()
    reasons = np.array([rules.of_count(n) for n in found.units], dtype=object)
    if role == "units":
        own = pd.to_numeric(exhibit.frame[column], errors="coerce").to_numpy(float)
        reasons = np.array([rules.of_count(n) for n in own], dtype=object)
    elif role in MODEL:
        _model(found, column, rules, reasons)
    elif role == "quantile":
        _quantiles(found, column, rules, reasons)
    elif column in found.counted:
        _shared_out(found.counted[column], rules, reasons)
    elif column in found.sums:
        _sums(found, column, rules, reasons)
        if role == "amount" and rules.amount_base:
            _rounded_off(found, column, rules, reasons)
    found.reasons[column] = np.where(shown, reasons, "")


def _model(found: Judged, column: str, rules: Rules, reasons: np.ndarray) -> None:
    """Numbers of a model rest on the units that tell them, and need degrees of freedom."""
    told = found.exhibit.told_in.get(column, found.exhibit.told)
    if told is not None:
        few = np.array([bool(rules.of_count(n)) for n in told])
        reasons[(reasons == "") & few] = "told"
    if rules.min_df:
        reasons[(reasons == "") & (found.units - found.terms < rules.min_df)] = "df"


def beside_means(exhibit: Exhibit, summed: Collection[str]) -> tuple[list[str], list[str]]:
    """Means of a table of statistics that are made of units' amounts, and the numbers from which they would follow.

    A difference of two means and one of them tell the other; the standard deviation of a share, or of an amount that one unit
    has nearly alone, tells the mean.
    """
    if exhibit.secrecy.holds != "statistics":
        return [], []
    means = [c for c in exhibit.of_role("mean") if c in summed]
    return means, exhibit.of_role(*MODEL) if means else []


def _beside_means(found: Judged, rules: Rules) -> None:
    """What tells a mean is left out with it; a spread beside a mean needs a unit more than the mean.

    Of three units the mean and the standard deviation tell each the values of the other two.
    """
    means, others = beside_means(found.exhibit, found.sums)
    spreads = found.exhibit.of_role("statistic")
    for i in range(len(found.reasons)):
        rule = next((r for c in means if (r := found.reasons.loc[i, c])), "")
        for column in others:
            known = pd.notna(found.exhibit.frame.loc[i, column])
            alone = rules.of_count(found.units[i] - 1) if column in spreads and found.units[i] > 1 else ""
            found.reasons.loc[i, column] = found.reasons.loc[i, column] or (rule or alone if known else "")


def _cannot(found: Judged, column: str, role: str) -> str:
    """Why a column cannot be judged: key of a sentence, empty if it can."""
    holds = found.exhibit.secrecy.holds
    if role in SINGLE:
        return "identifier"
    if holds in ("words", "settings"):
        return "words_hold_data"
    # A share of units is told by the counts beside it.
    if (
        role in SUMS
        and role != "mean"
        and column not in found.sums
        and not (role == "share" and of_counts(found.exhibit, column))
    ):
        return "no_contributions"
    if role == UNIT_SHARE and column not in found.counted:
        return "no_contributions"
    known = np.isfinite(found.units) | found.exhibit.frame[column].isna().to_numpy()
    if role != "units" and not known.all():
        return "no_count"
    if not _adds_up(found, column, role):
        return "not_adding_up"
    return ""


def of_counts(exhibit: Exhibit, column: str) -> bool:
    """Whether a share is of counts that stand beside it, so that they tell it."""
    if exhibit.secrecy.holds == "counts":
        return True
    share, *numbers = (
        pd.to_numeric(exhibit.frame[c], errors="coerce").to_numpy(float)
        for c in (column, *exhibit.of_role(*COUNTS))
    )
    return any(of_one_total(exhibit, number, share) is not None for number in numbers)


def of_one_total(exhibit: Exhibit, number: np.ndarray, share: np.ndarray) -> np.ndarray | None:
    """Groups of rows whose shares are of one total; None if this count is not what they are shares of."""
    keys = exhibit.keys[exhibit.of_role("label", "word", "year")]
    known = np.isfinite(share) & (share > 0) & np.isfinite(number)
    ratio = np.where(known, number / np.where(known, share, 1), np.nan)
    for rest in [[], *([c for c in keys if c != d] for d in keys)]:
        code = pd.factorize(pd.MultiIndex.from_frame(keys[rest]))[0] if rest else np.zeros(len(keys), int)
        spread = pd.Series(ratio).groupby(code).agg(["min", "max", "size"])
        if (
            known.sum() > 1
            and np.allclose(spread["min"], spread["max"], equal_nan=True)
            and spread["size"].max() > 1
        ):
            return np.where(known, code, -1)
    return None


def _adds_up(found: Judged, column: str, role: str) -> bool:
    """Whether what is shown is what the contributions make, but for one unit of measurement a column."""
    made = _made(found, column, role)
    if made is None:
        return True
    shown = pd.to_numeric(found.exhibit.frame[column], errors="coerce").to_numpy(float)
    both = np.isfinite(shown) & np.isfinite(made)
    if not both.any() or (np.isfinite(shown) & ~np.isfinite(made)).any():
        return not np.isfinite(shown).any()
    scale = np.abs(made[both]).max()
    factor = shown[both][np.abs(made[both]).argmax()] / scale if scale else 1.0
    factor *= np.sign(made[both][np.abs(made[both]).argmax()]) or 1.0
    return bool(np.allclose(shown[both], factor * made[both], rtol=1e-6, atol=1e-9 * abs(factor) * scale))


def _made(found: Judged, column: str, role: str) -> np.ndarray | None:
    """What the contributions make of an amount or a share; None of what is neither."""
    with np.errstate(all="ignore"):
        if column in found.counted:
            units = found.counted[column]
            return units.part / (units.part + units.other)
        if role not in ("amount", "share") or column not in found.sums:
            return None
        rows = len(found.exhibit.frame)
        totals = [np.array([v.sum() for v in part.of_rows(rows)]) for part in found.sums[column]]
        return totals[0] / totals[1] if role == "share" else totals[0]


def _shared_out(units: Counted, rules: Rules, reasons: np.ndarray) -> None:
    """A share of units says how many have what is shared out, and how many have not."""
    for i, (some, rest) in enumerate(zip(units.some, units.rest, strict=True)):
        reasons[i] = reasons[i] or rules.of_count(some) or rules.of_count(rest)


def _sums(found: Judged, column: str, rules: Rules, reasons: np.ndarray) -> None:
    """Amounts, and shares and growth rates as the amounts that they are made of."""
    rows = len(reasons)
    parts = [part.of_rows(rows) for part in found.sums[column]]
    within = found.exhibit.roles[column] == "share" and not whole_is_common(found.sums[column])
    for i in range(rows):
        inside = [part[i] for part in parts]
        reasons[i] = reasons[i] or next((r for values in inside if (r := rules.of_amount(values))), "")
        # A share of 100 % says of every unit that it has nothing else.
        if (
            within
            and rules.zeros
            and not reasons[i]
            and np.array_equal(np.sort(inside[0]), np.sort(inside[1]))
        ):
            reasons[i] = "zeros"


def _rounded_off(found: Judged, column: str, rules: Rules, reasons: np.ndarray) -> None:
    """Largest units of amounts that are published as multiples of a base cannot be placed where it leaves enough room."""
    shown = pd.to_numeric(found.exhibit.frame[column], errors="coerce").to_numpy(float)
    for i, values in enumerate(found.sums[column][0].of_rows(len(reasons))):
        if reasons[i] in ("dominance", "p_percent") and np.isfinite(shown[i]) and values.sum():
            # The base is in the frame's unit of measurement, sums are in the contributions'.
            unit = abs(shown[i] / values.sum())
            room = rounding_room(shown[i], rules.amount_base)
            reasons[i] = "" if room >= unit * rules.range_of(values) * (1 - 1e-9) else reasons[i]


def whole_is_common(parts: list[Sums]) -> bool:
    """Whether several cells are shares of one whole, which readers may know from elsewhere."""
    totals = pd.Series(parts[1].value).groupby(parts[1].row).sum()
    rounded = totals.map(lambda v: f"{v:.9e}")
    return bool(rounded.duplicated().any())


def _quantiles(found: Judged, column: str, rules: Rules, reasons: np.ndarray) -> None:
    """Percentiles rest on the units at their nearer end; the smallest and largest value on those who share it."""
    position = position_of(column)
    beyond = found.units * min(position, 1 - position)
    if position == 0:
        reasons[reasons == ""] = "extreme"
        if rules.extremes and found.exhibit.contributions is not None:
            beyond = _sharing(found, column)
            reasons[(reasons == "extreme") & (beyond >= rules.min_units)] = ""
        return
    reasons[(reasons == "") & (beyond < rules.min_units)] = "quantile"


def position_of(column: str) -> float:
    """Which quantile a column holds, by its name; 0 for the ends of a distribution and for names that do not say."""
    if "median" in column:
        return 0.5
    for pattern, parts in POSITIONS:
        hit = pattern.search(column)
        if hit:
            return float(hit.group(1)) / parts
    return 0.0


def _sharing(found: Judged, column: str) -> np.ndarray:
    """How many units hold exactly the value that is shown."""
    given = found.exhibit.contributions
    assert given is not None
    if column not in given.columns:
        return np.zeros(len(found.units))
    row = found.exhibit.row_of
    shown = pd.to_numeric(found.exhibit.frame[column], errors="coerce").to_numpy(float)
    keep = row >= 0
    same = given[column].to_numpy(float)[keep] == shown[row[keep]]
    units = given.loc[keep].assign(_row=row[keep]).loc[same].groupby("_row")["unit"].nunique()
    return units.reindex(range(len(shown)), fill_value=0).to_numpy(float)


def _cells(found: Judged, rules: Rules) -> list[Finding]:
    """A finding for each forbidden cell; one for a row whose every number rests on too few units."""
    out = []
    for i, row in enumerate(found.reasons.to_numpy()):
        said = {c: r for c, r in zip(found.reasons.columns, row, strict=True) if r}
        few = [c for c, r in said.items() if r == "frequency"]
        if few and all(
            found.exhibit.roles[c] in KEYS or r for c, r in zip(found.reasons.columns, row, strict=True)
        ):
            said = {few[0]: "frequency"} | {c: r for c, r in said.items() if c not in few}
            out.append(_finding(found, i, None, "frequency", rules, few[0]))
            said.pop(few[0])
        out += [_finding(found, i, column, rule, rules, column) for column, rule in said.items()]
    return out


def _finding(found: Judged, row: int, column: str | None, rule: str, rules: Rules, of: str) -> Finding:
    units = found.units[row]
    if found.exhibit.roles[of] == "units":
        units = float(found.exhibit.frame[of].iloc[row])
    elif of in found.counted and not rules.of_count(units):
        both = (float(found.counted[of].some[row]), float(found.counted[of].rest[row]))
        units = next((n for n in both if rules.of_count(n)), units)
    values = {
        "units": "?" if np.isnan(units) else f"{units:g}",
        "least": rules.min_units,
        "df": rules.min_df,
        "largest": rules.dominance_units,
        "share": f"{rules.dominance_share:.0%}",
        "p": f"{rules.p_percent:g}",
    }
    return Finding(found.exhibit.name, rule, found.exhibit.key(row), column, values)
