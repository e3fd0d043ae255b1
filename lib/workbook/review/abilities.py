"""What a study can do, and cannot, before it has run: what ``fusion validate`` and ``fusion check`` print."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from workbook.exhibits import needs
from workbook.language import current, listed, said, word

# Without a value in these no row is left for any estimate.
REGRESSION = ("outcome", "treatments", "controls")


def judged(
    parameters: Mapping[str, Any],
    columns: Collection[str] | None,
    absent: Collection[str] = (),
    indicators: Mapping[str, needs.Reason | None] | None = None,
) -> needs.Able:
    """What a study can do, of its parameters and of what the domain says of its source.

    Parameters
    ----------
    parameters : dict
        Parameters by name.
    columns : collection of str or None
        Columns of the source that hold something; None: not known.
    absent : collection of str
        Columns that the source could have and has not, or has without anything in them.
    indicators : dict
        Code: None, or why the columns do not give it.
    """
    facts = needs.foreseen(parameters, columns, absent, indicators)
    asked = {code: indicators[code] for code in parameters["indicators"]} if indicators else {}
    if parameters["unit"] and all(why is not None for why in asked.values()):
        asked = {}  # the index is one of enterprises; units that are none are not told what each of its parts lacks
    return needs.able(facts, parameters["notebooks"], asked)


def hollow(parameters: Mapping[str, Any], columns: Collection[str], absent: Collection[str]) -> Iterator[str]:
    """Parameters of the regression whose columns hold nothing in the source, a sentence each.

    Parameters
    ----------
    parameters, columns, absent
        As in :func:`judged`.
    """
    gone = needs.foreseen(parameters, columns, absent).absent
    for name in REGRESSION:
        value = parameters.get(name) or []
        empty = [one for one in ([value] if isinstance(value, str) else value) if one in gone]
        if empty:
            yield said("review.able.hollow", parameter=name, columns=listed(empty))


def lines(able: needs.Able) -> Iterator[str]:
    """What can be had of each kind, and what cannot, with reasons, in the language of this process."""
    kinds = {"indicators": able.indicators, "estimators": able.estimators, "exhibits": able.exhibits}
    for kind, named in kinds.items():
        if named:
            can = sum(why is None for why in named.values())
            yield said("review.able.count", kind=word("review.kind", kind), can=can, every=len(named))
            reasons: dict[str, list[str]] = {}
            for name, why in named.items():
                if why is not None:
                    reasons.setdefault(why[current()], []).append(name)
            for reason, names in reasons.items():
                yield said("review.able.why", names=listed(names), reason=reason)


def shortly(able: needs.Able) -> str:
    """How much can be had of each kind, in one line, and where the reasons stand."""
    kinds = {"indicators": able.indicators, "estimators": able.estimators, "exhibits": able.exhibits}
    counts = {
        kind: said(
            "review.able.count",
            kind=word("review.kind", kind),
            can=sum(why is None for why in named.values()),
            every=len(named),
        )
        for kind, named in kinds.items()
    }
    return said("review.able.shortly", **counts)
