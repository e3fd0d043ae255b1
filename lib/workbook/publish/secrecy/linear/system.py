"""All tables of a study that share cells, as linear systems: what is published, and what must not follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from workbook.publish.secrecy.linear.solve import Problem, solve

Cell = tuple[int, int, str]


@dataclass
class Forms:
    """Sums of variables, one for each published cell.

    Rows of ``entries`` are (form, variable, coefficient). ``cells`` says which cell of which exhibit a form is
    (position of the exhibit, row, column), ``None`` for what a reader knows from elsewhere.
    """

    cells: list[Cell | None] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    forced: list[bool] = field(default_factory=list)
    fixed: list[bool] = field(default_factory=list)
    slack: list[float] = field(default_factory=list)
    bundle: list[int] = field(default_factory=list)
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    def add(
        self,
        cell: Cell | None,
        variables: np.ndarray,
        weights: np.ndarray,
        *,
        units: float = 1.0,
        forced: bool = False,
        fixed: bool = False,
        slack: float = 0.0,
        bundle: int = -1,
    ) -> None:
        """Add one sum."""
        form = np.full(len(variables), len(self.cells))
        self.entries.append((form, np.asarray(variables, int), np.asarray(weights, float)))
        self.cells.append(cell)
        self.units.append(units)
        self.forced.append(forced)
        self.fixed.append(fixed)
        self.slack.append(slack)
        self.bundle.append(bundle if bundle >= 0 else -len(self.cells))


@dataclass
class Targets:
    """Sums that must be able to move by ``need``; ``cells`` says which cell each is (``None``: a unit's value)."""

    cells: list[Cell | None] = field(default_factory=list)
    need: list[float] = field(default_factory=list)
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    def add(self, cell: Cell | None, variables: np.ndarray, weights: np.ndarray, need: float) -> None:
        """Add one target."""
        self.entries.append((np.full(len(variables), len(self.cells)), variables, np.asarray(weights, float)))
        self.cells.append(cell)
        self.need.append(need)


@dataclass
class Knowledge:
    """What contributors know: (unit, variable, size of the part of the variable that is his)."""

    unit: np.ndarray
    variable: np.ndarray
    size: np.ndarray


def stacked(
    entries: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], rows: int, columns: int
) -> sparse.csr_matrix:
    """Entries (row, column, value) as a matrix of shape (rows, columns)."""
    if not entries:
        return sparse.csr_matrix((rows, columns))
    row, column, value = (np.concatenate([e[i] for e in entries]) for i in range(3))
    return sparse.csr_matrix((value, (row, column)), shape=(rows, columns))


@dataclass
class System:
    """Published sums of variables, what must stay open, and what a reader knows.

    ``facts`` (relations, variables) are zero by construction; ``low`` and ``high`` (variables,) the deviations from
    the truth that a reader would think possible; ``integer``: the variables are whole numbers.
    """

    forms: Forms
    targets: Targets
    facts: sparse.csr_matrix
    low: np.ndarray
    high: np.ndarray
    knows: Knowledge
    integer: bool = False

    def __post_init__(self) -> None:
        self.matrix = stacked(self.forms.entries, len(self.forms.cells), len(self.low))
        self.aims = stacked(self.targets.entries, len(self.targets.cells), len(self.low))
        self.slack = np.array(self.forms.slack)
        self.bundle = pd.factorize(np.array(self.forms.bundle))[0] if self.forms.bundle else np.array([], int)

    def protect(self) -> tuple[set[Cell], list[Cell | None]]:
        """Solve it, part by part.

        Returns
        -------
        hidden : set of cells
            Cells to leave out, those that a primary rule forbids among them.
        broken : list
            Cells (``None``: a unit's value) that cannot be kept, for what is known already gives them away.
        """
        forms = self.forms
        hidden = {cell for cell, no in zip(forms.cells, forms.forced, strict=True) if no and cell is not None}
        broken: list[Cell | None] = []
        for whole in self._parts():
            problem, blocks, part = self._problem(whole)
            solution = solve(problem)
            for row, block in zip(part.rows, blocks, strict=True):
                cell = forms.cells[row]
                if solution.hidden[block] and cell is not None:
                    hidden.add(cell)
            broken += [self.targets.cells[part.asked[t]] for t in solution.broken]
        return hidden, broken

    def together(self) -> list[set[int]]:
        """Exhibits whose cells have variables in common, directly or through others; whatever is hidden of them now."""
        shown = np.array([cell is not None for cell in self.forms.cells])
        at = np.flatnonzero(shown)
        place = np.array([self.forms.cells[i][0] for i in at], int)  # type: ignore[index]
        own = stacked([(place, np.arange(len(at)), np.ones(len(at)))], int(place.max(initial=0)) + 1, len(at))
        rest = sparse.vstack([self.matrix[np.flatnonzero(~shown)], self.facts])
        whole = sparse.vstack([own @ abs(self.matrix[at]), rest])
        _, label = connected_components(sparse.bmat([[None, whole], [whole.T, None]]), directed=False)
        named = label[: own.shape[0]]
        return [set(np.flatnonzero(named == part).tolist()) for part in np.unique(named)]

    def _parts(self) -> Iterator[_Part]:
        """Forms, variables, targets and facts that hang together; parts without a target are left alone."""
        n, f, v = self.matrix.shape[0], self.facts.shape[0], self.matrix.shape[1]
        tied = stacked([(np.arange(n), self.bundle, np.ones(n))], n, n)
        below = sparse.vstack([self.facts, self.aims])
        whole = sparse.bmat([[self.matrix, tied], [below, None]]) if n else below
        _, label = connected_components(sparse.bmat([[None, whole], [whole.T, None]]), directed=False)
        row, variable = label[: whole.shape[0]], label[whole.shape[0] : whole.shape[0] + v]
        for part in np.unique(row[n + f :]):
            marks = (row[:n], variable, row[n + f :], row[n : n + f])
            if (marks[0] == part).any():
                yield _Part(*(np.flatnonzero(mark == part) for mark in marks))

    def _problem(self, part: _Part) -> tuple[Problem, np.ndarray, _Part]:
        """One part, in units of each variable's own range, with equal sums as one; and the block of each form."""
        at = part.variables
        scale = np.ones(len(at)) if self.integer else np.maximum(self.high[at], 1e-300)
        forms, size = self._even(self.matrix[part.rows], at, scale)
        slack = self.slack[part.rows] / size
        same = _same(forms, slack)
        blocks = _blocks(same, self.bundle[part.rows])
        first = np.unique(same, return_index=True)[1]
        targets, reach = self._even(self.aims[part.asked], at, scale)
        need = np.array(self.targets.need)[part.asked] / reach
        once, lesser = _once(targets, need)
        part = replace(part, asked=part.asked[once])
        forced, fixed, units = (
            np.array(v)[part.rows] for v in (self.forms.forced, self.forms.fixed, self.forms.units)
        )
        attackers, knows = self._knows(at, scale)
        problem = Problem(
            forms=forms[first],
            slack=slack[first],
            block=blocks[first],
            # Totals and cells of many units are missed most.
            cost=np.bincount(blocks, 1 + units / max(units.max(initial=0), 1.0)),
            forced=np.bincount(blocks, forced) > 0,
            fixed=np.bincount(blocks, fixed) > 0,
            facts=self._even(self.facts[part.related], at, scale)[0],
            low=self.low[at] / scale,
            high=self.high[at] / scale,
            targets=targets[once],
            need=need[once],
            knows=knows,
            attackers=attackers,
            integer=self.integer,
            lesser=lesser,
        )
        return problem, blocks, part

    def _knows(
        self, at: np.ndarray, scale: np.ndarray
    ) -> tuple[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Contributors of a part, and the share of each variable's range that is left to each."""
        local = np.full(len(self.low), -1)
        local[at] = np.arange(len(at))
        keep = local[self.knows.variable] >= 0
        units, attacker = np.unique(self.knows.unit[keep], return_inverse=True)
        variable = local[self.knows.variable[keep]]
        return len(units), (attacker, variable, np.clip(1 - self.knows.size[keep] / scale[variable], 0, 1))

    def _even(
        self, rows: sparse.csr_matrix, at: np.ndarray, scale: np.ndarray
    ) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Rows of some variables, scaled to a largest entry of one, and what they were divided by."""
        matrix = sparse.csr_matrix(rows[:, at] @ sparse.diags(scale))
        size = np.ones(matrix.shape[0])
        if not self.integer and matrix.nnz:
            size = abs(matrix).max(axis=1).toarray().ravel()
            size[size == 0] = 1.0
        return sparse.csr_matrix(sparse.diags(1 / size) @ matrix), size


@dataclass
class _Part:
    """Positions of the forms, variables, targets and facts of one part of a system."""

    rows: np.ndarray
    variables: np.ndarray
    asked: np.ndarray
    related: np.ndarray


def distinct(facts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Relations (relations, variables), each once, empty ones left away."""
    facts.eliminate_zeros()
    facts = facts[np.diff(facts.indptr) > 0]
    return facts[np.unique(_same(facts, np.zeros(facts.shape[0])), return_index=True)[1]]


def _same(matrix: sparse.csr_matrix, slack: np.ndarray) -> np.ndarray:
    """Number of each row's pattern: rows that publish the same sum are one."""
    draw = np.random.default_rng(7).normal(size=(matrix.shape[1], 2))
    mark = np.round(np.column_stack([matrix @ draw, slack]), 9)
    return np.unique(mark, axis=0, return_inverse=True)[1].ravel()


def _once(targets: sparse.csr_matrix, need: np.ndarray) -> tuple[np.ndarray, list[list[float]]]:
    """Of targets that are the same sum, the one that must move furthest, and how far the others of its sum must."""
    order = np.argsort(-need, kind="stable")
    alike: dict[int, list[int]] = {}
    for i, same in zip(order, _same(targets[order], np.zeros(len(order))), strict=True):
        alike.setdefault(int(same), []).append(int(i))
    kept = sorted(alike.values(), key=lambda own: own[0])
    return np.array([own[0] for own in kept], int), [[float(need[i]) for i in own[1:]] for own in kept]


def _blocks(same: np.ndarray, bundle: np.ndarray) -> np.ndarray:
    """Forms that are hidden together: equal sums, and cells that were bundled."""
    n = len(same)
    bundles = pd.factorize(bundle)[0]
    pairs = [(np.arange(n), column, np.ones(n)) for column in (same, bundles + same.max() + 1)]
    graph = stacked(pairs, n, int(max(p[1].max() for p in pairs)) + 1)
    _, label = connected_components(sparse.bmat([[None, graph], [graph.T, None]]), directed=False)
    return pd.factorize(label[:n])[0]
