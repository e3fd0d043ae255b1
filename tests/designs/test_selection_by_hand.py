"""Corrections for errors of a report, worked out cell by cell; the interval that is given if none is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from estimators.designs.selection import lee, misreported


def test_errors_of_a_report_are_taken_off_cell_by_cell() -> None:
    """Two cells of three and four units; a = .1, b = .05: what the corrected report varies by too much, less a cell's mean."""
    y = np.array([1.0, 2.0, 4.0, 0.5, 2.5, 3.0, 1.5])
    d = np.array([0, 1, 1, 0, 1, 1, 0])
    cell = np.array(["x"] * 3 + ["y"] * 4)
    a, b = 0.1, 0.05
    over = top = 0.0
    for part in ([0, 1, 2], [3, 4, 5, 6]):
        t = [(d[i] - a) / (1 - a - b) for i in part]
        mean_t, mean_y = sum(t) / len(t), sum(y[i] for i in part) / len(part)
        variance = [(a * (1 - a) * (1 - s) + b * (1 - b) * s) / (1 - a - b) ** 2 for s in t]
        over += sum((s - mean_t) ** 2 for s in t) - sum(variance) * (1 - 1 / len(part))
        top += sum((s - mean_t) * (y[i] - mean_y) for s, i in zip(t, part, strict=True))
    found = misreported(y, d, cell, a, b)
    assert found.estimate == pytest.approx(top / over, rel=1e-12)


def test_an_interval_is_of_95_percent_if_nothing_is_said() -> None:
    draw = np.random.default_rng(1)
    y, on = draw.normal(size=60), np.arange(60) % 2
    y[:7] = np.nan
    cell = np.zeros(60)
    assert lee(y, on, cell) == lee(y, on, cell, size=0.05) != lee(y, on, cell, size=0.1)
