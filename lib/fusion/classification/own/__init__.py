"""Standards that a study brings: a file is read, checked, made known under its name, and compared with another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion.classification import tables
from fusion.classification.own import check as checking
from fusion.classification.own import grid as cells
from fusion.classification.tables import ClassificationError, check_edition
from fusion.language import listed, said

MOST = 20
NAME = re.compile(r"^[a-z][a-z0-9_]*$")


@dataclass(frozen=True)
class Checked:
    """A standard's file after its check.

    Attributes
    ----------
    name, edition : str
        Name under which studies call it; edition of GB/T 4754 of its codes.
    rows : tuple of dict
        In the form of ``data/classification/standards``.
    counts : str
        Its classes by level.
    wrong, notes : tuple of str
        Faults, which forbid its use, and what is told.
    """

    name: str
    edition: str
    rows: tuple[dict[str, str], ...]
    counts: str
    wrong: tuple[str, ...]
    notes: tuple[str, ...]


def check(file: Path, name: str = "", edition: str = "", counts: str = "") -> Checked:
    """Read a standard's file and say what is wrong with it.

    Parameters
    ----------
    file : Path
        CSV or xlsx; heads in Chinese or English (`grid.HEADS`), codes of any level, several in a cell, partial by a
        column or a star.
    name : str
        Name it gets; by default the file's.
    edition : str
        Edition of GB/T 4754; by default the one that its head names, else 2017.
    counts : str
        Classes by level as the document states them, e.g. ``9/40/189``.

    Raises
    ------
    ClassificationError
        When it cannot be read at all.
    """
    grid = cells.read(file)
    faults = checking.Faults(file.name, grid.heads)
    stated = check_edition(edition or grid.edition or "2017")
    if edition and grid.edition and edition != grid.edition:
        faults.wrong.append(
            said("classification.own.editions", file=file.name, head=grid.edition, edition=edition)
        )
    if not (edition or grid.edition):
        faults.note("edition_unstated", edition=stated)
    if grid.unknown:
        faults.note("unknown_heads", heads=listed(grid.unknown[:8]))
    found = checking.rows(grid, name or file.stem, stated, faults)
    own = checking.counts(found)
    if not any(row["gbt_code"] for row in found):
        faults.wrong.append(said("classification.own.no_rows", file=file.name))
    if counts and counts != own:
        faults.wrong.append(said("classification.own.counts", file=file.name, stated=counts, own=own))
    more = (
        [said("classification.own.more", count=len(faults.wrong) - MOST)] if len(faults.wrong) > MOST else []
    )
    return Checked(
        name or file.stem, stated, tuple(found), own, (*faults.wrong[:MOST], *more), tuple(faults.notes)
    )


def install(declared: Mapping[str, Mapping[str, Any]], root: Path) -> list[Checked]:
    """Make a study's standards known to everything that takes a standard's name, in this process.

    Parameters
    ----------
    declared : dict
        By name: ``file``, and where given ``edition``, ``counts``, ``title_en``, ``title_zh``, ``issuer``.
    root : Path
        Folder to which places of files are relative.

    Raises
    ------
    ClassificationError
        For a name that is taken or not allowed, and with every fault of every file.
    """
    done, wrong = [], []
    shipped = tables.shipped()
    for name, given in declared.items():
        if not NAME.match(name) or name in shipped or (tables.FOLDER / f"{name}.csv").is_file():
            wrong.append(said("classification.own.name", name=name))
            continue
        found = check(root / given["file"], name, given.get("edition") or "", given.get("counts") or "")
        wrong += found.wrong
        done.append(found)
    if wrong:
        raise ClassificationError("\n".join(wrong))
    tables.know({found.name: (found.rows, _source(found, declared[found.name])) for found in done})
    return done


def _source(found: Checked, given: Mapping[str, Any]) -> dict[str, str]:
    """Its row in the form of ``SOURCES.csv``; nobody here verified it against its document."""
    row = dict.fromkeys(tables.rows("SOURCES")[0], "")
    known = next((slot for slot in tables.rows("slots") if slot["standard"] == found.name), {})
    stated = [given.get(k) or known.get(k) for k in ("title_zh", "title_en")]
    other = next(filter(None, stated), found.name.replace("_", " "))
    titles = dict(zip(("title_zh", "title_en"), (str(title or other) for title in stated), strict=True))
    return row | titles | {
        "standard": found.name,
        "issuer": str(given.get("issuer") or ""),
        "gbt_edition": found.edition,
        "verified": "own",
        "counts_own": found.counts,
        "counts_stated": str(given.get("counts") or ""),
    }  # fmt: skip
