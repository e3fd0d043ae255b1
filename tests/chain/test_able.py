"""Studies that lack what whole notebooks stand on run to the end, and say once what they cannot have and why."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from runs import Run

from fusion.adapters import able as source
from fusion.panel import synthetic
from workbook import paths
from workbook.params.load import load
from workbook.review import abilities
from workbook.run import chain

FEW = {  # what takes time is not what is tested here
    "synthetic": "{dgp_firms: 150}",
    "indicators": "{index_draws: 20, sobol_draws: 8}",
    "robustness": "{curve_draws: 0, placebo_draws: 0, threshold_draws: 19}",
    "heterogeneity": "{resampling_draws: 99}",
    "dynamics": "{dynamic_estimators: [cs_not_yet, imputation], permutations: 0}",
}
ESTIMATES = ["05_effects", "06_dynamics", "07_robustness", "08_heterogeneity"]
NO_OUTCOME = "The study names no outcome or no treatment, or its data lack them, so there is no regression."


def varied(*gone: str, few: tuple[str, ...] = tuple(FEW), panel: str = "") -> str:
    """The file of the smoke study without some of its lines."""
    text = (paths.PARAMS / "smoke.yaml").read_text("utf-8")
    text = re.sub(r"^synthetic:\n.*\n", "", text, flags=re.M)
    for line in gone:
        assert line in text
        text = re.sub(rf"^.*{re.escape(line)}.*\n", "", text, flags=re.M)
    if panel:
        text = text.replace("  source: synthetic\n", panel).replace("synthetic: true", "synthetic: false")
        text = text.replace('keep_industries: ["C"]', "keep_industries: []")
    return text + "".join(f"{section}: {FEW[section]}\n" for section in few)


@pytest.fixture(scope="module")
def without(run: Callable[[str], Run], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Run]:
    def start(name: str, text: str) -> Run:
        file = tmp_path_factory.mktemp("params") / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        made = run(str(file))
        states = {n: r["status"] for n, r in made.manifest["notebooks"].items()}
        assert states == {s.notebook: "done" for s in chain.chain()}
        left = made.exhibits.query("kind == 'left_out'")
        assert left["note_en"].str.match(r"^[A-Z].*[a-z)]\.$").all(), left["note_en"].tolist()
        assert left["note_zh"].str.endswith("。").all()
        _as_foreseen(str(file), left)
        return made

    return start


def _as_foreseen(study: str, left: pd.DataFrame) -> None:
    """What was said before the run that it cannot have is left out by the run, for the same reason."""
    flat = load(study).flat
    columns = source.known(flat["source"], None, paths.ROOT, contract="minimal", money_unit="万元")
    assert columns is not None
    told = abilities.judged(flat, columns, source.absent(columns), source.indicators(columns))
    reasons = (left["notebook"].str[:2] + "." + left["id"]).to_frame("name").assign(why=left["note_en"])
    found = dict(reasons.to_numpy().tolist())
    cannot = {name: why["en"] for name, why in told.cannot()["exhibits"].items()}
    assert cannot and {name: found.get(name) for name in cannot} == cannot


def test_without_an_outcome(without: Callable[[str, str], Run]) -> None:
    made = without(
        "no_outcome", varied("outcome: ln_lp", "treatments:", "controls:", few=("synthetic", "indicators"))
    )
    assert all(f"{name} " in made.log and NO_OUTCOME in made.log for name in ESTIMATES)
    for step in chain.chain():
        for name, columns in step.empty.items():
            table = pd.read_parquet(made.folder / step.notebook / f"{name}.parquet")
            assert table.empty and list(table) == columns
    left = made.exhibits[made.exhibits["notebook"].isin(ESTIMATES)]
    assert set(left["kind"]) == {"left_out"} and set(left["note_en"]) == {NO_OUTCOME}
    assert made.fusion("site").returncode == 0
    for language, reason in (
        ("en", NO_OUTCOME),
        ("zh", "本研究未设结果变量或处理变量，或数据缺少这些列，因此没有回归。"),
    ):
        for name in ESTIMATES:
            page = (made.site / language / "no_outcome" / f"{name}.html").read_text("utf-8")
            assert html.unescape(page).count(reason) == 1
            assert "book.exhibit" not in page


def test_without_start_years(without: Callable[[str, str], Run]) -> None:
    made = without("no_start", varied("start_column:", few=tuple(FEW)[:-1]))
    shown = made.exhibits.query("notebook == '06_dynamics' and kind != 'left_out'")
    assert set(shown["id"]) == {"future"}
    assert pd.read_parquet(made.folder / "06_dynamics" / "att.parquet").empty


def test_without_industry_codes(without: Callable[[str, str], Run], tmp_path: Path) -> None:
    table, _ = synthetic.generate(synthetic.Settings(firms=150), 20260101)
    file = tmp_path / "panel.parquet"
    table.drop(columns=["ind4", "class_version"]).to_parquet(file)
    panel = f"  source: {file}\n  contract: minimal\n  money_unit: 万元\n"
    made = without("no_codes", varied(few=tuple(FEW)[1:], panel=panel))
    second = made.exhibits.query("notebook == '02_classification'")
    assert set(second["note_en"]) == {"The panel has no industry codes."}
    assert "A2" not in pd.read_parquet(made.folder / "03_indicators" / "indicators.parquet")
