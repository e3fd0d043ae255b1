"""Studies that lack what whole notebooks stand on run to the end, and say once what they cannot have and why."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pandas as pd
import pytest
from runs import FULL, Run, few

from fusion.adapters import able as source
from fusion.panel import synthetic
from workbook import paths
from workbook.params.load import load
from workbook.review import abilities
from workbook.run import chain

ESTIMATES = ["05_effects", "06_dynamics", "07_robustness", "08_heterogeneity"]
NO_OUTCOME = "The study names no outcome or no treatment, or its data lack them, so there is no regression."


def varied(*gone: str, **more: dict[str, object]) -> str:
    """The file of the smoke study without some of its lines."""
    text = (paths.PARAMS / "smoke.yaml").read_text("utf-8")
    for line in gone:
        assert line in text
        text = re.sub(rf"^.*{re.escape(line)}.*\n", "", text, flags=re.M)
    return few(text, **more)


def judged(made: Run) -> Run:
    states = {n: r["status"] for n, r in made.manifest["notebooks"].items()}
    assert states == {s.notebook: "done" for s in chain.chain()}
    left = made.exhibits.query("kind == 'left_out'")
    assert left["note_en"].str.match(r"^[A-Z].*[a-z)]\.$").all(), left["note_en"].tolist()
    assert left["note_zh"].str.endswith("。").all()
    _as_foreseen(made.study, left)
    return made


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


def test_without_an_outcome(copied: Callable[[str, str], Run]) -> None:
    made = judged(copied("smoke", varied("outcome: ln_lp", "treatments:", "controls:")))
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
            page = (made.site / language / "my_smoke" / f"{name}.html").read_text("utf-8")
            assert html.unescape(page).count(reason) == 1
            assert "book.exhibit" not in page


@pytest.fixture(scope="module")
def codeless(copied: Callable[[str, str], Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A file without industry codes and, unless all is asked for, a study without start years."""
    table, _ = synthetic.generate(synthetic.Settings(firms=150), 20260101)
    file = tmp_path_factory.mktemp("data") / "panel.parquet"
    table.drop(columns=["ind4", "class_version"]).to_parquet(file)
    panel = {"source": str(file), "contract": "minimal", "money_unit": "万元", "keep_industries": []}
    text = varied(*([] if FULL else ["start_column:"]), panel=panel, study={"synthetic": False})
    return judged(copied("smoke", text))


def test_without_start_years(codeless: Run, copied: Callable[[str, str], Run]) -> None:
    made = judged(copied("smoke", varied("start_column:"))) if FULL else codeless
    shown = made.exhibits.query("notebook == '06_dynamics' and kind != 'left_out'")
    assert set(shown["id"]) == {"future"}
    assert pd.read_parquet(made.folder / "06_dynamics" / "att.parquet").empty


def test_without_industry_codes(codeless: Run) -> None:
    second = codeless.exhibits.query("notebook == '02_classification' and kind != 'left_out'")
    assert second.empty and (codeless.exhibits["note_en"] == "The panel has no industry codes.").sum() > 5
    assert "A2" not in pd.read_parquet(codeless.folder / "03_indicators" / "indicators.parquet")
