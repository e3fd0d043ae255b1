"""What the tables say of one code, at once: standard library only, so that no heavy import is waited for."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from fusion.classification import codes, policy, slot
from fusion.classification.tables import CONFIDENCES, ClassificationError, rows, source, standards

SHOWN = 6  # candidates that a message names
LISTED = 20  # listings above which they are counted by standard: groups and sections have hundreds
_RANK = {word: place for place, word in enumerate(CONFIDENCES)}


def answer(text: str, edition: str = "2017", confidence: str = "high") -> dict[str, Any]:
    """All that the tables say of one code, of any level.

    Parameters
    ----------
    text : str
        The code as written; read by the rules of `codes`.
    edition : {"2017", "2011"}
    confidence : {"high", "medium", "low"}
        Lowest confidence at which a class of 2011 is taken over to one of 2017.

    Returns
    -------
    dict
        code, edition, name_zh; ancestors (codes, nearest first); successors (for a class of 2011: code and
        confidence of every class of 2017 that it may be, surest first); standards (standard, class_code,
        class_name, partial, verified); path (None unless one is certain); fields. What is said of a class
        of 2011, and of a level above the classes, is what its classes of 2017 share; a listing that not
        all of them have in full is ``partial``.

    Raises
    ------
    ClassificationError
        For a code that cannot be read, with the nearest ones, and for another edition or confidence.
    """
    if confidence not in CONFIDENCES:
        raise ClassificationError(f"confidence {confidence!r}; allowed: {', '.join(CONFIDENCES)}")
    found = codes.normalise_code(text, None, edition)
    if not found.code:
        near = "; ".join(_titled(c, edition) for c in found.candidates[:SHOWN])
        raise ClassificationError(f"'{text}': {found.reason}" + (f". Near it: {near}" if near else ""))
    meant, later = _classes(found.code, edition, confidence), _successors(found.code, edition)
    cuts = [policy.cuts(code) for code in meant]
    paths = {cut["path"] for cut in cuts}
    shared = set.intersection(*(set(cut["fields"].split(",")) - {""} for cut in cuts)) if cuts else set()
    return {
        "code": found.code,
        "edition": edition,
        "name_zh": codes.name(found.code, edition),
        "ancestors": codes.ancestors(found.code, edition),
        "successors": [{"code": code, "confidence": sure} for code, sure in later],
        "standards": _standards(meant, found.code if edition == "2017" else ""),
        "path": paths.pop() if len(paths) == 1 else None,
        "fields": sorted(shared),
    }


def in_words(found: dict[str, Any], language: str = "en") -> str:
    """What `answer` gives, as lines to read."""
    zh = language == "zh"
    code, edition = found["code"], found["edition"]
    lines = [f"{code} {found['name_zh']} (GB/T 4754-{edition})"]
    above = " < ".join(_titled(c, edition) for c in found["ancestors"])
    lines += [("属于：" if zh else "in: ") + above] if above else []
    zero = "0" + code
    if len(code) == 3 and code.isdigit() and codes.exists(zero, edition):
        read = "按中类理解；若为脱落首位零的小类，应为 " if zh else "read as a group; with a lost zero it is "
        lines.append(read + _titled(zero, edition))
    if edition == "2011":
        lines += _edition_lines(found, zh)
    lines += _cut_lines(found, zh)
    lines.append(("统计分类标准：" if zh else "standards:") if found["standards"] else _nothing(zh))
    lines += _standard_lines(found["standards"], zh)
    lines += [f"  {row['standard']:<28} {row['said_zh' if zh else 'said_en']}" for row in slot.empty()]
    return "\n".join(lines)


# -- inside ------------------------------------------------------------------------------------
def _below(code: str, edition: str) -> list[str]:
    """Classes below a code, or itself."""
    own = {code} if len(code) == 4 else set()
    tree = rows(f"gbt4754_{edition}")
    return [
        r["code"]
        for r in tree
        if r["level"] == "4" and (r["code"] in own or r["section"] == code or r["code"].startswith(code))
    ]


@lru_cache
def _crosswalk() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows("crosswalk_2011_2017"):
        if row["code_2017"]:
            found.setdefault(row["code_2011"], []).append((row["code_2017"], row["confidence"]))
    return {code: sorted(pairs, key=lambda p: (_RANK[p[1]], p[0])) for code, pairs in found.items()}


def _successors(code: str, edition: str) -> list[tuple[str, str]]:
    return _crosswalk().get(code, []) if edition == "2011" else []


def _classes(code: str, edition: str, confidence: str) -> list[str]:
    """Classes of 2017 in question: those accepted where there are any, else all candidates."""
    if edition == "2017":
        return _below(code, edition)
    found: dict[str, None] = {}
    for one in _below(code, edition):
        pairs = _crosswalk().get(one, [])
        sure = [p for p in pairs if _RANK[p[1]] <= _RANK[confidence]]
        found |= dict.fromkeys(c for c, _ in sure or pairs)
    return list(found)


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


def _edition_lines(found: dict[str, Any], zh: bool) -> list[str]:
    if not found["successors"]:
        return [
            "推算对照表中无 2017 版对应小类" if zh else "2017: the computed crosswalk has no class for it"
        ]
    head = "2017 版可能为（推算，非官方）：" if zh else "2017, computed and not official: "
    return [
        head + "; ".join(f"{_titled(s['code'], '2017')} [{s['confidence']}]" for s in found["successors"])
    ]


def _cut_lines(found: dict[str, Any], zh: bool) -> list[str]:
    label = "label_zh" if zh else "label_en"
    titles = {r["path"]: r[label] for r in rows("paths")} | {r["field"]: r[label] for r in rows("fields")}
    titles |= {policy.OTHER: "不在六大路径之内" if zh else "in none of the six"}
    path, fields = found["path"], found["fields"]
    said = f"{path} {titles[path]}" if path else ("不能确定" if zh else "not certain")
    lines = [("产业路径：" if zh else "path: ") + said]
    meant = _classes(found["code"], found["edition"], "high")
    beside = policy.cuts(meant[0]) if len(meant) == 1 else {}
    for role, words in (("path_secondary", ("second path: ", "相邻路径：")),
                        ("path_service", ("service partner of: ", "服务伙伴："))):  # fmt: skip
        if beside.get(role):
            lines.append(words[zh] + ", ".join(f"{p} {titles[p]}" for p in beside[role].split(",")))
    none = "无" if zh else "none"
    lines.append(
        ("重点领域：" if zh else "fields: ") + (", ".join(f"{f} {titles[f]}" for f in fields) or none)
    )
    return lines


def _nothing(zh: bool) -> str:
    return "没有统计分类标准列有此代码" if zh else "standards: none lists it"


def _standard_lines(found: list[dict[str, Any]], zh: bool) -> list[str]:
    """A line for each listing, or, where there are many, for each standard."""
    if len(found) <= LISTED:
        return [_line(r["standard"], r["class_code"], r["class_name"], r["partial"], zh) for r in found]
    count = Counter(r["standard"] for r in found)
    whole = Counter(r["standard"] for r in found if not r["partial"])
    said = "个类别" if zh else "classes"
    return [_line(s, str(n), said, not whole[s], zh) for s, n in sorted(count.items())]


def _line(standard: str, number: str, title: str, partial: bool, zh: bool) -> str:
    marks = []
    if partial:
        marks.append("部分" if zh else "in part")
    if source(standard)["verified"] != "1":
        marks.append("未核实，非官方文本" if zh else "UNVERIFIED, not the official text")
    tail = f"  ({'; '.join(marks)})" if marks else ""
    return f"  {standard:<28} {number:<8} {title}{tail}"
