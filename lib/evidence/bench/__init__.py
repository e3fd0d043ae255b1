"""Speed of the heavy works beside the obvious way to do them: ``python -m evidence.bench``, ``make bench``.

Each work is one module of this package, ``lib/evidence/bench/<work>.py``, with

``ROWS : int``
    Default size, small enough for seconds.
``prepare(folder, rows) -> None``
    Writes the inputs into ``folder``, once; not timed.
``CONTENDERS : dict of str to function``
    Name and ``contender(folder, rows) -> work``: what is not to be timed (imports, opening files) happens
    in the call, and the function that it returns is timed. The first contender is the project's own, to
    which the others' times are related. The returned function gives None or a dict of numbers, which must
    agree between contenders: a faster wrong answer is no answer.
``TOLERANCE : float``, optional
    Relative tolerance of that agreement, 1e-9 if absent.

A module whose name begins with an underscore is machinery. ``chain`` is of another kind: it has steps in place of
contenders (``make bench WORK=chain FIRMS="3000 30000"``) and keeps a table of its own.
"""

from __future__ import annotations

import pkgutil


class BenchError(ValueError):
    """A work that does not exist, a contender that failed, or contenders that disagree."""


def works() -> list[str]:
    """Names of all works, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
