"""One try: a stage is made due and disturbed, then looked at, run again and compared."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from evidence.faults.places import Forked, Place, digest, family, free, ready, spent
from evidence.faults.stages import Stage
from workbook.run.kernels import forked

RUNNER, EXECUTOR, KERNEL = "runner", "executor", "kernel"
LONG = 420.0  # CPU seconds after which a command is called stuck; others may use the machine
# And so is one that spends no more of them than so many, in so many seconds by the clock, unless it was ready to run at a
# tenth of the looks: a busy machine gives a patient process nothing for minutes.
STILL, NOTHING, LOOK, SHARE = 120.0, 0.5, 1.0, 0.1
GONE = 20.0  # seconds in which orphans must have noticed; on a busy machine an import alone takes some
POLL = 0.03
# Downloads that are the same whatever else is published.
SHOWN = (".csv", ".tex", ".svg", ".png", ".docx", ".xlsx", ".ipynb")
COMMENT = "# made due\n"


@dataclass
class Try:
    """A try under way: ``harm`` is what is done, ``stored`` whether to what lies there, ``stops`` whether it ends the work."""

    place: Place
    stage: Stage
    fault: str
    harm: Callable[[Try], None]
    stored: bool
    stops: bool
    seed: int
    seconds: float
    expected: dict[str, str]
    base: Path
    rng: random.Random = field(init=False)
    processes: list[Forked] = field(default_factory=list)
    leaders: set[int] = field(default_factory=set)
    detail: str = ""
    hit: bool = False
    fatal: bool = False
    edited: bool = False
    failures: list[str] = field(default_factory=list)
    command: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.stage.name}/{self.fault}/{self.seed}")
        self.command = self.stage.command

    @property
    def token(self) -> str:
        """By which its processes are known."""
        return f"{self.place.root.name}/{self.stage.name}/{self.fault}/{self.seed}"

    def go(self) -> None:
        """Disturb, look, run again, look, compare."""
        self.place.reset(self.base)
        self.place.log.unlink(missing_ok=True)
        self._make_due()
        self.harm(self)
        self.place.flag.unlink(missing_ok=True)
        self._no_process("after the fault")
        if not self.fatal:
            self._nothing_left("after the fault")
        self._no_half_made()
        self._restore_due()
        self._again()
        self._no_process("after the next run")
        self._nothing_left("after the next run")
        self._compare()

    # -- for harms -----------------------------------------------------------------------------
    def start(self) -> None:
        """Start the stage's command."""
        self.processes.append(self.place.start(self.command, self.token))
        self.leaders.add(self.processes[-1].pid)

    def waits(self) -> None:
        """Let a second command wait for the first."""
        self.command = tuple(word for word in self.command if word != "--no-wait")

    def moment(self, role: str = RUNNER) -> int:
        """Wait until some share of the work is done and the process asked for is there; 0 if the command ended first."""
        due = self.seconds * self.rng.uniform(0.02, 0.85)
        first = self.processes[0]
        while first.poll() is None:
            if spent(first.pid) >= due and (pid := self._pid(role)):
                self.hit = True
                return pid
            time.sleep(POLL)
        return 0

    def told(self, detail: str) -> None:
        """Say what exactly was done."""
        self.detail = detail

    def fail(self, why: str) -> None:
        """Note a failure."""
        self.failures.append(why)

    def put_on(self, error: int, *, writes: bool = False, hang: bool = False, clock: int = 0) -> None:
        """Tell the library before C's what to do from now on."""
        draft = self.place.flag.with_suffix(".new")
        draft.write_text(f"{error} {int(writes)} {int(hang)} {clock}")
        draft.replace(self.place.flag)

    def stop(self, patience: float) -> None:
        """Kill the command if it does not obey in time."""
        self.processes[0].wait(patience)

    def finish(self) -> None:
        """Wait for the commands' ends."""
        for process in self.processes:
            if self._stuck(process):
                self.fail("stuck")

    def end(self) -> None:
        """End whatever it started."""
        for process in family(self.token, self.leaders):
            with suppress(psutil.Error):
                process.kill()

    # -- inside --------------------------------------------------------------------------------
    @property
    def _notebook(self) -> Path:
        return self.place.project / "notebooks" / f"{self.stage.name}.ipynb"

    def _make_due(self) -> None:
        """A stored fault makes its own stage due. Else a notebook's result is missing, or the notebook is edited."""
        if self.stored:
            return
        self.edited = self.stage.notebook and self.stops and self.rng.random() < 0.6
        if not self.edited:
            self.stage.due(self.place, self.rng)
            return
        content = json.loads(self._notebook.read_text("utf-8"))
        last = [cell for cell in content["cells"] if cell["cell_type"] == "code"][-2]
        last["source"] = COMMENT + "".join(last["source"])
        self._kept = self._notebook.read_bytes()
        self._notebook.write_text(json.dumps(content, ensure_ascii=False), "utf-8")

    def _restore_due(self) -> None:
        if self.edited:
            self._notebook.write_bytes(self._kept)

    def _pid(self, role: str) -> int:
        """The process that has a role now; 0 if there is none."""
        first = self.processes[0].pid
        if role == RUNNER:
            return first
        try:
            below = psutil.Process(first).children(recursive=True)
            if not self.stage.notebook:
                return self.rng.choice(below).pid if below else 0
            # Started by a command of its own, or forked and given a name.
            word, name = (
                ("ipykernel_launcher", forked.KERNEL)
                if role == KERNEL
                else ("workbook.run.execute", forked.EXECUTOR)
            )
            return next((p.pid for p in below if p.name() == name or word in p.cmdline()), 0)
        except psutil.Error:
            return 0

    def _again(self) -> None:
        """The next run succeeds; where the fault struck what is published from, the study is run first."""
        if self.stage.base == "leaflet" and self.stage.name not in ("verify", "record") and self._damaged():
            self._run(("run", "params/leaflet.yaml", "--jobs", "1", "--no-wait"))
            self._times_of_the_undisturbed()
        self._run(self.stage.command)

    def _run(self, command: tuple[str, ...]) -> None:
        process = self.place.start(command, self.token)
        self.leaders.add(process.pid)
        if self._stuck(process):
            self.fail(f"{command[0]} afterwards: stuck")
        elif process.returncode:
            self.fail(f"{command[0]} afterwards: exit {process.returncode}: {self._last_words()}")

    def _stuck(self, process: Forked) -> bool:
        """Wait for a command's end; one that takes too long, or does nothing, is killed with all that it started."""
        looked, begun = time.monotonic(), self._spent()
        before, looks = begun, [False]
        while process.poll() is None:
            now = time.monotonic()
            if now - looked >= LOOK * len(looks):
                looks.append(ready(family(self.token, self.leaders)))
            if now - looked >= STILL:
                did, looked = self._spent() - before, now
                before += did
                still = did < NOTHING and sum(looks) < SHARE * len(looks)
                if still or before - begun > LONG:
                    self._told_where()
                    self.end()
                    process.wait(GONE)
                    return True
                looks = [False]
            time.sleep(POLL)
        return False

    def _spent(self) -> float:
        return sum(spent(pid) for pid in self.leaders)

    def _told_where(self) -> None:
        """Where each of its processes waits: what a stuck one waits for is not seen again."""
        for process in family(self.token, self.leaders):
            with suppress(psutil.Error, OSError):
                at = Path(f"/proc/{process.pid}/wchan").read_text("utf-8") or "?"
                self.fail(f"{process.status()} at {at}: {' '.join(process.cmdline())[-120:]}")

    def _damaged(self) -> bool:
        """Whether what was run is not what it was."""
        own = f"{self.stage.base}/"
        return any(
            not (self.place.build / name).is_file() or digest(self.place.build / name) != mark
            for name, mark in self.expected.items()
            if name.startswith((f"{own}0", f"{own}manifest.json"))
        )

    def _times_of_the_undisturbed(self) -> None:
        mine = self.place.build / self.stage.base / "manifest.json"
        other = self.base / self.place.build.name / self.stage.base / "manifest.json"
        if mine.is_file() and digest(mine) == digest(other):
            shutil.copy2(other, mine)

    def _last_words(self) -> str:
        lines = (
            self.place.log.read_text("utf-8", "replace").strip().splitlines()
            if self.place.log.is_file()
            else []
        )
        return " / ".join(lines[-4:])[-400:]

    def _no_process(self, when: str) -> None:
        end = time.monotonic() + GONE
        while (left := family(self.token, self.leaders)) and time.monotonic() < end:
            time.sleep(0.2)
        for process in left:
            try:
                self.fail(f"{when}: a process is left: {' '.join(process.cmdline())[:120]}")
                process.send_signal(signal.SIGKILL)
            except psutil.Error:
                continue

    def _nothing_left(self, when: str) -> None:
        """No temporary folder, no draft, no lock."""
        left = [f"temporary {f.name}" for f in sorted(self.place.temporary.iterdir())]
        drafts = [*self.place.build.rglob("*.part"), *self.place.build.rglob("*.partial")]
        drafts += [*self.place.build.glob("*/.work"), *self.place.root.glob(".s.*")]
        left += [str(f.relative_to(self.place.root)) for f in drafts]
        locks = [*self.place.build.rglob(".lock"), *self.place.build.rglob(".*.lock")]
        left += [f"{f.relative_to(self.place.root)} is held" for f in locks if not free(f)]
        if left:
            self.fail(f"{when}: left: {', '.join(left[:6])}")

    def _no_half_made(self) -> None:
        if not self.stored:  # there the damage is ours
            ours = f"{self.stage.name} "  # its results were taken away, and the command may never have come to it
            self.failures += [why for why in self.stage.half_made(self.place) if not why.startswith(ours)]
        if self.stage.base == "leaflet" and self.stage.name != "verify":
            published = self.stage.results(self.place)
            for name, mark in published.items():
                shown = name.startswith("site/files/") and name.endswith(SHOWN)
                if shown and self.expected.get(name, mark) != mark and self.processes[-1].returncode == 0:
                    self.fail(f"published though damaged: {name}")

    def _compare(self) -> None:
        found = self.stage.results(self.place)
        names = sorted(n for n in found.keys() | self.expected.keys() if found.get(n) != self.expected.get(n))
        if names:
            self.fail(f"{len(names)} differ from the undisturbed run: {', '.join(names[:4])}")
