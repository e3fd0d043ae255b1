"""The tables of evaluation that a study gives, read before anything runs: what is wrong with them is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TABLES = ("pilots", "plan", "observed")


def check(parameters: Mapping[str, Any], root: Path) -> None:
    """Read the tables of pilots, of their plans and of observed values that a study names.

    Parameters
    ----------
    parameters : mapping
        ``pilots``, ``plan``, ``observed`` (places, or None) and ``targets``.
    root : Path
        Folder that places are relative to.

    Raises
    ------
    EvaluationError
        With every fault of the first table that has any.
    """
    places = {name: root / str(parameters[name]) for name in TABLES if parameters.get(name)}
    if not places:
        return  # most studies: nothing is read, and nothing imported
    from fusion.evaluation import pilots, plan, targets

    units = pilots.load(places["pilots"]) if "pilots" in places else None
    if "plan" in places and units is not None:
        plan.load(places["plan"], units)
    if "observed" in places:
        targets.load_observed(places["observed"], targets.load(root / str(parameters["targets"])))
