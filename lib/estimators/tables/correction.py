"""Small-sample corrections by the program that is to be matched.

With the sandwich V = bread · Σ s s′ · bread (of one or two ways of clusters), c in c · V and the degrees of freedom of t:

==============  ===================================================================  =======================
like            c, clustered                                                         c, robust and iid
==============  ===================================================================  =======================
fixest          (n − 1)/(n − K) · G/(G − 1), effects nested in clusters not in K      n/(n − K)
reghdfe         the same, with redundant levels counted pair by pair                  n/(n − K)
ivreghdfe       as reghdfe                                                            n/(n − K)
areg            (n − 1)/(n − K) · G/(G − 1), every level in K                         n/(n − K)
xtreg           (n − 1)/(n − K) · G/(G − 1), unit effects not in K                    n/(n − K)
regress         as areg: effects are dummies                                         n/(n − K)
linearmodels    n/(n − K), effects nested in clusters not in K if they are the only   n/(n − K)
==============  ===================================================================  =======================

n rows, G the smallest number of clusters, K parameters. Slopes of levels count in K whether or not they lie within clusters
(reghdfe: but for levels in which the column is constant beside their effects, or zero); the programs that take fixed effects
alone have none. t has G − 1 degrees of freedom (reghdfe: n − K if that is less),
else n − K; linearmodels' t has n − K always, with every level in K.

Sources: fixest's manual (``ssc``); Stata's manuals of areg, xtreg and regress (methods and formulas; ``robust`` of xtreg,
fe clusters by the unit); reghdfe 6, ``DoF.mata`` and ``Regression.mata`` (nested effects cost nothing, one is given back
for the constant; slopes cost one a level, those within clusters too; later effects lose as many levels as there are connected
groups with an earlier one);
ivreghdfe's own tests (``test.do``: with absorbed effects equal to reghdfe to 1e-12, without them to ivreg2, which is not held);
linearmodels 7, ``PanelOLS`` (``count_effects``, ``group_debias=False``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from estimators.engines.agreement import nested
from estimators.errors import EffectsError
from estimators.language import said
from estimators.tables.rows import UNIT, Rows


@dataclass(frozen=True)
class Correction:
    """c, K, degrees of freedom of t."""

    factor: float
    parameters: int
    freedom: float


def of(rows: Rows, slopes: int, like: str, errors: str) -> Correction:
    """The correction of a column.

    Parameters
    ----------
    rows : Rows
    slopes : int
        Coefficients that were estimated, a constant among them.
    like : str
        Program.
    errors : str
        ``clustered`` or any other.

    Raises
    ------
    EffectsError
        When no degrees of freedom are left.
    """
    n = rows.n
    like = "reghdfe" if like == "ivreghdfe" else like
    full = slopes + _levels(rows, [], like)
    if errors != "clustered":
        _enough(n, full)
        return Correction(n / (n - full), full, n - full)
    groups = int(min(rows.clusters[name].nunique() for name in rows.clusters))
    free = [] if like in ("areg", "regress") else _nested(rows, like)
    counted = slopes + _levels(rows, free, like)
    if like == "linearmodels" and rows.effects.shape[1] != len(free):
        counted = full
    _enough(n, counted)
    if like == "linearmodels":
        return Correction(n / (n - counted), counted, n - full)
    factor = groups / (groups - 1) * (n - 1) / (n - counted)
    freedom = groups - 1
    if like == "reghdfe":
        freedom = min(freedom, n - counted + bool(free))
    return Correction(factor, counted, freedom)


def likelihood(rows: Rows, slopes: int, like: str, errors: str) -> Correction:
    """The correction of an estimate by maximum likelihood; its statistic is normal.

    fixest counts parameters as for least squares ((n − 1)/(n − K), times G/(G − 1) or n/(n − 1)); Stata's commands take
    G/(G − 1), or n/(n − 1) for robust errors, and nothing for those of the likelihood; linearmodels has no such estimators
    and nothing is corrected.
    """
    n, least = rows.n, of(rows, slopes, "fixest", errors)
    groups = min((rows.clusters[name].nunique() for name in rows.clusters), default=n)
    factor = 1.0 if errors == "iid" or like == "linearmodels" else groups / (groups - 1)
    if like == "fixest":
        factor *= (n - 1) / (n - least.parameters)
    return Correction(factor, least.parameters, np.inf)


def levels(rows: Rows) -> int:
    """Levels of all effects without those that are redundant, as fixest counts: Σ L − (S − 1)."""
    return _levels(rows, [], "fixest")


def _enough(n: int, counted: int) -> None:
    if n <= counted:
        raise EffectsError(said("engines.no_freedom_effects", n=n, counted=counted))


def _nested(rows: Rows, like: str) -> list[str]:
    """Effects that lie within clusters, of which none is counted."""
    if like == "xtreg":
        return [name for name in rows.effects if name == UNIT]
    return [
        name
        for name in rows.effects
        if any(nested(rows.effects[name], rows.clusters[one]) for one in rows.clusters)
    ]


def _levels(rows: Rows, free: list[str], like: str) -> int:
    """Parameters of the effects; those in `free` cost one together, for the constant."""
    effects = rows.effects
    slopes = sum(
        int(one.codes.max()) + 1 - (one.empty if like == "reghdfe" else 0) for one in rows.slopes.values()
    )
    if not len(effects.columns):
        return slopes
    counted = [name for name in effects if name not in free]
    if like == "reghdfe":
        redundant = _redundant(effects[counted], bool(free))
        return sum(effects[name].nunique() for name in counted) - redundant + bool(free) + slopes
    if like == "linearmodels" and len(counted) == 0:
        return 0
    total = sum(effects[name].nunique() for name in effects) - (effects.shape[1] - 1) + slopes
    return total - sum(effects[name].nunique() - 1 for name in free)


def _redundant(effects: pd.DataFrame, given: bool) -> int:
    """Levels that earlier effects leave nothing to: connected groups of each pair, one at least."""
    names = list(effects)
    lost = [int(given)] * len(names) if given else [0, *[1] * (len(names) - 1)]
    for later in range(1, len(names)):
        for earlier in range(later):
            lost[later] = max(lost[later], connected(effects[names[earlier]], effects[names[later]]))
    return sum(lost[: len(names)])


def connected(a: pd.Series, b: pd.Series) -> int:
    """Connected groups of the levels of two effects that meet in rows."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first, second = pd.factorize(a)[0], pd.factorize(b)[0]
    size = first.max() + 1 + second.max() + 1
    graph = coo_matrix((np.ones(len(a)), (first, second + first.max() + 1)), shape=(size, size))
    return int(connected_components(graph, directed=False)[0])
