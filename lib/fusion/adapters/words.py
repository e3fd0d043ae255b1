"""What was joined, chained and rolled up, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from fusion import language as lib
from fusion.adapters.establishments import RolledUp
from fusion.adapters.identifiers import Chained
from fusion.adapters.join import Joined


def told(joined: Sequence[Joined], chained: Chained | None, rolled: RolledUp | None, language: str) -> str:
    """Sentences, none where there is nothing to say."""
    with lib.speaking(language):
        parts = [_joined(one) for one in joined]
        parts += [lib.said("adapters.chained", **asdict(chained))] if chained is not None else []
        parts += [lib.said("adapters.rolled", **asdict(rolled))] if rolled is not None else []
    return ("" if language == "zh" else " ").join(parts)


def _joined(one: Joined) -> str:
    files = lib.listed(f.name for f in one.files)
    counts = {name: getattr(one, name) for name in ("matched", "alone", "lacking", "disagreeing")}
    return lib.said("adapters.joined", files=files, **counts)
