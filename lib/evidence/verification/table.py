"""The verification table: each published number beside the one computed here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pandas as pd

from evidence.verification import compute, dynamic, production, staggered
from workbook import files

PUBLISHED = Path(__file__).resolve().parents[3] / "data" / "verification" / "published.csv"
COLUMNS = [
    "dataset",
    "estimator",
    "statistic",
    "published",
    "computed",
    "tolerance",
    "ok",
    "source",
    "basis",
]
DATASETS: dict[str, Callable[[], compute.Values]] = {
    "jobtraining": compute.jobtraining,
    "Grunfeld, ten firms": compute.grunfeld,
    "munnell": compute.munnell,
    "InstInnovation": compute.innovation,
    "ezunem": staggered.ezunem,
    "mpdta": staggered.mpdta,
    "castle": staggered.castle,
    "california_prop99": staggered.prop99,
    "EmplUK": dynamic.empluk,
    "RDPerfComp": dynamic.rdperfcomp,
    "chilean": production.chilean,
}
# Modules whose rows() give hand-worked cases beside what the rooms compute.
ANCHORS = ("fusion.indicators.anchors", "fusion.indicators.cases", "fusion.io.anchors")
BASES = ("seen", "recalled, reproduced")


class VerificationError(ValueError):
    """The table of published results cannot be used; the message says which row and why."""


def run(published: Path = PUBLISHED) -> pd.DataFrame:
    """Recompute every published result.

    Parameters
    ----------
    published : Path
        Table with columns dataset, estimator, statistic, published (as printed), source, basis.

    Returns
    -------
    DataFrame
        dataset, estimator, statistic, published, computed, tolerance, ok, source, basis. The tolerance is half a
        unit of the last printed digit: what rounding alone can do. Hand-worked anchors of the indicators follow
        as dataset "anchor", with the tolerance that each states. ``attrs["absent"]`` names data sets whose file is not
        present, which are left out.

    Raises
    ------
    VerificationError
        When a row names something that is not computed, is not a number, or has an unknown basis.
    """
    rows = pd.read_csv(published, dtype=str, keep_default_na=False)
    unknown = set(rows["dataset"]) - set(DATASETS)
    if unknown:
        raise VerificationError(
            f"{published.name}: datasets {', '.join(sorted(unknown))} are not computed; known: {', '.join(DATASETS)}"
        )
    values, absent = _computed(list(rows["dataset"].unique()))
    records = [
        _record(row, values, f"{published.name}:{line}")
        for line, row in enumerate(rows.to_dict("records"), 2)
        if row["dataset"] not in absent
    ]
    table = pd.DataFrame([*records, *_anchors()], columns=COLUMNS)
    table.attrs["absent"] = absent
    return table


def _computed(names: list[str]) -> tuple[dict[tuple[str, str, str], float], list[str]]:
    """Values by data set, estimator and statistic; and the data sets whose files are not present."""
    values: dict[tuple[str, str, str], float] = {}
    absent = []
    for name in names:
        try:
            values |= {(name, *key): value for key, value in DATASETS[name]().items()}
        except FileNotFoundError:
            absent.append(name)
    return values, absent


def half_last_digit(printed: str) -> float:
    """Half a unit of the last printed digit: "-.080" → 0.0005, "162" → 0.5."""
    exponent = Decimal(printed).as_tuple().exponent
    assert isinstance(exponent, int)
    return float(Decimal(1).scaleb(exponent) / 2)


def main(build_folder: Path, data: Path | None = None) -> int:
    """Write ``verification.csv`` into a folder and print one line for each data set.

    Parameters
    ----------
    build_folder : Path
    data : Path, optional
        Folder of the data sets that the project does not ship.

    Returns
    -------
    int
        0 when every computed number is within its tolerance, else 1.
    """
    staggered.look_in(data)
    try:
        table = run()
    finally:
        staggered.look_in(None)
    build_folder.mkdir(parents=True, exist_ok=True)
    target = build_folder / "verification.csv"
    files.sweep(build_folder)
    files.write_atomic(target, table.to_csv(index=False))
    for name, part in table.groupby("dataset", sort=False):
        print(f"{name}: {part['ok'].sum()} of {len(part)} published numbers met")
        for row in part[~part["ok"]].itertuples():
            print(
                f"  OFF {row.estimator}, {row.statistic}: published {row.published}, computed {row.computed:.6g}"
            )
    for name in table.attrs["absent"]:
        print(f"{name}: not run, its file is not there; how to get it: README, and --data FOLDER")
    print(f"total: {table['ok'].sum()} of {len(table)} → {target.name}")
    return 0 if table["ok"].all() else 1


def _record(row: dict[Any, str], values: dict[tuple[str, str, str], float], where: str) -> dict[str, object]:
    key = (row["dataset"], row["estimator"], row["statistic"])
    if key not in values:
        known = sorted(f"{e}: {s}" for d, e, s in values if d == key[0])
        raise VerificationError(f"{where}: '{key[1]}: {key[2]}' is not computed; known: {'; '.join(known)}")
    if row["basis"] not in BASES:
        raise VerificationError(f"{where}: basis '{row['basis']}'; allowed: {', '.join(BASES)}")
    try:
        tolerance = half_last_digit(row["published"])
    except InvalidOperation:
        raise VerificationError(f"{where}: published '{row['published']}' is not a number") from None
    return {
        **row,
        "computed": values[key],
        "tolerance": tolerance,
        "ok": _met(row["published"], values[key], tolerance),
    }


def _met(published: str | float, computed: float, tolerance: float) -> bool:
    # The factor leaves room for the binary form of the printed number, far below its last digit.
    return abs(float(published) - computed) <= tolerance * (1 + 1e-9)


def _anchors() -> list[dict[str, object]]:
    """Hand-worked examples of the rooms that have them."""
    described = {"source": "worked by hand", "basis": "worked by hand"}
    rows = [row for name in ANCHORS for row in importlib.import_module(name).rows()]
    return [
        {**described, **row, "ok": _met(row["published"], float(row["computed"]), float(row["tolerance"]))}
        for row in rows
    ]
