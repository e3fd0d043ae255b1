"""Price indices by industry and year, from a user's file: amounts at constant prices need them, and none ships with the product.

An industry is a beginning of a GB/T 4754 code (two to four digits; empty: all); of two that fit, the longer one holds, and where
it lacks a year the change of the next shorter one carries it on, so that no price jumps where one series takes over. Indices of
one kind may state each year against a fixed year (`base`: that year) or against the year before (`base`: previous, 上年 = 100);
all are brought to the first year that every series of the kind has.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from fusion.language import listed, said
from fusion.panel.contract import contract
from fusion.panel.errors import PanelError
from fusion.panel.readers import Raw

COLUMNS = ("of", "industry", "class_version", "year", "index", "base", "source")
# Kind of prices and the panel's column that it fills.
FILLS = {"output": "deflator", "input": "deflator_input", "capital": "deflator_capital"}
PREVIOUS = "previous"
SERIES = ["of", "industry", "class_version"]
WIDTHS = (4, 3, 2, 0)
SHOWN = 30


def read(file: Path) -> pd.DataFrame:
    """Price indices of a file, each kind at the prices of one year.

    Parameters
    ----------
    file : Path
        CSV with ``COLUMNS``: of (output, input, capital), industry, class_version (edition of the code; empty: any), year, index
        (above zero), base (a year, or ``previous``), source.

    Returns
    -------
    pandas.DataFrame
        of, industry, class_version, year, price (1 in ``base_year``), base_year, source.

    Raises
    ------
    PanelError
        With every line that is not allowed, what was found and what is allowed.
    """
    rows = _rows(file)
    found = [line for i, row in enumerate(rows, 2) for line in _faults(file.name, i, row)]
    if not found:
        found = _series_faults(file.name, rows)
    if found:
        more = [said("panel.and_more", count=len(found) - SHOWN)] if len(found) > SHOWN else []
        raise PanelError("\n".join([*found[:SHOWN], *more]))
    table = pd.DataFrame(rows).astype({"year": int, "index": float})
    parts = [_levels(part) for _, part in table.sort_values("year").groupby(SERIES, sort=False)]
    return pd.concat(
        [_rebased(file.name, part) for _, part in pd.concat(parts).groupby("of")], ignore_index=True
    )


def joined(raw: Raw, file: Path | None) -> Raw:
    """What was read with the prices of a file: columns of ``FILLS`` that the panel itself has not; without a file as it is.

    Prices of the panel's own have a base year that nobody states: beside the file's, amounts at constant prices would jump
    where one takes over, and instead of them the file would say nothing. Both are refused. A column of one value alone tells
    no prices, and the file's take its place.

    Raises
    ------
    PanelError
        Where the panel has no industry codes, or prices of its own of a kind that the file has, or the file is wrong.
    """
    if file is None:
        return raw
    prices = read(file)
    lacking = [c for c in ("ind4", "year") if c not in raw.table.columns]
    if lacking:
        raise PanelError(said("panel.deflators.lacking", file=file.name, columns=listed(lacking)))
    table, known = raw.table, {c.column: c for c in contract()}
    for of, part in prices.groupby("of"):
        table = _filled(_without(table, str(of), file), part, FILLS[str(of)])
    added = {c: known[c] for c in FILLS.values() if c in table.columns and c not in raw.columns}
    return replace(raw, table=table, columns=raw.columns | added)


def covered(panel: ibis.Table, prices: pd.DataFrame) -> pd.DataFrame:
    """Of each kind: base year, series, units and share of rows (%) that have a price, first and last year, sources."""
    rows = []
    for of, part in prices.groupby("of", sort=False):
        name = FILLS[str(of)]
        held = panel.filter(panel[name].notnull()) if name in panel.columns else None  # noqa: PD004
        count = held.count().execute() if held is not None else 0
        units = held["firm_id"].nunique().execute() if held is not None else 0
        total = max(int(panel.count().execute()), 1)
        rows.append({
            "of": of, "base_year": part["base_year"].iloc[0], "series": part[SERIES].drop_duplicates().shape[0],
            "units": int(units), "rows": 100 * count / total, "first": part["year"].min(), "last": part["year"].max(),
            "source": "; ".join(sorted(set(part["source"]))),
        })  # fmt: skip
    return pd.DataFrame(rows)


# -- inside ------------------------------------------------------------------------------------
def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            lacking = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if lacking:
                raise PanelError(said("panel.deflators.header", file=file.name, columns=listed(lacking)))
            rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in reader]
    except FileNotFoundError:
        raise PanelError(said("panel.deflators.absent", file=file.name, folder=file.parent.name)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise PanelError(said("panel.deflators.text", file=file.name, reason=str(error)[:200])) from None
    if not rows:
        raise PanelError(said("panel.deflators.empty", file=file.name))
    return rows


def _faults(name: str, line: int, row: Mapping[str, str]) -> list[str]:
    allowed = {
        "of": (row["of"] in FILLS, listed(FILLS)),
        "industry": (re.fullmatch(r"(\d{2,4})?", row["industry"]), said("panel.deflators.code")),
        "class_version": (row["class_version"] in ("", "2002", "2011", "2017"), "2002, 2011, 2017"),
        "year": (re.fullmatch(r"(19|20)\d\d", row["year"]), said("panel.deflators.year")),
        "index": (_number(row["index"]) > 0, said("panel.deflators.above")),
        "base": (re.fullmatch(rf"{PREVIOUS}|(19|20)\d\d", row["base"]), said("panel.deflators.base")),
        "source": (row["source"], said("panel.deflators.source")),
    }
    return [
        said(
            "panel.deflators.cell", file=name, line=line, column=column, value=row[column][:80], allowed=words
        )
        for column, (good, words) in allowed.items()
        if not good
    ]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return -1.0
    return value if math.isfinite(value) else -1.0


def _series_faults(name: str, rows: list[dict[str, str]]) -> list[str]:
    """A year twice, two bases in one series, a year left out of a chain."""
    table = pd.DataFrame(rows).assign(line=range(2, len(rows) + 2)).astype({"year": int})
    found = []
    for (of, industry, _), part in table.groupby(SERIES, sort=False):
        words: dict[str, Any] = {"file": name, "of": of, "industry": industry or said("panel.deflators.all")}
        twice = part[part["year"].duplicated()]
        found += [
            said("panel.deflators.twice", line=r.line, year=r.year, **words) for r in twice.itertuples()
        ]
        bases = list(dict.fromkeys(part["base"]))
        if len(bases) > 1:
            found.append(said("panel.deflators.bases", bases=listed(bases), **words))
        years = sorted(part["year"])
        gaps = sorted(set(range(years[0], years[-1] + 1)) - set(years))
        if bases == [PREVIOUS] and gaps:
            found.append(said("panel.deflators.gap", years=listed(gaps), **words))
    return found


def _levels(part: pd.DataFrame) -> pd.DataFrame:
    """A series as levels: a chain starts at 1 in the year before its first."""
    if part["base"].iloc[0] != PREVIOUS:
        return part.assign(price=part["index"] / 100)
    first = part.iloc[[0]].assign(year=part["year"].min() - 1, price=1.0)
    return pd.concat([first, part.assign(price=(part["index"] / 100).cumprod())])


def _rebased(name: str, part: pd.DataFrame) -> pd.DataFrame:
    """Series of one kind at the prices of the first year that all have."""
    years = [set(own["year"]) for _, own in part.groupby(SERIES)]
    common = sorted(set.intersection(*years))
    if not common:
        raise PanelError(said("panel.deflators.no_year", file=name, of=part["of"].iloc[0]))
    at = part[part["year"] == common[0]].set_index(SERIES)["price"]
    then = at.reindex(pd.MultiIndex.from_frame(part[SERIES])).to_numpy()
    kept = part.assign(price=part["price"] / then, base_year=common[0])
    return _carried_on(kept[[*SERIES, "year", "price", "base_year", "source"]])


def _carried_on(part: pd.DataFrame) -> pd.DataFrame:
    """Series of one kind with the years that the next broader one has beside, by its change."""
    known: dict[tuple[str, str], pd.DataFrame] = {}
    for key, own in sorted(part.groupby(SERIES[1:]), key=lambda pair: len(pair[0][0])):
        broader = _broader(known, key)
        known[key] = own if broader is None else _with_years_of(own, broader)
    return pd.concat(known.values())


def _broader(known: Mapping[tuple[str, str], pd.DataFrame], key: tuple[str, str]) -> pd.DataFrame | None:
    """The series of the longest shorter beginning of a code, of its edition before any; None if there is none."""
    industry, edition = key
    fits = [k for k in known if k[0] != industry and industry.startswith(k[0]) and k[1] in (edition, "")]
    return known[max(fits, key=lambda k: (len(k[0]), k[1] != ""))] if fits else None


def _with_years_of(own: pd.DataFrame, broader: pd.DataFrame) -> pd.DataFrame:
    prices, change = own.set_index("year")["price"].to_dict(), broader.set_index("year")["price"]
    missing = sorted(set(change.index) - set(prices))
    # From each end of what is known, and over gaps from the year before.
    for year in [y for y in missing if y > min(prices)] + [y for y in reversed(missing) if y < min(prices)]:
        held = [y for y in prices if y in change.index]
        near = [y for y in held if y < year] if year > min(prices) else held
        if near:
            at = max(near) if year > min(prices) else min(near)
            prices[year] = prices[at] * change[year] / change[at]
    added = sorted(set(prices) - set(own["year"]))
    rows = {name: own[name].iloc[0] for name in (*SERIES, "base_year", "source")}
    more = pd.DataFrame({**rows, "year": added, "price": [prices[y] for y in added]})
    return pd.concat([own, more[own.columns].astype(own.dtypes)]) if added else own


def _without(table: ibis.Table, of: str, file: Path) -> ibis.Table:
    """The table without a column that would hold prices and holds one value; one that holds several is refused."""
    name = FILLS[of]
    if name not in table.columns:
        return table
    held = table.aggregate(
        rows=table.count(), own=table[name].count(), values=table[name].nunique()
    ).execute()
    rows, own, values = map(int, held.iloc[0])
    if values > 1:
        raise PanelError(
            said("panel.deflators.partly", file=file.name, column=name, own=own, rows=rows, of=of)
        )
    return table.drop(name)


def _filled(table: ibis.Table, prices: pd.DataFrame, name: str) -> ibis.Table:
    """The table with a column of prices: those of the longest beginning of its code."""
    con, columns = table.get_backend(), list(table.columns)
    code = table["ind4"].cast("string").re_replace("^[A-T]", "")
    wide, held = table.mutate(_code=code), list[str]()
    edition = "class_version" in columns
    for width in WIDTHS:
        some = prices[prices["industry"].str.len() == width]
        for stated in (True, False) if edition else (False,):
            lines = some[(some["class_version"] != "") == stated]
            if lines.empty:
                continue
            at = f"_price{len(held)}"
            shown = lines.rename(
                columns={"price": at, "year": "_year", "industry": "_industry", "class_version": "_edition"}
            )
            stored = con.create_table(
                f"fusion_{name}_{width}_{int(stated)}",
                shown[["_industry", "_edition", "_year", at]],
                temp=True,
                overwrite=True,
            )
            on = [wide["year"] == stored["_year"], wide["_code"].substr(0, width) == stored["_industry"]]
            on += [wide["class_version"] == stored["_edition"]] if stated else []
            wide = wide.left_join(stored, on).select(*wide.columns, at)
            held.append(at)
    found = ibis.coalesce(*(wide[at] for at in held))
    return wide.select(*columns, found.name(name)) if held else table
