"""The terms that are added to the prior of relatedness, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.integration import relatedness


def test_who_sells_together_more_than_by_chance_is_more_related() -> None:
    """30 sellers where 10 were expected: 10/15 of ln(35/15), halved by α, is added to the log-odds of the prior, to the digit."""
    prior = relatedness.relatedness(relatedness.Choices())
    goods = next(g for g in prior.r.index if g.startswith("34"))
    service = next(s for s in prior.r.columns if 0 < prior.prior.loc[goods, s] < 1)
    met = pd.DataFrame(
        {"division": ["34", "35"], "service": service, "n": [30.0, 2.0], "expected": [10.0, 8.0]}
    )
    chosen = relatedness.Choices(alpha=0.5, kappa=5.0)
    found = relatedness.relatedness(chosen, met)

    def odds(made: relatedness.Relatedness, at: str) -> float:
        r = made.r.loc[at, service]
        return float(np.log(r / (1 - r)))

    plain = relatedness.relatedness(chosen)
    assert odds(found, goods) - odds(plain, goods) == pytest.approx(0.5 * 10 / 15 * np.log(35 / 15))
    rarer = next(g for g in prior.r.index if g.startswith("35"))
    assert odds(found, rarer) - odds(plain, rarer) == pytest.approx(0.5 * 8 / 13 * np.log(7 / 13))
    assert found.together.loc[goods, service] > 0 > found.together.loc[rarer, service]
