"""The hand-worked rows of the verification table."""

from __future__ import annotations

from fusion.io import anchors


def test_each_row_is_met() -> None:
    rows = anchors.rows()
    assert len(rows) == 7
    for row in rows:
        assert abs(row["published"] - row["computed"]) <= 0.5e-6, row["statistic"]
        assert row["tolerance"] == 0.5e-6  # half a unit of the last of six decimals
