"""What the runner decides, with processes that only pretend: no kernel starts here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from chains import CHAIN, Bench

from workbook.run import fingerprint, manifest, progress, runner
from workbook.run.execute import Kernel, finished
from workbook.run.preflight import Plan
from workbook.run.state import Place

ALL = [str(s["notebook"]) for s in CHAIN]


class Pretend:
    """Writes what the notebook declares: a digest of its parameters and of the text of its work cell."""

    started: ClassVar[list[str]] = []
    errors: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, study: str, plan: Plan, place: Place, runtime: Path) -> None:
        self.plan, self.place, self.seconds, self.gone = plan, place, 0.5, False

    def begin(self) -> None:
        plan, place = self.plan, self.place
        Pretend.started.append(plan.name)
        told = [dict(plan.parameters), [fingerprint.source(c) for c in plan.content["cells"]]]
        place.work_file.write_text("{}", encoding="utf-8")
        if plan.name not in Pretend.errors:
            for name in plan.step.writes:
                (place.work / f"{name}.txt").write_text(json.dumps(told), encoding="utf-8")
            record = {"notebook": plan.name, "written": list(plan.step.writes), "exhibits": []}
            (place.work / "done.json").write_text(json.dumps(record), encoding="utf-8")

    def ended(self) -> bool:
        return True

    def verdict(self) -> Mapping[str, Any]:
        error = Pretend.errors.get(self.plan.name)
        return {"error": error, "full": bool(error and error.get("full")), "peak_memory_mb": 1.0}

    def end(self) -> None:
        self.gone = True


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(runner, "Job", Pretend)
    # A pretender writes text instead of Parquet; what is read must be found under the artefact's name.
    monkeypatch.setattr(
        runner.Run,
        "artefacts",
        lambda self, plan: {
            n: self.root / runner.chain.writer(n).notebook / f"{n}.txt" for n in plan.step.reads
        },
    )
    Pretend.errors = {}
    made = Bench(tmp_path / "bench")
    assert ran(made) == ALL
    return made


def ran(bench: Bench, status: int = 0, **values: Any) -> list[str]:
    Pretend.started = []
    assert bench.run(**values) == status
    return sorted(Pretend.started)


def error(**more: Any) -> dict[str, Any]:
    return {"kind": "raised", "cell": 4, "tag": "work", "name": "E", "value": "v"} | more


def test_content_decides_not_time(bench: Bench) -> None:
    assert ran(bench) == []
    for file in bench.notebooks.iterdir():
        file.touch()
    noisy = json.loads((bench.notebooks / "01_first.ipynb").read_text("utf-8"))
    noisy["metadata"]["language_info"] = {"version": "9"}
    noisy["cells"][1] |= {"id": "other", "execution_count": 7, "outputs": [{"output_type": "stream"}]}
    (bench.notebooks / "01_first.ipynb").write_text(json.dumps(noisy), encoding="utf-8")
    assert ran(bench) == []
    noisy["cells"][0]["source"] = "# Another title"
    (bench.notebooks / "01_first.ipynb").write_text(json.dumps(noisy), encoding="utf-8")
    assert ran(bench) == [], "prose changes no number"
    noisy["cells"][-1]["source"] += "  # said otherwise"
    (bench.notebooks / "01_first.ipynb").write_text(json.dumps(noisy), encoding="utf-8")
    assert ran(bench) == ALL[:3], "the last one's inputs came out the same"


@pytest.mark.parametrize("harm", ["altered", "missing", "notebook"])
def test_harmed_outputs_are_made_again(bench: Bench, harm: str) -> None:
    file = bench.root / ("02_second.ipynb" if harm == "notebook" else "02_second/b.txt")
    file.unlink() if harm == "missing" else file.write_text("other", encoding="utf-8")
    assert ran(bench) == ["02_second"]  # what it wrote is the same again, so that nothing follows
    assert bench.manifest()["notebooks"]["02_second"]["reason"] == ["outputs missing or altered"]


def test_a_parameter_that_nobody_names_reruns_nothing_but_is_recorded(bench: Bench) -> None:
    assert ran(bench, seed=5) == []
    assert bench.manifest()["seed"] == 5


def test_what_failed_takes_the_earlier_result_and_all_below_out_of_sight(bench: Bench) -> None:
    Pretend.errors = {"02_second": error()}
    assert ran(bench, 1, scale=9.0) == ["02_second"]
    assert bench.statuses() == dict(zip(ALL, ["done", "failed", "done", "skipped"], strict=True))
    assert not (bench.root / "02_second").exists() and not (bench.root / "04_last").exists()
    assert (bench.root / "02_second.failed.ipynb").is_file()
    assert bench.manifest()["notebooks"]["02_second"]["error"]["name"] == "E"
    assert bench.manifest()["status"] == "failed"
    Pretend.errors = {}
    assert ran(bench, scale=2.0) == [], "the earlier value's results are brought back"
    assert bench.statuses() == dict.fromkeys(ALL, "done")
    assert not (bench.root / "02_second.failed.ipynb").exists()


def test_a_withdrawn_result_that_was_touched_is_not_brought_back(bench: Bench) -> None:
    Pretend.errors = {"02_second": error()}
    ran(bench, 1, scale=9.0)
    Pretend.errors = {}
    (bench.root / ".withdrawn" / "02_second" / "outputs" / "b.txt").write_text("forged", encoding="utf-8")
    assert ran(bench, scale=2.0) == ["02_second"]


def test_on_a_full_disk_nothing_else_is_started(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    Pretend.errors = {"01_first": error(full=True)}
    assert ran(bench, 1, size=8) == ["01_first"]
    captured = capsys.readouterr()
    assert "no space left for" in captured.err
    assert captured.out.count("skipped") == 3 + 1


def test_a_notebook_that_the_study_drops_leaves_no_result_behind(bench: Bench) -> None:
    bench.names = ALL[:3]
    assert ran(bench) == []
    assert not (bench.root / "04_last").exists() and list(bench.statuses()) == ALL[:3]
    bench.names = list(ALL)
    assert ran(bench) == [], "its result was kept aside and still fits"


def test_a_changed_module_reruns_only_those_that_import_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lib = tmp_path / "lib"
    (lib / "fusion" / "indicators").mkdir(parents=True)
    for name in ("fusion/__init__.py", "fusion/indicators/__init__.py", "fusion/indicators/inner.py"):
        (lib / name).write_text("", encoding="utf-8")
    (lib / "fusion/indicators/__init__.py").write_text("from .inner import x", encoding="utf-8")
    monkeypatch.setattr(fingerprint, "LIB", lib)
    monkeypatch.setattr(fingerprint, "library", lambda content: library(content, lib))
    bench.put("03_third", before="from fusion import indicators")
    assert set(ran(bench)) == set(ALL)
    (lib / "fusion/indicators/inner.py").write_text("x = 1", encoding="utf-8")
    assert ran(bench) == ["03_third"]
    assert bench.manifest()["notebooks"]["03_third"]["reason"] == ["library: fusion/indicators/inner.py"]


library = fingerprint.library


def test_what_is_edited_while_it_runs_is_due_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = tmp_path / "module.py"
    module.write_text("1", encoding="utf-8")
    monkeypatch.setattr(fingerprint, "LIB", tmp_path)
    monkeypatch.setattr(fingerprint, "library", lambda content: [module])
    verdict = Pretend.verdict

    def edited(self: Pretend) -> Mapping[str, Any]:
        if self.plan.name == "02_second":
            module.write_text("2", encoding="utf-8")
        return verdict(self)

    monkeypatch.setattr(Pretend, "verdict", edited)
    assert "02_second" in ran(bench)
    record = bench.manifest()["notebooks"]["02_second"]
    assert record["fingerprint"]["changed while it ran"] == ["library: module.py"]
    monkeypatch.setattr(Pretend, "verdict", verdict)
    assert "02_second" in ran(bench)
    assert ran(bench) == []


def test_every_fault_of_every_notebook_is_said_at_once(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    (bench.notebooks / "01_first.ipynb").unlink()
    spoil(bench, "02_second", lambda cells: cells[1].update(source="scal = 2.0"))
    spoil(bench, "03_third", lambda cells: cells[1].update(source="other = 1 + year"))
    spoil(bench, "04_last", lambda cells: cells[-1]["metadata"].update(tags=[]))
    assert ran(bench, 2) == []
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 4
    assert "no such notebook" in lines[0]
    assert "'scal', which is no parameter; did you mean 'scale'?" in lines[1]
    assert "literals alone, found: other = 1 + year" in lines[2]
    assert "expected one cell tagged 'done', found 0" in lines[3]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            lambda cells: cells.append({"cell_type": "markdown", "metadata": {}, "source": ""}),
            "its last cell",
        ),
        (lambda cells: cells[-1].update(source="print('bye')"), "must call book.done()"),
        (lambda cells: cells.pop(1), "expected one cell tagged 'parameters', found 0"),
        (lambda cells: cells[1].update(source="scale = ("), "not Python"),
    ],
)
def test_faults_before_any_kernel(
    bench: Bench, capsys: pytest.CaptureFixture[str], harm: Any, said: str
) -> None:
    spoil(bench, "02_second", harm)
    assert ran(bench, 2) == []
    assert said in capsys.readouterr().err


def spoil(bench: Bench, name: str, harm: Any) -> None:
    file = bench.notebooks / f"{name}.ipynb"
    content = json.loads(file.read_text("utf-8"))
    harm(content["cells"])
    file.write_text(json.dumps(content), encoding="utf-8")


def code(tag: str, count: int | None = 1, status: str = "completed", **more: Any) -> dict[str, Any]:
    metadata = {"tags": [tag], "papermill": {"status": status}}
    return {"cell_type": "code", "metadata": metadata, "source": "x", "execution_count": count} | more


@pytest.mark.parametrize(
    ("cells", "record", "said"),
    [
        ([code("a"), code("done")], {"notebook": "n"}, None),
        ([code("a"), code("done", None)], {"notebook": "n"}, "not seen to run"),
        ([code("a", status="pending"), code("done")], {"notebook": "n"}, "left pending"),
        ([code("a", status="failed"), code("done")], {"notebook": "n"}, "left failed"),
        ([code("a"), code("done")], None, "done.json is missing"),
        ([code("a"), code("done")], {"notebook": "m"}, "another notebook"),
        ([code("a", outputs=[{"ename": "SystemExit"}]), code("done")], {"notebook": "n"}, "sys.exit"),
    ],
)
def test_only_a_seen_end_is_an_end(
    tmp_path: Path, cells: list[Any], record: dict[str, str] | None, said: str | None
) -> None:
    if record:
        (tmp_path / "done.json").write_text(json.dumps(record), encoding="utf-8")
    found = finished({"cells": cells}, tmp_path, "n")
    assert found is None if said is None else said in (found or {})["value"]


def test_the_kernel_is_this_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own `python3` kernel, wherever Jupyter would look first, is not used."""
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps(
            {"argv": ["/usr/bin/other", "{connection_file}"], "display_name": "x", "language": "python"}
        )
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    import sys

    from jupyter_client.manager import KernelManager

    assert KernelManager(kernel_name="python3").kernel_spec.argv[0] == "/usr/bin/other"  # the trap is set
    assert Kernel(kernel_name="python3").kernel_spec.argv[0] == sys.executable


def test_time_left() -> None:
    known = progress.Progress("s", ["a", "b", "c"], 2, {"a": 10.0, "b": 10.0})
    # c is unknown and counts as the mean of the others: 30 s of work for two.
    assert known.remaining() == pytest.approx(15)
    assert progress.Progress("s", ["a"], 2, {"a": 10.0}).remaining() == pytest.approx(10)
    assert [progress.duration(s) for s in (4.06, 21, 125)] == ["4.1 s", "21 s", "2 min 5 s"]


def waiting_run(bench: Bench, jobs: int) -> runner.Run:
    bench.root.mkdir(parents=True, exist_ok=True)
    with bench.active():
        run = runner.Run(bench.study(), bench.root, jobs)
        run.progress = progress.Progress("tiny", ALL, jobs, {})
    run.runtime = bench.folder
    run.needs = lambda name: {"01_first": []}.get(name, ["01_first"])
    return run


def test_a_waiting_process_is_dropped_when_the_library_was_edited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = waiting_run(bench, 2)
    run.fates, run.running = {"01_first": "good"}, {}
    run.waiting = ["02_second"]
    run._warm()
    job, _ = run.spare["02_second"]
    monkeypatch.setattr(run, "_library", lambda name: {"workbook/exhibits/book.py": "edited"})
    assert run._ready("02_second") is None
    assert job.gone and not run.spare


def test_a_process_waits_only_where_a_place_is_free_and_is_ended_when_not_needed(bench: Bench) -> None:
    run = waiting_run(bench, 1)
    run.waiting, run.running = ["02_second"], {"01_first": run._job("01_first")}
    run._warm()
    assert not run.spare, "one at a time leaves no place"
    run.jobs = 2
    run._warm()
    job, _ = run.spare["02_second"]
    run._decide("02_second", "good", "up to date")
    assert job.gone and not run.spare


def test_what_was_changed_and_changed_back_is_due_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hash is the same before and after; nobody knows what was read in between."""
    artefact, verdict = bench.root / "01_first" / "a.txt", Pretend.verdict
    os.utime(artefact, (1, 1))

    def changed(self: Pretend) -> Mapping[str, Any]:
        if self.plan.name == "02_second":
            artefact.write_bytes(artefact.read_bytes())
        return verdict(self)

    monkeypatch.setattr(Pretend, "verdict", changed)
    assert ran(bench, scale=5.0) == ["02_second", "04_last"]
    record = bench.manifest()["notebooks"]["02_second"]
    assert record["fingerprint"]["changed while it ran"] == ["a.txt"]
    monkeypatch.setattr(Pretend, "verdict", verdict)
    assert ran(bench) == ["02_second"]
    assert ran(bench) == []


def test_on_a_full_disk_what_is_called_done_stays_where_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "manifest.json")

    with monkeypatch.context() as patched:
        patched.setattr(manifest, "write", full)
        assert ran(bench, 1, scale=9.0) == []
    for name, record in bench.manifest()["notebooks"].items():
        assert record["status"] == "done"
        assert all((bench.root / file).is_file() for file in record["outputs"]), name


def test_a_record_with_another_bit_is_none(bench: Bench) -> None:
    file = bench.root / "manifest.json"
    good = file.read_text("utf-8")
    file.write_text(good.replace('"peak_memory_mb": 1.0', '"peak_memory_mb": 3.0', 1), encoding="utf-8")
    assert manifest.read(bench.root) == {}
    assert ran(bench) == ALL, "what it says of results may be wrong, too"
    file.write_text(
        json.dumps({k: v for k, v in json.loads(good).items() if k != "digest"}), encoding="utf-8"
    )
    assert manifest.read(bench.root), "an older one has no digest"


def test_the_temporary_folder_of_a_killed_run_is_removed_with_its_processes(bench: Bench) -> None:
    left = Path(tempfile.mkdtemp(prefix=runner.RUNTIME))
    env = {**os.environ, "JUPYTER_RUNTIME_DIR": str(left)}
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=env)
    try:
        (bench.root / runner.TEMPORARY).write_text(str(left), encoding="utf-8")
        assert ran(bench) == []
        orphan.wait(20)
        assert not left.exists()
    finally:
        orphan.kill()
