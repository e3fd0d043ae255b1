"""Least squares in levels and within firms: biased where inputs answer to productivity, and the yardstick for that."""

from __future__ import annotations

import math

import numpy as np

from estimators.production.choices import Choices, Estimator, Fit
from estimators.production.methods.algebra import least_squares, standardise
from estimators.production.sample import Bools, Floats, Sample, known
from estimators.production.technology import regressors


def all_inputs(sample: Sample, choices: Choices) -> Floats:
    """Log inputs that have an elasticity, (n, inputs): free, state and, for gross output, the proxy."""
    own = [sample.free, sample.state] + ([sample.proxy] if choices.gross_output else [])
    x = np.hstack(own)
    return centred(x) if choices.form == "translog" else x


def centred(x: Floats) -> Floats:
    """Columns less their mean, missing values left out: another unit of money then gives the same columns.

    A constant stands beside the inputs in every equation that uses this, so that no elasticity depends on it.
    """
    return x - np.nanmean(x, axis=0)


def ols(sample: Sample, choices: Choices) -> Estimator:
    """y on a constant, inputs and controls."""
    x = regressors(all_inputs(sample, choices), choices.form)
    used = known(x)
    constant = np.ones((used.sum(), 1))
    return _linear(
        np.hstack([x[used], constant, standardise(sample.controls[used])]), sample.y[used], x, used
    )


def fixed_effects(sample: Sample, choices: Choices) -> Estimator:
    """y on inputs and controls, all less their mean over the firm's years.

    A firm of one year is 0 in all columns and says nothing. Firms are drawn whole, so the means hold in every draw.
    """
    x = regressors(all_inputs(sample, choices), choices.form)
    used = known(x)
    firm = sample.firm[used]
    columns = np.column_stack([x[used], sample.controls[used], sample.y[used]])
    years = np.maximum(np.bincount(firm, minlength=sample.firms), 1)[:, None]
    sums = np.zeros((sample.firms, columns.shape[1]))
    np.add.at(sums, firm, columns)
    within = columns - (sums / years)[firm]
    return _linear(within[:, :-1], within[:, -1], x, used)


def _linear(design: Floats, y: Floats, x: Floats, used: Bools) -> Estimator:
    def fit(weight: Floats, start: Floats | None) -> Fit:
        theta = least_squares(design, y, weight[used])[: x.shape[1]]
        return Fit(theta, None, None, math.nan, math.nan, 0.0, True, used)

    return fit
