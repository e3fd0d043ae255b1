"""How much of a class that was split goes to each of its parts: nothing unless a study declares it.

The official comparisons say that a part moved and not how large it is. A study may give weights in a file, or
have them from its own panel: of the enterprises that bore a split code, the share that bears each successor in
its first year of the new edition. Weights give points; intervals stay what they are.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fusion.classification.coefficients import Coefficients
from fusion.classification.editions import CURRENT, NATIONAL, links
from fusion.classification.policy import cuts
from fusion.classification.tables import FOLDER, ClassificationError
from fusion.language import listed, said

if TYPE_CHECKING:
    import ibis
    import pandas as pd

HOW = ("none", "file", "later_codes")
COLUMNS = ("edition", "code", "part", "weight")
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
        Enterprises behind each of ``values``' codes, where counted.
    """

    how: str = "none"
    values: tuple[tuple[str, str, str, float], ...] = ()
    units: tuple[int, ...] = ()

    def on(self, coefficients: Coefficients) -> Coefficients:
        """Coefficients by which split classes have points too, in `enterprises.classify` and `totals.coverage`."""
        return replace(coefficients, weights=self.values)


NONE = Weights()


def from_file(file: Path | str) -> Weights:
    """Weights from a CSV with the columns edition, code, part, weight.

    ``edition`` is that of ``code``: an older one and parts of 2017, or backwards 2017 and parts of 2011. A part that is
    not listed has none.

    Raises
    ------
    ClassificationError
        For a missing file or column, a pair that the official comparison does not have, a code that was not split, a
        weight outside [0, 1], a pair given twice, and weights of a code that do not add up to one; says the row.
    """
    path = Path(file)
    if not path.is_file():
        raise ClassificationError(said("classification.no_weights", file=path.name, columns=listed(COLUMNS)))
    with path.open(encoding="utf-8-sig", newline="") as stream:
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
        values = tuple(_checked(row, path.name, line) for line, row in enumerate(reader, 2))
    keys = [value[:3] for value in values]
    twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
    if twice:
        raise ClassificationError(
            said("classification.weights_twice", file=path.name, code=twice[1], part=twice[2])
        )
    for key in dict.fromkeys(key[:2] for key in keys):
        total = sum(value[3] for value in values if value[:2] == key)
        if abs(total - 1) > EXACT:
            raise ClassificationError(
                said("classification.weights_sum", file=path.name, code=key[1], total=f"{total:.6g}")
            )
    return Weights("file", values)


def _checked(row: dict[str, str], file: str, line: int) -> tuple[str, str, str, float]:
    where = said("classification.slot.row", file=file, row=line)
    edition, code, part, text = (str(row[c] or "").strip() for c in COLUMNS)
    if edition not in NATIONAL:
        raise ClassificationError(
            said("classification.weights_edition", where=where, edition=edition, known=listed(NATIONAL))
        )
    parts = links(edition, NATIONAL[-2] if edition == CURRENT else CURRENT).get(code, {})
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
    return edition, code, part, weight


def from_later_codes(panel: ibis.Table, min_units: int = 5) -> Weights:
    """Shares of enterprises that bore a split code of 2011 and now bear each of its successors.

    An enterprise counts for code c and successor s when c is its last code of 2011 and s its first code of 2017:

        weight(c, s) = n(c, s) / Σ_s' n(c, s').

    It assumes that those that were not coded anew (closed, fallen below the line, or not yet seen) would have gone
    the same ways, and that none changed its activity in that very year.

    Parameters
    ----------
    panel : ibis.Table
        firm_id, year, ind4, class_version.
    min_units : int
        Codes with fewer such enterprises get no weights.
    """
    from fusion.classification.enterprises import normalise
    from fusion.classification.evidence import last_and_first

    if not {"ind4", "class_version"} <= set(panel.columns):
        return Weights("later_codes")
    written = panel.select(
        "firm_id",
        "year",
        written=panel["ind4"].cast("string").fill_null(""),
        version=panel["class_version"].cast("string").fill_null(""),
    )
    read = normalise(written.select("written", "version").distinct())
    coded = written.inner_join(
        read.select("written", "version", "edition", "code_own"), ["written", "version"]
    )
    both = last_and_first(coded)
    count = both.group_by(["last_old", "first_new"]).aggregate(n=both.count()).to_pandas()
    parts = links("2011", CURRENT)
    kept = [
        (old, new, int(n))
        for old, new, n in count.sort_values(["last_old", "first_new"]).itertuples(index=False)
        if len(parts.get(old, {})) > 1 and new in parts[old]
    ]
    size: dict[str, int] = {}
    for old, _, n in kept:
        size[old] = size.get(old, 0) + n
    kept = [one for one in kept if size[one[0]] >= min_units]
    values = tuple(("2011", old, new, n / size[old]) for old, new, n in kept)
    return Weights("later_codes", values, tuple(size[old] for old, *_ in kept))


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


def path_points(frame: pd.DataFrame, weights: Weights) -> pd.DataFrame:
    """Firm-years of each path with open rows divided by the declared weights.

    Parameters
    ----------
    frame : pandas.DataFrame
        edition, code_own, path, paths_possible, as `classify` gives them.
    weights : Weights

    Returns
    -------
    pandas.DataFrame
        path, firm_years_point; missing where some open row of the path has a code without weights. Empty without
        weights.
    """
    import numpy as np
    import pandas as pd

    from fusion.classification.intervals import beside

    share: dict[tuple[str, str, str], float] = {}
    for edition, code, part, weight in weights.values:
        key = (edition, code, cuts(part)["path"])
        share[key] = share.get(key, 0.0) + weight
    weighed = {key[:2] for key in share}
    if not share:
        return pd.DataFrame({"path": [], "firm_years_point": []})
    long = beside(frame)
    keys = zip(long["edition"], long["code_own"], long["cell"], strict=True)
    point = [share.get(key, 0.0 if key[:2] in weighed else np.nan) for key in keys]
    long["firm_years_point"] = np.where(long["open"], point, 1.0)
    return long.groupby("cell")["firm_years_point"].sum(skipna=False).rename_axis("path").reset_index()
