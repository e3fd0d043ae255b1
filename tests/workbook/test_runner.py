"""The runner with real kernels: what fails is never taken for done, and what did not change is not run again."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from chains import Bench
from chinese import english

from workbook import files
from workbook.run import manifest
from workbook.run.lock import lock

# A kernel starts in a second; on a busy machine it may take many.
PATIENCE = 60


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A chain that has run once; tests take copies."""
    bench = Bench(tmp_path_factory.mktemp("good") / "bench")
    assert bench.run() == 0
    return bench


@pytest.fixture
def bench(good: Bench, tmp_path: Path) -> Bench:
    """A copy of the finished chain, to be spoilt."""
    copy = Bench(tmp_path / "bench")
    shutil.copytree(good.root, copy.root)
    for name in good.names:
        shutil.copy2(good.notebooks / f"{name}.ipynb", copy.notebooks)
    return copy


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE} s for {what}")


def test_results_are_in_place_and_nothing_else(good: Bench) -> None:
    expected = {"exhibits.csv", "manifest.json"}
    for name, artefact in zip(good.names, "abcd", strict=True):
        expected |= {f"{name}.ipynb", f"{name}/{artefact}.parquet", f"{name}/done.json"}
    (kept,) = (good.root / ".runs").glob("*.json")
    assert good.files() == expected | {f".runs/{kept.name}"}
    assert set(good.statuses().values()) == {"done"}


def test_only_named_parameters_are_injected(good: Bench) -> None:
    for name, names in {"01_first": {"study", "size", "mode"}, "04_last": {"study"}}.items():
        told = json.loads((good.root / f"{name}.ipynb").read_text("utf-8"))["metadata"]["papermill"]
        assert set(told["parameters"]) == names
        assert not told["input_path"].startswith("/")


def test_manifest_says_what_went_in_and_came_out(good: Bench) -> None:
    record = good.manifest()
    assert record["study"] == "tiny" and record["status"] == "done" and record["seed"] == 1
    assert record["environment"]["packages"]["pandas"] and len(record["environment"]["lock_sha256"]) == 64
    last = record["notebooks"]["04_last"]
    file = good.root / "04_last" / "d.parquet"
    assert last["outputs"]["04_last/d.parquet"] == {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bytes": file.stat().st_size,
        "rows": 3,
    }
    assert (
        last["inputs"]["b"]["sha256"]
        == record["notebooks"]["02_second"]["outputs"]["02_second/b.parquet"]["sha256"]
    )
    assert last["inputs"]["b"]["rows"] == 3
    # A kernel with pandas takes some 100 MB; 20 would mean that the wrong process was measured.
    assert last["peak_memory_mb"] > 20 and last["seconds"] > 0
    assert record["notebooks"]["01_first"]["fingerprint"]["parameters"] == {
        "study": "tiny",
        "size": 3,
        "mode": "",
    }


def test_manifest_holds_no_path_of_this_machine(good: Bench) -> None:
    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from (key, *strings(item))
        elif isinstance(value, list):
            for item in value:
                yield from strings(item)
        elif isinstance(value, str):
            yield value

    assert [text for text in strings(good.manifest()) if text.startswith(("/", "~"))] == []
    assert str(good.folder) not in (good.root / "manifest.json").read_text("utf-8")


def test_nothing_to_do_is_quick_and_changes_nothing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    before = {f: (bench.root / f).stat().st_mtime_ns for f in bench.files()}
    (bench.notebooks / "01_first.ipynb").touch()
    (bench.root / "01_first" / "a.parquet").touch()
    before.pop("01_first/a.parquet")
    begun = time.monotonic()
    assert bench.run() == 0
    # The goal is two seconds with the start of Python; here it is running already.
    assert time.monotonic() - begun < 1.5
    assert capsys.readouterr().out.count("up to date") == 4 + 1  # one a notebook, one in the summary
    assert {f: (bench.root / f).stat().st_mtime_ns for f in before} == before


def test_nothing_to_do_imports_nothing_heavy(bench: Bench) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from chains import Study; from pathlib import Path; import json\n"
        "from workbook.params import load; from workbook.run import runner\n"
        "v = json.loads(sys.argv[2])\n"
        "assert runner.run(Study('tiny', Path(v['file']), v['flat'], v['names'])) == 0\n"
        "print(sorted({'pandas', 'numpy', 'papermill', 'IPython', 'pyarrow'} & set(sys.modules)))"
    )
    study = bench.study()
    told = json.dumps({"file": str(study.file), "flat": study.flat, "names": bench.names})
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), told],
        env={**os.environ, **bench.env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


def test_a_parameter_reruns_its_readers_and_what_follows_from_them(bench: Bench) -> None:
    before = bench.manifest()["notebooks"]
    assert bench.run(scale=5.0) == 0
    after = bench.manifest()["notebooks"]
    assert {n for n in after if after[n]["started"] != before[n]["started"] or after[n] != before[n]} == {
        "02_second",
        "04_last",
    }
    assert after["02_second"]["reason"] == ["parameters: scale"]
    assert after["04_last"]["reason"] == ["inputs: b"]


def test_equal_outputs_cut_the_rerun_off(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """The first notebook writes max(size, 3) rows: size 2 runs it again, and gives the same bytes."""
    assert bench.run(size=2) == 0
    out = capsys.readouterr().out
    assert out.count("up to date") == 3 + 1 and "01_first    done" in out
    assert bench.manifest()["notebooks"]["01_first"]["reason"] == ["parameters: size"]


def test_a_cell_that_raises_and_a_kernel_that_is_killed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.put("02_second", before="raise ValueError('the 14th row')")
    bench.put("03_third", before="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    assert bench.run() == 1
    assert bench.statuses() == {
        "01_first": "done",
        "02_second": "failed",
        "03_third": "failed",
        "04_last": "skipped",
    }
    out = capsys.readouterr().out
    assert "ValueError: the 14th row" in out and "cell [4] 'before'" in out
    assert "killed by SIGKILL" in out and "03_third.failed.ipynb" in out
    present = bench.files()
    assert {"02_second.failed.ipynb", "03_third.failed.ipynb"} <= present
    assert not {f for f in present if f.startswith(("02_second/", "03_third/", "04_last", ".work"))}
    assert "02_second.ipynb" not in present and "03_third.ipynb" not in present
    evidence = json.loads((bench.root / "02_second.failed.ipynb").read_text("utf-8"))
    assert any(o.get("ename") == "ValueError" for c in evidence["cells"] for o in c.get("outputs", []))
    # Mended, the earlier results are current again: they are brought back, not computed.
    for name in ("02_second", "03_third"):
        bench.put(name)
    assert bench.run() == 0
    assert capsys.readouterr().out.count("up to date") == 4 + 1
    assert not {f for f in bench.files() if "failed" in f}
    assert set(bench.statuses().values()) == {"done"}


def test_leaving_early_is_not_finishing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """`sys.exit(0)` looks like success to papermill; a missing output is caught by the last cell."""
    bench.put("02_second", before="import sys\nsys.exit(0)")
    bench.put("03_third", body="pass")
    assert bench.run() == 1
    out = capsys.readouterr().out
    assert "sys.exit()" in out
    assert "did not write: c" in out
    assert bench.statuses()["02_second"] == bench.statuses()["03_third"] == "failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
def test_a_stopped_run_leaves_no_process_and_nothing_half_written(
    bench: Bench, number: signal.Signals
) -> None:
    note = bench.folder / "pid"
    bench.put(
        "02_second",
        before=f"import os, time, pathlib\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))\ntime.sleep(600)",
    )
    runner = bench.start()
    kernel = int(wait_for(lambda: note.exists() and note.read_text(), "the kernel"))
    family = psutil.Process(runner.pid).children(recursive=True)
    assert kernel in {p.pid for p in family}
    runner.send_signal(number)
    _, err = runner.communicate(timeout=PATIENCE)
    wait_for(
        lambda: not any(p.is_running() and p.status() != "zombie" for p in family), "its processes to end"
    )
    assert (
        not {f for f in bench.files() if f.startswith(("02_second/", "04_last/"))} or number == signal.SIGKILL
    )
    if number == signal.SIGINT:
        assert runner.returncode == 130
        assert err.strip() == "stopped; what was finished is kept. Continue with: make study STUDY=tiny"
        assert bench.statuses() == {
            "01_first": "done",
            "02_second": "interrupted",
            "03_third": "done",
            "04_last": "skipped",
        }
        assert not (bench.root / ".work").exists()
    else:  # nobody could clean up, but nothing says that it is done
        assert bench.statuses()["02_second"] == "running" and bench.statuses()["04_last"] == "pending"
    bench.put("02_second")
    assert bench.run() == 0
    assert set(bench.statuses().values()) == {"done"}


def test_a_second_run_is_told(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with lock(bench.root, "tiny", wait=False):
        assert bench.run(wait=False) == 2
    told = capsys.readouterr().err
    assert f"process {os.getpid()} is running study 'tiny' since 20" in told
    assert len(told.strip().splitlines()) == 1


def test_a_second_run_waits(bench: Bench) -> None:
    with lock(bench.root, "tiny", wait=False):
        second = bench.start()
        assert second.stdout is not None
        assert "waiting for it to end" in second.stdout.readline()
        assert second.poll() is None
    out, err = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, err
    assert out.count("up to date") == 4 + 1


def test_a_build_folder_that_cannot_be(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.build = bench.folder / "tiny.yaml" / "build"  # below a file
    assert bench.run() == 2
    told = capsys.readouterr().err.strip()
    assert "cannot write" in told and "Not a directory" in told and "\n" not in told


def test_a_read_only_build_folder() -> None:
    """Root may write anywhere, so that the run becomes another user first."""
    become = "os.setegid(65534); os.seteuid(65534)" if os.geteuid() == 0 else "pass"
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from chains import Study; from pathlib import Path\n"
        f"from workbook.run import runner; {become}\n"
        "sys.exit(runner.run(Study('tiny', Path('tiny.yaml'), {}, [])))"
    )
    # Not pytest's own folder, which is closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env={**os.environ, "FUSION_BUILD": folder},
            capture_output=True,
            text=True,
        )
        assert list(Path(folder).iterdir()) == []
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stderr and "Permission denied" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_full_disk_in_a_kernel(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.put("02_second", before="import errno, os\nraise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))")
    assert bench.run() == 1
    captured = capsys.readouterr()
    assert "no space left for" in captured.err and "free): make room" in captured.err
    assert bench.statuses() == {
        "01_first": "done",
        "02_second": "failed",
        "03_third": "done",
        "04_last": "skipped",
    }


def test_a_full_disk_in_the_runner(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "manifest.json")

    monkeypatch.setattr(manifest, "write", full)
    assert bench.run(scale=9.0) == 1
    told = capsys.readouterr().err.strip()
    assert told.startswith("no space left for") and "\n" not in told


def test_a_disk_that_is_really_full(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        bench = Bench(tmp_path / "bench")
        bench.build = disk
        large = "import numpy as np, pandas as pd\n"
        large += 'book.write("a", pd.DataFrame({"x": np.random.default_rng(1).random(500_000)}))'
        bench.put("01_first", body=large)
        assert bench.run() == 1
        captured = capfd.readouterr()
        assert "no space left for" in captured.err and "Traceback" not in captured.err + captured.out
        assert bench.statuses()["01_first"] == "failed"
        assert set(bench.files()) <= {"manifest.json", "exhibits.csv", "01_first.failed.ipynb"}
        assert not list(disk.rglob("*.part"))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_exhibits_are_listed(good: Bench) -> None:
    with (good.root / "exhibits.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert next(csv.reader(stream))[:8] == [
            "id",
            "kind",
            "number",
            "title_en",
            "title_zh",
            "file",
            "notebook",
            "cell_tag",
        ]


def test_write_atomic_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.json"
    target.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(target, "new")
    assert target.read_text("utf-8") == "old" and [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_run_in_chinese(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines, reasons, what a notebook raises in its own process, the summary."""
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")
    bench.put("02_second", before="from fusion.panel import contract\ncontract.expected('large')")
    shutil.rmtree(bench.root / "03_third")
    assert bench.run(other=1) == 1
    told = capsys.readouterr().out
    assert re.search(r"01_first +无需重跑", told) and re.search(
        r"04_last +跳过 +\(02_second 没有完成\)", told
    )
    assert "变动：参数：other" in told and "“large”不在允许值之内" in told and "失败 1 个" in told
    assert english(told.replace(files.shown(bench.root), ""), "tiny", "other", "before", "PanelError") == []
    records = bench.manifest()["notebooks"]
    assert records["04_last"]["reason"] == [{"en": "02_second did not finish", "zh": "02_second 没有完成"}]
    error = records["02_second"]["error"]
    assert (
        error["value"] == error["said"]["zh"]
        and "'large' is not one of: enterprise, minimal" in error["said"]["en"]
    )
