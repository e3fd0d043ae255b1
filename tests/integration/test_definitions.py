"""Other definitions beside integration: a user's own, and those that the data cannot give."""

import numpy as np
import pandas as pd
import pytest

from fusion.integration import presets


def scored() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    integration = rng.uniform(0, 40, 60)
    return pd.DataFrame(
        {
            "firm_id": [f"f{i}" for i in range(60)],
            "year": 2020,
            "path": ["P1", "P2", "P3"] * 20,
            "integration": integration,
            "service_share": integration * 2,
            "bureau": -integration,
        }
    )


def test_a_bureaus_own_measure_is_compared() -> None:
    found = presets.compare(scored(), "integration", ["service_share", "bureau"], 2020).set_index(
        "definition"
    )
    assert list(found.index) == ["integration", "service_share", "bureau"]
    assert found["firms"].tolist() == pytest.approx([1, 1, -1])
    assert found.loc["bureau", "mean"] == pytest.approx(-found.loc["integration", "mean"])


def test_a_study_may_be_judged_on_another_definition() -> None:
    names = ["integration", "service_share", "bureau"]
    found = presets.compare(scored(), "service_share", names, 2020).set_index("definition")
    assert list(found.index) == ["service_share", "integration", "bureau"]
    assert found["firms"].tolist() == pytest.approx([1, 1, -1])


def test_what_the_data_cannot_give_is_named_with_what_it_needs() -> None:
    gone = presets.lacking(scored().assign(above_20=0.0, above_30=0.0, cross_mass=np.nan))
    assert gone == {
        "definitions": ["cross_mass", "related_variety", "mode_share", "A2"],
        "columns": ["service_revenue", "service_rev_by_class", "mode_sales", "biz_activity_codes"],
    }
    assert set(presets.COLUMNS) <= set(presets.READS), "each preset says what it reads"


def test_a_panel_without_paths_has_no_highest_path() -> None:
    found = presets.compare(scored().assign(path=None), "integration", ["service_share"], 2020)
    assert found["highest"].isna().all() and found["firms"].tolist() == pytest.approx([1, 1])
