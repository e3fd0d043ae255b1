"""What was joined, chained and rolled up, in words."""

from __future__ import annotations

from collections.abc import Sequence

from fusion.adapters.establishments import RolledUp
from fusion.adapters.identifiers import Chained
from fusion.adapters.join import Joined


def told(joined: Sequence[Joined], chained: Chained | None, rolled: RolledUp | None, language: str) -> str:
    """Sentences, none where there is nothing to say."""
    zh = language == "zh"
    parts = [_joined(one, zh) for one in joined]
    if chained is not None:
        parts.append(_chained(chained, zh))
    if rolled is not None:
        parts.append(_rolled(rolled, zh))
    return ("" if zh else " ").join(parts)


def _joined(one: Joined, zh: bool) -> str:
    files = "、".join(f.name for f in one.files) if zh else ", ".join(f.name for f in one.files)
    if zh:
        return f"{files}：{one.matched:,} 行已并入，{one.alone:,} 行无对应，{one.disagreeing:,} 行与先列表不一致。"
    return (
        f"{files}: {one.matched:,} rows found their partner, {one.alone:,} had none, {one.disagreeing:,} differ from the "
        "table before, whose values are kept."
    )


def _chained(c: Chained, zh: bool) -> str:
    if zh:
        return (
            f"9 位代码中 {c.chained:,} 个接续为 18 位代码，{c.unchained:,} 个无 18 位代码，{c.several:,} 个对应多个，"
            f"{c.other:,} 个标识长度异常；{c.disagree:,} 行两码不符。"
        )
    return (
        f"Of the 9-character codes {c.chained:,} became the 18-character one, {c.unchained:,} have none in these files, "
        f"{c.several:,} have several; {c.other:,} identifiers are of another length; in {c.disagree:,} rows the two codes "
        "disagree."
    )


def _rolled(r: RolledUp, zh: bool) -> str:
    if zh:
        return (
            f"产业活动单位 {r.read:,} 行：{r.used:,} 行归并，{r.no_key:,} 行缺标识或年份，{r.no_class:,} 行行业代码不在当年版本，"
            f"{r.no_revenue:,} 行服务单位缺收入；{r.firms_without:,} 个企业年在面板中无对应。"
        )
    return (
        f"Of {r.read:,} establishments {r.used:,} were rolled up, {r.no_key:,} lack a key, {r.no_class:,} have a code that "
        f"the year's edition does not know, {r.no_revenue:,} are services without revenue; {r.firms_without:,} firm-years "
        "with establishments are not in the panel."
    )
