"""The modes of the synthetic panel that concern effects, each with the alarm that it must raise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class MonteCarloError(ValueError):
    """A mode or estimator that does not exist, or too few draws; the message says what is allowed."""


@dataclass(frozen=True)
class Mode:
    """Settings of the generator that differ from the plain case, and the alarm: pretrend, base, spillover, effect."""

    settings: dict[str, Any] = field(default_factory=dict)
    alarm: str = "pretrend"


MODES: dict[str, Mode] = {
    "parallel": Mode(),  # nothing is broken: the alarm's rate is its size
    "null": Mode({"null_effect": True}, "effect"),  # the rate is the size of the test of no effect
    "trend": Mode({"trend": 0.008}),
    "dip": Mode({"dip": 0.03}, "base"),
    "anticipation": Mode({"anticipation": 0.5}, "base"),
    "spillover": Mode({"spillover": 0.5}, "spillover"),
    # All starts a year off, early or late. With half of them, no test tells it from chance among 1,500 firms (rate 0.075).
    "misdated": Mode({"misdated_share": 1.0}, "base"),
}
