"""Slips of unit in a panel of returns: which form or item, by which power of ten, how surely."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from fusion.editing import cells as cell_model
from fusion.editing import forms as form_model
from fusion.editing.blocks import Returns
from fusion.editing.settings import Floats, Settings, States


@dataclass(frozen=True)
class Found:
    """Doubts about a panel of returns.

    Attributes
    ----------
    rows : pandas.DataFrame
        One line a return, in the order of units and years: ``unit, year, source_row``, ``form`` (probability that the whole
        form is in a wrong unit), ``slip`` (that anything is), ``factor``, ``every_year``, ``shrink``, ``shrink2``.
    cells : pandas.DataFrame
        One line an odd item: ``position`` (in ``rows``), ``item, slip, factor, shrink, shrink2, value, sigma``.
    constants : dict
        σ, σp, ε and the shares of slips that the data gave.
    settings : Settings
    confirmed : frozenset of (int, str)
        ``source_row`` and item of values that were confirmed: whatever is said of their form, they are not doubted.
    """

    rows: pd.DataFrame
    cells: pd.DataFrame
    constants: dict[str, float]
    settings: Settings
    confirmed: frozenset[tuple[int, str]] = frozenset()

    def listed(self) -> pd.DataFrame:
        """Rows whose doubt is worth a question: P above 1 / (1 + G)."""
        return self.rows.loc[self.rows["slip"] > self.settings.listed]

    def named(self) -> pd.DataFrame:
        """Rows of which year and factor are named: P above one half."""
        return self.rows.loc[self.rows["slip"] > self.settings.named]


def find(table: ibis.Table, settings: Settings | None = None) -> Found:
    """Find slips of unit.

    Parameters
    ----------
    table : ibis.Table
        Returns: ``firm_id``, ``year``, money items of ``data/editing/items.csv`` in one unit; ``employees_avg`` and
        ``stratum`` (industry; peers are compared within it) where known. On DuckDB.
    settings : Settings, optional
        Constants of the model.

    Returns
    -------
    Found

    Notes
    -----
    A form with fewer than three items in two years says nothing of the form as a whole, only of its items. A slip that
    a unit makes in all its years is seen only where it is larger than what sets peers apart (10⁴, seldom 10 or 10³).
    """
    settings = settings or Settings()
    returns = Returns(table)
    forms = form_model.judge(returns, settings)
    cells, states = cell_model.judge(returns, forms, settings)
    rows = _rows(returns, forms, cells)
    return Found(rows, cells, _constants(forms, states), settings)


def _rows(returns: Returns, forms: form_model.Forms, cells: pd.DataFrame) -> pd.DataFrame:
    keys = [(b.unit, b.year, b.row) for b in returns.blocks()]
    unit, year, row = (np.concatenate(each) for each in zip(*keys, strict=True)) if keys else [[], [], []]
    clear = 1.0 - forms.slip
    position = cells["position"].to_numpy(int)
    np.multiply.at(clear, position, 1.0 - cells["slip"].to_numpy(float))
    return pd.DataFrame(
        {
            "unit": unit,
            "year": year,
            "source_row": row,
            "form": forms.slip,
            "slip": 1.0 - clear,
            "factor": forms.factor.astype(int),
            "every_year": forms.every_year.astype(bool),
            "shrink": forms.shrink,
            "shrink2": forms.shrink2,
        }
    )


def _constants(forms: form_model.Forms, states: States) -> dict[str, float]:
    slips: Floats = forms.states.share[forms.states.slips]
    return {
        "sigma": forms.sigma,
        "sigma_level": forms.sigma_level,
        "rare": forms.rare,
        "forms": float(slips.sum()),
        "others": float(forms.states.share[forms.states.other].sum()),
        "cells": float(states.share[states.slips].sum()),
    }
