"""The study of both sides: factories and service firms stand on one scale, and what needs both is there."""

from __future__ import annotations

from collections.abc import Callable

import languages
import pandas as pd
import pytest
from runs import Run

from fusion.evaluation import producer
from workbook.publish import spoken

NAME = "my_both_sides"


@pytest.fixture(scope="module")
def both(sited: Callable[[str], Run]) -> Run:
    return sited("both_sides")


def frame(run: Run, notebook: str, id: str) -> pd.DataFrame:
    return pd.read_parquet(run.folder / notebook / f"{id}.frame.parquet")


def test_both_kinds_of_firm_are_on_one_scale(both: Run) -> None:
    values = pd.read_parquet(both.folder / "03_indicators" / "indicators.parquet")
    classes = pd.read_parquet(both.folder / "02_classification" / "classified.parquet")
    rows = values.merge(classes[["firm_id", "year", "section"]], on=["firm_id", "year"])
    serving = rows[rows["section"].isin(list("FGHIJKLMNOPQRS"))]
    assert serving["firm_id"].nunique() > 5 and (rows["section"] == "C").sum() > 10 * len(serving)
    # Service firms do not lead, as they did by the share of services: at zero, or open, unless they make goods and tell them.
    panel = pd.read_parquet(both.folder / "01_panel" / "panel.parquet")[
        ["firm_id", "year", "goods_rev_by_class"]
    ]
    serving = serving.merge(panel, on=["firm_id", "year"])
    makes = serving["goods_rev_by_class"].notna()
    assert makes.any() and serving.loc[makes, "integration"].dropna().gt(0).any()
    assert serving.loc[~makes, "integration"].dropna().eq(0).all() and serving["service_share"].isna().all()
    assert (
        serving.loc[~makes, "integration_low"].eq(0).all()
        and serving["integration_high"].between(0, 100).all()
    )
    tenth = rows.dropna(subset=["integration"]).nlargest(max(len(rows) // 10, 1), "integration")
    assert tenth["section"].eq("C").mean() > 0.95


def test_producer_services_are_followed_by_five_measures_apart_and_together(both: Run) -> None:
    watched = frame(both, "09_evaluation", "producer")
    kinds = watched.groupby("population")["measure"].agg(set)
    assert kinds[producer.FIRMS] == set(producer.MEASURES)
    assert kinds[producer.MAKERS] == kinds[producer.TOGETHER] == {producer.REVENUE}
    own = watched[watched["measure"] == producer.REVENUE].set_index(["population", "group"])["amount"]
    for group, amount in own[producer.TOGETHER].items():
        parts = [own.get((who, group), 0.0) for who in (producer.FIRMS, producer.MAKERS)]
        assert amount == pytest.approx(sum(parts))


def test_two_industries_and_their_places_are_there(both: Run) -> None:
    kinds = both.exhibits.set_index(["notebook", "id"])["kind"]
    assert kinds["04_description", "regions"] == kinds["03_indicators", "integration_by_actor"] == "table"
    assert (frame(both, "03_indicators", "sides")["side"] == "made").any(), "service firms that make"
    assert kinds["05_effects", "ladder"] == "left_out", "nothing is estimated"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_in_their_language(both: Run, language: str) -> None:
    found = languages.offences(both.site, language, NAME, both.manifest["parameters"])
    assert found == [], "\n".join(map(str, found[:20]))
    names = [file.name for file in (both.folder / "spoken").iterdir() if file.is_dir()]
    unknown = {name: spoken.load(both.folder, name)["unknown"] for name in names}
    assert not any(unknown.values()), unknown
