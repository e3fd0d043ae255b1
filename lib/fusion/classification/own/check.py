"""What is wrong with a standard's rows, each fault with its place, and the rows as the project's own tables have them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fusion.classification import codes
from fusion.classification.own.grid import LEVELS, Grid
from fusion.classification.tables import EDITIONS
from fusion.language import listed, said

YES = {"1", "是", "y", "yes", "true", "*", "部分", "partial", "√"}
NO = {"0", "否", "n", "no", "false", "全部", "full"}
STARS = "*＊"
# A code with or without its section's letter, a star, and perhaps its name.
ENTRY = re.compile(r"([A-Ta-t]?)\s*(\d{1,4}|(?<=[A-Ta-t])|(?![0-9]))\s*([*＊]?)\s*([^\d*＊]*)([*＊]?)$")
BETWEEN = re.compile(r"[,，、;；/\n\r\t]+|(?<=[\d*＊])\s+(?=[A-Ta-t]?\d)")
RANGE = re.compile(r"\d\s*[-–—~～至到]\s*[A-Ta-t]?\d")


@dataclass
class Entry:
    """One code in one class: ``place`` its row in the file, ``text`` as written."""

    place: int
    row: dict[str, str]
    text: str = ""
    code: str = ""
    partial: str = ""


@dataclass
class Faults:
    """What was found: ``wrong`` stops, ``notes`` are told."""

    file: str
    heads: dict[str, str]
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def where(self, place: int, column: str) -> str:
        """File, row and column in words."""
        head = self.heads.get(column) or column
        return said("classification.own.where", file=self.file, row=place, column=head)

    def add(self, place: int, column: str, kind: str, /, **values: object) -> None:
        """A fault at a place."""
        self.wrong.append(said(f"classification.own.{kind}", where=self.where(place, column), **values))

    def note(self, kind: str, /, **values: object) -> None:
        """Something that is told and does not stop."""
        self.notes.append(said(f"classification.own.{kind}", file=self.file, **values))


def rows(grid: Grid, name: str, edition: str, faults: Faults) -> list[dict[str, str]]:
    """The rows of a file in the form of ``data/classification/standards``; what is wrong goes to ``faults``.

    Parameters
    ----------
    name : str
        Name under which the standard will be known.
    edition : str
        Edition of GB/T 4754 of its codes.
    """
    entries = [entry for place, row in _filled(grid, faults) for entry in _entries(place, row)]
    _one_standard(entries, faults)
    _classes(entries, faults)
    for entry in entries:
        if entry.text:
            entry.code = _code(entry, entries, grid, edition, faults)
    _marks(entries, grid, faults)
    _twice(entries, faults)
    _names(entries, edition, faults)
    out = []
    for entry in entries:
        row = {
            c: entry.row.get(c, "")
            for c in ("part", "class_code", "level", "parent_code", "class_name", "confidence")
        }
        out.append(
            {"standard": name, **row, "gbt_code": entry.code, "partial": entry.partial if entry.code else ""}
        )
    return out


def counts(table: list[dict[str, str]]) -> str:
    """Classes by level, e.g. ``9/40/189``; parts in the order of the file, joined by ``+``."""
    levels: dict[str, dict[str, str]] = {}
    for row in table:
        levels.setdefault(row["part"], {})[row["class_code"]] = row["level"]
    each = [sorted(Counter(level.values()).items()) for level in levels.values()]
    return " + ".join("/".join(str(n) for _, n in part) for part in each)


# -- classes -----------------------------------------------------------------------------------
def _filled(grid: Grid, faults: Faults) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their class: from the columns of levels, or from the row above where cells were merged."""
    last: dict[str, str] = {}
    merged = 0
    for place, cells in grid.rows:
        row = dict(cells)
        own = [(n, row[level]) for n, level in enumerate(LEVELS, 1) if row.get(level)]
        if own and not row.get("class_code"):
            row["level"], row["class_code"] = str(own[-1][0]), own[-1][1]
        named = row.get("class_code") or row.get("class_name")
        if not named and last and row.get("gbt_code"):
            row |= {k: last.get(k, "") for k in ("class_code", "class_name", "level", "parent_code", "part")}
            merged += 1
        elif not row.get("class_code") and row.get("class_name") == last.get("class_name"):
            row["class_code"] = last.get("class_code", "")
        last = row
        yield place, row
    if merged and {"class_code", "class_name", *LEVELS} & set(faults.heads):
        faults.note("merged", count=merged)


def _classes(entries: list[Entry], faults: Faults) -> None:
    """Codes, names, levels and parents of the classes: given, or from how the codes are built."""
    if "class_code" not in faults.heads and not any(e.row.get("class_code") for e in entries):
        named = list(dict.fromkeys(e.row.get("class_name", "") for e in entries))
        for e in entries:
            e.row["class_code"] = f"{named.index(e.row.get('class_name', '')) + 1:02d}"
    parts: dict[str, list[Entry]] = {}
    for e in entries:
        if e.row.get("class_code"):
            parts.setdefault(e.row.get("part", ""), []).append(e)
        else:
            faults.add(e.place, "class_code", "no_class")
    for inside in parts.values():
        _tree(inside, faults)


def _tree(entries: list[Entry], faults: Faults) -> None:
    """Level, parent and name of each class of one part."""
    known = {e.row["class_code"] for e in entries}
    lengths = sorted({len(c) for c in known})
    names: dict[str, Entry] = {}
    for e in entries:
        code, given = e.row["class_code"], e.row.get("parent_code", "")
        if given and given not in known:
            faults.add(e.place, "parent_code", "no_parent", found=given, near=_near(given, known))
        above = [c for c in known if c != code and code.startswith(c)]
        e.row["parent_code"] = given or max(above, key=len, default="")
        depth = code.count(".") if "." in code else lengths.index(len(code))
        e.row["level"] = e.row.get("level") or str(depth + 1)
        if e.row["level"] not in ("1", "2", "3", "4"):
            faults.add(e.place, "level", "level", found=e.row["level"])
        first = names.setdefault(code, e)
        own = e.row["class_name"] = e.row.get("class_name") or first.row.get("class_name", "") or code
        name = first.row["class_name"]
        if own != name:
            faults.add(e.place, "class_name", "two_names", code=code, found=own, first=name, row=first.place)


# -- codes -------------------------------------------------------------------------------------
def _entries(place: int, row: dict[str, str]) -> Iterator[Entry]:
    """One entry for each code in a cell; one without a code for a class that holds none itself."""
    cell = unicodedata.normalize("NFKC", row.get("gbt_code", "")).strip()
    if RANGE.search(cell):
        yield Entry(place, row, cell)
        return
    for text in [t.strip() for t in BETWEEN.split(cell) if t.strip()] or [""]:
        yield Entry(place, dict(row), text)


def _code(entry: Entry, entries: list[Entry], grid: Grid, edition: str, faults: Faults) -> str:
    """The code of a cell, of any level; empty, with a fault told, where it is none of the edition."""
    if RANGE.search(entry.text):
        faults.add(entry.place, "gbt_code", "range", found=entry.text)
        return ""
    found = ENTRY.match(entry.text)
    letter, digits, star, name, late = found.groups() if found else ("", "", "", "", "")
    entry.partial = "1" if star or late or any(s in entry.row.get("gbt_name", "") for s in STARS) else ""
    entry.row["gbt_name"] = entry.row.get("gbt_name") or name.strip()
    read = codes.normalise_code(letter + digits, None, edition) if found else None
    if read is None or read.reason:
        elsewhere = [e for e in EDITIONS if e != edition and codes.exists(digits or letter.upper(), e)]
        also = said("classification.own.elsewhere", editions=listed(elsewhere)) if elsewhere else ""
        near = read.candidates[:6] if read else ()
        hint = said("classification.near_it", candidates=listed(near)) if near else ""
        faults.add(
            entry.place, "gbt_code", "no_code", found=entry.text, edition=edition, also=also, hint=hint
        )
        return ""
    if not letter and len(read.code) == 3 and codes.exists("0" + read.code, edition):
        _zero(entry, read.code, entries, grid, edition, faults)
    return read.code


def _zero(entry: Entry, code: str, entries: list[Entry], grid: Grid, edition: str, faults: Faults) -> None:
    """Three digits that may be a group, or a class without its zero: settled by what stands beside them, or refused."""
    as_text = (entry.place, "gbt_code") not in grid.numbers
    others = [
        e.text for e in entries if e.text and e is not entry and (e.place, "gbt_code") not in grid.numbers
    ]
    zeros = any(t.startswith("0") for t in others)
    groups = any(t.isdigit() and len(t) == 3 and not codes.exists("0" + t, edition) for t in others)
    named = codes.name(code, edition) in (entry.row.get("gbt_name"), entry.row.get("class_name"))
    beside = any(e.text[:4].isdigit() and len(e.text) > 3 and e.text[:2] == code[:2] for e in entries)
    if named or beside or (as_text and zeros):
        return
    padded = "0" + code
    values = {
        "found": code,
        "group": codes.name(code, edition),
        "padded": padded,
        "name": codes.name(padded, edition),
    }
    if as_text and groups:
        faults.notes.append(
            said("classification.own.taken_for_group", where=faults.where(entry.place, "gbt_code"), **values)
        )
    else:
        faults.add(entry.place, "gbt_code", "zero", letter=codes.ancestors(code, edition)[-1], **values)


def _marks(entries: list[Entry], grid: Grid, faults: Faults) -> None:
    """Whether each code is partial: by its column, or by a star at the code or the name."""
    listed_ = [e for e in entries if e.code]
    if "partial" not in grid.heads:
        if listed_ and not any(e.partial for e in listed_):
            faults.wrong.append(
                said("classification.own.no_partial", file=faults.file, heads=listed(grid.heads.values()))
            )
        for e in listed_:
            e.partial = e.partial or "0"
        return
    written = [unicodedata.normalize("NFKC", e.row.get("partial", "")).strip().lower() for e in listed_]
    marks_alone = not NO & set(written)  # only what is partial is marked; an empty cell says: not partial
    for e, text in zip(listed_, written, strict=True):
        told = "1" if text in YES else "0" if text in NO or (marks_alone and not text) else ""
        if not told:
            faults.add(e.place, "partial", "partial", found=text, code=e.code)
        elif e.partial and told == "0" and text:
            faults.add(e.place, "partial", "contradicts", found=text, code=e.text)
        e.partial = e.partial or told


def _one_standard(entries: list[Entry], faults: Faults) -> None:
    """A file holds one standard."""
    told = list(dict.fromkeys(e.row["standard"] for e in entries if e.row.get("standard")))
    if len(told) > 1:
        faults.wrong.append(said("classification.own.several", file=faults.file, found=listed(told[:4])))


def _twice(entries: list[Entry], faults: Faults) -> None:
    """A code may stand once in a class; one that stands with a code above it is told."""
    seen: dict[tuple[str, str, str], Entry] = {}
    for e in entries:
        key = (e.row.get("part", ""), e.row.get("class_code", ""), e.code)
        first = seen.setdefault(key, e)
        if e.code and first is not e:
            faults.add(e.place, "gbt_code", "twice", code=e.code, class_code=key[1], row=first.place)
    inside = [
        k for k in seen if k[2].isdigit() and any((*k[:2], k[2][:n]) in seen for n in (2, 3) if n < len(k[2]))
    ]
    if inside:
        faults.note("inside", codes=listed(sorted({k[2] for k in inside})[:8]))


def _names(entries: list[Entry], edition: str, faults: Faults) -> None:
    """Names beside the codes: one that belongs to another code or edition is a fault, another wording is told."""
    owner = {codes.name(c, edition): c for c in codes.all_codes(edition)}
    odd = []
    for e in entries:
        name = _bare(e.row.get("gbt_name", ""))
        if not e.code or not name or name == _bare(codes.name(e.code, edition)):
            continue
        others = [
            x
            for x in EDITIONS
            if x != edition and codes.exists(e.code, x) and _bare(codes.name(e.code, x)) == name
        ]
        if others:
            faults.add(e.place, "gbt_code", "name_of_edition", code=e.code, name=name, other=listed(others),
                       edition=edition, official=codes.name(e.code, edition))  # fmt: skip
        elif owner.get(name, e.code) != e.code and len(owner[name]) == len(e.code):
            faults.add(e.place, "gbt_code", "name_of_code", code=e.code, name=name, owner=owner[name],
                       official=codes.name(e.code, edition))  # fmt: skip
        else:
            odd.append(f"{e.code} {name}")
    if odd:
        faults.note("wording", count=len(odd), examples=listed(odd[:4]))


def _bare(name: str) -> str:
    return re.sub(r"[\s*＊]", "", name)


def _near(code: str, known: set[str]) -> str:
    import difflib

    near = difflib.get_close_matches(code, sorted(known), 3, 0.3)
    return said("classification.near_it", candidates=listed(near)) if near else ""
