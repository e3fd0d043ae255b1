"""What the tables say of one code, at once: standard library only, so that no heavy import is waited for."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fusion.classification import abroad, codes, parts, policy, slot
from fusion.classification.editions import CURRENT, NATIONAL, links
from fusion.classification.tables import (
    EDITIONS,
    REGULATOR,
    ClassificationError,
    checked,
    codes_of,
    remembered,
    rows,
    source,
    standards,
    titled,
)
from fusion.language import listed, said, speaking

SHOWN = 6  # candidates that a message names
LISTED = 20  # listings above which they are counted by standard: groups and sections have hundreds


def answer(text: str, edition: str = "") -> dict[str, Any]:
    """All that the tables say of one code, of any level.

    Parameters
    ----------
    text : str
        The code as written; read by the rules of `codes`.
    edition : str
        One of `tables.EDITIONS`; if empty the newest that has the code, or the one that writes it so (S90).

    Returns
    -------
    dict
        code, edition, stated (whether the edition was given), name_zh; ancestors (codes, nearest first);
        same_number (edition: name, where other editions have the number); editions (edition: code and the standard's
        note of every class that a class is or may be there); given (of an older class: the classes of 2017 to which
        parts of it were moved: `parts.parted`); membership (standard: ``certain``, ``possible``); standards
        (standard, class_code, class_name, partial,
        verified); path (None unless one is certain), paths_possible; fields, fields_possible; isic4 (code, certain,
        look: only one of two readings of the annex has the pair); regulator (its divisions of 2012). What is said of
        an older class, and of a level above the classes, is what its classes of 2017 share; a listing that not all of
        them have in full is ``partial``.

    Raises
    ------
    ClassificationError
        For a code that cannot be read, with the nearest ones, and for another edition.
    """
    used = edition or _newest(text)
    found = codes.read(text, used)
    if not found.code:
        near = "; ".join(_titled(c, used) for c in found.candidates[:SHOWN])
        raise ClassificationError(
            said("classification.code_refused", text=text, reason=found.reason)
            + (said("classification.near_codes", near=near) if near else "")
        )
    code, meant = found.code, _classes(found.code, used)
    cuts = [policy.cuts(one) for one in meant]
    paths = sorted({cut["path"] for cut in cuts})
    held = [set(cut["fields"].split(",")) - {""} for cut in cuts]
    return {
        "code": code,
        "edition": used,
        "stated": bool(edition),
        "name_zh": codes.name(code, used),
        "ancestors": codes.ancestors(code, used),
        "same_number": {e: codes.name(code, e) for e in EDITIONS if e != used and codes.exists(code, e)},
        "editions": {e: linked for e in NATIONAL if (linked := _linked(code, used, e))},
        "given": parts.parted(code, used)[1],
        "membership": _membership(meant) | _own_membership(code, used),
        "standards": _standards(meant),
        "path": paths[0] if len(paths) == 1 else None,
        "paths_possible": paths,
        "fields": sorted(set.intersection(*held)) if held else [],
        "fields_possible": sorted(set().union(*held)),
        "isic4": _isic(meant),
        "regulator": _regulator(code, used),
    }


def _newest(text: str) -> str:
    """Edition of a code for which none is stated: the one that writes it so, else the newest that reads it.

    Digits that may be two things in the newest are not looked for in older ones.
    """
    newest_first = [*reversed(NATIONAL), REGULATOR]
    plain = text.strip().upper()
    verbatim = [e for e in newest_first if codes.exists(plain, e)]
    read = [e for e in newest_first if codes.read(text, e).code]
    doubtful = codes.normalise_code(text, None, CURRENT).code and not codes.read(text, CURRENT).code
    return CURRENT if doubtful else next(iter([*verbatim, *read]), CURRENT)


def in_words(found: dict[str, Any], language: str = "en") -> str:
    """What `answer` gives, as lines to read."""
    with speaking(language):
        return "\n".join(_lines(found, language))


# -- inside ------------------------------------------------------------------------------------
def _lines(found: dict[str, Any], language: str) -> list[str]:
    code, edition = found["code"], found["edition"]
    lines = [f"{code} {found['name_zh']} ({titled(edition)})".replace("  ", " ")]
    lines += [] if found["stated"] else [said("classification.answer.newest", edition=titled(edition))]
    above = " < ".join(_titled(c, edition) for c in found["ancestors"])
    lines += [said("classification.answer.in", above=above)] if above else []
    lines += _edition_lines(found)
    lines += _given_line(code, edition) if found["given"] else []
    if found["code"] == "S90" or not _classes(code, edition):
        return [*lines, said("classification.answer.no_counterpart")]
    lines += _cut_lines(found, f"label_{language}")
    lines += _abroad_lines(found, language)
    there = "standards" if found["standards"] else "unlisted"
    lines.append(said(f"classification.answer.{there}"))
    for word in ("certain", "possible"):
        named = [s for s, kind in found["membership"].items() if kind == word]
        lines += [said(f"classification.answer.{word}", standards=listed(named))] if named else []
    lines += _standard_lines(found["standards"])
    return lines + [f"  {row['standard']:<28} {row[f'said_{language}']}" for row in slot.empty()]


def _given_line(code: str, edition: str) -> list[str]:
    """What a class that was split gave away, and what remained of it."""
    remained, given = (
        listed(_titled(new, CURRENT) for new in found) for found in parts.parted(code, edition)
    )
    kind = "gave" if remained else "dissolved"
    return [said(f"classification.answer.{kind}", given=given, remained=remained)]


def _edition_lines(found: dict[str, Any]) -> list[str]:
    """What the number is in other editions, and what became of the code, or where it came from."""
    lines = []
    for edition, name in found["same_number"].items():
        # A class that lives on under its number says so below; only another meaning is a warning.
        own = {row["code"] for row in found["editions"].get(edition, [])}
        if found["code"] not in own and name != found["name_zh"]:
            lines.append(said("classification.answer.other_meaning", edition=titled(edition), name=name))
    for edition, linked in found["editions"].items():
        each = "; ".join(_noted(row, edition) for row in linked)
        key = "became" if edition > found["edition"] else "came_from"
        lines.append(said(f"classification.answer.{key}", edition=titled(edition), found=each))
    return lines


def _abroad_lines(found: dict[str, Any], language: str) -> list[str]:
    """The regulator's division and the classes of ISIC."""
    lines = []
    if found["regulator"] and found["edition"] != REGULATOR:
        named = "; ".join(_titled(c, REGULATOR) for c in found["regulator"])
        lines.append(said("classification.answer.regulator", found=named))
    marks = {True: said("classification.answer.look"), False: ""}
    each = [
        f"{row['code']} {abroad.names()[row['code']][language]}{marks[row['look']]}"
        for row in found["isic4"][:LISTED]
    ]
    more = len(found["isic4"]) - len(each)
    each += [said("classification.and_more", count=more).strip()] if more else []
    if not each:
        return [*lines, said("classification.answer.no_isic")]
    certain = all(row["certain"] for row in found["isic4"])
    key = "isic" if certain else "isic_possible"
    return [*lines, said(f"classification.answer.{key}", found="; ".join(each))]


def _below(code: str, edition: str) -> list[str]:
    """Classes below a code, or itself."""
    own = {code} if len(code) == 4 else set()
    return [
        r["code"]
        for r in codes_of(edition)
        if r["level"] == "4" and (r["code"] in own or r["section"] == code or r["code"].startswith(code))
    ]


def _linked(code: str, edition: str, other: str) -> list[dict[str, str]]:
    """The classes of another edition that a class is or may be, with the standard's notes."""
    found = {} if edition in (other, REGULATOR) else links(edition, other).get(code, {})
    return [{"code": c, "note": note} for c, note in sorted(found.items())]


def _old(code: str) -> str:
    """Section or division of GB/T 4754-2011 that the regulator's code is; empty for S90 and its section."""
    return next(r["gbt_2011"] for r in codes_of(REGULATOR) if r["code"] == code)


def _classes(code: str, edition: str) -> list[str]:
    """Classes of 2017 in question."""
    if edition == REGULATOR:
        code, edition = _old(code), "2011"
    held = links(edition, CURRENT)
    return list(dict.fromkeys(new for one in _below(code, edition) for new in held[one])) if code else []


def _isic(meant: list[str]) -> list[dict[str, Any]]:
    """Classes of ISIC that the classes in question have; certain where all have that one and no other."""
    found: dict[str, bool] = {}
    for code in meant:
        for isic, look in abroad.pairs().get(code, {}).items():
            found[isic] = found.get(isic, False) or look
    alone = len(found) == 1 and all(code in abroad.pairs() for code in meant)
    return [{"code": c, "certain": alone, "look": look} for c, look in sorted(found.items())]


def _regulator(code: str, edition: str) -> list[str]:
    """The regulator's divisions of 2012 in which a code is or may be: divisions of 2011."""
    if edition == REGULATOR:
        return [code] if len(code) > 1 else []
    held = links(edition, "2011")
    divisions = {old[:2] for one in _below(code, edition) for old in held[one]}
    return sorted(d for d in divisions if codes.exists(d, REGULATOR))


@remembered
def _listings() -> dict[str, list[tuple[str, str, str, str, bool]]]:
    """By GB/T code of 2017: standard, part, class code, class name, partial.

    A standard on an earlier edition stands under what its classes became; in part where others became it, too.
    """
    found: dict[str, list[tuple[str, str, str, str, bool]]] = {}
    for standard in standards():
        own = source(standard)["gbt_edition"] or CURRENT
        for r in rows(standard):
            for code, mixed in _now(r["gbt_code"], own):
                entry = (standard, r["part"], r["class_code"], r["class_name"], r["partial"] == "1" or mixed)
                found.setdefault(code, []).append(entry)
    return found


def _now(code: str, edition: str) -> list[tuple[str, bool]]:
    """What a listed code is in 2017, and whether it holds more than that."""
    if not code or edition == CURRENT:
        return [(code, False)] if code else []
    below = set(_below(code, edition))
    held, back = links(edition, CURRENT), links(CURRENT, edition)
    return [(new, not set(back[new]) <= below) for new in sorted({n for old in below for n in held[old]})]


def _standards(meant: list[str]) -> list[dict[str, Any]]:
    """Listings of the classes in question."""
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


def _membership(meant: list[str]) -> dict[str, str]:
    """Standards that hold the classes in question: certain where all are full members, else possible."""
    full: dict[str, set[str]] = {}
    some: dict[str, set[str]] = {}
    for code in meant:
        for at in [code, *codes.ancestors(code)]:
            for standard, _, _, _, marked in _listings().get(at, []):
                some.setdefault(standard, set()).add(code)
                full.setdefault(standard, set()).update(() if marked else (code,))
    return {s: "certain" if len(full[s]) == len(meant) else "possible" for s in sorted(some)}


def _own_membership(code: str, edition: str) -> dict[str, str]:
    """What standards that are written in the code's own older edition say of it themselves."""
    found = {}
    for standard in standards():
        if edition == CURRENT or source(standard)["gbt_edition"] != edition:
            continue
        marks = {
            (one, r["partial"])
            for r in rows(standard)
            if r["gbt_code"]
            for one in _below(r["gbt_code"], edition)
        }
        asked = _below(code, edition)
        if any((one, mark) in marks for one in asked for mark in "01"):
            found[standard] = "certain" if all((one, "0") in marks for one in asked) else "possible"
    return found


def _titled(code: str, edition: str) -> str:
    return f"{code} {codes.name(code, edition)}".strip()


def _noted(row: dict[str, str], edition: str) -> str:
    return _titled(row["code"], edition) + (f" [{row['note']}]" if row["note"] else "")


def _cut_lines(found: dict[str, Any], label: str) -> list[str]:
    titles = {r["path"]: r[label] for r in rows("paths")} | {r["field"]: r[label] for r in rows("fields")}
    titles |= {policy.OTHER: said("classification.answer.no_path")}
    path = found["path"]
    possible = listed(f"{p} {titles[p]}" for p in found["paths_possible"])
    named = f"{path} {titles[path]}" if path else said("classification.answer.not_certain", possible=possible)
    lines = [said("classification.answer.path", path=named)]
    meant = _classes(found["code"], found["edition"])
    beside = policy.cuts(meant[0]) if len(meant) == 1 else {}
    for role in ("path_secondary", "path_service"):
        if beside.get(role):
            paths = listed(f"{p} {titles[p]}" for p in beside[role].split(","))
            lines.append(said(f"classification.answer.{role}", paths=paths))
    fields = listed(f"{f} {titles[f]}" for f in found["fields"]) or said("classification.answer.none")
    lines.append(said("classification.answer.fields", fields=fields))
    more = listed(f"{f} {titles[f]}" for f in found["fields_possible"] if f not in found["fields"])
    return [*lines, said("classification.answer.fields_possible", fields=more)] if more else lines


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
    marks += filter(None, [checked(source(standard)["verified"])])
    tail = f"  ({'; '.join(marks)})" if marks else ""
    return f"  {standard:<28} {number:<8} {title}{tail}"
