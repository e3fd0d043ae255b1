"""Input-output coefficients: bounded, additive, and recomputed from the published flows where these are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FLOWS = ROOT.parent / "shared" / "verification" / "io"
TEXT = ["code", "table_sectors", "firm_id", "division", "io42_code", "tables"]
COMMON = ["trade", "transport", "ict", "finance", "business"]
TABLES = ["2005_42", "2010_41", "2015_42", "2017_42", "2018_42", "2020_42"]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "io" / f"{name}.csv", dtype=dict.fromkeys(TEXT, str))


NBS, OECD = read("producer_services_nbs"), read("producer_services_oecd")


@pytest.mark.parametrize(("table", "last"), [(NBS, "rd_tech"), (OECD, "prof_rd")], ids=["nbs", "oecd"])
def test_coefficients_are_bounded_and_add_up(table: pd.DataFrame, last: str) -> None:
    for kind in ("d", "c"):
        parts = table[[f"{kind}_{p}" for p in [*COMMON, last]]]
        # Figures carry six significant digits: six parts below .3 are off by 5e-7 each at most.
        assert np.abs(parts.sum(axis=1) - table[f"{kind}_ps"]).max() < 3.5e-6
        assert (parts >= 0).all(axis=None)
    for part in [*COMMON, last, "ps"]:
        assert (table[f"c_{part}"] >= table[f"d_{part}"]).all()
    assert table["va_rate"].between(0, 1).all()
    assert (table["d_ps"] + table["va_rate"] <= 1 + 1e-6).all()


@pytest.mark.parametrize("table", [NBS, OECD], ids=["nbs", "oecd"])
def test_share_of_intermediate_inputs(table: pd.DataFrame) -> None:
    has = table["va_rate"] < 1
    share = table["d_ps"][has] / (1 - table["va_rate"][has])
    # Both figures are rounded to six digits; 1 - va_rate is above .2, so their ratio is off by 5e-6 at most.
    assert np.abs(share - table["ps_share_intermediate"][has]).max() < 5e-6
    assert table.loc[~has, "ps_share_intermediate"].isna().all()


def test_output_weighted_means_of_manufacturing() -> None:
    published = {2002: 0.107, 2005: 0.100, 2007: 0.071, 2010: 0.083, 2012: 0.097, 2015: 0.115, 2017: 0.117,
                 2018: 0.122, 2020: 0.127}  # fmt: skip
    smallest = NBS["table_sectors"].astype(int).groupby(NBS["year"]).transform("min")
    one = NBS[NBS["table_sectors"].astype(int) == smallest]
    weighted = (one["d_ps"] * one["output_wan"]).groupby(one["year"]).sum()
    mean = weighted / one["output_wan"].groupby(one["year"]).sum()
    assert mean.round(3).to_dict() == published


def test_two_levels_of_detail_agree_on_manufacturing() -> None:
    for year in (2017, 2018, 2020):
        rows = NBS[NBS["year"] == year]
        means = [np.average(g["d_ps"], weights=g["output_wan"]) for _, g in rows.groupby("table_sectors")]
        assert len(means) == 2
        # Aggregation leaves the mean; the detailed tables place repair and scrap a little differently.
        assert means[0] == pytest.approx(means[1], abs=5e-4)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.skipif(not FLOWS.is_dir(), reason="the published flow tables are not beside the project")
def test_recomputed_from_the_published_flows(name: str) -> None:
    year, size = name.split("_")
    flows = pd.read_csv(FLOWS / f"china_{name}.csv", dtype={"Code": str})
    sectors = [c for c in flows.columns if c.isdigit()]
    inner = flows[flows["Code"].isin(sectors)]
    use = inner.groupby("Code")[sectors].sum().loc[sectors]  # domestic and imported together
    total = flows.loc[flows["Code"] == "TI", sectors].iloc[0].astype(float)
    added = flows.loc[flows["Code"] == "TVA", sectors].iloc[0].astype(float)
    # The identity behind ps_share_intermediate: inputs and value added make up total input.
    assert np.abs(use.sum() + added - total).max() / total.max() < 1e-12
    direct = use / total
    complete = pd.DataFrame(np.linalg.inv(np.eye(len(sectors)) - direct), sectors, sectors) - np.eye(
        len(sectors)
    )
    ours = NBS[(NBS["year"] == int(year)) & (NBS["table_sectors"] == size)].set_index("code")
    services = read("service_sectors")
    services = services[(services["year"] == int(year)) & (services["table_sectors"] == size)]
    assert len(ours) >= 16
    for service, codes in services.groupby("service")["code"]:
        for kind, matrix in (("d", direct), ("c", complete)):
            again = matrix.loc[list(codes), ours.index].sum()
            # Six significant digits: half a unit in the last place of a figure below 1.
            assert np.abs(again - ours[f"{kind}_{service}"]).max() < 5.1e-7, (service, kind)
    assert np.abs(added[ours.index] / total[ours.index] - ours["va_rate"]).max() < 5.1e-7
    assert np.abs(total[ours.index] / ours["output_wan"] - 1).max() < 5.1e-6


def test_sectors_are_the_oecd_rows_as_a_panel() -> None:
    panel = read("sectors")
    assert panel["firm_id"].nunique() == 17
    assert panel["firm_id"].str.fullmatch(r"\d{2}").all(), "a lost zero"
    assert sorted(panel["year"].unique()) == list(range(1995, 2019))
    assert not panel.duplicated(["firm_id", "year"]).any()
    assert len(panel) == 17 * 24
    both = panel.merge(OECD, left_on=["firm_id", "year"], right_on=["code", "year"], suffixes=("", "_again"))
    assert len(both) == len(panel)
    for column in [c for c in both.columns if c.endswith("_again")]:
        assert (both[column] == both[column.removesuffix("_again")]).all(), column
    assert panel.notna().all(axis=None)


def test_divisions_map_to_sectors_of_the_tables_they_name() -> None:
    mapping = read("gbt_to_io42")
    assert mapping["division"].tolist() == [str(d) for d in range(13, 44)]
    for row in mapping.itertuples():
        for year in row.tables.split(","):
            held = NBS[
                (NBS["year"] == int(year)) & (NBS["table_sectors"] == "42") & (NBS["code"] == row.io42_code)
            ]
            assert held["sector_zh"].tolist() == [row.sector_zh]


def test_every_file_has_a_source() -> None:
    sources = pd.read_csv(ROOT / "data" / "io" / "SOURCES.csv")
    files = {p.name for p in (ROOT / "data" / "io").glob("*.csv")} - {"SOURCES.csv"}
    assert set(sources["file"]) == files
    assert sources[["issuer", "document", "unit", "checked"]].notna().all(axis=None)
