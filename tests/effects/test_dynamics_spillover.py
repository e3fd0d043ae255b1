"""Exposure of untreated firms."""

from __future__ import annotations

import pandas as pd
import pytest

from estimators.effects import spillover
from estimators.errors import EffectsError


def panel() -> pd.DataFrame:
    units = pd.DataFrame(
        {
            "unit": range(6),
            "start": [2015, 2014, 0, 0, 0, 0],
            "path": ["a", "b", "a", "a", "b", None],
            "district": ["x", "x", "x", "y", "x", "x"],
        }
    )
    data = units.merge(pd.DataFrame({"year": range(2012, 2018)}), how="cross")
    return data[(data["unit"] != 4) | (data["year"] >= 2014)].reset_index(drop=True)


def test_exposed_since_the_first_start_of_the_cell() -> None:
    rows = spillover.exposure(panel(), ["path", "district"])
    since = rows.drop_duplicates("unit").set_index("unit")["exposed"].to_dict()
    # Unit 4 is seen only after its cell's start, unit 5 has no path: neither can be judged.
    assert since == {2: 2015, 3: 0}
    wider = spillover.exposure(panel(), ["district"]).drop_duplicates("unit").set_index("unit")["exposed"]
    assert wider.to_dict() == {2: 2014, 3: 0, 5: 2014}


def test_far_controls_share_no_cell_with_the_treated() -> None:
    far = spillover.far_controls(panel(), ["path", "district"])
    assert set(far["unit"]) == {0, 1, 3, 5}


def test_no_neighbour_is_said() -> None:
    apart = panel().assign(district=lambda t: t["unit"].astype(str))
    with pytest.raises(EffectsError, match="no untreated firm shares path and district"):
        spillover.exposure(apart, ["path", "district"])
