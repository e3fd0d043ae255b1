"""Exports written in each layout come back as the panel they were made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import exports
import numpy as np
import pandas as pd

from fusion.adapters.panel import Source

# Amounts pass a decimal text and one division: one unit in the last of 15 digits, twice.
CLOSE = 1e-14


def same(found: pd.Series, made: pd.Series, name: str, close: float = CLOSE) -> None:
    """Equal values, and missing where missing."""
    if name in exports.MONEY_COLUMNS or made.dtype.kind in "fiu" or isinstance(made.dtype, pd.Int64Dtype):
        one, two = found.astype(float).to_numpy(), made.astype(float).to_numpy()
        np.testing.assert_array_equal(np.isnan(one), np.isnan(two), name)
        np.testing.assert_allclose(one, two, rtol=close, atol=0, err_msg=name)
    else:
        assert found.fillna("").tolist() == made.astype(object).fillna("").astype(str).tolist(), name


def adds_up(source: Source) -> None:
    """Every row of every file has one fate, and rows kept are the panel's."""
    rows = source.rows()
    for file in source.files:
        own = rows[rows["file"] == file.label]
        assert own.loc[own["fate"] == "read", "rows"].item() == own.loc[own["fate"] != "read", "rows"].sum()


def frame(source: Source) -> pd.DataFrame:
    return source.raw.table.to_pandas().set_index(["firm_id", "year"]).sort_index()


def test_bureau(made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]) -> None:
    files = exports.bureau(made, tmp_path)
    source = read(files, "bureau", {"absent": ["service_revenue"]})
    adds_up(source)
    found = frame(source)
    stayed = made.groupby("firm_id")["year"].transform("max") >= 2016
    firm = exports.social_credit(made["firm_id"]).where(stayed, exports.organisation(made["firm_id"]))
    wanted = made.assign(firm_id=firm).set_index(["firm_id", "year"]).sort_index()
    assert found.index.equals(wanted.index)
    for column in exports.BUREAU:
        if column not in ("year", "accounts_receivable"):
            same(found[column], wanted[column], column)
    # The old forms write 应收账款［年末］;年末: brackets of the header are part of it, so it is not taken for 应收账款.
    old = found.index.get_level_values("year") < 2016
    assert found.loc[old, "accounts_receivable"].isna().all()
    headers = source.headers()
    assert set(headers.loc[headers["header"] == "应收账款［年末］;年末", "how"]) == {"unmatched"}
    same(
        found.loc[~old, "accounts_receivable"], wanted.loc[~old, "accounts_receivable"], "accounts_receivable"
    )
    assert source.chained is not None and source.chained.chained == firm[
        ~firm.str.startswith("MA")
    ].nunique() - _new(made)
    assert set(found["class_version"]) == {"2011", "2017"}


def _new(made: pd.DataFrame) -> int:
    """Firms that were not there before the 18-character codes."""
    return int((made.groupby("firm_id")["year"].min() >= 2016).sum())


def test_bureau_with_an_alias_of_its_own(
    made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]
) -> None:
    files = exports.bureau(made, tmp_path)
    older = [{"match": "*201[45]*", "aliases": {"accounts_receivable": ["应收账款［年末］;年末"]}}]
    source = read(files, "bureau", {"absent": ["service_revenue"], "files": older})
    found = frame(source)
    assert found["accounts_receivable"].notna().mean() == made["accounts_receivable"].notna().mean()


def test_establishments_give_services_by_class(
    made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]
) -> None:
    panel = made[made["year"] >= 2017].copy()
    panel["service_rev_by_class"] = '{"6513": 12.5, "7320": 3.25}'
    files = [*exports.bureau(panel, tmp_path), exports.establishments(panel, tmp_path)]
    source = read(files, "bureau")
    adds_up(source)
    found = frame(source)
    rolled = source.establishments
    assert rolled is not None and rolled.read == 3 * len(panel) and rolled.firms_without == 0
    assert rolled.read == rolled.used + rolled.no_key + rolled.no_class + rolled.no_revenue
    assert (found["service_revenue"] == 15.75).all() and (found["n_establishments"] == 3).all()
    assert (found["n_serv_establishments"] == 2).all()
    assert set(found["service_rev_by_class"]) == {'{"6513": 12.5, "7320": 3.25}'}


def test_csmar(made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]) -> None:
    files = exports.csmar(made, tmp_path)
    source = read(files, "csmar", {"absent": _absent("csmar", "rd_expense", "employees_avg")})
    adds_up(source)
    found = frame(source)
    wanted = made.assign(firm_id=made["firm_id"].str[-6:]).set_index(["firm_id", "year"]).sort_index()
    assert found.index.equals(wanted.index)
    for columns in exports.CSMAR.values():
        for column in columns:
            same(found[column], wanted[column], column)
    fates = source.rows()
    assert (fates.loc[fates["fate"] == "not a whole year", "rows"] == 20).all()
    assert (fates.loc[fates["fate"] == "Typrep = B", "rows"] == 20).all()
    assert (fates.loc[fates["fate"] == "label row", "rows"] == 2).all()
    assert [j.alone for j in source.joined] == [0, 0] and all(j.matched == len(made) for j in source.joined)


def _absent(adapter: str, *less: str) -> list[str]:
    from fusion.adapters import model

    return [c for c in model.load(adapter).absent if c not in less] + ["employees_avg"]


def test_wind(made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]) -> None:
    for unit in ("亿元", "万元"):
        source = read([exports.wind(made, tmp_path, unit)], "wind")
        adds_up(source)
        found = frame(source)
        wanted = made.set_index(["firm_id", "year"]).sort_index()
        for column in exports.WIND:
            # Amounts in 亿元 are written with 12 decimals: 1e-8 of a 万元.
            same(found[column], wanted[column], column, 1e-14 if unit == "万元" else 1e-7)
        headers = source.headers().set_index("column")
        assert headers.loc["operating_revenue", "unit"] == unit
        assert headers.loc["operating_revenue", "stated_by"] == "its header"
        fates = source.rows().set_index("fate")["rows"]
        assert fates["note below the table"] == 1 and fates["kept"] == len(made)


def test_wind_with_a_column_for_each_year(
    made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]
) -> None:
    source = read([exports.wind_wide(made, tmp_path)], "wind", contract="minimal")
    adds_up(source)
    found = frame(source)
    columns = ["operating_revenue", "total_assets", "inventory"]
    wanted = made.set_index(["firm_id", "year"]).sort_index()
    wanted = wanted[wanted[columns].notna().any(axis=1)]
    assert found.index.equals(wanted.index)
    for column in columns:
        same(found[column], wanted[column], column)
    assert len(source.files) == 5 and {
        f.aside.get("nothing reported for the year", 0) > 0 for f in source.files
    }


def test_rows_are_numbered_over_files(
    made: pd.DataFrame, tmp_path: Path, read: Callable[..., Source]
) -> None:
    files = exports.bureau(made, tmp_path)
    source = read(files, "bureau", {"absent": ["service_revenue"]})
    table = source.raw.table.to_pandas()
    assert table["source_row"].is_unique
    second = source.files[1]
    own = table[table["source_row"].between(second.first + 1, second.first + second.read)]
    assert set(own["year"]) == {2015} and len(own) == second.kept
