"""Making and serving, by the classes of 2017 that a code may be."""

from __future__ import annotations

import pandas as pd
import pytest

from fusion.classification import kinds
from fusion.classification.enterprises import in_question


@pytest.mark.parametrize(
    ("edition", "code_own", "code_2017", "kind"),
    [
        ("2017", "3911", "3911", "manufacturing"),
        ("2017", "7320", "7320", "services"),
        ("2017", "4310", "4310", "services"),
        ("2017", "0111", "0111", "other"),
        ("2011", "3599", "", "manufacturing"),  # split, and every class of it makes
        ("2011", "6540", "", "services"),
        ("2002", "4310", "", "manufacturing"),  # recycling in 2002
        ("2002", "3681", "", "manufacturing"),  # gave its repair away
        ("csrc2012", "39", "", "manufacturing"),
        ("csrc2012", "90", "", ""),  # conglomerates are nothing in GB/T 4754
        ("2017", "C", "", "manufacturing"),
        ("2017", "9999", "", ""),
        ("", "", "", ""),
    ],
)
def test_a_code_makes_or_serves(edition: str, code_own: str, code_2017: str, kind: str) -> None:
    row = pd.DataFrame([{"edition": edition, "code_own": code_own, "code_2017": code_2017}])
    assert kinds.kinds(row).tolist() == [kind]


def test_no_class_of_2011_was_split_between_making_and_serving() -> None:
    """What the sheets say of it (shared.yaml, splits), counted once more from the pairs themselves."""
    pairs = in_question()
    pairs = pairs[pairs["code"].str.len() == 4]
    makes, serves = pairs["code_2017"].str[:2].between("13", "42"), pairs["code_2017"].str[:2].eq("43")
    serves |= pairs["code_2017"].str[:2].between("51", "96")
    both = pairs.assign(makes=makes, serves=serves).groupby(["edition", "code"])[["makes", "serves"]].any()
    straddling = both[both.all(axis=1)].reset_index()["edition"].value_counts()
    assert straddling.to_dict() == {"2002": 19}


def test_a_population_is_marked_and_all_is_none() -> None:
    rows = pd.DataFrame({"firm_id": ["a", "b", "c"], "year": 2020, "path": ["P1", "", "P2"]})
    side = rows[["firm_id", "year"]].assign(kind=["services", "", "manufacturing"])
    assert kinds.within(rows, side, "all") == (rows, [])
    found, asked = kinds.within(rows, side, "services")
    assert asked == ["in_population"] and list(found["path"]) == ["P1", "", "P2"]
    assert found["in_population"].fillna(0).tolist() == [1.0, 0.0, 0.0]
