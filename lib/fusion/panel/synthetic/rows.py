"""The observed rows of a simulation as flat arrays, sorted by firm and year."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fusion.panel.synthetic.firms import Floats, Ints
from fusion.panel.synthetic.simulate import Simulation


class Rows:
    """Observed firm-years of a simulation.

    Draws are made for the whole grid of firms and years and then cut to the observed rows, so that a row keeps
    its draws whatever other rows are observed. One grid is held at a time.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.s = simulation
        self.at = np.flatnonzero(simulation.frame.observed)
        self.firm: Ints = self.at // simulation.frame.observed.shape[1]
        self.year: Ints = self.at % simulation.frame.observed.shape[1]

    def __len__(self) -> int:
        return len(self.at)

    def cut(self, grid: np.ndarray) -> np.ndarray:
        """A grid (N, T) at the observed rows."""
        return grid.reshape(-1)[self.at]

    def by_path(self, column: str) -> Floats:
        """A number of ``paths.csv`` for each row."""
        return self.s.tables.paths[column].to_numpy(dtype=float)[self.s.firms.path[self.firm]]

    def by_owner(self, column: str) -> Floats:
        """A number of ``ownership.csv`` for each row."""
        return self.s.tables.ownership[column].to_numpy(dtype=float)[self.s.firms.owner[self.firm]]

    def normal(self, purpose: str) -> Floats:
        """Standard normal draws by row."""
        return self.cut(self.s.streams(purpose).standard_normal(self.s.frame.observed.shape))

    def uniform(self, purpose: str) -> Floats:
        """Uniform draws by row."""
        return self.cut(self.s.streams(purpose).random(self.s.frame.observed.shape))

    def firm_normal(self, purpose: str) -> Floats:
        """Standard normal draws by firm, repeated over its rows."""
        return self.s.streams(purpose).standard_normal(self.s.settings.firms)[self.firm]

    def firm_uniform(self, purpose: str) -> Floats:
        """Uniform draws by firm, repeated over its rows."""
        return self.s.streams(purpose).random(self.s.settings.firms)[self.firm]

    @cached_property
    def calendar(self) -> Ints:
        """Calendar year of each row."""
        return self.s.years[self.year]

    @cached_property
    def employees(self) -> Floats:
        """Average employees."""
        return self.cut(self.s.made.employees)

    @cached_property
    def revenue(self) -> Floats:
        """Reported operating revenue, 万元."""
        return self.cut(self.s.frame.revenue)

    @cached_property
    def share(self) -> Floats:
        """Service share of revenue."""
        return self.cut(self.s.share)

    @cached_property
    def manufacturer(self) -> np.ndarray:
        """True where the firm is a manufacturer."""
        return (self.s.tables.paths["path"] != "service").to_numpy()[self.s.firms.path][self.firm]


def money(x: Floats) -> Floats:
    """万元 with two decimals."""
    return np.round(x, 2)
