"""Which header means which column: exact after the stated normalisation, ambiguous ones refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fusion.adapters.headers import PARENT_MARK, Header, alias_key, parse
from fusion.adapters.model import Adapter, ColumnRule
from fusion.panel.contract import Column

# Headers without a column for which near names are looked up: a file with thousands of them is no table of this kind.
SUGGESTED = 60


@dataclass(frozen=True)
class Ambiguous:
    """A column that several headers may mean; none is taken."""

    column: str
    headers: tuple[Header, ...]


@dataclass(frozen=True)
class Mapping_:
    """What was made of a header row.

    Attributes
    ----------
    single : dict of str to Header
        Column: the one header that means it.
    terms : dict of str to list of (str, Header)
        Column that is made of several headers: each with the alias that named it.
    ambiguous : list of Ambiguous
    unused : dict of str to str
        Header that means a column for which a preferred one is there: that column.
    substitutes : dict of str to str
        Header that the adapter lists as a substitute: the column.
    unmatched : dict of str to tuple of str
        Header that means no column: the nearest columns and aliases.
    """

    headers: tuple[Header, ...]
    single: dict[str, Header] = field(default_factory=dict)
    terms: dict[str, list[tuple[str, Header]]] = field(default_factory=dict)
    ambiguous: list[Ambiguous] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    substitutes: dict[str, str] = field(default_factory=dict)
    unmatched: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Lookup:
    """Headers by the keys under which aliases name them."""

    def __init__(self, headers: Iterable[Header], adapter: Adapter) -> None:
        self.adapter = adapter
        self._by: dict[str, list[Header]] = {}
        for header in headers:
            for key in header.keys if adapter.item_numbers else _exact(header):
                self._by.setdefault(key, []).append(header)

    def find(self, alias: str) -> list[Header]:
        """Headers that an alias names; those with its very spelling before those with a line number."""
        key = alias_key(alias, self.adapter.suffixes)
        found = self._by.get(key, [])
        own = key.rpartition(PARENT_MARK)[2]
        exact = [h for h in found if h.key == own]
        return exact or found


def _exact(header: Header) -> tuple[str, ...]:
    if header.parent:
        return (f"{header.parent}{PARENT_MARK}{header.key}", f"{PARENT_MARK}{header.key}")
    return (header.key,)


def match(
    texts: Sequence[str],
    adapter: Adapter,
    columns: Mapping[str, Column],
    preferred: Mapping[str, Sequence[str]] | None = None,
) -> Mapping_:
    """Map a header row.

    Parameters
    ----------
    texts : sequence of str
        The header row as written.
    adapter : Adapter
    columns : mapping of str to Column
        Columns that may be brought.
    preferred : mapping of str to sequence of str, optional
        Aliases that come before the adapter's (of this file, or of the study).

    Returns
    -------
    Mapping_
        Each header is in one of ``single``, ``terms``, ``ambiguous``, ``unused``, ``substitutes`` or
        ``unmatched``, or names a key of ``keep`` and ``annual``.
    """
    headers = parse(texts, adapter.suffixes)
    lookup, made = Lookup(headers, adapter), Mapping_(tuple(headers))
    for name in columns:
        if columns[name].required == "derived" or name in adapter.absent:
            continue
        rule = adapter.rule(name)
        _one(
            made, lookup, name, [*(preferred or {}).get(name, ()), *rule.named, name, columns[name].label_zh]
        )
        if name not in made.single and not any(a.column == name for a in made.ambiguous):
            _parts(made, lookup, name, rule)
    _settle(made, lookup, adapter, columns)
    return made


def known_aliases(adapter: Adapter, columns: Mapping[str, Column]) -> dict[str, str]:
    """Key of each alias, and of each column's own name and Chinese label: the column."""
    known = {alias_key(name): name for name in columns}
    known |= {alias_key(c.label_zh, adapter.suffixes): name for name, c in columns.items() if c.label_zh}
    for name, rule in adapter.columns.items():
        for alias in (
            *rule.named,
            *rule.join,
            *rule.flags,
            *rule.by_class,
            *(t.removeprefix("-") for t in rule.sum_of),
        ):
            known[alias_key(alias, adapter.suffixes)] = name
    return known


# -- inside ------------------------------------------------------------------------------------
def _one(made: Mapping_, lookup: Lookup, name: str, aliases: Sequence[str]) -> None:
    """The first alias that is there decides; further ones are unused."""
    taken: list[Header] = []
    for alias in dict.fromkeys(aliases):
        found = [h for h in lookup.find(alias) if h not in taken]
        if not found:
            continue
        if taken:
            made.unused.update({h.text: name for h in found})
            continue
        taken = _specific(found, aliases, lookup)
        if len(taken) == 1:
            made.single[name] = taken[0]
            made.unused.update({h.text: name for h in found if h is not taken[0]})
        else:
            made.ambiguous.append(Ambiguous(name, tuple(taken)))


def _specific(found: list[Header], aliases: Sequence[str], lookup: Lookup) -> list[Header]:
    """Of several headers the one below the parent that an alias names."""
    if len(found) == 1:
        return found
    named = [a for a in aliases if PARENT_MARK in alias_key(a)[1:]]
    below = [h for a in named for h in lookup.find(a) if h in found]
    return below[:1] if len(below) == 1 else found


def _parts(made: Mapping_, lookup: Lookup, name: str, rule: ColumnRule) -> None:
    """Columns made of several headers: sums need all their terms, lists and flags those that are there."""
    for group, all_needed in (
        (rule.sum_of, True),
        (rule.join, False),
        (list(rule.flags), False),
        (list(rule.by_class), False),
    ):
        terms = [(term, lookup.find(term.removeprefix("-"))) for term in group]
        many = [found for _, found in terms if len(found) > 1]
        if many:
            made.ambiguous.append(Ambiguous(name, tuple(many[0])))
            return
        there = [(term, found[0]) for term, found in terms if found]
        if there and (len(there) == len(terms) or not all_needed):
            made.terms[name] = there
            return


def _settle(made: Mapping_, lookup: Lookup, adapter: Adapter, columns: Mapping[str, Column]) -> None:
    """Say of each remaining header what it is."""
    used = {h.position for h in made.single.values()}
    used |= {h.position for terms in made.terms.values() for _, h in terms}
    used |= {h.position for a in made.ambiguous for h in a.headers}
    steering = [
        *adapter.keep,
        *adapter.drop,
        *adapter.annual,
        *(h for r in adapter.repeats for h in (*r.when, *r.order)),
    ]
    steering += [header for rule in adapter.columns.values() for header in rule.where]
    used |= {h.position for key in steering for h in lookup.find(key)}
    for name, rule in adapter.columns.items():
        for alias in rule.substitutes:
            for header in lookup.find(alias):
                if header.position not in used:
                    made.substitutes[header.text] = name
                    used.add(header.position)
    known = known_aliases(adapter, columns)
    for header in made.headers:
        if header.position not in used and header.text not in made.unused:
            few = len(made.unmatched) < SUGGESTED
            near = difflib.get_close_matches(header.key, known, 3, 0.6) if few else []
            made.unmatched[header.text] = tuple(dict.fromkeys(known[key] for key in near))
