"""Small-sample corrections, stated.

==============  =======================================================================================
covariance      correction c in V = c · bread · meat · bread
==============  =======================================================================================
iid             meat = RSS · X̂′X̂, c = 1/(n − K)
HC1             meat = Σ_i s_i s_i′, c = n/(n − K)
CRV1            meat = Σ_c s_c s_c′, c = G/(G − 1) · (n − 1)/(n − K), G clusters
CRV1, two ways  V_1 + V_2 − V_12, each as CRV1; G is the least of the three (``G_df="min"``) or each one's own
                (``"conventional"``)
==============  =======================================================================================

(Cameron, Gelbach and Miller 2011 for two ways; the factors are those of fixest and pyfixest.) K counts

* ``"nonnested"``: k + Σ_s L_s − (S − 1), less L_s − 1 for each of the S effects that is nested in a cluster;
* ``"full"``: k + Σ_s L_s − (S − 1);
* ``"none"``: k;
* ``"rank"``: k + the rank of all dummies, which knows of connected components and collinear levels.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from estimators.errors import EffectsError
from estimators.language import listed, said

FIXEF = ("nonnested", "full", "none", "rank")


class Correction(NamedTuple):
    """Which small-sample correction is made; names and defaults as pyfixest's ``ssc``, but for ``k_fixef``."""

    k_adj: bool = True
    k_fixef: Literal["nonnested", "full", "none", "rank"] = "nonnested"
    G_adj: bool = True
    G_df: Literal["min", "conventional"] = "min"


def check(correction: Correction) -> None:
    """Refuse unknown choices.

    Raises
    ------
    EffectsError
        Naming the choice.
    """
    if correction.k_fixef not in FIXEF:
        raise EffectsError(said("engines.ssc.fixef", found=correction.k_fixef, known=listed(FIXEF)))
    if correction.G_df not in ("min", "conventional"):
        raise EffectsError(said("engines.ssc.df", found=correction.G_df))


def parameters(
    slopes: int, levels: dict[str, int], rank: int, nested: dict[str, bool], correction: Correction
) -> int:
    """K, from the levels of each effect, the rank of all dummies, and which effects are nested in a cluster."""
    if correction.k_fixef == "none":
        return slopes
    if correction.k_fixef == "rank":
        return slopes + rank
    count = slopes + sum(levels.values()) - (len(levels) - 1)
    if correction.k_fixef == "nonnested":
        count -= sum(levels[name] - 1 for name, inside in nested.items() if inside)
    return count


def factor(kind: str, n: int, counted: int, clusters: int, correction: Correction) -> float:
    """c of the module's table.

    Raises
    ------
    EffectsError
        When no degrees of freedom are left.
    """
    if n <= counted and correction.k_adj:
        raise EffectsError(said("engines.no_freedom_effects", n=n, counted=counted))
    if kind == "iid":
        return 1 / (n - counted) if correction.k_adj else 1 / (n - 1)
    if kind == "HC1":
        return n / (n - counted) if correction.k_adj else 1.0
    c = (n - 1) / (n - counted) if correction.k_adj else 1.0
    return c * clusters / (clusters - 1) if correction.G_adj else c
