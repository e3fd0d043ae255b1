"""What the tables say of one code, at once: standard library only, so that no heavy import is waited for."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from fusion.classification import codes, parts, policy, slot
from fusion.classification.editions import CURRENT, links
from fusion.classification.tables import ClassificationError, rows, source, standards
from fusion.language import listed, said, speaking

SHOWN = 6  # candidates that a message names
LISTED = 20  # listings above which they are counted by standard: groups and sections have hundreds


def answer(text: str, edition: str = "2017") -> dict[str, Any]:
    """All that the tables say of one code, of any level.

    Parameters
    ----------
    text : str
        The code as written; read by the rules of `codes`.
    edition : {"2017", "2011"}

    Returns
    -------
    dict
        code, edition, name_zh; ancestors (codes, nearest first); successors (for a class of 2011: code and
        the standard's note of every class of 2017 that it is or may be); given (of these, the classes to which parts
        of it were moved: `parts.parted`); predecessors (for a class of 2017: the same
        of 2011); standards (standard, class_code,
        class_name, partial, verified); path (None unless one is certain); fields. What is said of a class
        of 2011, and of a level above the classes, is what its classes of 2017 share; a listing that not
        all of them have in full is ``partial``.

    Raises
    ------
    ClassificationError
        For a code that cannot be read, with the nearest ones, and for another edition.
    """
    found = codes.normalise_code(text, None, edition)
    if not found.code:
        near = "; ".join(_titled(c, edition) for c in found.candidates[:SHOWN])
        raise ClassificationError(
            said("classification.code_refused", text=text, reason=found.reason)
            + (said("classification.near_codes", near=near) if near else "")
        )
    meant = _classes(found.code, edition)
    cuts = [policy.cuts(code) for code in meant]
    paths = {cut["path"] for cut in cuts}
    shared = set.intersection(*(set(cut["fields"].split(",")) - {""} for cut in cuts)) if cuts else set()
    return {
        "code": found.code,
        "edition": edition,
        "name_zh": codes.name(found.code, edition),
        "ancestors": codes.ancestors(found.code, edition),
        "successors": _linked(found.code, edition, CURRENT),
        "given": parts.parted(found.code, edition)[1],
        "predecessors": _linked(found.code, edition, "2011"),
        "standards": _standards(meant, found.code if edition == "2017" else ""),
        "path": paths.pop() if len(paths) == 1 else None,
        "fields": sorted(shared),
    }


def in_words(found: dict[str, Any], language: str = "en") -> str:
    """What `answer` gives, as lines to read."""
    with speaking(language):
        return "\n".join(_lines(found, language))


# -- inside ------------------------------------------------------------------------------------
def _lines(found: dict[str, Any], language: str) -> list[str]:
    code, edition = found["code"], found["edition"]
    lines = [f"{code} {found['name_zh']} (GB/T 4754-{edition})"]
    above = " < ".join(_titled(c, edition) for c in found["ancestors"])
    lines += [said("classification.answer.in", above=above)] if above else []
    zero = "0" + code
    if len(code) == 3 and code.isdigit() and codes.exists(zero, edition):
        lines.append(said("classification.answer.as_group", titled=_titled(zero, edition)))
    for kind, other in (("successors", CURRENT), ("predecessors", "2011")):
        if found[kind]:
            each = "; ".join(_noted(row, other) for row in found[kind])
            lines.append(said(f"classification.answer.{kind}", edition=other, found=each))
    lines += _given_line(code, edition) if found["given"] else []
    lines += _cut_lines(found, f"label_{language}")
    there = "standards" if found["standards"] else "unlisted"
    lines.append(said(f"classification.answer.{there}"))
    lines += _standard_lines(found["standards"])
    return lines + [f"  {row['standard']:<28} {row[f'said_{language}']}" for row in slot.empty()]


def _given_line(code: str, edition: str) -> list[str]:
    """What a class that was split gave away, and what remained of it."""
    remained, given = (
        listed(_titled(new, CURRENT) for new in found) for found in parts.parted(code, edition)
    )
    kind = "gave" if remained else "dissolved"
    return [said(f"classification.answer.{kind}", given=given, remained=remained)]


def _below(code: str, edition: str) -> list[str]:
    """Classes below a code, or itself."""
    own = {code} if len(code) == 4 else set()
    tree = rows(f"gbt4754_{edition}")
    return [
        r["code"]
        for r in tree
        if r["level"] == "4" and (r["code"] in own or r["section"] == code or r["code"].startswith(code))
    ]


def _linked(code: str, edition: str, other: str) -> list[dict[str, str]]:
    """The classes of another edition that a class is or may be, with the standard's notes."""
    found = {} if edition == other else links(edition, other).get(code, {})
    return [{"code": c, "note": note} for c, note in sorted(found.items())]


def _classes(code: str, edition: str) -> list[str]:
    """Classes of 2017 in question."""
    held = links(edition, CURRENT)
    return list(dict.fromkeys(new for one in _below(code, edition) for new in held[one]))


@lru_cache
def _listings() -> dict[str, list[tuple[str, str, str, str, bool]]]:
    """By GB/T code: standard, part, class code, class name, partial."""
    found: dict[str, list[tuple[str, str, str, str, bool]]] = {}
    for standard in standards():
        for r in rows(standard):
            if r["gbt_code"]:
                entry = (standard, r["part"], r["class_code"], r["class_name"], r["partial"] == "1")
                found.setdefault(r["gbt_code"], []).append(entry)
    return found


def _standards(meant: list[str], own: str) -> list[dict[str, Any]]:
    """Listings of the classes in question; ``own`` is the code asked about, where it is of 2017."""
    held: dict[tuple[str, str, str, str], set[str]] = {}
    partial: dict[tuple[str, str, str, str], bool] = {}
    for code in meant:
        for at in [code, *codes.ancestors(code)]:
            for standard, part, number, title, marked in _listings().get(at, []):
                key = (standard, part, number, title)
                held.setdefault(key, set()).add(code)
                partial[key] = partial.get(key, False) or marked
    return [
        {
            "standard": key[0],
            "class_code": key[2],
            "class_name": key[3],
            "partial": partial[key] or (len(held[key]) < len(meant)),
            "verified": source(key[0])["verified"] == "1",
        }
        for key in sorted(held)
    ]


def _titled(code: str, edition: str) -> str:
    return f"{code} {codes.name(code, edition)}"


def _noted(row: dict[str, str], edition: str) -> str:
    return _titled(row["code"], edition) + (f" [{row['note']}]" if row["note"] else "")


def _cut_lines(found: dict[str, Any], label: str) -> list[str]:
    titles = {r["path"]: r[label] for r in rows("paths")} | {r["field"]: r[label] for r in rows("fields")}
    titles |= {policy.OTHER: said("classification.answer.no_path")}
    path = found["path"]
    named = f"{path} {titles[path]}" if path else said("classification.answer.not_certain")
    lines = [said("classification.answer.path", path=named)]
    meant = _classes(found["code"], found["edition"])
    beside = policy.cuts(meant[0]) if len(meant) == 1 else {}
    for role in ("path_secondary", "path_service"):
        if beside.get(role):
            paths = listed(f"{p} {titles[p]}" for p in beside[role].split(","))
            lines.append(said(f"classification.answer.{role}", paths=paths))
    fields = listed(f"{f} {titles[f]}" for f in found["fields"]) or said("classification.answer.none")
    return [*lines, said("classification.answer.fields", fields=fields)]


def _standard_lines(found: list[dict[str, Any]]) -> list[str]:
    """A line for each listing, or, where there are many, for each standard."""
    if len(found) <= LISTED:
        return [_line(r["standard"], r["class_code"], r["class_name"], r["partial"]) for r in found]
    count = Counter(r["standard"] for r in found)
    whole = Counter(r["standard"] for r in found if not r["partial"])
    classes = said("classification.answer.classes")
    return [_line(s, str(n), classes, not whole[s]) for s, n in sorted(count.items())]


def _line(standard: str, number: str, title: str, partial: bool) -> str:
    marks = [said("classification.in_part")] if partial else []
    if source(standard)["verified"] != "1":
        marks.append(said("classification.unverified"))
    tail = f"  ({'; '.join(marks)})" if marks else ""
    return f"  {standard:<28} {number:<8} {title}{tail}"
