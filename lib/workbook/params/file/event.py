"""``event(start, -4, 4, base=-1)`` in a table: a column for each year beside a start."""

from __future__ import annotations

import re

from workbook.language import said

WRITTEN = re.compile(
    r"event\(\s*([^\W\d]\w*)\s*,\s*(-?\d{1,3})\s*,\s*(-?\d{1,3})\s*(?:,\s*base\s*=\s*(-?\d{1,3})\s*)?\)"
)


def columns(text: str) -> dict[str, dict[str, str]] | None:
    """The columns of a study that an event's years come to.

    Parameters
    ----------
    text : str
        A term, such as ``event(start, -4, 4, base=-1)``. Years before the first and after the last count with them; units
        without a start are in none; ``base`` (-1 if it is not stated) is left out.

    Returns
    -------
    dict or None
        By name (``start_m3``, ``start_p2``; ``_on`` at the ends) expression and name in both languages; None for another term.

    Raises
    ------
    ValueError
        When it is not written so, or the base is not between the ends.

    Examples
    --------
    >>> [*columns("event(start, -2, 1)")]
    ['start_m2_on', 'start_p0', 'start_p1_on']
    """
    if not re.match(r"\s*event\s*\(", text):
        return None
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(said("params.rule.event", text=text[:200]))
    start, (first, last, base) = found[1], (int(n) for n in (found[2], found[3], found[4] or "-1"))
    if not first <= base <= last or first == last or last - first > 60:
        raise ValueError(said("params.rule.event_base", base=base, first=first, last=last))
    years = [year for year in range(first, last + 1) if year != base]
    return dict(_column(start, year, base, first, last) for year in years)


def _column(start: str, year: int, base: int, first: int, last: int) -> tuple[str, dict[str, str]]:
    sign = {first: "<=", last: ">="}.get(year, "==")
    name = f"{start}_{'m' if year < 0 else 'p'}{abs(year)}{'' if sign == '==' else '_on'}"
    shown = f"{year:+d}".replace("-", "−") if year else "0"
    en, zh = {
        "<=": ("Year {} and before", "第 {} 年及以前"),
        ">=": ("Year {} and after", "第 {} 年及以后"),
    }.get(sign, ("Year {}", "第 {} 年"))
    # Units without a start stand with the base: in no column.
    text = f"coalesce(years_since({start}), {base}) {sign} {year}"
    return name, {"is": text, "name": f"{en.format(shown)} | {zh.format(shown)}"}
