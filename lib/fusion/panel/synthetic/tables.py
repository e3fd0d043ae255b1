"""Parameters of the generating process: the tables in ``data/synthetic`` and the industry codes they need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from fusion.language import listed, said
from fusion.panel.errors import PanelError

DATA = Path(__file__).resolve().parents[4] / "data"
_CODES = (
    "path",
    "prefix",
    "control_type",
    "reg_type",
    "district",
    "code_2017",
    "column",
    "level",
    "name",
    "kind",
)
EDITION_2017 = 2017  # the 2017 edition applies from the 2017 annual report


@dataclass(frozen=True)
class Tables:
    """All parameter tables, read once.

    Attributes
    ----------
    value : dict of str to float
        Scalars of ``process.csv``.
    paths, ownership, cohorts, districts, service_classes, missing : DataFrame
        Tables of the same names, rows in file order.
    codes : DataFrame
        Classes that firms may have: path, code_2011, code_2017, weight.
    traps : DataFrame
        2011 codes that the 2017 edition gives to another class, with the path of the firm: path, code.
    service_2011 : list of str
        The 2011 codes of ``service_classes``.
    """

    value: dict[str, float]
    paths: pd.DataFrame
    ownership: pd.DataFrame
    cohorts: pd.DataFrame
    districts: pd.DataFrame
    service_classes: pd.DataFrame
    service_goods: pd.DataFrame
    missing: pd.DataFrame
    codes: pd.DataFrame
    traps: pd.DataFrame
    service_2011: list[str]


@lru_cache(maxsize=1)
def tables() -> Tables:
    """Read ``data/synthetic`` and link its industries with ``data/classification``.

    Raises
    ------
    PanelError
        A table is missing, or a service class is no class of the 2017 edition.
    """
    read = {name: _read(f"synthetic/{name}.csv") for name in _NAMES}
    process = read["process"]
    pairs = _pairs()
    codes = _classes(read["industries"], pairs)
    before = pairs.set_index("code_2017")["code_2011"]
    services = read["service_classes"]
    unknown = [code for code in services["code_2017"] if code not in before.index]
    if unknown:
        raise PanelError(said("panel.synthetic.no_code", unknown=listed(unknown)))
    return Tables(
        value=dict(zip(process["name"], process["value"].astype(float), strict=True)),
        paths=read["paths"],
        ownership=read["ownership"],
        cohorts=read["cohorts"],
        districts=read["districts"],
        service_classes=services,
        service_goods=read["service_goods"],
        missing=read["missing"],
        codes=codes,
        traps=_traps(codes, pairs),
        service_2011=[str(before[code]) for code in services["code_2017"]],
    )


_NAMES = (
    "process",
    "paths",
    "ownership",
    "cohorts",
    "districts",
    "industries",
    "service_classes",
    "service_goods",
    "missing",
)


def _read(name: str) -> pd.DataFrame:
    file = DATA / name
    if not file.is_file():
        raise PanelError(said("panel.synthetic.no_table", file=file.relative_to(DATA.parent)))
    header = pd.read_csv(file, nrows=0, encoding="utf-8").columns
    text = {column: str for column in header if column in _CODES or column.startswith("code")}
    return pd.read_csv(file, dtype=text, keep_default_na=False, encoding="utf-8")


def _pairs() -> pd.DataFrame:
    """One row for each class of 2017: code_2011 (a class that became it alone, if any), code_2017, and ``alone``."""
    pairs = _read("classification/editions_2011_2017.csv")
    pairs["alone"] = ~pairs["code_2011"].duplicated(keep=False)
    order = np.lexsort((pairs["code_2011"], ~pairs["alone"], pairs["code_2017"]))
    return pairs.iloc[order].drop_duplicates("code_2017")[["code_2011", "code_2017", "alone"]]


def _classes(industries: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Classes of each path with weights: a prefix's weight is spread evenly, parts of split classes count a tenth."""
    parts = []
    for row in industries.itertuples():
        hit = pairs[pairs["code_2017"].str.startswith(str(row.prefix))]
        if hit.empty:
            raise PanelError(said("panel.synthetic.no_prefix", prefix=row.prefix))
        sure = np.where(hit["alone"], 1.0, 0.1)
        parts.append(hit.assign(path=str(row.path), weight=float(str(row.weight)) * sure / sure.sum()))
    return pd.concat(parts, ignore_index=True)[["path", "code_2011", "code_2017", "weight"]]


def _traps(codes: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """2011 codes in use here whose class has another 2017 code while the code itself lives on."""
    known = _read("classification/gbt4754_2017.csv")
    alive = set(known.loc[known["level"].astype(str) == "4", "code"])
    sure = set(pairs.loc[pairs["alone"], "code_2011"])
    moved = codes["code_2011"] != codes["code_2017"]
    hit = codes[moved & codes["code_2011"].isin(alive) & codes["code_2011"].isin(sure)]
    return hit[["path", "code_2011"]].rename(columns={"code_2011": "code"}).drop_duplicates()
