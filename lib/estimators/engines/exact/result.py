"""What a regression gives back, with the names that users of pyfixest and maketables know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Within:
    """An estimated regression.

    Attributes
    ----------
    n, singletons, missing : int
        Rows used; rows left out because they are alone in an effect, or lack a value.
    levels : dict
        Effect: number of levels among the rows used.
    clusters : dict
        Cluster: number of clusters (two-way: also their intersection).
    parameters : int
        K of the stated correction; `freedom` are the degrees of freedom of t.
    components : int
        Connected components of units and levels of the other effects.
    redundant : tuple of str
        Levels of the other effects that are collinear with those before them and the unit's.
    dropped : dict
        Regressors that were left out: why.
    """

    formula: str
    outcome: str
    unit: str
    names: tuple[str, ...]
    beta: NDArray[np.float64]
    covariance: NDArray[np.float64]
    vcov_type: str
    cluster_names: tuple[str, ...]
    n: int
    singletons: int
    missing: int
    levels: dict[str, int]
    clusters: dict[str, int]
    parameters: int
    freedom: float
    rss: float
    tss_within: float
    tss: float
    components: int
    redundant: tuple[str, ...]
    dropped: dict[str, str] = field(default_factory=dict)
    method: str = "OLS"
    weights: str | None = None

    def coef(self) -> pd.Series:
        """Coefficients by regressor."""
        return self._series(self.beta, "Estimate")

    def se(self) -> pd.Series:
        """Standard errors."""
        return self._series(np.sqrt(np.diag(self.covariance)), "Std. Error")

    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients."""
        return pd.DataFrame(self.covariance, index=list(self.names), columns=list(self.names))

    def tstat(self) -> pd.Series:
        """t statistics."""
        return self._series(self.beta / np.sqrt(np.diag(self.covariance)), "t value")

    def pvalue(self) -> pd.Series:
        """Two-sided p-values, t with `freedom` degrees of freedom."""
        from scipy.special import stdtr

        return self._series(2 * stdtr(self.freedom, -self.tstat().abs().to_numpy()), "Pr(>|t|)")

    def confint(self, alpha: float = 0.05) -> pd.DataFrame:
        """Confidence intervals of level 1 − alpha."""
        from scipy.special import stdtrit

        half = stdtrit(self.freedom, 1 - alpha / 2) * self.se()
        return pd.DataFrame(
            {f"{alpha / 2:.1%}": self.coef() - half, f"{1 - alpha / 2:.1%}": self.coef() + half}
        )

    def tidy(self, alpha: float = 0.05) -> pd.DataFrame:
        """One row for each regressor: estimate, standard error, t, p and interval, named as in pyfixest."""
        parts = [self.coef(), self.se(), self.tstat(), self.pvalue(), self.confint(alpha)]
        return pd.concat(parts, axis=1).rename_axis("Coefficient")

    @property
    def r2_within(self) -> float:
        """Share of the outcome's variation within effects that the regressors explain."""
        return 1 - self.rss / self.tss_within if self.tss_within > 0 else float("nan")

    @property
    def r2(self) -> float:
        """Share of the outcome's variation that regressors and effects explain."""
        return 1 - self.rss / self.tss if self.tss > 0 else float("nan")

    def __str__(self) -> str:
        lines = [
            f"{self.method}: {self.formula}",
            f"{self.n:,} rows ({self.singletons:,} singletons and {self.missing:,} incomplete left out); "
            + ", ".join(f"{count:,} {name}" for name, count in self.levels.items()),
            f"Covariance {self.vcov_type}"
            + (f" by {' and '.join(self.cluster_names)}" if self.cluster_names else "")
            + f"; K = {self.parameters}, t with {self.freedom:,.0f} degrees of freedom",
        ]
        lines += [f"left out: {name} is {why}" for name, why in self.dropped.items()]
        if self.redundant:
            lines.append(f"{len(self.redundant)} redundant levels, {self.components} connected components")
        return "\n".join([*lines, self.tidy().to_string(float_format="{:.6g}".format)])

    def _series(self, values: NDArray[np.float64], name: str) -> pd.Series:
        return pd.Series(values, index=pd.Index(self.names, name="Coefficient"), name=name)

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        low, high = (self.confint(a) for a in (0.05, 0.10))
        return pd.DataFrame(
            {
                "b": self.coef(),
                "se": self.se(),
                "t": self.tstat(),
                "p": self.pvalue(),
                "ci95l": low.iloc[:, 0],
                "ci95u": low.iloc[:, 1],
                "ci90l": high.iloc[:, 0],
                "ci90u": high.iloc[:, 1],
            }
        )

    @property
    def __maketables_depvar__(self) -> str:
        return self.outcome

    @property
    def __maketables_fixef_string__(self) -> str:
        return "+".join(self.levels)

    @property
    def __maketables_vcov_info__(self) -> dict[str, Any]:
        return {"vcov_type": self.vcov_type, "clustervar": "+".join(self.cluster_names) or None}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        return ["N", "r2", "r2_within"]

    def __maketables_stat__(self, key: str) -> Any:
        known = {"N": self.n, "r2": self.r2, "r2_within": self.r2_within, "se_type": self.vcov_type}
        return known.get(key)
