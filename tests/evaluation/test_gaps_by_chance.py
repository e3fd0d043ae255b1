"""What chance alone would put outside the placebo band, and below a p-value, is what is said beside what was found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import cards, scorecard


def test_by_hand() -> None:
    """20 peers: the band goes from the first to the last, 2 of 21 are outside; p is a multiple of 1/21, at most .1 twice."""
    assert cards.outside_by_chance(20) == pytest.approx(2 / 21)
    assert cards.unusual_by_chance(20, 0.1) == pytest.approx(2 / 21)
    assert cards.outside_by_chance(3) == pytest.approx(1 / 2) and cards.unusual_by_chance(8, 0.1) == 0
    assert (
        cards.outside_by_chance(59) == pytest.approx(0.1) == pytest.approx(cards.unusual_by_chance(59, 0.1))
    )


@pytest.mark.parametrize("peers", [5, 12, 20, 39])
def test_units_like_their_peers_are_outside_as_often_as_said(peers: int) -> None:
    """4,000 units drawn like their peers: an error of .0075 at most; peers' gaps spread K/(K − 1) wider, 1/K of the rate."""
    rng = np.random.default_rng(peers)
    outside, unusual = 0, 0
    for _ in range(4000):
        values = pd.DataFrame(rng.normal(size=(peers + 1, 4)), columns=[2018, 2019, 2020, 2021])
        values.index = [f"u{i}" for i in range(peers + 1)]
        gap = cards.gap(values, "u0", list(values.index[1:]), 2020)
        outside += not gap.low <= gap.gap <= gap.high
        unusual += gap.p_value <= 0.1
    said = cards.outside_by_chance(peers)
    assert outside / 4000 == pytest.approx(said, abs=0.02 + said / peers)
    assert unusual / 4000 == pytest.approx(cards.unusual_by_chance(peers, 0.1), abs=0.02 + 0.1 / peers)


def test_the_tables_carry_it() -> None:
    scores = pd.DataFrame(
        {"kind": "enterprise", "scheme": "s", "unit": ["a", "b"], "verified": True, "found": True}
        | {"index_before": 1.0, "index_after": 2.0, "gap": [3.0, 0.0], "gap_low": -1.0, "gap_high": 1.0}
        | {"gap_p": [0.05, 0.9], "peers": [20, 8], "grade": "A", "silent": 0.0}
    )
    row = scorecard.summary(scores).iloc[0]
    parts = scorecard.unusual_parts(scores).groupby("kind")[["unusual_part", "unusual_whole"]].sum().iloc[0]
    assert 100 * parts["unusual_part"] / parts["unusual_whole"] == row["unusual"]
    assert row["unusual"] == 50 and row["by_chance"] == pytest.approx(100 * (2 / 21 + 0) / 2)
    found = scorecard.gaps(scores)
    assert found["outside"].tolist() == [True, False]
    assert found["chance"].tolist() == pytest.approx([200 / 21, 200 / 9])
