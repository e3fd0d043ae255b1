"""An attacker who solves for every unit's value finds none in what is published of random panels."""

from __future__ import annotations

import pytest

from evidence.secrecy.attack import attack
from evidence.secrecy.panels import panel, study
from workbook.publish.secrecy import Rules, verdicts

OPEN = Rules("open", min_units=1, dominance_share=1.0, p_percent=0.0, zeros=False)
BUREAU = Rules.named("bureau")


@pytest.mark.parametrize("seed", range(1000, 1020))
def test_no_value_is_found_in_what_is_published(seed: int) -> None:
    data = panel(seed, units=(8, 20), years=(2, 2))
    told = study(data, seed, most=4)
    found = attack(data, told, verdicts([t.exhibit for t in told], BUREAU), BUREAU)
    assert found.broken == 0, found
    assert found.cells_hidden < found.cells


def test_the_total_of_a_table_of_one_year_is_known_to_a_table_of_all_years() -> None:
    """Panel 131: divisions of 2018 add up to the corner of a table with margins that names no year."""
    data = panel(131)
    told = study(data, 131)
    found = attack(data, told, verdicts([t.exhibit for t in told], BUREAU), BUREAU, own=False)
    assert found.broken == 0 and found.counts > 20, found


@pytest.mark.parametrize("seed", [206, 293])
def test_what_cannot_move_as_far_as_it_should_is_kept_as_far_as_it_can(seed: int) -> None:
    """Panel 206: one unit has four fifths of a path, the other path of that year is too small to move its total by a tenth, and
    the year's total is known. The unit can still be kept from the next largest, if the small path is hidden, too."""
    data = panel(seed)
    told = study(data, seed)
    found = attack(data, told, verdicts([t.exhibit for t in told], BUREAU), BUREAU)
    assert found.broken == 0, found


@pytest.mark.parametrize("seed", [0, 4])
def test_rounded_counts_are_attacked_too(seed: int) -> None:
    strict = Rules.named("strict")
    data = panel(seed, units=(30, 40), years=(2, 2))
    told = study(data, seed, most=4)
    found = attack(data, told, verdicts([t.exhibit for t in told], strict), strict)
    assert found.broken == 0 and found.counts > 0, found


def test_the_attack_finds_values_where_nothing_is_protected() -> None:
    """Else the test above would say nothing."""
    found = []
    for seed in (1000, 1001):
        data = panel(seed, units=(8, 12), years=(2, 2))
        told = study(data, seed, most=4)
        each_alone = {t.exhibit.name: verdicts([t.exhibit], OPEN)[t.exhibit.name] for t in told}
        found.append(attack(data, told, each_alone, BUREAU))
    assert sum(f.by_reader for f in found) > 5 and sum(f.by_contributors for f in found) > 5
