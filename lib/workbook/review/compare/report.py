"""A difference as text for the terminal and as one page that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from workbook.review.compare.difference import Change, Difference, Exhibit

SHOWN = 12  # lines of a part in the terminal; the page has all
STYLE = """body{font:16px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;max-width:70rem;
margin:2rem auto;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ccc;vertical-align:top;overflow-wrap:anywhere}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.wide{overflow-x:auto}
@media(prefers-color-scheme:dark){body{background:#14181f;color:#e6e6e6}th,td{border-color:#444}}"""


def text(difference: Difference) -> str:
    """What differs, for a terminal: inputs, then conclusions, then exhibits."""
    d = difference
    lines = [f"A: {_run(d.a)}", f"B: {_run(d.b)}", ""]
    for title, changes in _inputs(d):
        lines += _part(title, changes)
    lines += _part("signs that turned", d.signs)
    lines += _part("intervals that gained or lost zero", d.significance)
    lines += _part("numbers of observations", d.counts)
    lines += _part("estimates", d.estimates)
    changed = [e for e in d.exhibits if e.state != "same"]
    lines.append(f"exhibits: {len(changed)} of {len(d.exhibits)} differ")
    for exhibit in changed:
        lines.append(f"  {exhibit.id}: {_summary(exhibit)}")
    if d.same:
        lines.append("every printed result is the same")
    return "\n".join(lines) + "\n"


def page(difference: Difference) -> str:
    """The same as one self-contained HTML page, with every changed cell."""
    d = difference
    parts = [_table(title, changes) for title, changes in _inputs(d)]
    parts += [
        _table("Signs that turned", d.signs),
        _table("Intervals that gained or lost zero", d.significance),
        _table("Numbers of observations", d.counts),
        _table("Estimates", d.estimates),
    ]
    for exhibit in d.exhibits:
        if exhibit.state != "same":
            name = f"{exhibit.id}: {exhibit.title} ({_summary(exhibit)})"
            parts.append(_table(name, exhibit.cells))
            if exhibit.ranks:
                parts.append(_table(f"{exhibit.id}: places in a column's order", exhibit.ranks))
    same = sum(e.state == "same" for e in d.exhibits)
    head = f"{d.a['study']} and {d.b['study']}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Difference: {_safe(head)}</title><style>{STYLE}</style><main><h1>Difference: {_safe(head)}</h1>"
        f"<p>A: {_safe(_run(d.a))}<br>B: {_safe(_run(d.b))}</p>"
        f"<p>{same} of {len(d.exhibits)} exhibits are the same. Changes are B − A; relative to |A|.</p>"
        f"{''.join(parts)}</main></html>\n"
    )


# -- inside ------------------------------------------------------------------------------------


def _inputs(d: Difference) -> Iterable[tuple[str, list[Change]]]:
    yield "parameters", d.parameters
    yield "code and tables of the project", [_short(c) for c in d.code]
    yield "data", [_short(c) for c in d.data]
    yield "versions", d.versions


def _run(snapshot: dict[str, Any]) -> str:
    dirty = " with uncommitted changes" if snapshot.get("dirty") else ""
    commit = (snapshot.get("commit") or "no commit")[:10]
    return f"{snapshot['study']}, run of {snapshot['run']}, commit {commit}{dirty}"


def _short(change: Change) -> Change:
    """Hashes by their first digits."""

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            rows = f", {value['rows']} rows" if value.get("rows") is not None else ""
            return f"{str(value.get('sha256'))[:10]}{rows}"
        return value[:10] if isinstance(value, str) else "none"

    return Change(change.where, cut(change.a), cut(change.b))


def _part(title: str, changes: list[Change]) -> list[str]:
    if not changes:
        return []
    lines = [f"{title}: {len(changes)}"] + [f"  {_line(change)}" for change in changes[:SHOWN]]
    if len(changes) > SHOWN:
        lines.append(f"  … and {len(changes) - SHOWN} more (--page FILE has all)")
    return [*lines, ""]


def _line(change: Change) -> str:
    moved = f"  ({_signed(change)})" if change.absolute is not None else ""
    return f"{change.where}: {_value(change.a)} → {_value(change.b)}{moved}"


def _signed(change: Change) -> str:
    relative = "" if change.relative is None else f", {change.relative:+.1%}"
    return f"{change.absolute:+.4g}{relative}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return "–" if value is None else str(value)


def _summary(exhibit: Exhibit) -> str:
    if exhibit.state != "changed" or not exhibit.cells:
        return f"{exhibit.state}{': ' + exhibit.note if exhibit.note else ''}"
    largest = [c for c in exhibit.cells if c.relative is not None]
    words = f"{len(exhibit.cells)} numbers or cells differ of {exhibit.compared} cells"
    if largest:
        top = max(largest, key=lambda c: abs(c.relative or 0))
        words += f"; most {top.where} {_value(top.a)} → {_value(top.b)}"
    if exhibit.ranks:
        top = max(exhibit.ranks, key=lambda c: abs(c.b - c.a))
        words += f"; place of {top.where} {top.a} → {top.b}"
    return words


def _table(title: str, changes: list[Change]) -> str:
    if not changes:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{_safe(c.where)}</th><td class="n">{_safe(_value(c.a))}</td>'
        f'<td class="n">{_safe(_value(c.b))}</td>'
        f'<td class="n">{"" if c.absolute is None else format(c.absolute, "+.4g")}</td>'
        f'<td class="n">{"" if c.relative is None else format(c.relative, "+.1%")}</td></tr>'
        for c in changes
    )
    head = "".join(f'<th scope="col">{h}</th>' for h in ("What", "A", "B", "B − A", "relative"))
    return (
        f'<div class="wide"><table><caption>{_safe(title)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _safe(value: str) -> str:
    return html.escape(str(value))
