"""Files as nobody would write them: trees with a branch replaced, and texts with bytes replaced."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from payloads import PAYLOADS

from workbook.expressions.functions import FUNCTIONS

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 10**30, -(10**400), 1e308, float("inf"), float("nan"), 1.5, "", " ", "0111", "x", "no",
    "nan", "é" * 300, "x" * 5000, "\x00", "a\nb", "../../etc/passwd", "/", "/dev/zero", "/dev/stdin", "~", "CON", "a:b",
    "os:system",
    "*.csv", "synthetic", [], {}, [None], [[]], [[[1]]], {"x": 1}, {"": ""}, {1: 2}, {None: None}, ["x"] * 500, [1, "x", None],
    [{"name": "x"}], {"a": {"b": {"c": []}}}, "2012", 2012, "year", ["year"], ["firm_id", "year"], "firm_id*year", "a*b*c*d",
    *PAYLOADS[::6],
)  # fmt: skip
MARKS = (
    "\t", "\n", "\r", "\x00", ":", ": ", "- ", "#", "'", '"', "{", "}", "[", "]", "&a ", "*a ", "!!python/object:os.system ",
    "!!set ", "? ", "|\n", ">\n", "---\n", "...\n", "%YAML 1.1\n", "<<: *a\n", "\ufeff", "\u2028", "\x85", "\ud7ff", "9" * 400,
    "0x", "1e999", ".nan", "~", "@", "`", ",", "=", "\\",
)  # fmt: skip
LITERALS = (
    "0", "1", "2", "-1", "1e9", "0.5", "1e300", "1e-300", "9" * 25, ".1", '"u"', '""', '"中文"', "true", "missing", "2019",
    '"' + "x" * 150 + '"', "$", "3.0000000000000001",
)  # fmt: skip
SIGNS = ("+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "and", "or", "&&", "=", "**", "%", "：", "≥")


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a tree below its top."""
    if isinstance(tree, dict | list):
        for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
            yield (*at, key)
            yield from places(value, (*at, key))


def grown(tree: Any, seed: int) -> Any:
    """A tree with one to three branches replaced, taken away, doubled or renamed."""
    dice = random.Random(seed)
    made = copy.deepcopy(tree)
    for _ in range(dice.randint(1, 3)):
        known = list(places(made))
        if not known:
            return dice.choice(ODD)
        *path, last = dice.choice(known)
        parent = made
        for key in path:
            parent = parent[key]
        _change(parent, last, dice, made)
    return made


def thinned(tree: Any, dice: random.Random, most: int = 6) -> Any:
    """A tree with a few branches of each kind left, so that reading it takes no time."""
    if isinstance(tree, dict):
        kept = [k for k in tree if k in dice.sample(list(tree), min(most, len(tree)))]
        return {k: thinned(tree[k], dice, most) for k in kept}
    if isinstance(tree, list):
        return [thinned(v, dice, most) for v in tree[: dice.randint(1, most)]]
    return tree


def spoken(dice: random.Random, names: tuple[str, ...], depth: int = 0) -> str:
    """An expression by the grammar of study files, or nearly: types and names need not fit."""

    def part() -> str:
        return spoken(dice, names, depth + 1)

    forms: list[Callable[[], str]] = [lambda: dice.choice(names), lambda: dice.choice(LITERALS)]
    if depth < 4:
        forms += [
            lambda: f"{part()} {dice.choice(SIGNS)} {part()}",
            lambda: f"({part()})",
            lambda: f"{dice.choice(sorted(FUNCTIONS))}({part()})",
            lambda: f"{dice.choice(sorted(FUNCTIONS))}({part()}, {dice.choice(LITERALS)})",
            lambda: (
                f"{dice.choice(sorted(FUNCTIONS))}({part()}, by={dice.choice(('all', 'g', '(g, year)', 'nowhere', '1'))})"
            ),
            lambda: f"if {part()} then {part()} else {part()}",
            lambda: f"{part()} in ({dice.choice(LITERALS)}, {dice.choice(LITERALS)})",
            lambda: f"{part()} between {part()} to {part()}",
            lambda: f"{part()} is {dice.choice(('', 'not '))}missing",
            lambda: f"{dice.choice(('not ', '-'))}{part()}",
            lambda: f"{part()}^{dice.choice(('2', '-1', '.5', '9', '99'))}",
        ]
    return dice.choice(forms)()


def _change(parent: Any, key: Any, dice: random.Random, whole: Any) -> None:
    how = dice.randrange(5)
    if how == 0:
        del parent[key]
    elif how == 1 and isinstance(parent, dict):
        parent[dice.choice([*ODD[13:20], f"{key}x", str(key)[:-1]])] = parent.pop(key)
    elif how == 2 and isinstance(parent[key], list):
        parent[key] = [*parent[key], *parent[key], dice.choice(ODD)]
    elif how == 3:
        source: Any = whole
        for step in dice.choice(list(places(whole))):
            source = source[step]
        parent[key] = copy.deepcopy(source)
    else:
        parent[key] = copy.deepcopy(dice.choice(ODD))


def bitten(content: bytes, seed: int) -> bytes:
    """Bytes with some spans cut, doubled, swapped, flipped or replaced by marks."""
    dice = random.Random(seed)
    made = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(made) + 1)
        to = min(len(made), at + dice.choice((1, 1, 2, 8, 64)))
        how = dice.randrange(5)
        if how == 0:
            del made[at:to]
        elif how == 1:
            made[at:at] = made[at:to] * dice.choice((1, 3, 200))
        elif how == 2:
            made[at:to] = dice.choice(MARKS).encode("utf-8", "surrogatepass")
        elif how == 3 and at < len(made):
            made[at] ^= 1 << dice.randrange(8)
        else:
            made[at:to] = dice.randbytes(to - at)
    return bytes(made)
