"""Draws by several processes, with progress."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from evidence.montecarlo.draw import ESTIMATORS, one_draw
from evidence.montecarlo.modes import MODES
from evidence.montecarlo.summary import alarm_table, kept, summarise, verdicts


def simulate(
    draws: int,
    firms: int = 1500,
    modes: Sequence[str] = tuple(MODES),
    estimators: Sequence[str] = ESTIMATORS,
    processes: int = 2,
    seed: int = 1,
    larger: int = 0,
) -> pd.DataFrame:
    """All draws of all modes; draw k of every mode has generator seed `seed` + k.

    Parameters
    ----------
    draws, firms : int
        Panels for each mode, and firms in each.
    larger : int
        Further panels of the modes in which something is broken, with as many firms as the mode says that its alarm needs; of
        estimators only the answer.
    modes, estimators : sequences of str
    processes : int
        1: in this process.
    seed : int

    Returns
    -------
    DataFrame
        Rows of `one_draw`, in the order of modes and seeds whatever process was first.
    """
    jobs = [(mode, seed + k, firms, tuple(estimators)) for mode in modes for k in range(draws)]
    broken = [(mode, MODES[mode].told_from) for mode in modes if MODES[mode].told_from > firms]
    jobs += [(mode, seed + k, size, ("headline",)) for mode, size in broken for k in range(larger)]
    if processes < 2:
        return pd.concat([one_draw(*job) for job in jobs], ignore_index=True)
    done: dict[int, pd.DataFrame] = {}
    # One thread each, or the processes' linear algebra would fight over the cores; set before workers import numpy.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Spawned, not forked: the packages start threads.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(one_draw, *job): k for k, job in enumerate(jobs)}
        begin = time.monotonic()
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            _progress(len(done), len(jobs), time.monotonic() - begin)
    return pd.concat([done[k] for k in range(len(jobs))], ignore_index=True)


def _progress(done: int, jobs: int, seconds: float) -> None:
    if done % max(jobs // 50, 1) == 0 or done == jobs:
        left = seconds / done * (jobs - done)
        print(f"{done} of {jobs} draws, about {left / 60:.1f} min left", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write summary, alarms, verdicts and draws as CSV, print all but the draws; 1 if a verdict is wrong.

    A verdict that is wrong counts unless its reason is known; that an alarm needs more firms is one where larger samples ring it.
    """
    parser = argparse.ArgumentParser(prog="python -m evidence.montecarlo", description=__doc__)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--firms", type=int, default=1500)
    parser.add_argument(
        "--larger", type=int, default=-1, help="draws of alarms in larger samples; a quarter of draws"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=list(MODES))
    parser.add_argument("--estimators", nargs="+", default=list(ESTIMATORS), choices=ESTIMATORS)
    parser.add_argument("--out", type=Path, default=Path("build/montecarlo.csv"))
    parser.add_argument(
        "--keep", type=Path, help="what pages say of intervals: lib/estimators/effects/imputation/trials.csv"
    )
    given = parser.parse_args(arguments)
    larger = given.larger if given.larger >= 0 else given.draws // 4
    sizes = (given.processes, given.seed, larger)
    draws = simulate(given.draws, given.firms, given.modes, given.estimators, *sizes)
    own = draws[draws["firms"] == given.firms]
    table, alarms, found = summarise(own), alarm_table(draws), verdicts(draws)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for name, content in (("", table), ("_alarms", alarms), ("_verdicts", found), ("_draws", draws)):
        content.to_csv(given.out.with_name(f"{given.out.stem}{name}.csv"), index=False)
    if given.keep:
        before = pd.read_csv(given.keep, keep_default_na=False) if given.keep.exists() else None
        kept(found, before).to_csv(given.keep, index=False, float_format="%.6g")
    print(table.drop(columns=["failed", "bias_se"]).round(4).to_string(index=False))
    print(alarms.round(3).to_string(index=False))
    print(found.round(3).to_string(index=False))
    return int(not (found["ok"] | (found["known"] != "")).all())
