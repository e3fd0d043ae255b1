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
        parts += _rolled(rolled) if rolled is not None else []
    return ("" if language == "zh" else " ").join(parts)


def _rolled(one: RolledUp) -> list[str]:
    counts = {key: value for key, value in asdict(one).items() if isinstance(value, int)}
    told = {key: counts.pop(key) for key in ("no_part", "beside", "apart")}
    parts = [lib.said("adapters.rolled", **counts)]
    parts += [lib.said("adapters.no_part", no_part=told["no_part"])] if told["no_part"] else []
    parts += [lib.said("adapters.unknown_parts", names=lib.listed(one.unknown))] if one.unknown else []
    if told["beside"]:
        parts.append(lib.said("adapters.parts_sum", beside=told["beside"], apart=told["apart"]))
    return parts


def _joined(one: Joined) -> str:
    files = lib.listed(f.name for f in one.files)
    counts = {name: getattr(one, name) for name in ("matched", "alone", "lacking", "disagreeing")}
    return lib.said("adapters.joined", files=files, **counts)
