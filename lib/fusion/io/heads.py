"""Tables as they are published: other heads, rows of imports, totals and parts of final use, brought to the form of `own`.

What heads are called stands in ``data/io/heads.csv``. Sectors are the codes that are rows and columns alike; what else is
there is a total or a part of one. Which divisions a sector holds is known of the names of national tables
(``data/io/sector_divisions.csv``) and of codes of ISIC Rev. 4 (``D10T12``, ``C10-C12``, ``TTL_10T12``).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import pandas as pd

from fusion.classification import abroad as standards
from fusion.io.algebra import InputOutputError, some
from fusion.io.table import FOLDER
from fusion.language import said

REPAIR = "43"
ISIC = re.compile(r"(?:[A-Z]+_)?[A-Z]?(\d{2})(?:(?:T|-|_|TO)[A-Z]?(\d{2}))?", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A published table in the form of one's own.

    Attributes
    ----------
    raw : pandas.DataFrame
        Texts: code, divisions, names, sectors, output, exports, imports; a row of value added.
    imported : pandas.DataFrame or None
        Texts of the imported flows, where the table lists them.
    taxes : pandas.DataFrame or None
        The row of net taxes on products, where it stands beside intermediate inputs.
    """

    raw: pd.DataFrame
    imported: pd.DataFrame | None
    taxes: pd.DataFrame | None


def published(raw: pd.DataFrame, name: str) -> Found | None:
    """A table under other heads in the form of one's own; None where nothing says which columns are which.

    Parameters
    ----------
    raw : pandas.DataFrame
        Texts, as the file has them.
    name : str
        The file, for messages.

    Raises
    ------
    InputOutputError
        When no divisions are known of some sectors.
    """
    named = raw.rename(columns=_heads(raw.columns, "column"))
    if "code" not in named:
        return None
    rows = {role: text for text, role in _heads(named["code"], "row").items()}
    columns = {_plain(c): c for c in named.columns}
    codes = [
        c for c in dict.fromkeys(named["code"].map(_plain)) if c in columns and c not in ("code", "output")
    ]
    if len(codes) < 2 or "value_added" not in rows:
        return None
    named = named.rename(columns={columns[c]: c for c in codes})
    named = named.assign(
        code=named["code"].where(~named["code"].map(_plain).isin(codes), named["code"].map(_plain))
    )
    home, abroad = _apart(named[named["code"].isin(codes)])
    totals = named.drop_duplicates("code").set_index("code")
    home = home.set_index("code").loc[codes]
    if "output" not in home and "output" in rows:
        home["output"] = totals.loc[rows["output"], codes]
    if abroad is not None:
        abroad = abroad.set_index("code").loc[codes]
        home["imports"] = abroad["output"]
    if "output" not in home:
        return None
    if "imports" in home and not home["imports"].str.contains(r"^\s*[1-9]").any():
        home["imports"] = home["imports"].str.lstrip("-−")
    if "divisions" not in home:
        home["divisions"] = _divisions(home, name)
    kept = ["divisions", *(c for c in ("name_en", "name_zh") if c in home), *codes]
    kept += [c for c in ("output", "exports", "imports") if c in home]
    added = totals.loc[[rows["value_added"]]].reindex(columns=kept, fill_value="").set_axis(["value_added"])
    table = pd.concat([home[kept], added[kept]]).rename_axis("code").reset_index().fillna("")
    taxes = totals.loc[[rows["taxes"]], codes] if "taxes" in rows else None
    return Found(table, None if abroad is None else abroad[codes], taxes)


# -- inside ------------------------------------------------------------------------------------
def _heads(texts: pd.Index | pd.Series, place: str) -> dict[str, str]:
    """The first text of each role among those that are there: text to role."""
    known = pd.read_csv(FOLDER / "heads.csv", dtype=str, keep_default_na=False)
    there = {str(text).strip().casefold(): str(text) for text in texts}
    found: dict[str, str] = {}
    for role, head in known.loc[known["place"] == place, ["role", "head"]].itertuples(index=False):
        for text in (role, head):
            if role not in found.values() and text.casefold() in there:
                found[there[text.casefold()]] = role
    return found


def _plain(code: object) -> str:
    """A sector's code without what says whose flows they are and of which scheme it is: TTL_D10T12 and D10T12 are one."""
    text = str(code).strip()
    return re.sub(r"^(?:TTL_|DOM_)?[A-Z]?(?=\d\d)", "", text)


def _apart(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Rows of domestic flows, and of imported ones where each sector has one of both."""
    if "origin" not in rows:
        return rows, None
    abroad = rows["origin"].str.strip().str.casefold().isin(["imports", "imported", "进口"])
    return rows[~abroad], rows[abroad] if abroad.any() else None


def _divisions(home: pd.DataFrame, name: str) -> pd.Series:
    known = pd.read_csv(FOLDER / "sector_divisions.csv", dtype=str).set_index("sector_zh")["divisions"]
    by_name = home["name_zh"].map(known) if "name_zh" in home else pd.Series(None, home.index, dtype="object")
    if by_name.notna().all():
        return by_name
    by_code = _by_isic(list(home.index))
    # Codes of two digits alone may number anything; such that span divisions are ISIC's.
    if (
        by_name.isna().all()
        and any("T" in c.upper() or "-" in c for c in home.index)
        and all(by_code.values())
    ):
        return pd.Series(by_code).reindex(home.index)
    raise InputOutputError(said("io.which_divisions", name=name, sectors=some(by_name.index[by_name.isna()])))


def _by_isic(codes: list[str]) -> dict[str, str]:
    """Divisions of GB/T 4754 of sectors of ISIC divisions: each where most of its classes are.

    Division 43 (repair) is left out where makers are of the same sector, so that these count as makers.
    """
    spans = {c: ISIC.fullmatch(c) for c in codes}
    sector = {f"{d:02d}": c for c, m in spans.items() if m for d in range(int(m[1]), int(m[2] or m[1]) + 1)}
    held: dict[str, list[str]] = {c: [] for c in codes}
    for division, there in _most().items():
        if there in sector:
            held[sector[there]].append(division)
    makes = {c: [d for d in own if "13" <= d <= "42"] for c, own in held.items()}
    return {c: " ".join(d for d in own if d != REPAIR or not makes[c]) for c, own in held.items()}


@cache
def _most() -> dict[str, str]:
    """ISIC division in which most classes of each division of GB/T 4754-2017 are."""
    counts: dict[str, Counter[str]] = {}
    for code, there in standards.pairs().items():
        counts.setdefault(code[:2], Counter()).update({i[:2] for i in there})
    return {division: count.most_common(1)[0][0] for division, count in counts.items()}
