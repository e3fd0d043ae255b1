"""Studies that lack what whole notebooks stand on run to the end, and say once what they cannot have and why."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML
from runs import FULL, MAIN, Run, few

from fusion.adapters import able as source
from fusion.panel import synthetic
from workbook import paths
from workbook.params.load import load
from workbook.review import abilities
from workbook.run import chain

ESTIMATES = ["05_effects", "06_dynamics", "07_robustness", "08_heterogeneity"]
NO_OUTCOME = "The study names no outcome or no treatment, or its data lack them, so there is no regression."


def varied(study: str, *gone: str, **more: dict[str, object]) -> str:
    """The file of a study without some of its sections, or keys of sections (``section.key``)."""
    yaml, stream = YAML(), io.StringIO()
    found = yaml.load((paths.PARAMS / f"{study}.yaml").read_text("utf-8"))
    for name in gone:
        section, _, key = name.partition(".")
        del (found[section] if key else found)[key or section]
    yaml.dump(found, stream)
    return few(stream.getvalue(), **more)


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
    if ":" in flat["source"]:  # what a loader gives is not known before it runs
        return
    raw = source.read(flat["source"], None, paths.ROOT, contract="minimal", money_unit="万元")
    columns = source.every() if raw is None else source.held(raw)
    told = abilities.judged(flat, columns, source.absent(columns), source.indicators(columns))
    reasons = (left["notebook"].str[:2] + "." + left["id"]).to_frame("name").assign(why=left["note_en"])
    found = dict(reasons.to_numpy().tolist())
    cannot = {name: why["en"] for name, why in told.cannot()["exhibits"].items()}
    assert cannot and {name: found.get(name) for name in cannot} == cannot


def test_without_an_outcome(copied: Callable[[str, str], Run]) -> None:
    made = judged(copied(MAIN, varied(MAIN, "effects", "robustness")))
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
            page = (made.site / language / f"my_{MAIN}" / f"{name}.html").read_text("utf-8")
            assert html.unescape(page).count(reason) == 1
            assert "book.exhibit" not in page


def without(sited: Callable[[str], Run], copied: Callable[[str, str], Run], folder: Path) -> Iterator[Run]:
    """A real study that has neither industry codes nor start years; where all is asked for, made-up panels, too."""
    yield judged(sited("jobtraining"))
    if FULL:
        table, _ = synthetic.generate(synthetic.Settings(firms=150), 20260101)
        file = folder / "panel.parquet"
        table.drop(columns=["ind4", "class_version"]).to_parquet(file)
        panel = {"source": str(file), "contract": "minimal", "money_unit": "万元", "keep_industries": []}
        more: dict[str, Any] = {"panel": panel, "study": {"synthetic": False}}
        yield judged(copied("smoke", varied("smoke", "description.start_column", **more)))


def test_without_start_years_and_industry_codes(
    sited: Callable[[str], Run], copied: Callable[[str, str], Run], tmp_path: Path
) -> None:
    for made in without(sited, copied, tmp_path):
        shown = made.exhibits.query("notebook == '06_dynamics' and kind != 'left_out'")
        assert set(shown["id"]) == {"future"}
        assert pd.read_parquet(made.folder / "06_dynamics" / "att.parquet").empty
        assert made.exhibits.query("notebook == '02_classification' and kind != 'left_out'").empty
        assert (made.exhibits["note_en"] == "The panel has no industry codes.").sum() > 5
        assert "A2" not in pd.read_parquet(made.folder / "03_indicators" / "indicators.parquet")
