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


def modules(lib: Path) -> list[tuple[str, Path]]:
    """(room, file) of all modules of the rooms, by name."""
    return [
        (room, file)
        for room in ROOMS
        for file in sorted((lib / room).rglob("*.py"))
        if file.name not in ("__init__.py", "errors.py", "choices.py", "result.py")
    ]


def answering(room: str, file: Path, tests: Path) -> list[Path]:
    """Test files that answer for a module: those of the room, the ones that name it or its folder first."""
    folder = tests / ROOMS[room]
    names = re.compile(rf"\b({re.escape(file.stem)}|{re.escape(file.parent.name)})\b")
    own = re.compile(rf"\b{re.escape(file.stem)}\b")
    texts = {test: test.read_text(encoding="utf-8") for test in sorted(folder.glob("test_*.py"))}
    return sorted(
        texts, key=lambda test: (not own.search(texts[test]), not names.search(texts[test]), test.name)
    )
