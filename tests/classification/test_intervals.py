"""Ends of totals, shares, means and growth against every choice that codes leave open, and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import intervals

PATHS = ["P1", "P2", "other"]


def made(seed: int, firms: int = 4, years: tuple[int, ...] = (2016, 2017)) -> pd.DataFrame:
    """A few firms whose codes leave paths open, by two codes that go together and others that do not."""
    rng = np.random.default_rng(seed)
    rows = []
    for firm in range(firms):
        for year in years:
            may = sorted(rng.choice(PATHS, size=rng.integers(1, 3), replace=False))
            code = f"{'-'.join(may)}/{rng.integers(2)}"
            rows.append(
                (
                    f"F{firm}",
                    year,
                    "2011",
                    code,
                    may[0] if len(may) == 1 else "",
                    ",".join(may),
                    rng.integers(-2, 9) / 2,
                )
            )
    names = ["firm_id", "year", "edition", "code_own", "path", "paths_possible", "value"]
    frame = pd.DataFrame(rows, columns=names)
    return frame[rng.random(len(frame)) < 0.9].reset_index(drop=True)


def choices(frame: pd.DataFrame, together: bool) -> Iterator[pd.Series]:
    """Every way in which the rows can go."""
    groups = (
        frame.groupby(list(intervals.TOGETHER), sort=False).ngroup()
        if together
        else pd.Series(range(len(frame)))
    )
    may = [
        frame.loc[(groups == g).to_numpy(), "paths_possible"].iloc[0].split(",")
        for g in sorted(groups.unique())
    ]
    for picked in product(*may):
        yield pd.Series([picked[g] for g in groups], index=frame.index)


def sides(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    """Amounts of 2017 and of 2016."""
    late = frame["year"] == 2017
    return frame.assign(now=frame[value].where(late, 0.0), before=frame[value].where(~late, 0.0))


def of(frame: pd.DataFrame, cell: str, together: bool, number: object) -> tuple[float, float]:
    found = [number(frame, paths == cell) for paths in choices(frame, together)]  # type: ignore[operator]
    held = [x for x in found if np.isfinite(x)]
    return (min(held), max(held)) if held else (np.nan, np.nan)


@pytest.mark.parametrize("seed", range(40))
def test_ends_are_those_of_every_choice(seed: int) -> None:
    frame = made(seed)
    sums = intervals.sums(intervals.beside(frame), [], "value")
    means = intervals.means(frame, "value", by=[])
    counts = intervals.sums(intervals.beside(frame), [])
    for cell in sums.index.get_level_values("cell"):
        ends = of(frame, cell, False, lambda f, inside: f.loc[inside, "value"].sum())
        assert sums.loc[cell, ["low", "high"]].tolist() == pytest.approx(ends)
        assert counts.loc[cell, ["low", "high"]].tolist() == list(
            of(frame, cell, False, lambda _, inside: inside.sum())
        )
        if (frame["path"] == cell).any():
            ends = of(frame, cell, False, lambda f, inside: f.loc[inside, "value"].mean())
            assert means.loc[(cell,)].to_numpy().ravel().tolist() == pytest.approx(ends)


@pytest.mark.parametrize("seed", range(40))
def test_growth_and_change_hold_a_firm_together(seed: int) -> None:
    frame = made(100 + seed)
    frame["value"] = frame["value"].abs() + 0.5
    sizes = frame["year"].value_counts()
    if not {2016, 2017} <= set(sizes.index):
        pytest.skip("one year was drawn away")

    def rise(f: pd.DataFrame, inside: pd.Series) -> float:
        now, then = (f.loc[inside & (f["year"] == y), "value"].sum() for y in (2017, 2016))
        return 100 * (now / then - 1) if then else np.nan

    def step(f: pd.DataFrame, inside: pd.Series) -> float:
        now, then = (float((inside & (f["year"] == y)).sum() / sizes[y]) for y in (2017, 2016))
        return now - then

    growth, change = intervals.growth(sides(frame, "value")), intervals.change(frame, 2017)
    for cell in change.index:
        assert change.loc[cell].tolist() == pytest.approx(of(frame, cell, True, step), abs=1e-12)
        ends = of(frame, cell, True, rise)
        told = growth.loc[cell].tolist()
        if not ((frame["path"] == cell) & (frame["year"] == 2016)).any():
            assert np.isnan(told).all()  # it might be the growth of nothing
            continue
        assert told == pytest.approx(ends)
        # What each firm adds at either end makes that end.
        adds = (
            intervals.growing(sides(frame, "value"))
            .query("cell == @cell")
            .drop(columns=["cell", "unit"])
            .sum()
        )
        made_of = [100 * (adds[f"{end}_now"] / adds[f"{end}_before"] - 1) for end in ("low", "high")]
        assert made_of == pytest.approx(ends)


def test_by_hand() -> None:
    """Printed circuit boards stay one class; a maker of other machines of 2011 may be a robot maker in 2017."""
    told = {
        "A": ("3972", "3982", 10.0, 12.0),
        "B": ("3599", "3491", 4.0, 5.0),
        "C": ("2710", "2710", 6.0, 3.0),
    }
    each = [
        (f, y, v[y - 2016], str(2011 + 6 * (y - 2016)), v[y - 2014])
        for f, v in told.items()
        for y in (2016, 2017)
    ]
    panel = pd.DataFrame(each, columns=["firm_id", "year", "ind4", "class_version", "revenue"])
    rows = gbt.classify(ibis.memtable(panel)).to_pandas().merge(panel, on=["firm_id", "year"])
    # 3599 may be 3491, 3492, 3599 (high-end equipment) or 3964 (electronics).
    assert rows.set_index(["firm_id", "year"]).loc[("B", 2016), "paths_possible"] == "P1,P4"
    sums = intervals.sums(intervals.beside(rows), ["year"], "revenue")
    assert sums.loc[(2016, "P1")].tolist() == [10.0, 10.0, 14.0]
    assert sums.loc[(2016, "P4")].tolist() == [0.0, 0.0, 4.0]
    growth = intervals.growth(sides(rows, "revenue"))
    assert growth.loc["P1"].tolist() == pytest.approx([100 * (12 / 14 - 1), 20.0])
    assert growth.loc["P4"].isna().all()  # perhaps nobody was there in 2016
    change = intervals.change(rows, 2017)
    assert change.loc["P4"].tolist() == pytest.approx([0.0, 1 / 3])
    assert change.loc["P2"].tolist() == pytest.approx([0.0, 0.0])


def test_moves_by_hand() -> None:
    """A is renamed, B may have stayed in 3599, C went to another class for sure, D keeps its split code."""
    told = {"A": ("3972", "3982"), "B": ("3599", "3491"), "C": ("3599", "2710"), "D": ("3599", "3599")}
    rows = [
        (f, 2016 + n, c, "2017" if n and f != "D" else "2011")
        for f, codes in told.items()
        for n, c in enumerate(codes)
    ]
    panel = pd.DataFrame(rows, columns=["firm_id", "year", "ind4", "class_version"])
    ends = intervals.moved(gbt.classify(ibis.memtable(panel)).to_pandas())
    assert ends.loc[2017].tolist() == [0.25, 0.5, 4]


def test_nothing_is_said_where_nothing_is_open() -> None:
    frame = pd.DataFrame({"cell": ["P1"], "share": [0.25]})
    shut = pd.DataFrame({"low": [0.25], "high": [0.25]}, index=pd.Index(["P1"], name="cell"))
    assert list(intervals.with_ends(frame, shut, "share", "cell")) == ["cell", "share"]
    told = intervals.with_ends(frame, shut.assign(high=0.5), "share", "cell")
    assert told.iloc[0].tolist() == ["P1", 0.25, 0.25, 0.5]


def test_a_negative_denominator_is_refused() -> None:
    with pytest.raises(ValueError, match="denominator is negative"):
        intervals.ratio(1.0, 1.0, pd.DataFrame({"a": [1.0], "b": [-1.0]}))
