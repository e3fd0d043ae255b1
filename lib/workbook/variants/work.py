"""Notebooks that the variants of a study need, each made once for all variants in which what it depends on is the same.

A notebook's fingerprint (``workbook.run.fingerprint``) says what its result depends on. Variants with the same
fingerprint share the result, which is kept under it, so that a run that was stopped goes on where it was; what the
study's own run has made is taken from there.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from workbook import paths
from workbook.exhibits import record, sheets
from workbook.language import both, said
from workbook.run import chain, fingerprint, manifest, preflight, process, warm
from workbook.run.preflight import Plan
from workbook.variants import stage
from workbook.variants.plan import Spread, Variant

KEPT, WORK, MADE = "kept", "work", "made.json"
SHORT = 24  # characters of a fingerprint that name a folder
TOLD = 2.0, 30.0  # seconds between lines of progress on a terminal, in a log


@dataclass
class Fate:
    """How far a variant is: results of notebooks by name, why it stopped, what is to be made next."""

    variant: Variant
    folders: dict[str, Path] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] | None = None


@dataclass
class Stage:
    """A notebook with one fingerprint, and the variants that wait for it."""

    plan: Plan
    mark: dict[str, Any]
    waiting: list[Fate]
    values: Mapping[str, Any]
    folders: dict[str, Path]
    began: float = 0.0


class Work:
    """Makes what the variants of a study need.

    Parameters
    ----------
    spread : Spread
        The variants.
    last : str
        The notebook whose output holds the number that they are compared by.
    root : Path
        The study's folder in the build.
    jobs : int
        Processes at a time.
    quiet : bool
        Say the last line alone.
    """

    def __init__(self, spread: Spread, last: str, root: Path, jobs: int, quiet: bool = False) -> None:
        self.root, self.home, self.jobs, self.quiet = root, root / chain.LEFT, jobs, quiet
        self.study = spread.variants[0].study
        self.hashes = fingerprint.Hashes(root.parent / ".hashes.json")
        steps = [one for one in chain.chain() if one.notebook in needed(last, self.study)]
        plans = preflight.check(steps, self.study.flat, paths.NOTEBOOKS)
        self.plans = {plan.name: plan for plan in plans}
        self.common = {plan.name: self._common(plan) for plan in plans}
        self.own = manifest.read(root).get("notebooks", {})
        self.fates = [Fate(variant) for variant in spread.variants]
        self.stages: dict[tuple[str, str], Stage] = {}
        self.queue: list[tuple[str, str]] = []
        self.running: dict[tuple[str, str], Any] = {}
        self.used: set[Path] = set()
        self.made = self.count = 0
        self.begun, self.told = time.monotonic(), 0.0
        self.context: Any = None

    def go(self) -> list[Fate]:
        """Make all that is not there yet; the variants with their results, or why they have none."""
        shutil.rmtree(self.home / WORK, ignore_errors=True)
        (self.home / WORK).mkdir(parents=True)
        try:
            for fate in self.fates:
                self._advance(fate)
            while self.queue or self.running:
                self._start()
                self._tell()
                done = wait([one.sentinel for one in self.running.values()], timeout=1.0)
                for key, one in list(self.running.items()):
                    if one.sentinel in done:
                        del self.running[key]
                        self._settle(key, one)
        finally:
            for one in self.running.values():
                one.kill()
                one.join()
            shutil.rmtree(self.home / WORK, ignore_errors=True)
            self.hashes.save()
        self._forget()
        return self.fates

    # -- inside --------------------------------------------------------------------------------
    def _common(self, plan: Plan) -> dict[str, Any]:
        """What a notebook depends on in all variants alike."""
        sheet = sheets.sheet(plan.name).decides() if sheets.exists(plan.name) else ""
        return fingerprint.fingerprint(plan.step, plan.content, {}, {}, self.hashes, sheet=sheet)

    def _mark(self, plan: Plan, fate: Fate, values: Mapping[str, Any]) -> dict[str, Any]:
        """A notebook's fingerprint in a variant, as the runner has it."""
        read = {name: values[name] for name in plan.read}
        return self.common[plan.name] | {
            "parameters": fingerprint.public(read),
            "data": {name: self.hashes.of(file) for name, file in fingerprint.named_files(read)},
            "inputs": {name: fate.outputs.get(name) for name in plan.step.reads},
        }

    def _advance(self, fate: Fate) -> None:
        """Take what is there for a variant, up to the first notebook that must be made; ask for that."""
        values = fate.variant.study.flat
        for name, plan in self.plans.items():
            if name in fate.folders:
                continue
            mark = self._mark(plan, fate, values)
            key = (name, fingerprint.digest(mark)[:SHORT])
            if key in self.stages:
                self.stages[key].waiting.append(fate)
                return
            if not self._there(key, mark):
                self.stages[key] = Stage(plan, mark, [fate], values, dict(fate.folders))
                self.queue.append(key)
                return
            self._take(fate, key)

    def _there(self, key: tuple[str, str], mark: dict[str, Any]) -> bool:
        """Whether a result is kept whole, or the study's own run has it, which is then kept, too."""
        folder = self.home / KEPT / key[0] / key[1]
        try:
            known = json.loads((folder / MADE).read_text(encoding="utf-8"))
            if all(self.hashes.of(folder / f"{n}.parquet") == digest for n, digest in known.items()):
                return True
        except (OSError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        own = self.own.get(key[0], {})
        if own.get("status") != "done" or own.get("fingerprint") != mark:
            return False
        if not manifest.intact(self.root, own, self.hashes):
            return False
        self._keep(key, self.root / key[0])
        return True

    def _keep(self, key: tuple[str, str], made: Path) -> None:
        """Keep a notebook's outputs under its fingerprint, whole or not at all."""
        step, folder = chain.step(key[0]), self.home / KEPT / key[0] / key[1]
        draft = folder.with_name(f".{key[1]}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name in step.outputs:
            if (made / f"{name}.parquet").is_file():
                shutil.copyfile(made / f"{name}.parquet", draft / f"{name}.parquet")
        known = {file.stem: self.hashes.of(file) for file in sorted(draft.glob("*.parquet"))}
        (draft / MADE).write_text(json.dumps(known), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)

    def _take(self, fate: Fate, key: tuple[str, str]) -> None:
        folder = self.home / KEPT / key[0] / key[1]
        fate.folders[key[0]] = folder
        fate.outputs |= json.loads((folder / MADE).read_text(encoding="utf-8"))
        self.used.add(folder)

    def _start(self) -> None:
        """Start what waits, as far as processes are free."""
        while self.queue and len(self.running) < self.jobs:
            key = self.queue.pop(0)
            one = self.stages[key]
            place = self._prepared(key, one)
            lacks = preflight.lacking(replace(one.plan, values=one.values), place / self.study.name)
            if lacks is not None:
                folder = place / "out"
                record.omit(folder, key[0], one.plan.step.empty, sheets.sheet(key[0]), lacks)
                self._end(key, folder, None)
                continue
            one.began = time.monotonic()
            self.running[key] = self._process(place)

    def _prepared(self, key: tuple[str, str], one: Stage) -> Path:
        """A build of its own for one notebook, in which what it reads is linked, and its job."""
        self.count += 1
        place = self.home / WORK / str(self.count)
        root, folder = place / self.study.name, place / "out"
        for made in (root, folder):
            made.mkdir(parents=True)
        for name, kept in one.folders.items():
            (root / name).mkdir()
            for file in kept.glob("*.parquet"):
                _linked(file, root / name / file.name)
        cells = [
            [fingerprint.source(cell), cell["metadata"].get("tags", [])]
            for cell in one.plan.content["cells"]
            if cell["cell_type"] == "code"
        ]
        job = {
            "name": key[0],
            "cells": cells,
            "parameters": {name: one.values[name] for name in one.plan.parameters},
            "values": dict(one.values),
            "folder": str(folder.absolute()),
            "build": str(place.absolute()),
            "cwd": str(paths.ROOT),
            "silent": True,
        }
        (place / "job.json").write_text(json.dumps(job, ensure_ascii=False), encoding="utf-8")
        one.folders = {"": place}
        return place

    def _process(self, place: Path) -> Any:
        if self.context is None:
            for name in process.THREADS:
                os.environ[name] = "1"
            os.environ["PYTHONHASHSEED"] = "0"
            self.context = multiprocessing.get_context("forkserver")
            names = [name for plan in self.plans.values() for name in warm.modules(plan.content)]
            self.context.set_forkserver_preload(
                ["workbook.variants.stage", "workbook.cli", *dict.fromkeys(names)]
            )
        started = self.context.Process(target=stage.run, args=(str((place / "job.json").absolute()),))
        started.start()
        return started

    def _settle(self, key: tuple[str, str], ended: Any) -> None:
        """Take over what a finished process left."""
        ended.join()
        place = self.stages[key].folders[""]
        try:
            verdict = json.loads((place / stage.VERDICT).read_text(encoding="utf-8"))
            error = verdict["error"]
        except (OSError, ValueError):
            status = ended.exitcode or 0
            how = (
                said("run.killed", name=signal.Signals(-status).name)
                if status < 0
                else said("run.status", status=status)
            )
            error = {"cell": None, "tag": "", "said": both(said("variants.ended", how=how))}
        self._end(key, place / "out", error)

    def _end(self, key: tuple[str, str], folder: Path, error: dict[str, Any] | None) -> None:
        """Keep a result, or say why there is none, and go on with the variants that waited for it."""
        one = self.stages.pop(key)
        if error is None:
            self._keep(key, folder)
            self.made += 1
        shutil.rmtree(folder.parent, ignore_errors=True)
        for fate in one.waiting:
            if error is None:
                self._take(fate, key)
                self._advance(fate)
            else:
                where = f"{key[0]} {error['tag']}".strip()
                fate.failed = {language: f"{where}: {text}" for language, text in error["said"].items()}

    def _forget(self) -> None:
        """Remove what no variant of the study uses any more."""
        for folder in (self.home / KEPT).glob("*/*"):
            if folder not in self.used:
                shutil.rmtree(folder, ignore_errors=True)

    def _tell(self) -> None:
        """Say how far it is, now and then."""
        terminal, now = sys.stderr.isatty(), time.monotonic()
        if self.quiet or now - self.told < TOLD[not terminal]:
            return
        self.told = now
        failed = sum(fate.failed is not None for fate in self.fates)
        done = sum(len(fate.folders) == len(self.plans) for fate in self.fates) + failed
        running = ", ".join(name for name, _ in self.running)
        line = said(
            "variants.progress",
            done=done,
            of=len(self.fates),
            failed=failed,
            made=self.made,
            running=running,
            seconds=now - self.begun,
        )
        print(
            f"\r{line[:118]:<118}" if terminal else line,
            end="" if terminal else "\n",
            file=sys.stderr,
            flush=True,
        )


def _linked(file: Path, place: Path) -> None:
    """The same file at another place; a copy where the disk has no links. One that points to it would be refused."""
    try:
        place.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, place)


def needed(last: str, study: Any) -> set[str]:
    """Notebooks of a study without whose outputs the last one cannot be."""
    found, queue = set[str](), [last]
    while queue:
        name = queue.pop()
        if name in found or name not in study.parameters.study.notebooks:
            continue
        found.add(name)
        queue += [chain.writer(artefact).notebook for artefact in chain.step(name).reads]
    return found
