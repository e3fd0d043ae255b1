"""What moves a number between variants of a study: shares of its variance, and each move split over the choices.

The variance over a full factorial splits exactly into effects of single choices, of pairs, and the rest (functional
analysis of variance; Sobol' 2001, Mathematics and Computers in Simulation 55, 271–280). Where combinations are missing,
effects are no longer orthogonal: each choice gets its part of R² averaged over all orders in which choices can enter
(Lindeman, Merenda and Gold 1980; Grömping 2007, The American Statistician 61, 139–147). A single move is split by
Shapley values (Shapley 1953), which sum to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from math import factorial

import numpy as np
import pandas as pd

LANGUAGES = ("en", "zh")


def complete(levels: pd.DataFrame) -> bool:
    """Whether every combination of the levels that occur is there, each once.

    Parameters
    ----------
    levels : DataFrame
        A line for each variant, a column for each choice.
    """
    product = int(np.prod([levels[name].nunique() for name in levels]))
    return len(levels) == product == len(levels.drop_duplicates())


def shares(levels: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Shares of a number's variance over the variants.

    Parameters
    ----------
    levels : DataFrame
        A line for each variant, a column for each choice; without missing values.
    values : Series
        The number, in the order of `levels`.

    Returns
    -------
    DataFrame
        ``first`` and ``second`` (of a pair), ``kind`` (alone, pair, rest), ``share``; pairs only where every combination
        is there. Shares sum to 1; of a number that does not vary there are none.
    """
    names = [name for name in levels if len(set(levels[name])) > 1]
    y = values.to_numpy(float) - values.mean()
    total = float(y @ y)
    if not names or total <= 1e-24 * max(1.0, float(values.abs().max()) ** 2) * len(y):
        return pd.DataFrame(columns=["first", "second", "kind", "share"])
    whole = complete(levels[names])
    alone = _means(levels, y, names) if whole else _averaged(levels, y, names)
    rows = [(name, "", "alone", part / total) for name, part in alone.items()]
    for one, other in combinations(names, 2) if whole else ():
        both = _between(levels[[one, other]], y)
        rows.append((one, other, "pair", (both - alone[one] - alone[other]) / total))
    rest = 1 - sum(share for *_, share in rows)
    found = pd.DataFrame([*rows, ("", "", "rest", rest)], columns=["first", "second", "kind", "share"])
    found["share"] = found["share"].where(found["share"].abs() > 1e-12, 0.0)
    return found


def moves(levels: pd.DataFrame, values: pd.Series, reference: int) -> pd.DataFrame:
    """Each variant's distance from a reference, split over the choices in which they differ.

    Parameters
    ----------
    levels : DataFrame
        A line for each variant, indexed by its number, a column for each choice.
    values : Series
        The number, by variant.
    reference : int
        The variant from which moves are counted.

    Returns
    -------
    DataFrame
        ``variant, parameter, part``: parts sum to the move. NaN where a combination between the two is not there.
    """
    known = dict(zip(levels.itertuples(index=False, name=None), values, strict=True))
    start = tuple(levels.loc[reference])
    rows: list[tuple[int, str, float]] = []
    for variant, end in zip(levels.index, levels.itertuples(index=False, name=None), strict=True):
        differ = [place for place, (a, b) in enumerate(zip(start, end, strict=True)) if a != b]
        between = {
            chosen: known.get(tuple(e if i in chosen else s for i, (s, e) in enumerate(zip(start, end, strict=True))), np.nan)
            for chosen in map(frozenset, _subsets(differ))
        }  # fmt: skip
        for place in differ:
            rows.append((int(variant), str(levels.columns[place]), _shapley(place, differ, between)))
    return pd.DataFrame(rows, columns=["variant", "parameter", "part"])


def chosen(levels: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Choices of variants, a column each.

    Parameters
    ----------
    levels : DataFrame
        variant, parameter, level: a line for each choice of each variant.
    found : DataFrame
        Numbers of those that have any, by variant.
    """
    return levels.pivot(index="variant", columns="parameter", values="level").loc[found.index]


def of_each(levels: pd.DataFrame, found: pd.DataFrame, numbers: Sequence[str]) -> pd.DataFrame:
    """`shares` of each number that is not the same in all variants, with ``number`` first; empty where all are."""
    parts = {number: shares(levels, found[number]) for number in numbers if len(set(found[number])) > 1}
    if not parts:
        return pd.DataFrame(columns=["number", "first", "second", "kind", "share"])
    return pd.concat(parts, names=["number"]).reset_index("number")


def called(shares: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """The same with ``source_en`` and ``source_zh``: what the choice, or both of a pair, is called (`levels` says it)."""
    words = levels.drop_duplicates("parameter").set_index("parameter")
    for language in LANGUAGES:
        names = words[f"parameter_{language}"]
        first, second = (shares[end].map(names).fillna("") for end in ("first", "second"))
        shares = shares.assign(**{f"source_{language}": first.where(second == "", first + " × " + second)})
    return shares


def most(shares: pd.DataFrame) -> dict[str, str] | None:
    """What the choice is called that alone moves the estimate most, in each language."""
    row = _largest(shares)
    return {language: row[f"source_{language}"] for language in LANGUAGES} if row is not None else None


def largest(shares: pd.DataFrame) -> float | None:
    """Its share."""
    row = _largest(shares)
    return float(row["share"]) if row is not None else None


def split(levels: pd.DataFrame, found: pd.DataFrame, reference: int, numbers: Sequence[str]) -> pd.DataFrame:
    """`moves` of several numbers: variant, parameter, number, part; empty where the reference has none."""
    columns = ["variant", "parameter", "number", "part"]
    if reference not in found.index:
        return pd.DataFrame(columns=columns)
    parts = {number: moves(levels, found[number], reference) for number in numbers}
    return pd.concat(parts, names=["number"]).reset_index("number")[columns]


def widest(split: pd.DataFrame, found: pd.DataFrame, levels: pd.DataFrame, shown: int = 40) -> pd.DataFrame:
    """Variants whose estimate moves most, a line for each of their choices.

    Returns
    -------
    DataFrame
        variant, a column a number of `split`, parameter_en, parameter_zh, levels_en, levels_zh, units.
    """
    if split.empty:
        return split
    words = levels.drop_duplicates("parameter").set_index("parameter")[["parameter_en", "parameter_zh"]]
    wide = split.pivot(index=["variant", "parameter"], columns="number", values="part").reset_index()
    far = wide.groupby("variant")["estimate"].sum(min_count=1).abs().nlargest(shown).index
    kept = wide[wide["variant"].isin(far)].join(words, on="parameter")
    return kept.join(found[["levels_en", "levels_zh", "units"]], on="variant").drop(columns="parameter")


# -- inside ------------------------------------------------------------------------------------


def _largest(shares: pd.DataFrame) -> pd.Series | None:
    alone = shares[(shares["number"] == "estimate") & (shares["kind"] == "alone")]
    return alone.nlargest(1, "share").iloc[0] if len(alone) else None


def _subsets(items: list[int]) -> Iterator[tuple[int, ...]]:
    return chain.from_iterable(combinations(items, size) for size in range(len(items) + 1))


def _shapley(place: int, differ: list[int], between: dict[frozenset[int], float]) -> float:
    """What one choice adds, on average over all orders in which the choices can be made."""
    n, total = len(differ), 0.0
    for chosen in _subsets([i for i in differ if i != place]):
        weight = factorial(len(chosen)) * factorial(n - len(chosen) - 1) / factorial(n)
        total += weight * (between[frozenset((*chosen, place))] - between[frozenset(chosen)])
    return total


def _between(keys: pd.DataFrame, y: np.ndarray) -> float:
    """Sum of squares between the cells of some choices."""
    means = pd.Series(y).groupby([keys[name].to_numpy() for name in keys]).transform("mean").to_numpy()
    return float(means @ means)


def _means(levels: pd.DataFrame, y: np.ndarray, names: list[str]) -> dict[str, float]:
    return {name: _between(levels[[name]], y) for name in names}


def _averaged(levels: pd.DataFrame, y: np.ndarray, names: list[str]) -> dict[str, float]:
    """Explained sums of squares, averaged over all orders in which choices enter a regression on their levels."""
    blocks = [pd.get_dummies(levels[name], drop_first=True).to_numpy(float) for name in names]
    explained = {
        frozenset(chosen): _explained([blocks[i] for i in chosen], y)
        for chosen in _subsets(list(range(len(names))))
    }
    places = list(range(len(names)))
    return {name: _shapley(i, places, explained) for i, name in enumerate(names)}


def _explained(blocks: list[np.ndarray], y: np.ndarray) -> float:
    if not blocks:
        return 0.0
    x = np.column_stack([np.ones(len(y)), *blocks])
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(fitted @ fitted)
