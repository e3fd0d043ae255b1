"""How much of a class that was split goes to each of its parts: nothing unless a study declares it.

The official comparisons say that a part moved and not how large it is. A study may give weights in a file, or
have them from its own panel: of the enterprises that bore a split code, the share that bears each successor in
its first year of the new edition. A class of 2002 goes by the classes of 2011 between: the weights of the steps are
multiplied and added up. Weights give points; intervals stay what they are.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fusion.classification.coefficients import Coefficients
from fusion.classification.editions import CURRENT, NATIONAL, links
from fusion.classification.policy import cuts
from fusion.classification.tables import FOLDER, ClassificationError, utf8
from fusion.language import listed, said

if TYPE_CHECKING:
    import ibis
    import pandas as pd

HOW = ("none", "file", "later_codes")
COLUMNS = ("edition", "code", "part", "weight")
STEP = "part_edition"  # where the parts are not of the edition that is meant without it
BEFORE = NATIONAL[-2]
EXACT = 1e-6  # by how much the weights of a code may miss one: printed decimals
NORMAL = 1.959963984540054  # 97.5 % point, for Wilson's interval


@dataclass(frozen=True)
class Weights:
    """Weights of the parts of classes that were split.

    Attributes
    ----------
    how : {"none", "file", "later_codes"}
    values : tuple of (edition, code, part, weight)
        ``code`` of ``edition``, ``part`` a class of the other edition; the weights of a code add up to one.
    units : tuple of int
        Enterprises behind each of ``values``' codes, where counted: the fewest behind any step of the way.
    """

    how: str = "none"
    values: tuple[tuple[str, str, str, float], ...] = ()
    units: tuple[int, ...] = ()

    def on(self, coefficients: Coefficients) -> Coefficients:
        """Coefficients by which split classes have points too, in `enterprises.classify` and `totals.coverage`."""
        return replace(coefficients, weights=self.values)


NONE = Weights()


Shares = dict[str, dict[str, float]]  # code: part: weight


def from_file(file: Path | str) -> Weights:
    """Weights from a CSV with the columns edition, code, part, weight, and where wanted part_edition.

    ``edition`` is that of ``code``: an older one and parts of 2017, or backwards 2017 and parts of 2011. For a class of
    2002 ``part_edition`` may say 2011: its parts are then classes of 2011, whose own weights the file gives too where
    they were split. A class of 2002 that the file does not name gets its weights from those of 2011 alone where it is
    one class of 2011. A part that is not listed has none.

    Raises
    ------
    ClassificationError
        For a missing file or column, a pair that the official comparison does not have, a code that was not split, a
        weight outside [0, 1], a pair given twice, weights of a code that do not add up to one or are given for both
        editions, and a part of 2011 that was split and has no weights itself; says the row.
    """
    path = Path(file)
    if not os.path.isfile(path):
        raise ClassificationError(said("classification.no_weights", file=path.name, columns=listed(COLUMNS)))
    with io.StringIO(utf8(path), newline="") as stream:
        reader = csv.DictReader(stream)
        absent = [c for c in COLUMNS if c not in (reader.fieldnames or [])]
        if absent:
            raise ClassificationError(
                said(
                    "classification.weights_lack",
                    file=path.name,
                    absent=listed(absent),
                    columns=listed(COLUMNS),
                )
            )
        given = [_checked(row, path.name, line) for line, row in enumerate(reader, 2)]
    steps: dict[tuple[str, str], Shares] = {}
    for edition, to, code, part, weight in given:
        own = steps.setdefault((edition, to), {}).setdefault(code, {})
        if part in own:
            raise ClassificationError(
                said("classification.weights_twice", file=path.name, code=code, part=part)
            )
        own[part] = weight
    _add_up(steps, path.name)
    onward = steps.get((BEFORE, CURRENT), {})
    told = {edition: dict(parts) for (edition, to), parts in steps.items() if BEFORE not in (edition, to)}
    told |= {BEFORE: onward, CURRENT: steps.get((CURRENT, BEFORE), {})}
    first = steps.get((NATIONAL[0], BEFORE), {})
    _both_ways(first, told.get(NATIONAL[0], {}), onward, path.name)
    told[NATIONAL[0]] = chained(first, onward) | told.get(NATIONAL[0], {})
    return Weights("file", _values(told))


def _add_up(steps: Mapping[tuple[str, str], Shares], file: str) -> None:
    for code, parts in ((code, parts) for step in steps.values() for code, parts in step.items()):
        total = sum(parts.values())
        if abs(total - 1) > EXACT:
            raise ClassificationError(
                said("classification.weights_sum", file=file, code=code, total=f"{total:.6g}")
            )


def _both_ways(first: Shares, direct: Shares, onward: Shares, file: str) -> None:
    """Refuse a class of 2002 with weights for both editions, and one whose way ends in a split without weights."""
    for code, parts in first.items():
        if code in direct:
            raise ClassificationError(said("classification.weights_both", file=file, code=code))
        lost = [d for d, w in parts.items() if w and d not in onward and len(links(BEFORE, CURRENT)[d]) > 1]
        if lost:
            raise ClassificationError(
                said("classification.weights_onward", file=file, code=code, parts=listed(lost))
            )


def chained(first: Shares, onward: Shares) -> Shares:
    """Weights of split classes of 2002 by way of 2011, where every step is one class or has weights.

    w(c, s) = Σ_d w(c, d) w(d, s) over the classes d of 2011.
    """
    found: Shares = {}
    for code, between in links(NATIONAL[0], BEFORE).items():
        step = dict.fromkeys(between, 1.0) if len(between) == 1 else first.get(code, {})
        ways = {d: _onward(d, onward) for d, weight in step.items() if weight}
        if ways and all(ways.values()) and len(links(NATIONAL[0], CURRENT)[code]) > 1:
            own = found.setdefault(code, {})
            for d, parts in ways.items():
                for part, weight in parts.items():
                    own[part] = own.get(part, 0.0) + step[d] * weight
    return found


def _onward(code: str, onward: Shares) -> dict[str, float]:
    """Weights of the classes of 2017 of one of 2011; none where they are not known."""
    parts = links(BEFORE, CURRENT)[code]
    return dict.fromkeys(parts, 1.0) if len(parts) == 1 else onward.get(code, {})


def _values(told: Mapping[str, Shares]) -> tuple[tuple[str, str, str, float], ...]:
    return tuple(
        (edition, code, part, weight)
        for edition in sorted(told)
        for code, parts in sorted(told[edition].items())
        for part, weight in sorted(parts.items())
    )


def _checked(row: dict[str, str], file: str, line: int) -> tuple[str, str, str, str, float]:
    where = said("classification.slot.row", file=file, row=line)
    edition, code, part, text = (str(row[c] or "").strip() for c in COLUMNS)
    to = str(row.get(STEP) or "").strip() or (BEFORE if edition == CURRENT else CURRENT)
    for one in (edition, to):
        if one not in NATIONAL:
            raise ClassificationError(
                said("classification.weights_edition", where=where, edition=one, known=listed(NATIONAL))
            )
    parts = links(edition, to).get(code, {})
    if part not in parts or len(parts) < 2:
        known = listed(sorted(parts)) or "–"
        raise ClassificationError(
            said(
                "classification.weights_pair",
                where=where,
                code=code,
                edition=edition,
                part=part,
                known=known,
            )
        )
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise ClassificationError(said("classification.weight", where=where, text=text))
    return edition, to, code, part, weight


def from_later_codes(panel: ibis.Table, min_units: int = 5) -> Weights:
    """Shares of enterprises that bore a split code of an older edition and bear each of its successors since.

    An enterprise counts for code c when c is its last code of that edition and its first code of a newer edition is a
    successor d of c by the printed comparison:

        weight(c, s) = Σ_i m(i, s) / n(c),

    where m(i, s) is 1 for the class s of 2017 that d is or, by the enterprise's own later code, became, and the weight
    w(d, s) of 2011 where that is open. It assumes that those that were not coded anew (closed, fallen below the line, or
    not yet seen) would have gone the same ways, and that none changed its activity in that very year. A class of 2002
    too rare to be counted that is one class of 2011 has the weights of that class.

    Parameters
    ----------
    panel : ibis.Table
        firm_id, year, ind4, class_version.
    min_units : int
        Codes with fewer such enterprises get no weights.
    """
    from fusion.classification.enterprises import answers
    from fusion.classification.evidence import followed, last_and_first

    if not {"ind4", "class_version"} <= set(panel.columns):
        return Weights("later_codes")
    written = panel.select(
        "firm_id",
        "year",
        written=panel["ind4"].cast("string").fill_null(""),
        version=panel["class_version"].cast("string").fill_null(""),
    )
    read = answers(written.select("written", "version").distinct())
    names = ["edition", "code_own", "code_2017", "mapping_status"]
    coded = written.inner_join(read.select("written", "version", *names), ["written", "version"])
    _, known = followed(coded.select("firm_id", "year", *names))
    told: dict[str, Shares] = {}
    units: dict[tuple[str, str], int] = {}
    for edition in NATIONAL[-2::-1]:
        ends = last_and_first(known, edition)
        by = ["last_old", "new_edition", "first_code", "meaning"]
        count = ends.group_by(by).aggregate(n=ends.count()).order_by(by).to_pandas()
        told[edition] = _counted(edition, count, told.get(BEFORE, {}), units, min_units)
    for code, parts in chained({}, told[BEFORE]).items():
        if code not in told[NATIONAL[0]]:
            told[NATIONAL[0]][code] = parts
            units[NATIONAL[0], code] = units[BEFORE, next(iter(links(NATIONAL[0], BEFORE)[code]))]
    values = _values(told)
    return Weights("later_codes", values, tuple(units[value[:2]] for value in values))


def _counted(
    edition: str, count: pd.DataFrame, onward: Shares, units: dict[tuple[str, str], int], min_units: int
) -> Shares:
    """Weights of one edition's codes; ``units`` gets the fewest enterprises that any step of a code rests on."""
    sums: Shares = {}
    size: dict[str, int] = {}
    rests: dict[str, int] = {}
    unknown = set()
    for code, to, first, meaning, n in count.itertuples(index=False):
        if len(links(edition, CURRENT).get(code, {})) < 2 or first not in links(edition, to)[code]:
            continue
        size[code] = size.get(code, 0) + int(n)
        parts = {meaning: 1.0} if meaning else onward.get(first, {})
        unknown |= set() if parts else {code}
        rests[code] = min(rests.get(code, int(1e9)), int(1e9) if meaning else units.get((to, first), 0))
        own = sums.setdefault(code, {})
        for part, weight in parts.items():
            own[part] = own.get(part, 0.0) + int(n) * weight
    kept = [code for code in sums if size[code] >= min_units and code not in unknown]
    units |= {(edition, code): min(size[code], rests[code]) for code in kept}
    return {code: {part: n / size[code] for part, n in sums[code].items()} for code in kept}


def declared(how: str, *, file: str = "", panel: ibis.Table | None = None, min_units: int = 5) -> Weights:
    """The weights that a study declares: ``none``, from a ``file``, or by ``later_codes`` of its panel.

    Raises
    ------
    ClassificationError
        For another way, and as `from_file` does.
    """
    if how not in HOW:
        raise ClassificationError(said("classification.split_weights", how=how, known=listed(HOW)))
    if how == "file":
        return from_file(FOLDER.parents[1] / file)
    if how == "later_codes" and panel is not None:
        return from_later_codes(panel, min_units)
    return NONE


def table(weights: Weights) -> pd.DataFrame:
    """Weights that were counted: edition, code, part, weight, units, low and high (Wilson's 95 % interval).

    Empty where there are none, or they come from a file, which says them itself.
    """
    import numpy as np
    import pandas as pd

    out = pd.DataFrame(list(weights.values), columns=list(COLUMNS))
    if not weights.units:
        return out.head(0)
    n, p = np.array(weights.units, float), out["weight"].to_numpy(float)
    centre, z = (p + NORMAL**2 / (2 * n)) / (1 + NORMAL**2 / n), NORMAL
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return out.assign(units=list(weights.units), low=np.maximum(centre - half, 0), high=centre + half)


def in_paths(frame: pd.DataFrame, weights: Weights) -> pd.DataFrame:
    """Each row beside each path that it is, or may be, in, with the part of it that is there by the declared weights.

    Parameters
    ----------
    frame : pandas.DataFrame
        edition, code_own, path, paths_possible, as `classify` gives them.
    weights : Weights

    Returns
    -------
    pandas.DataFrame
        The rows with ``cell`` (the path) and ``point``: 1 where it is certain, missing where the code has no weights.
    """
    import numpy as np

    from fusion.classification.intervals import beside

    share: dict[tuple[str, str, str], float] = {}
    for edition, code, part, weight in weights.values:
        key = (edition, code, cuts(part)["path"])
        share[key] = share.get(key, 0.0) + weight
    weighed = {key[:2] for key in share}
    long = beside(frame)
    keys = zip(long["edition"], long["code_own"], long["cell"], strict=True)
    point = [share.get(key, 0.0 if key[:2] in weighed else np.nan) for key in keys]
    return long.assign(point=np.where(long["open"], point, 1.0))
