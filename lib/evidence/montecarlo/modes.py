"""The modes of the synthetic panel that concern effects, each with the alarm that it must raise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class MonteCarloError(ValueError):
    """A mode or estimator that does not exist, or too few draws; the message says what is allowed."""


@dataclass(frozen=True)
class Mode:
    """One way in which the design is broken.

    Attributes
    ----------
    settings : dict
        Of the generator, where they differ from the plain case.
    alarm : str
        What must be raised: pretrend, base, spillover, effect.
    told_from : int
        Firms from which on the alarm should be raised in half of the draws; 0: none. Of the dip by 60 draws at that size (.52);
        of the others foretold from rates in smaller samples of 40 draws (trend .33 at 5,000 firms; anticipation .33 at 6,500;
        misdated .45 at 10,000), so that `make montecarlo` is what says whether they hold.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    alarm: str = "pretrend"
    told_from: int = 0


MODES: dict[str, Mode] = {
    "parallel": Mode(),  # nothing is broken: the alarm's rate is its size
    "null": Mode({"null_effect": True}, "effect"),  # the rate is the size of the test of no effect
    "trend": Mode({"trend": 0.008}, "pretrend", 10_000),
    "dip": Mode({"dip": 0.03}, "base", 3000),
    "anticipation": Mode({"anticipation": 0.5}, "base", 11_000),
    # No sample tried is large enough: see `summary.KNOWN`.
    "spillover": Mode({"spillover": 0.5}, "spillover"),
    # All starts a year off, early or late. With half of them, no test tells it from chance among 1,500 firms (rate 0.075).
    "misdated": Mode({"misdated_share": 1.0}, "base", 12_000),
}
