"""Where faults are planted, and which tests answer for it."""

from __future__ import annotations

import re
from pathlib import Path

# Room under lib: folder under tests.
ROOMS = {
    "fusion/indicators": "indicators",
    "fusion/integration": "integration",
    "fusion/composite": "composite",
    "fusion/evaluation": "evaluation",
    "fusion/io": "io",
    "fusion/editing": "editing",
    "estimators/effects": "effects",
    "estimators/engines": "effects",
    "estimators/robustness": "effects",
    "estimators/production": "production",
    "estimators/designs": "designs",
}
SLOW = ("chain", "bureau", "papers")


def modules(lib: Path) -> list[tuple[str, Path]]:
    """(room, file) of all modules of the rooms, by name."""
    return [
        (room, file)
        for room in ROOMS
        for file in sorted((lib / room).rglob("*.py"))
        if file.name not in ("__init__.py", "errors.py", "choices.py", "result.py")
    ]


def answering(room: str, file: Path, tests: Path) -> list[Path]:
    """Test files that answer for a module: those that use it wherever they are, then the others of the room.

    A module's hand-worked values often stand where what calls it is tested. Left out are whole chains and what writes
    whole documents: they take minutes, and look at words.
    """
    folder = tests / ROOMS[room]
    own, near = (re.compile(rf"\b{re.escape(name)}\b") for name in (file.stem, file.parent.name))
    used = _imported(file.relative_to(tests.parent / "lib"))
    texts = {test: test.read_text(encoding="utf-8") for test in sorted(tests.glob("*/test_*.py"))}
    chosen = [
        test
        for test, text in texts.items()
        if test.parent == folder or (test.parent.name not in SLOW and used.search(text))
    ]
    return sorted(
        chosen,
        key=lambda test: (
            not used.search(texts[test]),
            test.parent != folder,
            not own.search(texts[test]),
            not near.search(texts[test]),
            test.name,
        ),
    )


def _imported(module: Path) -> re.Pattern[str]:
    """How a test names a module: its dotted name, or its package's and then its own in what is imported from there."""
    package, stem = re.escape(".".join(module.parent.parts)), re.escape(module.stem)
    return re.compile(rf"\b{package}\.{stem}\b|\bfrom {package} import (?:[^\n(]*|\([^)]*)\b{stem}\b")
