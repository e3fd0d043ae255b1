"""Prints how slips planted in made-up returns are found: ``python -m evidence.returns``."""

from __future__ import annotations

import argparse

import pandas as pd

from evidence.returns import beyond_money, judged, plant


def main(arguments: list[str] | None = None) -> int:
    """Print a table of all measures by seed: of money, then of persons, per cent and tons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--firms", type=int, default=3000)
    asked = parser.parse_args(arguments)
    lines, others = {}, {}
    for rough in (False, True):
        for seed in range(1, asked.seeds + 1):
            how = (asked.firms, seed, asked.firms // 5, asked.firms // 15, rough)
            lines["rough" if rough else "smooth", seed] = judged(plant(*how))
            others["rough" if rough else "smooth", seed] = beyond_money.judged(beyond_money.plant(*how))
    print(pd.DataFrame(lines).T.round(3).to_string())
    print(pd.concat(others).round(3).to_string())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
