"""Progress of long cells that are run by hand: seconds gone, of those that the cell took last time."""

from __future__ import annotations

import contextvars
import hashlib
import json
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

from IPython import get_ipython
from IPython.display import HTML, display

from workbook import files
from workbook.language import told

PATIENCE = 3.0  # seconds before anything is shown
STEP = 1.0
BEFORE = "_fusion_progress"  # on the shell: the watch of a book opened earlier


def watch(place: Path, language: str) -> None:
    """Show progress below every cell of this kernel that takes longer than a few seconds; nothing stays when it ends.

    Parameters
    ----------
    place : Path
        File for the seconds that cells took.
    language : {"en", "zh"}
        Of what is shown.
    """
    shell = get_ipython()
    if shell is None:
        return
    events = {"pre_run_cell": "began", "post_run_cell": "ended"}
    before = getattr(shell, BEFORE, None)
    own = Watch(place, language)
    for event, name in events.items():
        if before is not None:
            shell.events.unregister(event, getattr(before, name))
        shell.events.register(event, getattr(own, name))
    setattr(shell, BEFORE, own)


class Watch:
    """The clock of a kernel's cells.

    Parameters
    ----------
    place : Path
        File for the seconds that cells took, by the cell's id.
    language : {"en", "zh"}
        Of what is shown.
    """

    def __init__(self, place: Path, language: str) -> None:
        self.place, self.language = place, language
        self.seconds = _read(place)
        self.cell, self.since, self.over = "", 0.0, Event()
        self.thread: Thread | None = None

    def began(self, info: Any) -> None:
        """A cell begins: look at the clock, in a thread that shows its words below this cell."""
        self.cell, self.since, self.over = _named(info), time.monotonic(), Event()
        # What is shown belongs below the cell in whose context it is shown.
        context = contextvars.copy_context()
        self.thread = Thread(target=context.run, args=(self._tell, self.over), daemon=True)
        self.thread.start()

    def ended(self, result: Any) -> None:
        """It ended: take away what was shown, and keep how long a cell took that came to its end."""
        if self.thread is None:
            return
        self.over.set()
        self.thread.join()
        self.thread, took = None, time.monotonic() - self.since
        if took > PATIENCE and result.success:
            self.seconds[self.cell] = round(took, 1)
            files.write_atomic(self.place, json.dumps(self.seconds, indent=1))

    def _tell(self, over: Event) -> None:
        if over.wait(PATIENCE):
            return
        handle = display(HTML(self.said()), display_id=True)
        while not over.wait(STEP):
            handle.update(HTML(self.said()))
        handle.update(HTML(""))

    def said(self) -> str:
        """A bar and the seconds; without a known end the bar only moves."""
        gone, whole = time.monotonic() - self.since, self.seconds.get(self.cell)
        if whole is None:
            text = told(self.language, "lab.running", gone=f"{gone:.0f}")
            return f'<progress aria-label="{text}"></progress> {text}'
        text = told(self.language, "lab.running_of", gone=f"{gone:.0f}", whole=f"{whole:.0f}")
        share = min(gone / whole, 0.99)
        return f'<progress max="1" value="{share:.2f}" aria-label="{text}"></progress> {text}'


def _named(info: Any) -> str:
    """A cell's id, which JupyterLab tells, or a mark of its text."""
    return str(info.cell_id or hashlib.sha256(info.raw_cell.encode("utf-8")).hexdigest()[:16])


def _read(place: Path) -> dict[str, float]:
    """Seconds by cell; what cannot be read is not known."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        return {str(cell): float(seconds) for cell, seconds in found.items() if seconds > 0}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
