"""A production function for each industry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from estimators.language import listed, said, speaking
from estimators.production.errors import ProductionError
from estimators.production.estimation import estimate
from estimators.production.result import ProductionFunction


@dataclass(frozen=True)
class Industries:
    """Functions by industry.

    Attributes
    ----------
    functions : dict
        Industry → ProductionFunction.
    left_out : DataFrame
        industry, rows, firms, reason: industries that could not be estimated.
    years : DataFrame
        As `ProductionFunction.years`, all industries together, on the frame's index; NaN for those left out.
    """

    functions: dict[Any, ProductionFunction]
    left_out: pd.DataFrame
    years: pd.DataFrame

    @property
    def tfp(self) -> pd.Series:
        """Log productivity by firm-year; levels compare within an industry only."""
        return self.years["tfp"]

    @property
    def omega(self) -> pd.Series:
        """Log productivity without noise by firm-year; levels compare within an industry only."""
        return self.years["omega"]

    def tidy(self, size: float = 0.05) -> pd.DataFrame:
        """Estimates of all industries: industry, then the columns of `ProductionFunction.tidy`."""
        tables = []
        for industry, function in self.functions.items():
            table = function.tidy(size)
            table.insert(0, "industry", industry)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def by_industry(
    frame: pd.DataFrame, industry: str, method: str = "acf", *, fewest_firms: int = 50, **options: Any
) -> Industries:
    """Estimate each industry on its own.

    Parameters
    ----------
    frame : DataFrame
        As for `estimate`, with an index without doubles.
    industry : str
        Column of the industry; rows where it is missing are left out. A firm that moves belongs to the industry of each
        year.
    method : str
        As for `estimate`.
    fewest_firms : int
        Industries with fewer firms are left out.
    **options
        Passed to `estimate`.

    Raises
    ------
    ProductionError
        A column that is not there, an index with doubles, unknown options, or no industry that can be estimated. What
        fails for one industry alone (too few firms or pairs of years) is written to ``left_out``.
    """
    firm = options.get("firm", "firm_id")
    for column in (industry, firm):
        if column not in frame:
            raise ProductionError(said("production.no_column", column=column, known=listed(frame)))
    if frame.index.has_duplicates:
        raise ProductionError(said("production.index"))
    functions: dict[Any, ProductionFunction] = {}
    refused: list[dict[str, Any]] = []
    for name, part in frame.groupby(industry, sort=True):
        count = part[firm].nunique()
        known = {"industry": name, "rows": len(part), "firms": count}
        if count < fewest_firms:
            refused.append(known | {"reason": f"fewer than {fewest_firms} firms"})
            continue
        try:
            with speaking("en"):  # what is kept knows no language of the terminal
                functions[name] = estimate(part, method, **options)
        except ProductionError as error:
            refused.append(known | {"reason": str(error)})
    if not functions:
        reasons = "; ".join(f"{r['industry']}: {r['reason']}" for r in refused[:3])
        raise ProductionError(
            said("production.no_industry", industry=industry, count=len(refused), reasons=reasons)
        )
    years = pd.concat([f.years for f in functions.values()]).reindex(frame.index)
    return Industries(
        functions, pd.DataFrame(refused, columns=["industry", "rows", "firms", "reason"]), years
    )
