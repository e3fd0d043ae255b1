"""Returns looked through before anything is published: doubts, the calls that matter, totals three ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd

from fusion.editing import corrections, counts, scores, slips, wholes
from fusion.editing.balances import Balance, Sheet, mend
from fusion.editing.blocks import items, sums
from fusion.editing.settings import Settings
from fusion.panel.contract import ROW
from fusion.panel.readers import Raw

PAIR = ["unit", "year", "before", "after", "kind", "raw_before", "raw_after", "how_before", "how_after"]
WAYS = ["item", "year", "units", "reported", "three", "put_right", "expected"]
WAYS += [f"{c}_growth" for c in WAYS[3:]]
_POINTS = 0.1  # of growth, per cent: what is less is not told
AS_REPORTED, PUT_RIGHT, EXPECTED = "as_reported", "put_right", "expected"
AMOUNTS = ("value", "predicted", "low", "high", "put_right", "expected_change")
MENDED = ["unit", "year", ROW, "item", "value", "suggested", "factor", "ambiguous"]
_CALLS, _CELL = 3, 0.1
_TOLERANCE = 0.05  # 万元; the contract's rules allow 0.1 for two terms


@dataclass(frozen=True)
class Review:
    """Doubts about a panel.

    Attributes
    ----------
    queue : pandas.DataFrame
        :func:`fusion.editing.scores.ranked`: every doubtful cell of what is published, by calls.
    totals : pandas.DataFrame
        :func:`fusion.editing.scores.totals`.
    found : Found or None
        None where the panel has fewer than two money items, or no year.
    publication : Publication
    files : pandas.DataFrame
        :func:`fusion.editing.wholes.find`: files that are in another unit as a whole, each said once; their forms are not
        in ``queue`` for it.
    """

    queue: pd.DataFrame
    totals: pd.DataFrame
    found: slips.Found | None
    publication: scores.Publication
    files: pd.DataFrame = dataclasses.field(default_factory=lambda: pd.DataFrame(columns=wholes.COLUMNS))

    def calls(self, most: int = 10) -> pd.DataFrame:
        """The first calls: of each unit and year the cell that moves most."""
        worth = self.queue.loc[self.queue["slip"] > _listed(self.found)]
        first = worth.drop_duplicates(["unit", "year"]).head(most)
        return first.assign(rank=range(1, len(first) + 1)).reset_index(drop=True)

    def constants(self) -> dict[str, float | None]:
        """What the returns gave of the model: σ and its factor, σ of levels, ε, slips in a hundred forms; None if nothing."""
        known = self.found.constants if self.found is not None else {}
        out = {name: known.get(name) for name in ("sigma", "sigma_level", "rare", "forms")}
        sigma, share = out["sigma"], out.pop("forms")
        return out | {"scale": sigma and 10.0**sigma, "share": share and 100.0 * share}

    @property
    def open(self) -> int:
        """Published totals that unanswered doubts may still move."""
        return 0 if self.found is None else len(scores.open_cells(self.totals))

    def three_ways(self) -> pd.DataFrame:
        """Totals and their growth as reported, with the three largest doubts and with all named ones put right, and as expected.

        Returns
        -------
        pandas.DataFrame
            ``item, year, units, reported, three, put_right, expected``, each with its growth on the year before (``…_growth``).
        """
        if self.found is None:
            return pd.DataFrame(columns=WAYS)
        whole = self.totals.loc[self.totals["kind"] == scores.WHOLE]
        largest = self.calls(_CALLS)[["unit", "year"]]
        moved = self.queue.merge(largest, on=["unit", "year"])
        right = (
            moved.assign(three=moved["put_right"] - moved["value"]).groupby(["item", "year"])["three"].sum()
        )
        out = whole.merge(right.reset_index(), on=["item", "year"], how="left").fillna({"three": 0.0})
        out["three"] += out["reported"]
        out = out.sort_values(["item", "year"], kind="stable", ignore_index=True)
        for name in ("reported", "three", PUT_RIGHT, EXPECTED):
            before = out.groupby("item")[name].shift().where(out.groupby("item")["year"].diff() == 1)
            out[f"{name}_growth"] = 100.0 * (out[name] / before - 1.0)
        order = {name: i for i, name in enumerate(self.publication.items)}
        return out.sort_values(
            ["item", "year"],
            key=lambda c: c.map(order) if c.name == "item" else c,
            kind="stable",
            ignore_index=True,
        )


def _listed(found: slips.Found | None) -> float:
    return found.settings.listed if found is not None else 1.0


def review(
    raw: Raw,
    published: Collection[str],
    by: Collection[str],
    settings: Settings | None = None,
    confirmed: Collection[tuple[int, str]] = (),
    spans: Sequence[tuple[str, int, int]] = (),
) -> Review:
    """Look a panel through.

    Parameters
    ----------
    raw : Raw
        As read and corrected.
    published : collection of str
        Money items whose totals are published; those that the panel lacks are passed over.
    by : collection of str
        Columns by which they are published; their cells weigh a tenth of the total (a judgement).
    settings : Settings, optional
        Constants of the model of slips.
    confirmed : collection of (int, str)
        Rows and fields whose value was confirmed: nothing is doubted of them.
    spans : sequence of (str, int, int)
        Of each file its first and last ``source_row``, where several were read: a file that is in another unit as a whole
        is one finding.

    Returns
    -------
    Review
    """
    have = set(raw.columns)
    cells = {c: _CELL for c in by if c in have}
    publication = scores.Publication([c for c in published if c in have], cells)
    if len(have & set(items())) < 2 or not publication.items:
        return Review(_nothing(publication), pd.DataFrame(), None, publication)
    files = wholes.find(raw.table, [wholes.Span(*span) for span in spans])
    table = _ready(wholes.righted(raw.table, files)).cache() if len(files) else _ready(raw.table)
    found = _silenced(slips.find(table, settings), confirmed)
    lines = scores.doubts(table, found, publication)
    whole = _of_files(_ready(raw.table), files, publication)
    sums = scores.totals(_ready(raw.table), pd.concat([lines, whole]) if len(whole) else lines, publication)
    return Review(_reported(scores.ranked(lines, sums, publication), files), sums, found, publication, files)


def _of_files(table: ibis.Table, files: pd.DataFrame, publication: scores.Publication) -> pd.DataFrame:
    """What putting whole files right does to published values: a line for each, for the totals alone."""
    parts = []
    for one in files.loc[files["certain"].astype(bool)].itertuples():
        names = [c for c in publication.items if c in one.items]
        inside = table.filter(table[ROW].between(int(one.first), int(one.last)))
        keys = ["firm_id", "year", ROW, *publication.cells]
        frame = inside.select(*keys, **{c: inside[c].cast("float64") for c in names}).to_pandas()
        long = frame.melt(id_vars=keys, var_name="item").dropna(subset=["value"])
        right = long["value"] * 10.0 ** -int(one.factor)
        parts.append(long.assign(put_right=right, predicted=right).rename(columns={"firm_id": "unit"}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _reported(queue: pd.DataFrame, files: pd.DataFrame, columns: Sequence[str] = AMOUNTS) -> pd.DataFrame:
    """The queue with values as they were reported, also in files whose unit was put right before they were judged."""
    out = queue.copy()
    for one in files.loc[files["judged"] != 0].itertuples():
        at = out[ROW].between(one.first, one.last) & out["item"].isin(one.items)
        # Of two files of which either may be wrong nothing is put right, and all stands as it was reported.
        own = [c for c in (columns if one.certain else AMOUNTS) if c in out]
        out.loc[at, own] *= 10.0 ** int(one.judged)
    return out


def _ready(table: ibis.Table) -> ibis.Table:
    """With peers: the division, of whatever code there is."""
    code = table["ind4"].cast("string") if "ind4" in table.columns else ibis.literal("")
    return table.mutate(stratum=code.re_extract("([0-9]{2})", 1))


def _nothing(publication: scores.Publication) -> pd.DataFrame:
    columns = [
        *scores.LINE,
        *publication.cells,
        "expected_change",
        "of_total",
        "of_growth",
        "score",
        "call",
        "rank",
    ]
    return pd.DataFrame({c: pd.Series(dtype=object if c in ("unit", "item") else float) for c in columns})


def _silenced(found: slips.Found, confirmed: Collection[tuple[int, str]]) -> slips.Found:
    """Doubts without those that were answered."""
    if not confirmed:
        return found
    rows, cells = found.rows.copy(), found.cells
    forms = {row for row, field in confirmed if field == corrections.ALL}
    calm = rows[ROW].isin(forms)
    rows.loc[calm, ["form", "slip", "shrink", "shrink2"]] = [0.0, 0.0, 1.0, 1.0]
    row_of = rows[ROW].to_numpy()[cells["position"].to_numpy(int)]
    said = {(int(r), f) for r, f in confirmed}
    answered = [int(r) in forms or (int(r), i) in said for r, i in zip(row_of, cells["item"], strict=True)]
    cells = cells.loc[~np.array(answered, bool)].reset_index(drop=True)
    clear = 1.0 - rows["form"].to_numpy(float)
    np.multiply.at(clear, cells["position"].to_numpy(int), 1.0 - cells["slip"].to_numpy(float))
    return dataclasses.replace(
        found, rows=rows.assign(slip=1.0 - clear), cells=cells, confirmed=frozenset(said)
    )


def resolved(raw: Raw, made: Review, how: str) -> tuple[Raw, pd.DataFrame]:
    """The panel with unanswered doubts as declared, and a line for each value that this changed.

    Parameters
    ----------
    how : {"as_reported", "put_right", "expected"}
        ``as_reported``: nothing is changed, the return is the respondent's. ``put_right``: money of which P of a slip is
        above one half is divided by 10^k. ``expected``: it is replaced by its expectation.

    Returns
    -------
    Raw
    pandas.DataFrame
        As the log of `corrections.Applied`; kind is ``how``.
    """
    if how == AS_REPORTED or made.found is None:
        return raw, corrections.nothing()
    every = scores.Publication([c for c in items() if c in raw.columns], {})
    whole = _of_files(_ready(raw.table), made.files, every)
    lines = scores.doubts(_ready(wholes.righted(raw.table, made.files)), made.found, every)
    lines = _reported(lines.loc[lines["slip"] > made.found.settings.named], made.files, ["value"])
    both = [part for part in (lines, whole) if len(part)]
    if not both:
        return raw, corrections.nothing()
    # A form that is odd within a file that is: its own change stands for both.
    lines = pd.concat(both, ignore_index=True).drop_duplicates([ROW, "item"])
    cells = lines.assign(
        row=lines[ROW], field=lines["item"], new=lines[PUT_RIGHT if how == PUT_RIGHT else "predicted"]
    ).rename(columns={"value": "old"})
    log = cells.assign(kind=how).reindex(columns=corrections.LOG)
    return dataclasses.replace(
        raw, table=corrections.replaced(raw.table, cells[["row", "field", "new"]])
    ), log


def mendings(
    raw: Raw, quality: pd.DataFrame, most: int = 2000, confirmed: Collection[tuple[int, str]] = ()
) -> pd.DataFrame:
    """What to ask for beside doubts about money: parts that exceed their whole, persons, per cent and tons in a wrong unit.

    A return whose parts, alone or added up, exceed their whole is mended by the smallest change.

    Parameters
    ----------
    quality : pandas.DataFrame
        What :func:`fusion.panel.checks.check` found.
    most : int
        Returns with broken sums that are looked at, at most.
    confirmed : collection of (int, str)
        Rows and fields whose value was confirmed.

    Returns
    -------
    pandas.DataFrame
        ``unit, year, source_row, item, value, suggested, factor, ambiguous, slip``: what one would
        ask for; ``factor`` is missing where the value is no slip of unit, ``ambiguous`` true where another
        change is about as likely; ``slip``: P, missing where a sum is broken.
    """
    columns = [c for c in items() if c in raw.columns]
    found = sums(columns)
    rules = [Balance(dict.fromkeys(one.parts, 1.0) | {one.whole: -1.0}, -np.inf, 0.0) for one in found]
    broken = quality.loc[quality["rule"].isin({one.rule for one in found if one.asked})]
    units = broken["unit"].drop_duplicates().head(most).tolist()
    lines = []
    if rules and units:
        beside = raw.table.filter(raw.table["firm_id"].isin(units)).order_by("firm_id", "year", ROW)
        frame = beside.select(ROW, "firm_id", "year", *columns).to_pandas()
        past = _expected(frame, columns)
        for at in frame.index[frame[ROW].isin(set(broken["row"]))]:
            lines += _mended(frame.loc[at], past.loc[at], columns, rules)
    broken_sums = pd.DataFrame(lines, columns=MENDED).assign(slip=np.nan)
    odd = counts.find(_ready(raw.table), confirmed=confirmed).assign(ambiguous=False)
    told = [part for part in (broken_sums, odd) if len(part)] or [broken_sums]
    return pd.concat(told, ignore_index=True)[[*MENDED, "slip"]].astype({"factor": float, "slip": float})


def _expected(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Geometric mean of the years beside, by unit."""
    positive = frame[columns].astype(float)
    log = np.log(positive.where(positive > 0))
    grouped = log.groupby(frame["firm_id"])
    before, after = grouped.shift(1), grouped.shift(-1)
    return np.exp(before.add(after).div(2).fillna(before).fillna(after))


def _mended(
    row: pd.Series, past: pd.Series, columns: list[str], rules: list[Balance]
) -> list[tuple[object, ...]]:
    levels = {c: items()[c].level for c in columns}
    values = row[columns].astype(float).to_dict()
    found = mend(Sheet(values, levels, past.to_dict(), rounding=_TOLERANCE), rules)
    if found is None:
        return []
    return [
        (
            row["firm_id"],
            row["year"],
            row[ROW],
            name,
            values[name],
            new,
            found.factors.get(name, np.nan),
            bool(found.ambiguous),
        )
        for name, new in found.values.items()
    ]


def most_moved(ways: pd.DataFrame) -> dict[str, Any] | None:
    """The total whose growth the three largest doubts move most: a line of :meth:`Review.three_ways`, or None."""
    gap = (ways["reported_growth"] - ways["three_growth"]).abs() if len(ways) else pd.Series(dtype=float)
    return ways.loc[gap.idxmax()].to_dict() if gap.notna().any() and gap.max() > _POINTS else None


def pairs(
    raw: Raw, panel: ibis.Table, aside: Collection[Any], published: Sequence[str], log: pd.DataFrame
) -> pd.DataFrame:
    """Units by what became of them between each year and the one before, for :func:`fusion.editing.growth.decompose`.

    Parameters
    ----------
    raw : Raw
        All that was read, as corrected.
    panel : ibis.Table
        What is published: the rows that were kept.
    aside : collection of int
        ``source_row`` of what was set aside for a broken rule.
    published : sequence of str
        Money items; the first that the panel has is followed.
    log : pandas.DataFrame
        Corrections that were applied, and what `resolved` changed.

    Returns
    -------
    pandas.DataFrame
        ``unit, year, before, after, kind``, and where a value was corrected ``raw_before, raw_after`` (as reported) and
        ``how_before, how_after`` (corrected, put right). A value that was imputed in either year makes the unit ``imputed``.
    """
    item = next((c for c in published if c in panel.columns), None)
    if item is None:
        return pd.DataFrame({c: [] for c in PAIR})
    kept = panel.select("firm_id", "year", published=panel[item].cast("float64"), kept=True)
    read = raw.table.select(ROW, "firm_id", "year", value=raw.table[item].cast("float64"))
    both = read.left_join(kept, ["firm_id", "year"]).select(
        ROW, "firm_id", "year", "value", "published", "kept"
    )
    frame = both.order_by(ROW).to_pandas().dropna(subset=["firm_id", "year"])
    frame["aside"] = frame[ROW].isin(set(aside)) & frame["kept"].isna()
    frame = frame.join(_told(log, item), on=ROW)
    frame = frame.sort_values(["kept", "aside", "value"], na_position="last", kind="stable")
    frame = frame.drop_duplicates(["firm_id", "year"]).astype({"year": "int64"})
    told = ["published", "kept", "aside", "value", "raw", "how"]
    state = frame[["firm_id", "year", *told]]
    later = state.rename(columns={c: f"{c}_1" for c in told})
    earlier = state.assign(year=state["year"] + 1).rename(columns={c: f"{c}_0" for c in told})
    years = set(state["year"])
    joined = earlier.merge(later, on=["firm_id", "year"], how="outer")
    joined = joined.loc[joined["year"].isin(years) & (joined["year"] - 1).isin(years)]
    joined = joined.loc[joined["published_0"].notna() | joined["published_1"].notna()]
    out = joined.assign(kind=_kinds(joined), before=joined["published_0"], after=joined["published_1"])
    out = out.rename(
        columns={"firm_id": "unit"}
        | {f"{c}_{t}": f"{c}_{s}" for c in ("raw", "how") for t, s in enumerate(("before", "after"))}
    )
    return out[PAIR].sort_values(["year", "unit"], kind="stable", ignore_index=True)


def _told(log: pd.DataFrame, item: str) -> pd.DataFrame:
    """By row: what was first reported of an item that was changed since, and how it was last changed."""
    own = log.loc[log["field"] == item].set_index("row")
    how = own["kind"].map({PUT_RIGHT: "put right", EXPECTED: "imputed", "imputed": "imputed"})
    made = pd.DataFrame({"raw": own["old"].astype(float), "how": how.fillna("corrected").astype(object)})
    return made.groupby(level=0).agg({"raw": "first", "how": "last"})


def _kinds(joined: pd.DataFrame) -> Any:
    """The class of each pair of years."""
    there = [joined[f"published_{t}"].notna() for t in (0, 1)]
    aside = [joined[f"aside_{t}"].fillna(False).astype(bool) & ~there[t] for t in (0, 1)]
    filled = (joined["how_0"].eq("imputed") & there[0]) | (joined["how_1"].eq("imputed") & there[1])
    # In the panel, or in the source and not dropped by a rule of the sample, but without a value.
    empty = [joined[f"kept_{t}"].notna() & ~there[t] for t in (0, 1)]
    return np.select(
        [filled, there[0] & there[1], aside[0] | aside[1], empty[0] | empty[1], there[1]],
        ["imputed", "matched", "set aside", "missing", "entering"],
        "leaving",
    )
