"""Run a study's notebooks: those whose content, or whose inputs', has changed, two at a time."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from workbook import files, language, paths
from workbook.exhibits import listing, sheets
from workbook.language import said
from workbook.review.compare import snapshot
from workbook.run import chain, fingerprint, manifest, preflight, progress, warm
from workbook.run.kernels import nursery
from workbook.run.kernels.nursery import Nursery
from workbook.run.lock import LockedError, lock
from workbook.run.preflight import Plan
from workbook.run.process import Job, Watch, end_all, environment
from workbook.run.state import Place

FAILED, REFUSED = 1, 2
# Statuses whose record describes a result that was good when it was made.
GOOD = ("done", "pending")
POLL_SECONDS = 0.02
RUNTIME = "fusion-"  # how folders of sockets and temporary files begin
TEMPORARY = ".temporary"  # says where a run has its own


class StudyLike(Protocol):
    """What the runner needs of a study (see ``workbook.params.load.Study``)."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def file(self) -> Path:
        """The file that states its parameters."""

    @property
    def parameters(self) -> Any:
        """The checked parameters."""

    @property
    def flat(self) -> dict[str, Any]:
        """Parameters by name as they are injected."""


class Stopped(KeyboardInterrupt):
    """A signal asked the run to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(study: StudyLike, *, jobs: int = 2, wait: bool = True, quiet: bool = False) -> int:
    """Run a study's notebooks and keep its record.

    Parameters
    ----------
    study : StudyLike
        The study.
    jobs : int
        Notebooks at a time.
    wait : bool
        If another run has the study, wait for it to end; otherwise say so and refuse.
    quiet : bool
        Tell of what failed and of the whole alone.

    Returns
    -------
    int
        0 done; 1 a notebook failed, or the disk is full; 2 refused before any kernel started;
        128 + number of the signal that ended it (130 for Ctrl-C).
    """
    root = paths.build() / study.name
    try:
        with stoppable():
            root.mkdir(parents=True, exist_ok=True)
            with lock(root, study.name, wait):
                return Run(study, root.absolute(), jobs, quiet).go()
    except (preflight.PreflightError, LockedError) as error:
        return _refuse(str(error), REFUSED)
    except OSError as error:
        return _refuse(files.explain(error, root), FAILED if files.is_full(error) else REFUSED)
    except Stopped as stop:
        print(said("run.stopped", study=study.name), file=sys.stderr, flush=True)
        return 128 + stop.number


def stale(study: StudyLike) -> dict[str, list[str]]:
    """What a run would do: notebooks whose results are missing, or made of something that has changed, and of what."""
    run = Run(study, (paths.build() / study.name).absolute(), 1)
    found = {}
    for name in run.plans:
        record = run.record["notebooks"].get(name, {})
        good = record.get("status") in GOOD
        changed = fingerprint.changed(record.get("fingerprint"), run.fingerprint(name)) if good else [""]
        if changed:
            found[name] = [part for part in changed if part]
    return found


class Run:
    """One run of one study, which holds the study's lock."""

    def __init__(self, study: StudyLike, root: Path, jobs: int, quiet: bool = False) -> None:
        self.study, self.root, self.jobs = study, root, jobs
        self.hashes = fingerprint.Hashes(root.parent / ".hashes.json")
        flat = study.flat
        names = list(study.parameters.study.notebooks)
        steps = [step for step in chain.chain() if step.notebook in names]
        self.plans = {p.name: p for p in preflight.check(steps, flat, paths.NOTEBOOKS)}
        self.before = manifest.read(root)
        self.record: dict[str, Any] = manifest.header(study.name, study.file, flat, self.hashes)
        for key in ("status", "started", "ended", "seconds", "git", "environment", "durations"):
            self.record[key] = self.before.get(key)
        self.record["durations"] = dict(self.record["durations"] or {})
        earlier = self.before.get("notebooks", {})
        self.record["notebooks"] = {n: earlier[n] for n in self.plans if n in earlier}
        self.waiting = list(self.plans)
        self.running: dict[str, Job] = {}
        # Processes whose kernels make their imports while what they will read is being written.
        self.spare: dict[str, tuple[Job, dict[str, str]]] = {}
        # One that makes the imports of all notebooks that may follow the first, and the library as it was then.
        self.nursery: tuple[Nursery, dict[str, dict[str, str]]] | None = None
        self.stale: set[str] = set()
        self.touched: dict[str, dict[str, tuple[int, ...]]] = {}
        self.fates: dict[str, str] = {}
        self.full = False
        self.watch = Watch()
        durations = self.record["durations"]
        self.progress = progress.Progress(study.name, list(self.plans), jobs, durations, quiet)

    # -- the run -------------------------------------------------------------------------------
    def go(self) -> int:
        """Run what must be run; the exit status."""
        self._sweep()
        self._retire()
        # Where the study's file lies is known to this machine alone, and published nowhere.
        with suppress(OSError):
            (self.root / manifest.PLACE).write_text(str(self.study.file.absolute()), encoding="utf-8")
        with self._temporary() as self.runtime:
            try:
                self._loop()
            except BaseException as problem:
                self._abort(problem)
                raise
            finally:
                if self.nursery is not None:
                    self.nursery[0].end()
        return self._conclude()

    def _sweep(self) -> None:
        """Remove what an earlier run left that was killed with all its processes; the lock says that it is gone."""
        with suppress(OSError):
            left = Path((self.root / TEMPORARY).read_text(encoding="utf-8"))
            if left.name.startswith(RUNTIME):
                end_all(
                    "JUPYTER_RUNTIME_DIR", str(left)
                )  # one that has not noticed yet would write into our work
                shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(self.root / ".work", ignore_errors=True)
        files.sweep(self.root, below=True)
        files.sweep(self.root.parent)

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """A folder for sockets and temporary files; it is noted before it is there, so that the next run finds it."""
        folder = Path(tempfile.gettempdir()) / f"{RUNTIME}{secrets.token_hex(4)}"
        with suppress(OSError):  # a full disk is told of where it matters
            (self.root / TEMPORARY).write_text(str(folder), encoding="utf-8")
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _loop(self) -> None:
        while self.waiting or self.running:
            for name in list(self.waiting):
                self._consider(name)
            for name, job in list(self.running.items()):
                if job.ended():
                    self._settle(name, self.running.pop(name))
            if self.running:
                self._warm()
                self.watch.look(self.running)
                self._live()
                time.sleep(POLL_SECONDS)

    def _live(self) -> None:
        """Say where running notebooks are."""
        every = {
            n: sum(c["cell_type"] == "code" for c in self.plans[n].content["cells"]) for n in self.running
        }
        self.progress.live({n: (min(warm.begun(self.place(n).job), of), of) for n, of in every.items()})

    def _consider(self, name: str) -> None:
        """Skip it, find it up to date, start it, or leave it waiting."""
        fates = [self.fates.get(need) for need in self.needs(name)]
        if None in fates:
            return
        broken = [need for need in self.needs(name) if self.fates[need] != "good"]
        if broken or self.full:
            reason = said("run.unfinished", notebook=broken[0]) if broken else said("run.full")
            self._skip(name, language.both(reason))
        elif name not in self.stale and self._current(name):
            self._decide(name, "good", "up to date")
        else:
            self.stale.add(name)
            if len(self.running) < self.jobs and not self._soon(name):
                self._start(name)

    def _current(self, name: str) -> bool:
        """Whether its result, or the one withdrawn, is what a run would give; puts that in place."""
        place, mark = self.place(name), self.fingerprint(name)
        record = self.record["notebooks"].get(name, {})
        good = record.get("status") in GOOD and record.get("fingerprint") == mark
        if good and manifest.intact(self.root, record, self.hashes):
            record["status"] = "done"
            return True
        old = place.withdrawn_record()
        if old and old.get("fingerprint") == mark and self._whole(place, old):
            place.bring_back()
            self.record["notebooks"][name] = old | {"status": "done"}
            self._save()
            return True
        return False

    def _start(self, name: str) -> None:
        plan, place, mark = self.plans[name], self.place(name), self.fingerprint(name)
        earlier = self.record["notebooks"].get(name)
        good = earlier if earlier and earlier.get("status") in GOOD else None
        compared = good or place.withdrawn_record() or {}
        reason = fingerprint.changed(compared.get("fingerprint"), mark) or ["outputs missing or altered"]
        if not self.progress.ran:
            self.progress.expected()
        self._first_start()
        self.record["notebooks"][name] = {
            "status": "running",
            "reason": reason,
            "started": manifest.now(),
            "git": self.record["git"],
            "fingerprint": mark,
            "inputs": self.inputs(plan),
        }
        self._suspend(name)
        self._save()
        self.touched[name] = fingerprint.touched(self.inside(name))
        place.withdraw(good)
        place.prepare()
        if self._omitted(name):
            return
        job = self._ready(name) or self._job(name)
        self.running[name] = job
        job.begin()
        self.waiting.remove(name)
        self.progress.started(name)

    def _omitted(self, name: str) -> bool:
        """Whether the study cannot have this notebook at all; its results, without rows, are then written here."""
        plan, place = self.plans[name], self.place(name)
        lacks = preflight.lacking(plan, self.root)
        if lacks is None:
            return False
        from workbook.exhibits import record

        sheet = sheets.sheet(name)
        record.omit(place.work, name, plan.step.empty, sheet, lacks)
        files.write_atomic(place.work_file, json.dumps(plan.content, ensure_ascii=False))
        place.accept()
        entry = self.record["notebooks"][name]
        entry |= {"ended": manifest.now(), "seconds": 0.0, "status": "done", "lacks": lacks}
        entry["outputs"] = manifest.outputs(self.root, name, self.hashes)
        self._save()
        self._decide(name, "good", "not run", detail=[getattr(sheet.need(lacks), language.current())])
        return True

    def _job(self, name: str) -> Job:
        given = (self.study.name, self.plans[name], self.place(name), self.runtime)
        forking = self._nursery(name)
        return Job(*given, forking) if forking is not None and forking.usable() else Job(*given)

    def _nursery(self, name: str) -> Nursery | None:
        """The process that has made, or makes, this notebook's imports, unless the library was edited since."""
        forking, library = self.nursery or (None, {})
        return forking if name in library and library[name] == self._library(name) else None

    def _soon(self, name: str) -> bool:
        """Whether its imports are being made: to wait for them is shorter than to make them again."""
        forking = self._nursery(name)
        return forking is not None and name not in self.spare and forking.waiting()

    def _warm(self) -> None:
        """Make the imports of what follows; then, where a core is free, start the notebook that is next."""
        if self.nursery is None and len(self.waiting) > 1 and nursery.possible():
            library = {name: self._library(name) for name in self.waiting}
            modules = (module for name in library for module in warm.modules(self.plans[name].content))
            self.nursery = Nursery(modules, environment(self.runtime)), library
        if len(self.running) + len(self.spare) >= self.jobs:
            return
        for name in self.waiting:
            under_way = all(self.fates.get(n) == "good" or n in self.running for n in self.needs(name))
            if under_way and name not in self.spare and not self._soon(name):
                self.spare[name] = (self._job(name), self._library(name))
                return

    def _ready(self, name: str) -> Job | None:
        """Its waiting process, unless the library was edited since that imported it."""
        job, library = self.spare.pop(name, (None, None))
        if job is not None and library != self._library(name):
            job.end()
            return None
        return job

    def _library(self, name: str) -> dict[str, str]:
        found = fingerprint.library(self.plans[name].content)
        return {str(file): self.hashes.of(file) for file in found}

    def _settle(self, name: str, job: Job) -> None:
        """Take over what a finished process left."""
        verdict, place, record = job.verdict(), self.place(name), self.record["notebooks"][name]
        record |= {"ended": manifest.now(), "seconds": round(job.seconds, 2)}
        record |= {key: verdict.get(key) for key in ("peak_memory_mb", "processor_seconds")}
        if verdict["error"] is None:
            place.accept()
            record["outputs"] = manifest.outputs(self.root, name, self.hashes)
            record["status"] = "done"
            self.record["durations"][name] = record["seconds"]
            meanwhile = self._changed_meanwhile(name)
            self._save()
            self._decide(name, "good", "done", job.seconds, [*record["reason"], *meanwhile])
        else:
            self.full = self.full or verdict["full"]
            self._fail(name, verdict, job.seconds)

    def _changed_meanwhile(self, name: str) -> list[str]:
        """What was edited while it ran: nobody knows which version it saw, so that it is due again."""
        mark = self.record["notebooks"][name]["fingerprint"]
        names = fingerprint.changed(mark, self.fingerprint(name))
        if not names:  # what was changed and changed back was another in between
            before, now = self.touched[name], fingerprint.touched(self.inside(name))
            names = sorted(Path(file).name for file in before if before[file] != now.get(file))
        if names:
            mark["changed while it ran"] = names
        return [f"edited while it ran, due again: {', '.join(names)}"] if names else []

    def _fail(self, name: str, verdict: Mapping[str, Any], seconds: float) -> None:
        place, record = self.place(name), self.record["notebooks"][name]
        kept = place.reject()
        record |= {"status": "failed", "error": verdict["error"]}
        if kept:
            record["evidence"] = place.failed.name
        self._save()
        self._decide(name, "bad", "FAILED", seconds)
        self.progress.explain(verdict["error"], place.failed if kept else None)
        if verdict["full"]:
            print(files.full(self.root), file=sys.stderr, flush=True)

    def _skip(self, name: str, reason: dict[str, str]) -> None:
        """Do not run it; a result from before is withdrawn, for it is not known to be current."""
        self._take_away(name, {"status": "skipped", "reason": [reason]})
        self._decide(name, "bad", "skipped", detail=[reason[language.current()]])

    def _decide(
        self, name: str, fate: str, word: str, seconds: float | None = None, detail: list[str] | None = None
    ) -> None:
        self.fates[name] = fate
        unused, _ = self.spare.pop(name, (None, None))
        if unused is not None:
            unused.end()
        if name in self.waiting:
            self.waiting.remove(name)
        self.progress.settled(name, word, seconds, detail or [])

    # -- ends ----------------------------------------------------------------------------------
    def _abort(self, problem: BaseException) -> None:
        """End every process and leave a truthful record; nothing here may stop what follows it."""
        with _deaf():
            for job, _ in self.spare.values():
                job.end()
            for name, job in self.running.items():
                job.end()
                self.place(name).clean()
                self.record["notebooks"][name] |= {"status": "interrupted", "ended": manifest.now()}
            for name in self.waiting:
                with suppress(OSError):
                    self._take_away(
                        name, {"status": "skipped", "reason": [language.both(said("run.halted"))]}
                    )
            with suppress(OSError):
                self._finish("interrupted" if isinstance(problem, KeyboardInterrupt) else "failed")

    def _conclude(self) -> int:
        bad = [n for n in self.plans if self.fates[n] != "good"]
        self._finish("failed" if bad else "done")
        self.progress.summary(files.shown(self.root), bool(bad))
        return FAILED if bad else 0

    def _finish(self, status: str) -> None:
        shutil.rmtree(self.root / ".work", ignore_errors=True)
        (self.root / TEMPORARY).unlink(missing_ok=True)
        if self.progress.ran:
            self.record |= {"ended": manifest.now(), "seconds": round(self.progress.elapsed(), 2)}
        self.record["status"] = status
        if self.record != self.before:
            self._save()
        # In the order of the study, not in that in which they happened to end.
        done = [n for n in self.plans if self.record["notebooks"].get(n, {}).get("status") == "done"]
        listing.write(self.root, done)
        if status == "done" and self.progress.ran:
            snapshot.keep(self.root)
        self.hashes.save()

    # -- small things --------------------------------------------------------------------------
    def place(self, name: str) -> Place:
        """Where a notebook's results lie."""
        return Place(self.root, name)

    def needs(self, name: str) -> list[str]:
        """Notebooks of this study whose outputs it reads."""
        step = self.plans[name].step
        if step.exhibits:
            order = list(self.plans)
            return order[: order.index(name)]
        writers = [chain.writer(artefact).notebook for artefact in step.reads]
        return [other for other in self.plans if other in writers]

    def artefacts(self, plan: Plan) -> dict[str, Path]:
        """Files of the artefacts that it reads."""
        found = {n: self.root / chain.writer(n).notebook / f"{n}.parquet" for n in plan.step.reads}
        return found | {n: self.root / chain.LEFT / f"{n}.parquet" for n in plan.step.left}

    def inside(self, name: str) -> list[Path]:
        """Files that a notebook's result rests on: artefacts, data, declared files, modules."""
        plan = self.plans[name]
        data = [file for _, file in fingerprint.named_files(plan.read)]
        code = fingerprint.library(plan.content)
        return [*self.artefacts(plan).values(), *data, *fingerprint.declared(plan.step), *code]

    def fingerprint(self, name: str) -> dict[str, Any]:
        """What its result depends on, now."""
        plan = self.plans[name]
        shown = self.needs(name) if plan.step.exhibits else []
        exhibits = {n: self.root / n / "done.json" for n in shown}
        sheet = sheets.sheet(name).decides() if sheets.exists(name) else ""
        return fingerprint.fingerprint(
            plan.step, plan.content, plan.read, self.artefacts(plan), self.hashes, exhibits, sheet
        )

    def inputs(self, plan: Plan) -> dict[str, Any]:
        """Artefacts that it reads, with what their writer recorded."""
        found = {}
        for name, file in self.artefacts(plan).items():
            place = file.relative_to(self.root).as_posix()
            writer = self.record["notebooks"].get(file.parent.name, {})
            entry = writer.get("outputs", {}).get(place)
            found[name] = {"file": place, **entry} if entry else None
        return found

    def _whole(self, place: Place, record: Mapping[str, Any]) -> bool:
        """Whether a withdrawn result has every file as it was."""
        try:
            for name, entry in record["outputs"].items():
                inside = name.removeprefix(f"{place.notebook}/")
                file = "notebook.ipynb" if inside == name else f"outputs/{inside}"
                if self.hashes.of(place.withdrawn / file) != entry["sha256"]:
                    return False
        except OSError:
            return False
        return True

    def _retire(self) -> None:
        """Withdraw results of notebooks that the study no longer has."""
        earlier = self.before.get("notebooks", {})
        for step in chain.chain():
            if step.notebook not in self.plans:
                record = earlier.get(step.notebook)
                place = self.place(step.notebook)
                place.withdraw(record if record and record.get("status") in GOOD else None)
                place.failed.unlink(missing_ok=True)

    def _take_away(self, name: str, fate: dict[str, Any]) -> None:
        record = self.record["notebooks"].get(name)
        good = record if record and record.get("status") in GOOD else None
        self.record["notebooks"][name] = fate
        self._save()  # first: on a full disk the record stays, and so do the results that it calls done
        self.place(name).withdraw(good)

    def _suspend(self, name: str) -> None:
        """Until they are looked at, results that build on this one are not called done."""
        changed = {name}
        for other in self.waiting:
            record = self.record["notebooks"].get(other)
            if changed & set(self.needs(other)):
                changed.add(other)
                if record and record["status"] == "done":
                    record["status"] = "pending"

    def _first_start(self) -> None:
        if not self.progress.ran:
            self.record |= {"started": manifest.now(), "ended": None, "seconds": None, "status": "running"}
            self.record |= {"git": manifest.commit(), "environment": manifest.environment(self.hashes)}
            self.record["environment"]["jobs"] = self.jobs

    def _save(self) -> None:
        order = {n: self.record["notebooks"][n] for n in self.plans if n in self.record["notebooks"]}
        manifest.write(self.root, self.record | {"notebooks": order})


# -- signals -----------------------------------------------------------------------------------


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C, a terminated job and a closed terminal end the run in order."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in wanted}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # a shell that started us in the background asked not to be told
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _deaf() -> Iterator[None]:
    """Not to be interrupted while cleaning up."""
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refuse(message: str, status: int) -> int:
    print(message, file=sys.stderr, flush=True)
    return status
