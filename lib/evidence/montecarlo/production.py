"""``python -m evidence.montecarlo.production``: each estimator on synthetic firms whose technology is known.

Writes a table with design, method, term, truth, mean, bias, sd, and whether the method's assumptions hold in the design.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from estimators.production.estimation import estimate
from evidence.montecarlo.designs import simulate, truth


class Case(NamedTuple):
    """A method in a design; `holds` says whether its assumptions do."""

    design: str
    label: str
    method: str
    options: dict[str, Any]
    holds: bool


CASES = [
    Case("planned", "ols", "ols", {}, False),
    Case("planned", "fe", "fe", {}, False),
    Case("planned", "op", "op", {"proxy": ["i"]}, False),
    Case("planned", "lp", "lp", {}, True),
    Case("planned", "wooldridge, second", "wooldridge", {}, True),
    Case("planned", "wooldridge, both", "wooldridge", {"equations": "both"}, True),
    Case("planned", "acf", "acf", {}, True),
    Case("timing", "ols", "ols", {}, False),
    Case("timing", "fe", "fe", {}, False),
    Case("timing", "lp", "lp", {}, False),
    Case("timing", "wooldridge, second", "wooldridge", {}, False),
    Case("timing", "acf", "acf", {}, True),
    Case("exit", "ols", "ols", {}, False),
    Case("exit", "op, no correction", "op", {"proxy": ["i"]}, False),
    Case("exit", "op", "op", {"proxy": ["i"], "exit_correction": True}, True),
    Case("policy", "acf, no policy", "acf", {}, False),
    Case("policy", "acf", "acf", {"policy": "d"}, True),
    Case("policy", "lp", "lp", {"policy": "d"}, True),
    Case("gross", "acf, no price", "acf", {"gross_output": True}, False),
    Case("gross", "acf", "acf", {"gross_output": True, "demand": ["price"]}, True),
    Case("cheap", "acf", "acf", {"gross_output": True}, False),
]


def run(cases: list[Case], firms: int, years: int, draws: int, seed: int) -> pd.DataFrame:
    """Estimates over draws of the designs.

    Parameters
    ----------
    cases : list of Case
    firms, years : int
        Size of each panel.
    draws : int
        Panels for each case; the same for all cases of a design.
    seed : int
        Panel r has seed ``seed + r``.

    Returns
    -------
    DataFrame
        design, method, holds, term, truth, mean, bias, sd, draws; one row for each case and term.
    """
    rows = []
    for case in cases:
        true = truth(case.design)
        found = np.array(
            [_once(case, simulate(case.design, firms, years, seed + r), list(true)) for r in range(draws)]
        )
        for j, (term, value) in enumerate(true.items()):
            mean = found[:, j].mean()
            rows.append(
                {
                    "design": case.design,
                    "method": case.label,
                    "holds": case.holds,
                    "term": term,
                    "truth": value,
                    "mean": mean,
                    "bias": mean - value,
                    "sd": found[:, j].std(ddof=1) if draws > 1 else np.nan,
                    "draws": draws,
                }
            )
    return pd.DataFrame(rows)


def _once(case: Case, frame: pd.DataFrame, names: list[str]) -> list[float]:
    function = estimate(frame, case.method, year_effects=False, **case.options)
    values = dict(zip(function.terms, function.theta, strict=True)) | {"policy effect": function.effect}
    return [values[name] for name in names]


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m evidence.montecarlo.production", description=__doc__)
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--firms", type=int, default=1000)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--design", help="only this one")
    parser.add_argument("--out", type=Path, default=Path("build/montecarlo_production.csv"))
    asked = parser.parse_args(arguments)
    tables = []
    for case in CASES:
        if asked.design in (None, case.design):
            table = run([case], asked.firms, asked.years, asked.draws, asked.seed)
            tables.append(table)
            print(table.round(3).to_string(header=len(tables) == 1, index=False), flush=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables).to_csv(asked.out, index=False)
    print(f"table: {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
