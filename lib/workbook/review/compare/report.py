"""A difference as text for the terminal and as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbook import inert
from workbook.language import current, said, word
from workbook.review.compare.difference import Change, Difference, Exhibit

# The page needs nothing but its own styles.
POLICY = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
)
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
    lines += _part(said("review.diff.signs"), d.signs)
    lines += _part(said("review.diff.significance"), d.significance)
    lines += _part(said("review.diff.counts"), d.counts)
    lines += _part(said("review.diff.estimates"), d.estimates)
    changed = [e for e in d.exhibits if e.state != "same"]
    lines.append(said("review.diff.exhibits", count=len(changed), every=len(d.exhibits)))
    for exhibit in changed:
        lines.append(f"  {exhibit.id}: {_summary(exhibit)}")
    if d.same:
        lines.append(said("review.diff.same"))
    return "\n".join(lines) + "\n"


def page(difference: Difference) -> str:
    """The same as one self-contained HTML page, with every changed cell."""
    d = difference
    parts = [_table(title, changes) for title, changes in _inputs(d)]
    parts += [
        _table(_capital(said("review.diff.signs")), d.signs),
        _table(_capital(said("review.diff.significance")), d.significance),
        _table(_capital(said("review.diff.counts")), d.counts),
        _table(_capital(said("review.diff.estimates")), d.estimates),
    ]
    for exhibit in d.exhibits:
        if exhibit.state != "same":
            name = f"{exhibit.id}: {exhibit.title} ({_summary(exhibit)})"
            parts.append(_table(name, exhibit.cells))
            if exhibit.ranks:
                parts.append(_table(said("review.diff.places", id=exhibit.id), exhibit.ranks))
    same = sum(e.state == "same" for e in d.exhibits)
    pair = said("review.diff.pair", a=d.a["study"], b=d.b["study"])
    title = _safe(said("review.diff.title", pair=pair))
    return (
        f'<!doctype html><html lang="{current()}"><meta charset="utf-8">{POLICY}'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>"
        f"<p>A: {_safe(_run(d.a))}<br>B: {_safe(_run(d.b))}</p>"
        f"<p>{said('review.diff.page', same=same, every=len(d.exhibits))}</p>"
        f"{''.join(parts)}</main></html>\n"
    )


# -- inside ------------------------------------------------------------------------------------


def _inputs(d: Difference) -> Iterable[tuple[str, list[Change]]]:
    yield said("review.diff.parameters"), d.parameters
    yield said("review.diff.code"), [_short(c) for c in d.code]
    yield said("review.diff.data"), [_short(c) for c in d.data]
    yield said("review.diff.versions"), d.versions


def _run(snapshot: dict[str, Any]) -> str:
    dirty = said("review.diff.dirty") if snapshot.get("dirty") else ""
    commit = (snapshot.get("commit") or said("review.diff.no_commit"))[:10]
    return said("review.diff.run", study=snapshot["study"], run=snapshot["run"], commit=commit, dirty=dirty)


def _short(change: Change) -> Change:
    """Hashes by their first digits."""

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            rows = said("review.diff.rows", rows=value["rows"]) if value.get("rows") is not None else ""
            return f"{str(value.get('sha256'))[:10]}{rows}"
        return value[:10] if isinstance(value, str) else said("review.diff.none")

    return Change(change.where, cut(change.a), cut(change.b))


def _part(title: str, changes: list[Change]) -> list[str]:
    if not changes:
        return []
    lines = [f"{title}: {len(changes)}"] + [f"  {_line(change)}" for change in changes[:SHOWN]]
    if len(changes) > SHOWN:
        lines.append(said("review.diff.more", count=len(changes) - SHOWN))
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
    return "–" if value is None else word("review.interval", str(value))


def _summary(exhibit: Exhibit) -> str:
    if exhibit.state != "changed" or not exhibit.cells:
        note = f": {word('review.note', exhibit.note)}" if exhibit.note else ""
        return f"{word('review.state', exhibit.state)}{note}"
    largest = [c for c in exhibit.cells if c.relative is not None]
    words = said("review.diff.cells", count=len(exhibit.cells), compared=exhibit.compared)
    if largest:
        top = max(largest, key=lambda c: abs(c.relative or 0))
        words += said("review.diff.most", where=top.where, a=_value(top.a), b=_value(top.b))
    if exhibit.ranks:
        top = max(exhibit.ranks, key=lambda c: abs(c.b - c.a))
        words += said("review.diff.place", where=top.where, a=top.a, b=top.b)
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
    head = "".join(
        f'<th scope="col">{h}</th>'
        for h in (said("review.diff.what"), "A", "B", "B − A", said("review.diff.relative"))
    )
    return (
        f'<div class="wide"><table><caption>{_safe(title)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _safe(value: str) -> str:
    return inert.html(value)
