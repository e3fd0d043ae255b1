"""Panels of a few units or years: a site, or a sentence that says what cannot be done before any notebook starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from runs import FULL, MAIN, Run, few, fusion

from fusion.panel.contract import contract
from workbook import paths

# What a unit tells of its services: nothing at all, or that it has none.
TOLD: dict[str, dict[str, object]] = {
    "silent": {"service_revenue": np.nan, "service_rev_by_class": None},
    "factories": {"service_revenue": 0.0, "service_rev_by_class": None, "biz_activity_codes": None},
}


def _cut(panel: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Rows of a kind of small panel; of one side, or silent, those of as many units of both kinds."""
    starts = panel["pilot_start_year"].notna()
    treated, never = (sorted(panel.loc[one, "firm_id"].unique()) for one in (starts, ~starts))
    mixed = [firm for pair in zip(treated, never, strict=False) for firm in pair]
    name, _, number = kind.rpartition(" ")
    if name in TOLD:
        told = {column: value for column, value in TOLD[name].items() if column in panel}
        return panel[panel["firm_id"].isin(mixed[: int(number)])].assign(**told)
    rows = {
        "row": panel.index == panel.index[0],
        "treated": panel["firm_id"].isin(treated[: int(number or 0)]),
        "never": panel["firm_id"].isin(never[: int(number or 0)]),
        "mixed": panel["firm_id"].isin(mixed[: int(number or 0)]),
        "years": panel["year"].between(2018, 2017 + int(number or 0)),
        "industry": panel["ind4"] == panel["ind4"].value_counts().index[0],
    }
    return panel[rows[name]]


@pytest.fixture
def small(run: Callable[[str], Run], tmp_path: Path) -> Callable[[str], Path]:
    def write(kind: str) -> Path:
        panel = pd.read_parquet(run(MAIN).folder / "01_panel" / "panel.parquet")
        panel = panel[[c.column for c in contract() if c.column in panel and c.required != "derived"]]
        _cut(panel, kind).to_parquet(tmp_path / "rows.parquet", index=False)
        yaml = YAML()
        study = yaml.load(few((paths.PARAMS / "smoke.yaml").read_text("utf-8")))
        study.pop("synthetic")
        # A production function needs twenty firms a year, and says so.
        study["tables"].pop("functions")
        study["study"]["synthetic"] = False
        study["panel"] |= {"source": "rows.parquet", "money_unit": "万元"}
        yaml.dump(study, tmp_path / "small.yaml")
        return tmp_path / "small.yaml"

    return write


@pytest.mark.parametrize("kind", ["row 1", "treated 1", "never 1", "never 40", "years 1"])
def test_what_cannot_be_done_is_said_before_a_notebook_starts(
    small: Callable[[str], Path], kind: str
) -> None:
    file = small(kind)
    done = fusion(file.parent / "build", file.parent / "site", "run", str(file))
    said = done.stderr + done.stdout
    assert done.returncode == 2 and "Traceback" not in said and "to be mended before a notebook runs" in said
    assert len(said.splitlines()) < 20
    assert not list((file.parent / "build").rglob("*.ipynb"))


# Five units that nobody has a rank of: few and silent in one chain.
MORE = ["mixed 2", "mixed 5", "mixed 20", "mixed 80", "treated 48", "industry 1", "silent 80", "factories 80"]
WHOLE = ["silent 5", *(MORE if FULL else [])]


@pytest.mark.parametrize("kind", WHOLE)
def test_a_few_units_end_in_a_site(small: Callable[[str], Path], kind: str) -> None:
    file = small(kind)
    done = fusion(file.parent / "build", file.parent / "site", "run", str(file), "--site")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (file.parent / "site" / "index.html").is_file()
