"""Plant faults and count those that no test finds: ``python -m evidence.mutants --count 200``."""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from evidence.mutants.operators import Mutant, mutants
from evidence.mutants.rooms import ROOMS, answering, modules
from evidence.mutants.run import attempt, failed, place, warm

ROOT = Path(__file__).resolve().parents[3]
KNOWN = ROOT / "data" / "verification" / "mutants.csv"
GOAL = 0.95
COLUMNS = ["room", "file", "line", "where", "kind", "before", "after", "result", "by", "seconds", "why"]


def known() -> dict[tuple[str, str, str], str]:
    """Changes that no test can find, with the reason: (file, line with what is changed between ‹ and ›, after)."""
    with KNOWN.open(encoding="utf-8", newline="") as stream:
        return {(row["file"], row["where"], row["after"]): row["why"] for row in csv.DictReader(stream)}


def main(arguments: list[str] | None = None) -> int:
    """Write the table, print the score by room; 1 if fewer than `GOAL` of all are found or explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", nargs="+", default=list(ROOMS), choices=list(ROOMS))
    parser.add_argument("--only", default="", help="part of a file's name")
    parser.add_argument("--out", type=Path, default=Path("build/mutants.csv"))
    parser.add_argument("--more", action="store_true", help="add to the table, places not tried yet")
    parser.add_argument(
        "--again", action="store_true", help="try again what survived without a reason in the table"
    )
    asked = parser.parse_args(arguments)
    kept = _kept(asked.out) if asked.more or asked.again else pd.DataFrame(columns=COLUMNS)
    open_ = (kept["result"] == "survived") & (kept["why"] == "")
    warm()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        lib = place(ROOT, Path(folder))
        chosen = _again(lib, kept[open_]) if asked.again else _drawn(lib, asked, _changes(kept))
        rows = _planted(lib, chosen)
    new = pd.DataFrame(rows, columns=COLUMNS)
    table = pd.concat([kept[~open_] if asked.again else kept, new], ignore_index=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(asked.out, index=False)
    found = table["result"] != "survived"
    score = table.assign(found=found, explained=table["why"] != "").groupby("room", sort=False)
    print(
        score.agg(
            planted=("found", "size"), found=("found", "sum"), explained=("explained", "sum")
        ).to_string()
    )
    for row in table[~found & (table["why"] == "")].itertuples():
        print(f"survived: {row.file}:{row.line} {row.where}  ->  {row.after}")
    share = float((found | (table["why"] != "")).mean()) if len(table) else 0.0
    print(f"{share:.1%} of {len(table)} found or explained")
    return int(share < GOAL)


def _kept(out: Path) -> pd.DataFrame:
    """What earlier bites found; reasons are read anew, since they may have been given after."""
    if not out.exists():
        return pd.DataFrame(columns=COLUMNS)
    table, reasons = pd.read_csv(out, keep_default_na=False), known()
    survived = table["result"] == "survived"
    table["why"] = [reasons.get(k, "") if s else "" for k, s in zip(_changes(table), survived, strict=True)]
    return table


def _changes(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(zip(table["file"], table["where"], table["after"].astype(str), strict=True))


def _places(lib: Path) -> list[tuple[str, Path, Mutant]]:
    return [
        (room, file, mutant)
        for room, file in modules(lib)
        for mutant in mutants(file.read_text(encoding="utf-8"))
    ]


def _drawn(
    lib: Path, asked: argparse.Namespace, tried: Collection[tuple[str, str, str]]
) -> list[tuple[str, Path, Mutant]]:
    done = set(tried)
    places = [
        (room, file, mutant)
        for room, file, mutant in _places(lib)
        if room in asked.rooms
        and asked.only in str(file)
        and (file.relative_to(lib).as_posix(), mutant.where, mutant.after) not in done
    ]
    at = sorted(random.Random(asked.seed).sample(range(len(places)), min(asked.count, len(places))))
    return [places[k] for k in at]


def _again(lib: Path, table: pd.DataFrame) -> list[tuple[str, Path, Mutant]]:
    """The changes of these rows; a line that reads otherwise now is left out."""
    wanted = set(_changes(table))
    return [
        (room, file, mutant)
        for room, file, mutant in _places(lib)
        if (file.relative_to(lib).as_posix(), mutant.where, mutant.after) in wanted
    ]


def _planted(lib: Path, chosen: Sequence[tuple[str, Path, Mutant]]) -> list[list[object]]:
    reasons = known()
    sound: set[str] = set()
    rows: list[list[object]] = []
    for k, (room, file, mutant) in enumerate(chosen):
        tests = answering(room, file, lib.parent / "tests")
        outcome = attempt(lib, file, mutant, tests)
        test = failed(outcome, tests)
        if test and test not in sound:
            # What fails without any change finds nothing.
            alone = attempt(lib, file, None, [test])
            if alone.result != "survived":
                raise SystemExit(f"{test} fails without any change: {alone.by}")
            sound.add(test)
        name = file.relative_to(lib).as_posix()
        why = reasons.get((name, mutant.where, mutant.after), "") if outcome.result == "survived" else ""
        found = [outcome.result, outcome.by, round(outcome.seconds, 1), why]
        rows.append([room, name, mutant.line, mutant.where, mutant.kind, mutant.before, mutant.after, *found])
        told = f"{k + 1} of {len(chosen)}: {outcome.result} {name}:{mutant.line}"
        told += f" {mutant.where}  ->  {mutant.after}" if outcome.result == "survived" else ""
        print(told, file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
