"""Where differences of rank come from: pairs by hand, a spread that adds up, totals by kind of actor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.integration import sources, sums


def year(*firms: tuple[float, float, float]) -> pd.DataFrame:
    """(services, volume, F) of the firms of one year."""
    return pd.DataFrame(firms, columns=["services", "volume", "point"])


def test_pairs_by_hand() -> None:
    # One silent; two factories; three sellers, of which the one that sells least is integrated most.
    rows = year((np.nan, 9, np.nan), (0, 9, 0), (0, 5, 0), (10, 100, 0.18), (20, 100, 0.10), (30, 100, 0.15))
    found = sources.sources(rows)
    share = found[found["part"] == "pairs"].set_index("source")["share"] * 15 / 100
    assert share.to_dict() == pytest.approx(
        {"silent_pair": 5, "both_zero": 1, "sells_at_all": 6, "how_much": 1, "what_kind": 2}
    )
    assert found.loc[found["part"] == "pairs", "units"].eq(6).all()
    # 10 of 15 pairs are of those that tell: five of six do. One silent: so few must not be told of single units.
    assert found.loc[found["part"] == "pairs", "fewest"].eq(1).all()
    assert found.loc[found["part"] == "spread", "fewest"].eq(3).all()


def test_spread_is_shared_between_how_much_and_what_kind() -> None:
    rng = np.random.default_rng(3)
    share, related = rng.uniform(0.01, 0.99, 400), rng.uniform(0.2, 0.9, 400)
    rows = year(*zip(100 * share, [100.0] * 400, 2 * np.minimum(share, 1 - share) * related, strict=True))
    spread = sources.sources(rows).query("part == 'spread'").set_index("source")["share"]
    assert spread.sum() == pytest.approx(100)
    parts = np.log(2 * np.minimum(share, 1 - share)).var(), np.log(related).var()
    # Drawn apart, so that their variances are their shares.
    assert spread["mix"] == pytest.approx(100 * parts[0] / sum(parts), abs=5)
    alike = year(*zip(100 * share, [100.0] * 400, 1.2 * np.minimum(share, 1 - share), strict=True))
    same = sources.sources(alike).set_index("source")["share"]
    assert same["relatedness"] == pytest.approx(0, abs=1e-9) and same["what_kind"] == 0


def test_firms_that_all_stand_at_zero_are_alike() -> None:
    none = sources.sources(year(*[(0.0, 100.0, 0.0)] * 30))
    assert sources.by_source(none)["alike"] and sources.by_source(none)["both_zero"] == 100
    some = sources.sources(year(*[(0.0, 100.0, 0.0)] * 30, (10.0, 100.0, 0.1)))
    assert not sources.by_source(some)["alike"]
    assert not sources.by_source(some.assign(share=np.nan))["alike"], "what is hidden is not said"


def test_who_tells_least_is_said_of_what_is_shown() -> None:
    shown = pd.DataFrame({"actor": ["a", "b", "c"], "silent": [0.0, 20.0, 10.0]})
    assert sums.quietest(shown)["actor"] == "b" and not sums.quietest(shown)["all_tell"]
    assert sums.quietest(shown.assign(silent=0.0))["all_tell"]
    for hidden in ([np.nan] * 3, [0.0, np.nan, 0.0]):
        assert not sums.quietest(shown.assign(silent=hidden))["all_tell"], "what is hidden is not said"


def test_many_firms_are_thinned_evenly() -> None:
    rng = np.random.default_rng(5)
    share, related = rng.uniform(0.01, 0.5, 5000), rng.uniform(0.2, 0.9, 5000)
    rows = year(*zip(100 * share, [100.0] * 5000, 2 * share * related, strict=True))
    thin = sources.sources(rows).set_index("source")["share"]
    some = sources.sources(rows.sample(1500, random_state=1)).set_index("source")["share"]
    assert thin["what_kind"] == pytest.approx(some["what_kind"], abs=1.5)  # error of 1,500 firms' pairs
    assert thin[list(sources.PAIRS)].sum() == pytest.approx(100)


@pytest.mark.parametrize("rows", [year(), year((np.nan, 9, np.nan)), year((5, 9, 0.3), (np.nan, 9, np.nan))])
def test_nothing_to_tell_apart(rows: pd.DataFrame) -> None:
    assert sources.sources(rows).empty


def test_factories_alone_have_no_spread() -> None:
    found = sources.sources(year((0, 9, 0), (0, 5, 0), (0, 1, 0)))
    assert found.set_index("source")["share"].to_dict()["both_zero"] == 100 and set(found["part"]) == {
        "pairs"
    }


def test_totals_by_kind_of_actor() -> None:
    rows = pd.DataFrame(
        {
            "firm_id": [f"f{i}" for i in range(8)],
            "year": 2020,
            "actor": ["sme"] * 4 + ["chain_leader"] * 3 + [""],
            "volume": 10.0,
            "point": [0.1, 0.3, np.nan, np.nan, 0.2, 0.2, 0.2, 0.5],
            "low": [0.1, 0.3, 0, 0, 0.2, 0.2, 0.2, 0.5],
            "high": [0.1, 0.3, 0.9, 0.9, 0.2, 0.2, 0.2, 0.5],
        }
    )
    table, parts = sums.of_year(rows, None, "actor", 2020)
    table = table.set_index("actor")
    assert table["silent"].to_dict() == pytest.approx({"sme": 50, "chain_leader": 0})
    assert table.loc["sme", ["low", "high"]].tolist() == pytest.approx([10, 55])
    assert set(parts["actor"]) == {"sme", "chain_leader"} and parts["unit"].nunique() == 7
    nobody, none = sums.of_year(rows.drop(columns="actor"), None, "actor", 2020)
    assert nobody.empty and none.empty
