"""What differs between two snapshots, and which conclusions turned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbook.language import current, said

# Columns that hold results, not names, of an estimate's row.
RESULTS = {"estimate", "std_error", "ci_low", "ci_high", "p_value", "n", "units", "clusters", "r2_within"}
COUNTS = ("n", "units", "clusters")
# Differences below this share of the larger number are of rounding in the last bit, not of substance.
NOISE = 1e-12


@dataclass(frozen=True)
class Change:
    """One thing that differs: where, and its two values."""

    where: str
    a: Any
    b: Any

    @property
    def absolute(self) -> float | None:
        """b − a where both are numbers."""
        both = isinstance(self.a, int | float) and isinstance(self.b, int | float)
        return self.b - self.a if both else None

    @property
    def relative(self) -> float | None:
        """(b − a) / |a|; none where a is zero."""
        return None if self.absolute is None or not self.a else self.absolute / abs(self.a)


@dataclass
class Exhibit:
    """An exhibit of both runs, or of one."""

    id: str
    title: str
    state: str  # same | changed | only in A | only in B
    cells: list[Change] = field(default_factory=list)
    compared: int = 0
    ranks: list[Change] = field(default_factory=list)  # rows whose place in a column's order moved most
    note: str = ""


@dataclass
class Difference:
    """Two runs side by side; A is the earlier or the reference."""

    a: dict[str, Any]
    b: dict[str, Any]
    parameters: list[Change]
    code: list[Change]
    data: list[Change]
    versions: list[Change]
    exhibits: list[Exhibit]
    estimates: list[Change]
    signs: list[Change]
    significance: list[Change]
    counts: list[Change]

    @property
    def same(self) -> bool:
        """Whether every printed result is equal."""
        return all(e.state == "same" for e in self.exhibits) and not self.estimates


def compare(a: Mapping[str, Any], b: Mapping[str, Any]) -> Difference:
    """Compare two snapshots (see ``snapshot.take``).

    Parameters
    ----------
    a, b : dict
        Snapshots; changes are b − a.

    Returns
    -------
    Difference
    """
    pairs = list(_pairs(a["estimates"], b["estimates"]))
    return Difference(
        dict(a),
        dict(b),
        _changes(a["parameters"], b["parameters"]),
        _changes(a["code"], b["code"]),
        _changes(a["data"], b["data"]),
        _changes(a["versions"], b["versions"]),
        _exhibits(a["exhibits"], b["exhibits"]),
        [c for key, x, y in pairs if _moved(c := Change(key, x["estimate"], y["estimate"]))],
        [Change(k, x["estimate"], y["estimate"]) for k, x, y in pairs if _sign(x) * _sign(y) < 0],
        [Change(k, _verdict(x), _verdict(y)) for k, x, y in pairs if _verdict(x) != _verdict(y)],
        _counts(pairs),
    )


# -- inside ------------------------------------------------------------------------------------


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Change]:
    keys = sorted({*a, *b})
    return [Change(key, a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key)]


def _moved(change: Change) -> bool:
    if change.absolute is None:
        return bool(change.a != change.b)
    return abs(change.absolute) > NOISE * max(abs(change.a), abs(change.b))


def _pairs(
    a: Mapping[str, Any], b: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Rows of estimates that both runs have, by what names them."""
    for artefact in sorted(a.keys() & b.keys()):
        first, second = _named(a[artefact]), _named(b[artefact])
        for key in first:
            if key in second:
                yield f"{artefact}: {key}", first[key], second[key]


def _counts(pairs: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> list[Change]:
    """Numbers of observations that differ; estimates of one artefact that moved alike are one line."""
    moved: dict[tuple[str, str, Any, Any], list[str]] = {}
    for key, x, y in pairs:
        for name in COUNTS:
            if x.get(name) != y.get(name):
                artefact = key.partition(":")[0]
                moved.setdefault((artefact, name, x.get(name), y.get(name)), []).append(key)
    return [
        Change(
            f"{keys[0]}: {name}"
            if len(keys) == 1
            else said("review.diff.estimates_of", artefact=artefact, count=len(keys), name=name),
            a,
            b,
        )
        for (artefact, name, a, b), keys in moved.items()
    ]


def _named(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    seen: Counter[str] = Counter()
    named = {}
    for row in rows:
        names = [
            str(v) for k, v in row.items() if k not in RESULTS and not isinstance(v, float) and v is not None
        ]
        key = ", ".join(names)
        seen[key] += 1
        named[key if seen[key] == 1 else f"{key} ({seen[key]})"] = row
    return named


def _sign(row: Mapping[str, Any]) -> int:
    value = row["estimate"] or 0
    return (value > 0) - (value < 0)


def _verdict(row: Mapping[str, Any]) -> str:
    """Whether the interval leaves out zero."""
    low, high = row["ci_low"], row["ci_high"]
    if low is None or high is None:
        return "no interval"
    return "zero outside" if low > 0 or high < 0 else "zero inside"


def _exhibits(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Exhibit]:
    found = []
    for id in sorted({*a, *b}):
        first, second = a.get(id), b.get(id)
        title = (second or first or {}).get(f"title_{current()}", "")
        if first is None or second is None:
            found.append(Exhibit(id, title, "only in B" if first is None else "only in A"))
        else:
            found.append(_exhibit(id, title, first, second))
    return found


def _exhibit(id: str, title: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Exhibit:
    if a["sha256"] == b["sha256"] and a.get("values") == b.get("values"):
        return Exhibit(id, title, "same")
    if not (a.get("table") and b.get("table")):
        return Exhibit(id, title, "changed", note="too large to compare by cell, or without rows")
    cells, compared = _cells(a["table"], b["table"])
    state = "changed" if cells or not _alike(a.get("values"), b.get("values")) else "same"
    note = "" if cells or state == "same" else "only values of its texts"
    return Exhibit(id, title, state, cells, compared, _ranks(a["table"], b["table"]), note)


def _alike(a: Any, b: Any) -> bool:
    """Whether values of texts are equal, numbers but for rounding in their last bits."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_alike, a, b))
    return not _moved(Change("", a, b))


def _keyed(table: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """(row's name, column): cell; a row is named by its cells in the columns that say what it is."""
    keys = set(table["keys"])
    seen: Counter[str] = Counter()
    cells: dict[tuple[str, str], Any] = {}
    for row in table["rows"]:
        named = dict(zip(table["columns"], row, strict=True))
        name = ", ".join(
            str(named[key]) for key in table["columns"] if key in keys and named[key] is not None
        )
        seen[name] += 1
        name = name if seen[name] == 1 else f"{name} #{seen[name]}"
        cells |= {(name, column): cell for column, cell in named.items() if column not in keys}
    return cells


def _cells(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[list[Change], int]:
    first, second = _keyed(a), _keyed(b)
    changes = []
    for key in dict.fromkeys([*first, *second]):
        change = Change(" · ".join(part for part in key if part), first.get(key), second.get(key))
        if (key in first) != (key in second) or _moved(change):
            changes.append(change)
    return changes, len(first.keys() | second.keys())


def _ranks(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Change]:
    """For each column of numbers of at least five rows, the row whose place in its order moved most."""
    first, second = _keyed(a), _keyed(b)
    found = []
    for column in a["columns"]:
        x = _column(first, column)
        y = _column(second, column)
        names = sorted(x.keys() & y.keys())
        if len(names) < 5 or len(names) < max(len(x), len(y)):
            continue
        before, after = _places({n: x[n] for n in names}), _places({n: y[n] for n in names})
        most = max(names, key=lambda n: abs(after[n] - before[n]))
        if before[most] != after[most]:
            found.append(Change(f"{most} · {column}", before[most], after[most]))
    return found


def _column(cells: Mapping[tuple[str, str], Any], column: str) -> dict[str, float]:
    """A column's numbers by row."""
    return {
        row: float(cell)
        for (row, name), cell in cells.items()
        if name == column and isinstance(cell, int | float) and not isinstance(cell, bool)
    }


def _places(values: Mapping[str, float]) -> dict[str, int]:
    """Place of each, 1 = largest; equal values share the better place."""
    return {name: 1 + sum(other > value for other in values.values()) for name, value in values.items()}
