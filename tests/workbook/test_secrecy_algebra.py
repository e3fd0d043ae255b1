"""The attacker's algebra: sums that follow from others, variables that make up for others, furthest moves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import solve_triangular
from scipy.optimize import linprog

from workbook.publish.secrecy.linear import solve


def _sums(seed: int, rows: int, variables: int) -> np.ndarray:
    """Sums of a few variables each, some of which follow from others, one of nothing."""
    draw = np.random.default_rng(seed)
    made = (
        draw.integers(0, 4, (rows, variables))
        * (draw.random((rows, variables)) < 0.2)
        * 10.0 ** draw.integers(-3, 4)
    )
    return np.vstack([made, made[:3].sum(axis=0), 2 * made[1] - made[4], np.zeros(variables)])


@pytest.mark.parametrize("seed", range(20))
def test_sums_without_those_that_follow_from_others(seed: int) -> None:
    whole = _sums(seed, 12 + seed, 60)
    kept = solve._independent(sparse.csr_matrix(whole))
    assert len(kept) == np.linalg.matrix_rank(kept) == np.linalg.matrix_rank(whole)
    assert np.linalg.matrix_rank(np.vstack([whole, kept])) == len(kept)


def test_nothing_is_published() -> None:
    assert solve._independent(sparse.csr_matrix((0, 5))).shape == (0, 5)
    assert solve._independent(sparse.csr_matrix((2, 5))).shape == (0, 5)


@pytest.mark.parametrize("seed", range(20))
def test_variables_that_make_up_for_others(seed: int) -> None:
    sums = solve._independent(sparse.csr_matrix(_sums(seed, 12 + seed, 60)))
    inside, outside, factor = solve._basis(sums.copy())
    assert sorted([*inside, *outside]) == [*range(60)] and len(inside) == len(sums)
    upper, rest = factor[: len(inside)].T, factor[len(inside) :]
    made_up = solve_triangular(upper, rest.T, unit_diagonal=True)
    assert np.allclose(sums[:, inside] @ made_up, sums[:, outside], rtol=1e-9, atol=1e-9 * np.abs(sums).max())


def test_furthest_moves_by_either_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interior points end where the simplex does, and what holds a target back is the same."""
    draw = np.random.default_rng(5)
    forms = sparse.csr_matrix((draw.random((8, 40)) < 0.3).astype(float))
    nothing = np.zeros(0, int)
    problem = solve.Problem(
        forms, np.zeros(8), np.arange(8), np.ones(8), np.zeros(8, bool), np.zeros(8, bool), sparse.csr_matrix((0, 40)),
        -draw.random(40), draw.random(40), sparse.identity(40, format="csr"), np.full(40, 9.0),
        (nothing, nothing, np.zeros(0)), 0,
    )  # fmt: skip
    ranges = np.column_stack([problem.low, problem.high])
    program = solve._Program(problem, np.ones(8, bool))
    for target in range(40):
        monkeypatch.setattr(solve, "MANY", 2_000)
        move, used = program.run(target, np.array([-1]))
        exact = linprog(-np.eye(40)[target], A_eq=forms, b_eq=np.zeros(8), bounds=ranges)
        assert move is None and program.reach == pytest.approx(-exact.fun, abs=1e-9)
        monkeypatch.setattr(solve, "MANY", 0)
        _, again = program.run(target, np.array([-1]))
        assert program.reach == pytest.approx(-exact.fun, abs=1e-6) and list(again) == list(used)
