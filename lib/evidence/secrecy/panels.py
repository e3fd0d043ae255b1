"""Random panels with small cells and dominant units, and the exhibits that a study would make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbook.publish.secrecy import Exhibit, SecrecyClass

ALL = "all"
Form = list[tuple[str, np.ndarray, float]]


@dataclass(frozen=True)
class Told:
    """An exhibit, and what each cell of it says: the attacker's own reading, made from the rows of the panel.

    ``forms`` gives, by (row, column), what the published number is: (measure, rows of the panel, weight), summing to
    zero or to the number times nothing else; ``masks`` the rows of the panel that a row of the exhibit is about.
    """

    exhibit: Exhibit
    forms: dict[tuple[int, str], Form]
    masks: list[np.ndarray]
    additive: bool


def panel(seed: int, units: tuple[int, int] = (10, 45), years: tuple[int, int] = (2, 4)) -> pd.DataFrame:
    """A panel with small cells and dominant firms.

    Parameters
    ----------
    seed : int
        Seed of the draw.
    units, years : tuple of int
        Fewest and most firms and years.

    Returns
    -------
    pandas.DataFrame
        ``unit``, ``year``, ``path``, ``district``, ``code`` (four digits, nested), ``revenue``, ``services`` (part of
        it), ``profit`` (either sign), ``tells`` (whether the unit tells its services; the same in all years).
    """
    draw = np.random.default_rng(seed)
    firms, span = (int(draw.integers(low, high + 1)) for low, high in (units, years))
    paths = draw.dirichlet(np.full(4, 0.7))
    districts = draw.dirichlet(np.full(4, 0.8))
    codes = ["3511", "3512", "3521", "3611", "3612", "3720"]
    size = draw.lognormal(3, 1.2, firms) * np.where(draw.random(firms) < 0.08, 40, 1)
    rows = []
    for u in range(firms):
        path, district, code = (
            draw.choice(4, p=paths), draw.choice(4, p=districts), codes[draw.integers(len(codes))]
        )  # fmt: skip
        for t in range(span):
            if draw.random() < 0.08:
                continue  # not in the panel this year
            path = draw.choice(4, p=paths) if draw.random() < 0.05 else path
            revenue = size[u] * np.exp(0.1 * t + draw.normal(0, 0.15))
            share = 0.0 if draw.random() < 0.15 else draw.beta(2, 5)
            profit = revenue * draw.normal(0.05, 0.1)
            rows.append(
                (
                    f"U{u:02d}",
                    2018 + t,
                    f"P{path + 1}",
                    f"D{district + 1}",
                    code,
                    revenue,
                    revenue * share,
                    profit,
                )
            )
    names = ["unit", "year", "path", "district", "code", "revenue", "services", "profit"]
    data = pd.DataFrame(rows, columns=names)
    quiet = np.random.default_rng(seed + 20_000).random(firms) < 0.25
    return data.assign(tells=~data["unit"].isin([f"U{u:02d}" for u in np.flatnonzero(quiet)]))


def study(data: pd.DataFrame, seed: int, most: int = 10) -> list[Told]:
    """Some exhibits of a panel, drawn at random; they overlap in cells.

    Parameters
    ----------
    data : pandas.DataFrame
        As ``panel`` gives it.
    seed : int
        Seed of the choice.
    most : int
        Most exhibits.

    Returns
    -------
    list of Told
        Exhibits with the attacker's reading of each.
    """
    draw = np.random.default_rng(seed + 10_000)
    makers: list[Callable[[pd.DataFrame], Told]] = [
        _paths, _mix, _districts, _codes, _whole_period, _structure, _years, _crossed, _profits, _last_year
    ]  # fmt: skip
    chosen = draw.choice(len(makers), size=int(draw.integers(3, most + 1)), replace=False)
    told = [makers[i](data) for i in sorted(chosen)]
    silent = [["path", "year"], ["district", "year"], ["year"]][: int(draw.integers(0, 4))]
    return told + [_silent(data, by) for by in silent]


def _paths(data: pd.DataFrame) -> Told:
    """Path by year: units, rows, an amount, a share of it, and its growth."""
    made = _Made(data, ["path", "year"])
    made.amount("revenue")
    made.share("services_share", "services", "revenue")
    made.growth("growth", "revenue")
    return made.told("01.paths", "table")


def _mix(data: pd.DataFrame) -> Told:
    """Each path's share of the revenue of all years, which firms may have moved between."""
    made = _Made(data, ["path"])
    made.structure("revenue_share", "revenue", None)
    return made.told("01.mix", "table", additive=False)


def _districts(data: pd.DataFrame) -> Told:
    made = _Made(data, ["district", "year"])
    made.amount("revenue")
    made.mean("mean_services", "services")
    return made.told("01.districts", "table")


def _codes(data: pd.DataFrame) -> Told:
    """Division, group and class in one table."""
    nested = pd.concat([data.assign(code=data["code"].str[:n], row=data.index) for n in (2, 3, 4)])
    made = _Made(data, ["code", "year"], nested)
    made.amount("revenue")
    return made.told("02.codes", "table")


def _whole_period(data: pd.DataFrame) -> Told:
    made = _Made(data, ["path"])
    made.amount("revenue")
    return made.told("03.whole_period", "table", additive=False)


def _structure(data: pd.DataFrame) -> Told:
    """A figure: each path's share of the year's revenue."""
    made = _Made(data, ["path", "year"])
    made.structure("revenue_share", "revenue", "year")
    return made.told("03.structure", "figure")


def _years(data: pd.DataFrame) -> Told:
    made = _Made(data, ["year"])
    made.amount("revenue")
    made.amount("services")
    return made.told("04.years", "figure")


def _crossed(data: pd.DataFrame) -> Told:
    """Path by district with margins, in the first year."""
    first = data[data["year"] == data["year"].min()]
    parts = [
        first.assign(path=p if p else first["path"], district=d if d else first["district"], row=first.index)
        for p in ("", ALL)
        for d in ("", ALL)
    ]
    made = _Made(data, ["path", "district"], pd.concat(parts))
    made.amount("revenue")
    return made.told("05.crossed", "table")


def _profits(data: pd.DataFrame) -> Told:
    made = _Made(data, ["path", "year"])
    made.amount("profit")
    return made.told("06.profits", "table")


def _last_year(data: pd.DataFrame) -> Told:
    """Path by class of the last year: overlaps with codes and paths."""
    last = data[data["year"] == data["year"].max()]
    made = _Made(data, ["path", "code"], last.assign(row=last.index))
    made.amount("revenue")
    made.share("services_share", "services", "revenue")
    return made.told("07.last_year", "table")


def _silent(data: pd.DataFrame, by: list[str]) -> Told:
    """Those that tell by some labels, and the share that does not."""
    groups = list(data.groupby(by))
    frame = pd.DataFrame([key for key, _ in groups], columns=by)
    frame["units"] = [int(g["tells"].sum()) for _, g in groups]
    frame["silent"] = [100 * float((~g["tells"]).mean()) for _, g in groups]
    roles = {c: "year" if c == "year" else "label" for c in by} | {"units": "units", "silent": "unit_share"}
    given = data[[*by, "unit"]].assign(silent_part=(~data["tells"]).astype(int), silent_whole=1)
    exhibit = Exhibit(f"08.silent_{by[0]}", "table", frame, roles, SecrecyClass("statistics", "units"), given)
    return Told(exhibit, {}, [g.index.to_numpy() for _, g in groups], True)


class _Made:
    """A table by some labels, with the contributions to each cell and what each cell says."""

    def __init__(self, data: pd.DataFrame, by: list[str], long: pd.DataFrame | None = None) -> None:
        self.data, self.by = data, by
        self.long = (data.assign(row=data.index) if long is None else long).sort_values([*by, "unit"])
        groups = list(self.long.groupby(by))
        self.keys = [key for key, _ in groups]
        self.rows = [group["row"].to_numpy() for _, group in groups]
        self.frame = pd.DataFrame(self.keys, columns=by)
        self.frame["units"] = [data.loc[rows, "unit"].nunique() for rows in self.rows]
        self.frame["rows"] = [len(rows) for rows in self.rows]
        self.roles = {name: "year" if name == "year" else "label" for name in by} | {
            "units": "units",
            "rows": "rows",
        }
        self.forms: dict[tuple[int, str], Form] = {}
        self.parts: list[pd.DataFrame] = []

    def _add(
        self,
        column: str,
        role: str,
        values: list[float],
        parts: dict[str, list[pd.Series]],
        forms: list[Form],
    ) -> None:
        """Each part holds, for each row, the amounts by unit."""
        self.frame[column] = values
        self.roles[column] = role
        for i, form in enumerate(forms):
            self.forms[i, column] = form
        for i, key in enumerate(self.keys):
            cells = pd.DataFrame({f"{column}{part}": series[i] for part, series in parts.items()})
            cells = cells.rename_axis("unit").reset_index()
            self.parts.append(cells.assign(**dict(zip(self.by, key, strict=True))))

    def _by_unit(self, rows: np.ndarray, measure: str) -> pd.Series:
        return self.data.loc[rows].groupby("unit")[measure].sum()

    def amount(self, measure: str) -> None:
        values = [float(self.data.loc[rows, measure].sum()) for rows in self.rows]
        parts = {"": [self._by_unit(rows, measure) for rows in self.rows]}
        self._add(measure, "amount", values, parts, [[(measure, rows, 1.0)] for rows in self.rows])

    def mean(self, column: str, measure: str) -> None:
        values = [float(self.data.loc[rows, measure].mean()) for rows in self.rows]
        parts = {"": [self._by_unit(rows, measure) for rows in self.rows]}
        self._add(column, "mean", values, parts, [[(measure, rows, 1.0)] for rows in self.rows])

    def share(self, column: str, part: str, whole: str) -> None:
        sums = [(self.data.loc[r, part].sum(), self.data.loc[r, whole].sum()) for r in self.rows]
        values = [float(100 * a / b) for a, b in sums]
        parts = {
            "_part": [self._by_unit(r, part) for r in self.rows],
            "_whole": [self._by_unit(r, whole) for r in self.rows],
        }
        forms: list[Form] = [
            [(part, r, 1.0), (whole, r, -a / b)] for r, (a, b) in zip(self.rows, sums, strict=True)
        ]
        self._add(column, "share", values, parts, forms)

    def structure(self, column: str, measure: str, within: str | None) -> None:
        all_rows = self.data.index.to_numpy()
        wholes = [
            all_rows[self.data[within] == key[self.by.index(within)]] if within else all_rows
            for key in self.keys
        ]
        values, forms, part, whole = [], [], [], []
        for rows, every in zip(self.rows, wholes, strict=True):
            total = self.data.loc[every, measure].sum()
            values.append(float(100 * self.data.loc[rows, measure].sum() / total))
            forms.append([(measure, rows, 1.0), (measure, every, -values[-1] / 100)])
            whole.append(self._by_unit(every, measure))
            part.append(self._by_unit(rows, measure).reindex(whole[-1].index, fill_value=0.0))
        self._add(column, "share", values, {"_part": part, "_whole": whole}, forms)

    def growth(self, column: str, measure: str) -> None:
        place = dict(zip(self.keys, self.rows, strict=True))
        at = self.by.index("year")
        values, forms, now, before = [], [], [], []
        for key, rows in zip(self.keys, self.rows, strict=True):
            last = place.get((*key[:at], key[at] - 1, *key[at + 1 :]), np.array([], int))
            a, b = self.data.loc[rows, measure].sum(), self.data.loc[last, measure].sum()
            values.append(float(100 * (a / b - 1)) if b else np.nan)
            forms.append([(measure, rows, 1.0), (measure, last, -a / b)] if b else [])
            units = sorted({*self.data.loc[rows, "unit"], *self.data.loc[last, "unit"]})
            now.append(self._by_unit(rows, measure).reindex(units))
            before.append(self._by_unit(last, measure).reindex(units))
        self._add(column, "growth", values, {"_now": now, "_before": before}, forms)

    def told(self, name: str, kind: str, additive: bool = True) -> Told:
        """The exhibit; all columns' contributions in one table, a row for each unit and cell."""
        stacked = pd.concat(self.parts)
        given = stacked.groupby([*self.by, "unit"], as_index=False).sum(min_count=1)
        exhibit = Exhibit(name, kind, self.frame, self.roles, SecrecyClass("amounts", "units"), given)  # type: ignore[arg-type]
        return Told(exhibit, self.forms, self.rows, additive)
