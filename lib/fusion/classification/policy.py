"""The policy's own cuts: six industry paths and eight key fields, by prefixes in ``data/classification``."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from fusion.classification.tables import load, tree

OTHER = "other"


@lru_cache
def paths() -> pd.DataFrame:
    """Paths of every four-digit class of GB/T 4754-2017.

    The main path is exclusive: the one whose core holds the longest prefix of the code, else ``other``.
    Secondary paths are those whose adjacent list holds it; service paths those that name it as a partner.

    Returns
    -------
    pandas.DataFrame
        code, path, path_secondary and path_service (comma-joined, empty for none).
    """
    held = _matches("paths", "path")
    core = held[held["role"] == "core"].sort_values("prefix", key=lambda p: p.str.len())
    main = core.groupby("code")["path"].last()
    out = pd.DataFrame({"code": _classes()}).assign(path=lambda t: t["code"].map(main).fillna(OTHER))
    held = held.merge(out.rename(columns={"path": "main"}), on="code")
    held = held[held["path"] != held["main"]]
    out["path_secondary"] = out["code"].map(_joined(held[held["role"] == "adjacent"], "path")).fillna("")
    out["path_service"] = out["code"].map(_joined(held[held["role"] == "service"], "path")).fillna("")
    return out


@lru_cache
def fields() -> pd.DataFrame:
    """Key fields of every four-digit class of GB/T 4754-2017: code, fields (comma-joined; a class may be in several)."""
    out = pd.DataFrame({"code": _classes()})
    out["fields"] = out["code"].map(_joined(_matches("fields", "field"), "field")).fillna("")
    return out


def _classes() -> pd.Series:
    codes = tree("2017")
    return codes.loc[codes["level"] == "4", "code"].reset_index(drop=True)


def _matches(table: str, key: str) -> pd.DataFrame:
    """Every class beside every prefix of the table that it begins with: code, prefix, key, role."""
    prefixes = load(table)[[key, "prefix", "role"]]
    classes = _classes()
    long = [pd.DataFrame({"code": classes, "prefix": classes.str[:n]}) for n in (2, 3, 4)]
    return pd.concat(long).merge(prefixes, on="prefix")


def _joined(rows: pd.DataFrame, key: str) -> pd.Series:
    once = rows[["code", key]].drop_duplicates().sort_values(["code", key])
    return once.groupby("code")[key].agg(",".join)
