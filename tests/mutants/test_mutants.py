"""Planting faults: what is changed, and that a test that looks finds it while one that does not lets it live."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from evidence.mutants import __main__ as command
from evidence.mutants.operators import mutants
from evidence.mutants.rooms import ROOMS, answering, modules
from evidence.mutants.run import Outcome, attempt, failed

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''"""Words."""
LIMIT: int = 10

def half(x, ok):
    """Half."""
    if x < LIMIT and not ok:
        raise ValueError(f"{x + 1} is too small")
    return -x.sum() / 2
'''


def test_what_is_changed() -> None:
    found = {(m.kind, m.before, m.after) for m in mutants(SOURCE)}
    assert found == {
        ("constant", "10", "11"),
        ("condition", "x < LIMIT and (not ok)", "x < LIMIT or not ok"),
        ("comparison", "x < LIMIT", "x <= LIMIT"),
        ("condition", "not ok", "ok"),
        ("arithmetic", "-x.sum() / 2", "-x.sum() * 2"),
        ("sign", "-x.sum()", "x.sum()"),
        ("function", "x.sum", "x.mean"),
        ("constant", "2", "3"),
    }


def test_each_change_is_one_and_can_be_read() -> None:
    texts = [m.planted(SOURCE) for m in mutants(SOURCE)]
    assert len(set(texts)) == len(texts)
    for text in texts:
        compile(text, "it", "exec")
        assert "is too small" in text


@pytest.mark.parametrize(("asserted", "result"), [("half(4) == 2", "killed"), ("half(0) == 0", "survived")])
def test_a_fault_lives_where_no_test_looks(tmp_path: Path, asserted: str, result: str) -> None:
    lib, tests = tmp_path / "lib", tmp_path / "tests"
    lib.mkdir()
    tests.mkdir()
    file = lib / "halving.py"
    file.write_text("def half(x):\n    return x / 2\n")
    (tests / "test_halving.py").write_text(
        f"from halving import half\n\n\ndef test_it():\n    assert {asserted}\n"
    )
    (mutant,) = (m for m in mutants(file.read_text()) if m.kind == "arithmetic")
    before = file.read_text()
    assert attempt(lib, file, None, [tests / "test_halving.py"], 60).result == "survived"
    outcome = attempt(lib, file, mutant, [tests / "test_halving.py"], 60)
    assert outcome.result == result and file.read_text() == before
    own = tests / "test_halving.py"
    assert failed(outcome, [own]) == (f"{own}::test_it" if result == "killed" else "")


def test_the_test_that_failed_is_named() -> None:
    files = [Path("/x/tests/io/test_a.py"), Path("/x/tests/io/test_b.py")]
    one = Outcome("killed", "FAILED tests/io/test_b.py::test_it[two words - 3] - assert 1 == 2", 1.0)
    assert failed(one, files) == "/x/tests/io/test_b.py::test_it[two words - 3]"
    assert failed(Outcome("killed", "ERROR tests/io/test_a.py - ImportError: x", 1.0), files) == str(files[0])
    assert failed(Outcome("slow", "", 1.0), files) == failed(Outcome("killed", "no line", 1.0), files) == ""


def test_a_change_that_never_ends_is_found_by_the_clock(tmp_path: Path) -> None:
    file, tests = tmp_path / "lib" / "waiting.py", tmp_path / "test_waiting.py"
    file.parent.mkdir()
    file.write_text("def wait(n):\n    while n < 3:\n        n += 1\n    return n\n")
    tests.write_text("from waiting import wait\n\n\ndef test_it():\n    assert wait(0) == 3\n")
    (mutant,) = (m for m in mutants(file.read_text()) if m.before == "1")
    slow = file.read_text().replace("n += 1", "n += 0")
    file.write_text(slow)
    assert attempt(file.parent, file, None, [tests], 3).result == "slow"
    assert mutant.after == "2" and file.read_text() == slow


def test_every_room_has_modules_and_tests() -> None:
    rooms = {room for room, _ in modules(ROOT / "lib")}
    assert rooms == set(ROOMS)
    for room, file in modules(ROOT / "lib"):
        assert answering(room, file, ROOT / "tests"), file
    spillover = ROOT / "lib" / "estimators" / "effects" / "spillover.py"
    first = answering("estimators/effects", spillover, ROOT / "tests")[:4]
    assert "test_dynamics_spillover.py" in [test.name for test in first]


def test_what_is_explained_is_there() -> None:
    """A reason stands for a change that can still be made, on a line that still reads so, and says why no test can find it."""
    with command.KNOWN.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(command.known()) == len(rows), "twice the same change"
    made: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        name = row["file"]
        if name not in made:
            source = (ROOT / "lib" / name).read_text(encoding="utf-8")
            made[name] = {(m.where, m.after) for m in mutants(source)}
        assert (row["where"], row["after"]) in made[name], row
        assert len(row["why"]) > 20


def test_where_a_change_is_made_is_marked() -> None:
    source = "a = 1  # first\nb = f(\n    'é', x + 1, 1\n)\n"
    assert [(m.where, m.after) for m in mutants(source)] == [
        ("a = ‹1›  # first", "2"),
        ("'é', ‹x + 1›, 1", "x - 1"),
        ("'é', x + 1, ‹1›", "2"),
        ("'é', x + ‹1›, 1", "2"),
    ]


def test_a_short_run(tmp_path: Path) -> None:
    """Three faults in one small module, whose tests take a second."""
    out = tmp_path / "mutants.csv"
    command.main(["--count", "3", "--rooms", "fusion/io", "--only", "algebra", "--out", str(out)])
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 and {row["file"] for row in rows} == {"fusion/io/algebra.py"}
    assert {row["result"] for row in rows} <= {"killed", "survived", "slow"}


def test_nothing_is_planted_that_changes_nothing() -> None:
    assert [(m.before, m.after) for m in mutants("x = 0.0\ny = 0.5\n")] == [("0.0", "1.0"), ("0.5", "1.0")]


def test_a_change_of_the_same_value_is_not_planted() -> None:
    """Times or over ±1; the sign of a sum or a mean. What may be zero, or is no sign, is planted."""
    assert len(mutants("y = x * (a if b else c)\n")) == 1
    kinds = [(m.before, m.after) for m in mutants("y = x * (1 if ok else -1)\n")]
    assert kinds == [("1", "2"), ("1", "2")]
    assert all(m.kind == "constant" for m in mutants("y = x / np.where(bad, -1.0, 1.0)\n"))
    assert ("arithmetic", "x * np.where(bad, 0.0, 1.0)", "x / np.where(bad, 0.0, 1.0)") in {
        (m.kind, m.before, m.after) for m in mutants("y = x * np.where(bad, 0.0, 1.0)\n")
    }
    assert {m.kind for m in mutants("y = v.sum() >= 0\n")} == {"comparison", "constant"}
    assert {m.kind for m in mutants("y = v.sum() >= 1\n")} == {"comparison", "constant", "function"}
