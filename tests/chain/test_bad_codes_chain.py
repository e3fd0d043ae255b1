"""Doubtful codes of industry in a study that is run: the same answer as in a file, and no row lost without a word."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from ruamel.yaml import YAML
from runs import MAIN, Run, few

from fusion.classification import kinds
from fusion.panel.contract import contract
from workbook import paths

# year, cell: class or coarser code that is read (or why none), class of 2017; tests/panel/test_bad_codes.py has them in files.
CELLS: dict[tuple[int, str], tuple[str, str]] = {
    (2008, "3911"): ("3911", "3811"),
    (2015, "3911"): ("3911", "3911"),
    (2015, "3663"): ("unread", ""),
    (2018, "S90"): ("unread", ""),
    (2012, "R87"): ("87", ""),
    (2018, "R87"): ("87", ""),
    (2018, "I3911"): ("unread", ""),
    (2018, "C3911"): ("3911", "3911"),
    (2018, "3911.0"): ("3911", "3911"),
    (2018, "３９１１"): ("3911", "3911"),
    (2018, "39"): ("39", ""),
    (2015, "391"): ("391", ""),
    (2018, "391"): ("unread", ""),
    (2018, "131"): ("unread", ""),
    (2018, "0131"): ("0131", "0131"),
    (2018, "9999"): ("unread", ""),
    (2001, "3911"): ("unread", ""),
}


@pytest.fixture(scope="module")
def coded(run: Callable[[str], Run], tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, pd.DataFrame]:
    """The small study's rows, and one firm for each cell that has no other row."""
    folder = tmp_path_factory.mktemp("coded")
    panel = pd.read_parquet(run(MAIN).folder / "01_panel" / "panel.parquet")
    panel = panel[[c.column for c in contract() if c.column in panel and c.required != "derived"]]
    panel["class_version"] = None  # the year says the edition
    never = panel[panel["pilot_start_year"].isna() & panel["ind4"].str.match("3[5-9]")]
    odd = never.drop_duplicates("firm_id").head(len(CELLS)).copy()
    odd["firm_id"] = [f"F{n:03d}" for n in range(len(CELLS))]
    odd["year"], odd["ind4"] = zip(*CELLS, strict=True)
    odd["est_year"] = 1999
    pd.concat([panel, odd]).to_parquet(folder / "rows.parquet", index=False)
    yaml = YAML()
    study = yaml.load(few((paths.PARAMS / "smoke.yaml").read_text("utf-8")))
    study.pop("synthetic"), study.pop("tables")
    study["study"]["synthetic"] = False
    study["panel"] |= {
        "source": "rows.parquet",
        "money_unit": "万元",
        "keep_industries": [],
        "first_year": 2000,
    }
    study["effects"]["population"] = "manufacturing"
    yaml.dump(study, folder / "coded.yaml")
    return run(str(folder / "coded.yaml")), odd


def test_the_chain_runs_and_reads_what_a_file_reads(coded: tuple[Run, pd.DataFrame]) -> None:
    done, odd = coded
    known = pd.read_parquet(done.folder / "02_classification" / "classified.parquet").set_index("firm_id")
    for firm, (own, new) in zip(odd["firm_id"], CELLS.values(), strict=True):
        row = known.loc[firm]
        read = "" if own.islower() else own
        assert (row["code_own"] or "", row["code_2017"] or "") == (read, new), firm


def test_rows_in_are_rows_kept_and_rows_set_aside(coded: tuple[Run, pd.DataFrame]) -> None:
    """A cell that cannot be read costs the cell, is named with its row, and no firm is lost for it."""
    done, odd = coded
    flow = pd.read_parquet(done.folder / "01_panel" / "sample_flow.parquet")
    assert (flow["rows"].shift() - flow["rows"] == flow["rows_dropped"])[1:].all()
    quality = pd.read_parquet(done.folder / "01_panel" / "quality.parquet")
    wrong = {f for f, (own, _) in zip(odd["firm_id"], CELLS.values(), strict=True) if own.islower()}
    about_codes = quality["rule"].isin(["code_format", "code_unknown", "edition_unknown"])
    assert set(quality.loc[about_codes, "unit"]) == wrong
    assert flow["rows"].iloc[-1] == len(
        pd.read_parquet(done.folder / "02_classification" / "classified.parquet")
    )


def test_regressions_are_about_the_population_that_is_asked_for(coded: tuple[Run, pd.DataFrame]) -> None:
    """Services firms, and codes that leave the side open, stay in the panel and are in no regression."""
    done, _ = coded
    known = pd.read_parquet(done.folder / "02_classification" / "classified.parquet")
    sample = pd.read_parquet(done.folder / "04_description" / "estimation_sample.parquet")
    side = known[["firm_id", "year"]].assign(kind=kinds.kinds(known))
    assert {"services", ""} <= set(side["kind"])
    assert set(sample.merge(side, on=["firm_id", "year"])["kind"]) == {"manufacturing"}
    flow = pd.read_parquet(done.folder / "04_description" / "sample.frame.parquet").set_index("column")
    dropped = side.loc[side["kind"] != "manufacturing"]
    assert flow.loc["in_population", "rows_dropped"] == len(dropped)
