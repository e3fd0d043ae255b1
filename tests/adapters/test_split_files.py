"""Files of a year in parts, in another order, with rows in another order: the same panel, every row accounted for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import exports
import numpy as np
import pandas as pd

from fusion.adapters.panel import Source


def panel(source: Source) -> pd.DataFrame:
    return (
        source.raw.table.to_pandas()
        .set_index(["firm_id", "year"])
        .sort_index()
        .sort_index(axis=1)
        .drop(columns="source_row")
    )


def test_a_year_in_two_files_is_the_year(
    made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    files = exports.bureau(made, whole)
    split = []
    for file in files:
        lines = file.read_bytes().split(b"\r\n")
        head, rows = lines[0], np.array(lines[1:-1], dtype=object)
        last = [r for r in rows if r.startswith(("合计".encode("gb18030"), "说明".encode("gb18030")))]
        rows = np.random.default_rng(1).permutation([r for r in rows if r not in last])
        cut = 20 if file.stem.endswith("2017") else len(rows)
        for k, own in enumerate((rows[:cut], rows[cut:])):
            if len(own):
                split.append(parts / f"{file.stem}_{k + 1}.csv")
                split[-1].write_bytes(b"\r\n".join([head, *own, *last, b""]))
    assert len(split) == len(files) + 1
    one, other = (read(own, "bureau", {"absent": ["service_revenue"]}) for own in (files, split[::-1]))
    pd.testing.assert_frame_equal(panel(one), panel(other), check_dtype=False)
    kept = [s.rows().query("fate == 'kept'")["rows"].sum() for s in (one, other)]
    assert kept[0] == kept[1] == len(panel(one))
