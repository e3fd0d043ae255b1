"""The command ``fusion new``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from fusion.adapters.command import put
from fusion.adapters.errors import AdapterError
from fusion.language import current, listed, said
from fusion.start import draft
from fusion.start.look import look
from fusion.start.roles import ItemsBelow, Roles, assign


def new(files: Sequence[Path], name: str, outcome: str, treatment: str, named: Sequence[Path] = ()) -> Path:
    """Look at files, and write a study of them with its adapter into the present folder.

    Parameters
    ----------
    files : sequence of pathlib.Path
    name : str
        Of the study; empty: of the first file.
    outcome, treatment : str
        Headers of what the user wants; empty: the best that the files have.
    named : sequence of pathlib.Path
        How the study names them, folders as folders; one by one if not given.

    Returns
    -------
    pathlib.Path
        The study's file.

    Raises
    ------
    AdapterError
        When the files cannot be read, lack keys, or would be written over.
    """
    stem = name or re.sub(r"[^a-z0-9_-]+", "_", files[0].stem.lower()).strip("_-")[:50] or "mine"
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", stem):
        raise AdapterError(said("start.name", name=stem[:80]))
    target, beside = Path(f"{stem}.yaml"), Path(f"{stem}.adapter.yaml")
    there = [str(file) for file in (target, beside) if os.path.exists(file)]
    if there:
        raise AdapterError(said("start.there", files=listed(there)))
    roles = _roles(files, outcome, treatment)
    _units(roles)
    put(beside, draft.adapter(roles, stem, current()))
    places = [os.path.relpath(file) for file in named or files]
    put(target, draft.study(roles, places, beside.name, current()))
    print("\n".join(_told(roles, target, beside)))
    return target


def _roles(files: Sequence[Path], outcome: str, treatment: str) -> Roles:
    """What columns are; a table of items below one another is looked at again as it is when they are spread."""
    looked = look(files)
    try:
        for file in looked.repeated:
            _alone(file)
        return assign(looked, outcome, treatment)
    except ItemsBelow as below:
        return assign(look(files, below.spread), outcome, treatment)


def _alone(file: Path) -> None:
    """Raise `ItemsBelow` where a file has items below one another; what else it lacks by itself another file may have."""
    try:
        assign(look([file]))
    except ItemsBelow:
        raise
    except AdapterError:
        return


def _units(roles: Roles) -> None:
    """A money column whose unit nobody states is the study's own, in the unit that it has."""
    if not roles.enterprise:
        return
    for layout in roles.looked.layouts:
        for column in layout.unknown_units():
            seen = next((c for c in roles.looked.columns if c.column == column == c.name), None)
            if seen is not None:
                roles.used[column] = seen
                roles.note("unit", header=seen.header)


def _told(roles: Roles, target: Path, beside: Path) -> list[str]:
    looked = roles.looked
    kind = "units" if roles.word else "enterprise"
    word = (roles.word.zh if current() == "zh" else roles.word.en) if roles.word else ""
    years = roles.year.stated.astype(int)
    lines = [
        said(
            f"start.found_{kind}",
            files=draft.shortly([f.name for f in looked.files], current()),
            rows=len(roles.unit.cells),
            units=roles.unit.cells.nunique(),
            unit=roles.unit.header,
            word=word,
            year=roles.year.header,
            first=years.min(),
            last=years.max(),
        )
    ]
    lines += [f"  {said(f'start.note_{key}', **values)}" for key, values in roles.notes]
    lines += [f"  {line.removeprefix('# ')}" for line in draft._left(roles, current())]
    near = (
        {h: n for layout in looked.layouts for h, n in layout.mapping.unmatched.items() if n}
        if roles.enterprise
        else {}
    )
    lines += [f"  {said('start.near', header=h, near=listed(n))}" for h, n in list(near.items())[:10]]
    lines.append(f"  {said('start.secrecy')}")
    return [*lines, said("start.written", study=target, adapter=beside)]
