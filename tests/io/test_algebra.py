"""Input–output algebra on three sectors worked by hand, and the identities that any table must keep.

A = [[.2, .2, 0], [.1, .3, .2], [.1, .2, .3]]; det(I − A) = .342; L = adj(I − A) / .342.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion import io
from fusion.io import InputOutputError
from fusion.io.table import checked

Z = np.array([[20.0, 40, 0], [10, 60, 20], [10, 40, 30]])
X = np.array([100.0, 200, 100])
A = np.array([[0.2, 0.2, 0], [0.1, 0.3, 0.2], [0.1, 0.2, 0.3]])
L = np.array([[450, 140, 40], [90, 560, 160], [90, 180, 540]]) / 342
G = np.array([[450, 280, 40], [45, 560, 80], [90, 360, 540]]) / 342
FINAL, VALUE_ADDED = np.array([40.0, 110, 20]), np.array([60.0, 60, 50])
EXACT = {"rtol": 1e-12, "atol": 1e-14}  # rounding of binary arithmetic alone


def table(**changes: Any) -> io.Table:
    zero = np.zeros(3)
    parts: dict[str, Any] = {
        "codes": ("01", "02", "03"),
        "names_en": ("Farms", "Manufacturing", "Services"),
        "names_zh": ("农业", "制造业", "服务业"),
        "flows": Z,
        "imported": None,
        "final": FINAL,
        "imports": zero,
        "exports": zero,
        "errors": zero,
        "value_added": VALUE_ADDED,
        "output": X,
    }
    return io.Table(**parts | changes)


def test_direct_complete_and_ghosh_by_hand() -> None:
    np.testing.assert_allclose(io.direct(Z, X), A, **EXACT)
    np.testing.assert_allclose(io.allocation(Z, X)[1], [0.05, 0.3, 0.1], **EXACT)
    np.testing.assert_allclose(io.leontief(A), L, **EXACT)
    np.testing.assert_allclose(io.complete(A), L - np.eye(3), **EXACT)
    np.testing.assert_allclose(io.ghosh(io.allocation(Z, X)), G, **EXACT)


def test_influence_and_sensitivity_by_hand() -> None:
    # Column sums of L × 342: 630, 880, 740, mean 750; row sums 630, 810, 810; of G 770, 685, 990, mean 815.
    np.testing.assert_allclose(io.influence(L), [0.84, 880 / 750, 740 / 750], **EXACT)
    np.testing.assert_allclose(io.sensitivity(L), [0.84, 1.08, 1.08], **EXACT)
    np.testing.assert_allclose(io.sensitivity(G), np.array([770, 685, 990]) / 815, **EXACT)
    found = io.linkages(table())
    np.testing.assert_allclose(found["influence"], [0.84, 880 / 750, 740 / 750], **EXACT)
    np.testing.assert_allclose(found["sensitivity_ghosh"], np.array([770, 685, 990]) / 815, **EXACT)


def test_domestic_coefficients_by_hand() -> None:
    # m = (25 / 125, 40 / 200, 0): a fifth of what is used of the first two comes from abroad, exports aside.
    got = io.domestic(A, X, imports=[25, 40, 0], exports=[0, 40, 0])
    np.testing.assert_allclose(got, [[0.16, 0.16, 0], [0.08, 0.24, 0.16], [0.1, 0.2, 0.3]], **EXACT)
    imported = np.array([[4.0, 8, 0], [2, 12, 4], [0, 0, 0]])
    np.testing.assert_allclose(table(imported=imported).domestic_coefficients, got, **EXACT)


def test_fusion_both_ways_by_hand() -> None:
    got = io.fusion_degree(table(), ["02"], ["03"])
    by_hand = {"a_sm": 0.2, "a_ms": 0.2, "h_sm": 0.4, "h_ms": 0.1, "input_degree": 0.2, "output_degree": 0.25}
    by_hand |= {"b_sm": 180 / 342, "b_ms": 160 / 342}
    assert got == pytest.approx(by_hand, rel=1e-12)
    # Two buyers are weighted by output: services are 10 of 100 and 40 of 200, so 50 of 300.
    assert io.fusion_degree(table(), ["01", "02"], ["03"])["a_sm"] == pytest.approx(50 / 300)
    home = io.fusion_degree(
        table(imports=np.array([25.0, 40, 0]), exports=np.array([0.0, 40, 0])), ["02"], ["03"], True
    )
    assert home["a_ms"] == pytest.approx(0.16) and home["a_sm"] == pytest.approx(0.2)


def test_producer_services_by_hand() -> None:
    got = io.producer_services(table(), ["01", "02"], {"03": "trade"}).set_index("code")
    assert got.loc["02", ["d_trade", "c_trade", "va_rate"]].tolist() == pytest.approx([0.2, 180 / 342, 0.3])
    assert got["ps_share_intermediate"].tolist() == pytest.approx([10 / 40, 40 / 140])


def test_errors_are_among_uses() -> None:
    """Uses of the first sector are 95, its error 5, output 100; with no error, or the other way round, it is refused."""
    balanced = table(final=np.array([35.0, 110, 20]), errors=np.array([5.0, 0, 0]))
    checked(balanced, "t", 0.001)
    # 40 more are used, and imported.
    checked(table(final=np.array([80.0, 110, 20]), imports=np.array([40.0, 0, 0])), "t", 0.001)
    for errors in ([0.0, 0, 0], [-5.0, 0, 0]):
        with pytest.raises(InputOutputError, match="uses of sector 01"):
            checked(table(final=balanced.final, errors=np.array(errors)), "t", 0.001)


tables = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0, 1), min_size=n * n, max_size=n * n),
        st.lists(st.floats(1, 1e6), min_size=n, max_size=n),
    )
)


@given(tables)
@settings(max_examples=60, deadline=None)
def test_identities_hold_on_any_productive_table(drawn: tuple[list[float], list[float]]) -> None:
    x = np.array(drawn[1])
    n = len(x)
    a = np.array(drawn[0]).reshape(n, n)
    a = 0.9 * a / max(a.sum(axis=0).max(), 1)  # every sector adds at least a tenth of value
    z = a * x
    inverse, forward = io.leontief(a), io.ghosh(io.allocation(z, x))
    # A column sum of at most 0.9 bounds the condition of I − A by about 20: rounding stays far below 1e-9.
    np.testing.assert_allclose(inverse @ (x - z.sum(axis=1)), x, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose((x - z.sum(axis=0)) @ forward, x, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(forward, inverse * x / x[:, None], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(io.complete(a), a + a @ io.complete(a), rtol=1e-9, atol=1e-12)
    assert (io.complete(a) >= a - 1e-12).all()
    assert io.influence(inverse).mean() == pytest.approx(1) and io.sensitivity(
        inverse
    ).mean() == pytest.approx(1)


def test_a_sector_without_output_has_no_inputs() -> None:
    z = np.array([[1.0, 0], [1, 0]])
    np.testing.assert_array_equal(io.direct(z, [4, 0]), [[0.25, 0], [0.25, 0]])
    with pytest.raises(InputOutputError, match="inputs but no output: b"):
        io.direct(z.T @ np.eye(2) + 1, [4, 0], ["a", "b"])


def test_tables_of_small_money_and_of_more_rows_than_columns() -> None:
    """No output is too small to divide by; flows of other shapes belong to the side that they are divided by."""
    for unit in (1e-8, 1e-3, 1e8):
        np.testing.assert_allclose(io.direct(Z * unit, X * unit), A, **EXACT)
        np.testing.assert_allclose(io.allocation(Z * unit, X * unit)[1], [0.05, 0.3, 0.1], **EXACT)
    np.testing.assert_array_equal(io.direct(np.ones((2, 3)), [2, 4, 5]), [[0.5, 0.25, 0.2]] * 2)
    np.testing.assert_array_equal(io.allocation(np.ones((2, 3)), [2, 4]), [[0.5] * 3, [0.25] * 3])


def test_a_sector_without_output_sells_nothing() -> None:
    np.testing.assert_array_equal(io.allocation([[1, 3], [0, 0]], [4, 0]), [[0.25, 0.75], [0, 0]])
    # One unit to one buyer is a sale; without names sectors are counted from one.
    for flows in ([[1, 3], [1, 0]], [[1, 3], [1, 1]], [[1, 3], [0, 2]]):
        with pytest.raises(InputOutputError, match="sales but no output: number 2"):
            io.allocation(flows, [4, 0])
    with pytest.raises(InputOutputError, match="inputs but no output: number 1"):
        io.direct([[1, 3], [0, 0]], [0, 4])


def test_shares_of_imports_from_none_to_all() -> None:
    # 1 of 4 is imported, then 5 of 5 (nothing is made at home), then nothing.
    got = io.domestic(np.ones((3, 3)), [4, 0, 7], imports=[1, 5, 0], exports=[1, 0, 7])
    np.testing.assert_array_equal(got, [[0.75] * 3, [0] * 3, [1] * 3])
    # All that is made is exported, so that what is used at home is what is imported, whole.
    np.testing.assert_array_equal(io.domestic(np.ones((1, 1)), [100], imports=[40], exports=[100]), [[0]])
    # 5 are imported and 3 left at home: some are exported again, so that the share is of all there is, 5 of 15.
    again = io.domestic(np.ones((2, 2)), [10, 4], imports=[5, 1], exports=[12, 0])
    np.testing.assert_allclose(again, [[2 / 3] * 2, [0.8] * 2], **EXACT)
    small = io.domestic(np.ones((2, 2)), [1e-7, 4e-8], imports=[5e-8, 1e-8], exports=[1.2e-7, 0])
    np.testing.assert_allclose(small, again, **EXACT)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: io.direct([[1, 2]], [1]), "shape"),
        (lambda: io.direct([[np.nan]], [1]), "missing values"),
        (lambda: io.direct([[1]], [-1]), "negative"),
        (lambda: io.leontief([[1.2, 0], [0, 0.5]]), "not productive"),
        # (I − A)⁻¹ = −[[1, 4], [1, 1]] / 3: the least element is the second sector's.
        (lambda: io.leontief([[0, 4], [1, 0]]), "sector number 2"),
        # −[[1, 3], [2, .5]] / 5.5: the least element is the second sector's, the least of the largest the first's.
        (lambda: io.leontief([[0.5, 3], [2, 0]]), "sector number 2"),
        (lambda: io.leontief([[1.0]]), "singular"),
        (lambda: io.leontief(np.ones((2, 3))), "square"),
        (lambda: io.domestic(A, X, [-5, 0, 0], [0, 0, 0]), "imports positive"),
        # Shares −5/5 = −1 and 5/4: the first lies further from the middle of 0 and 1; of −1/2 and 9/4 the second.
        (lambda: io.domestic(np.ones((2, 2)), [10, -1], [-5, 5], [0, 0]), r"sector number 1\b"),
        (lambda: io.domestic(np.ones((2, 2)), [15, -5], [-5, 9], [0, 0]), r"sector number 2\b"),
        (lambda: io.fusion_degree(table(), ["02"], ["99"]), "no sectors 99"),
    ],
)
def test_bad_tables_are_refused(call: Any, says: str) -> None:
    with pytest.raises(InputOutputError, match=says):
        call()


def written(folder: Path, **changes: Any) -> Path:
    rows = pd.DataFrame(Z, columns=["01", "02", "03"])
    rows = rows.assign(Code=["01", "02", "03"], Description="x", DescriptionInChinese="某")
    rows = rows.assign(FU101=FINAL, FU102="", FU103=0, FU201=0, FU202=0, EX=0, IM=0, ERR=0, GO=X)
    added = pd.DataFrame(
        [["TVA", "v", "增", *VALUE_ADDED]],
        columns=["Code", "Description", "DescriptionInChinese", "01", "02", "03"],
    )
    frame = pd.concat([rows, added]).assign(**changes)
    frame.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def test_a_table_in_a_declared_layout(tmp_path: Path) -> None:
    got = io.read(written(tmp_path), "nbs_competitive")
    np.testing.assert_allclose(got.coefficients, A, **EXACT)
    np.testing.assert_array_equal(got.final, FINAL)
    assert got.codes == ("01", "02", "03") and got.imported is None


def test_a_table_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputOutputError, match=r"t\.csv: uses of sector 01 make 110.*output is 100"):
        io.read(written(tmp_path, FU201=10), "nbs_competitive")
    with pytest.raises(InputOutputError, match=r"no layout 'oecd'.*nbs_competitive"):
        io.read(tmp_path / "t.csv", "oecd")
    with pytest.raises(InputOutputError, match="expects columns Origin, TC"):
        io.read(tmp_path / "t.csv", "nbs_noncompetitive")
