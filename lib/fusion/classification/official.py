"""Official lists of units (smart factories, green factories, 专精特新 …): read, checked, matched to a panel.

A unit is matched by its credit code, else by its name, else by an old name, of the list or of the panel. A name that is
only alike is shown and never taken. Nothing is dropped in silence: `Read.faults` says what became of each odd row.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fusion import archives
from fusion.classification.tables import ClassificationError, load, rows
from fusion.language import listed, said

# Columns, and what the same column is called in a Chinese list.
COLUMNS = {
    "kind": ("名单类别", "类别"), "issuer": ("发文机关", "发布机关"), "notice": ("文号", "通知"), "batch": ("批次",),
    "date": ("公布日期", "发布日期"), "code": ("统一社会信用代码", "信用代码"), "name": ("单位名称", "企业名称"),
    "old_names": ("曾用名",), "until": ("有效期至", "到期日期"), "revoked": ("撤销日期",), "mode": ("模式",),
    "source": ("来源", "网址"), "verified": ("已核实",),
}  # fmt: skip
NEEDED = ("kind", "date", "name")
# A year alone, with its month, or with month and day, in signs or without; Excel adds a time of day.
DATE = r"^((?:19|20)\d\d)(?:(\d\d)(\d\d)?|[-/.年 ]+(\d\d?)(?:[-/.月 ]+(\d\d?))?)? ?[年月日号.]?(?:[ T]\d\d?:\d\d.*)?$"
HEAD_WITHIN = 20  # rows among which the head is looked for
WHOLE_BATCH = "*"  # as a name, with a date of revocation: the whole batch is revoked
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
MOST = 20  # faults that a message lists
WEIGHTS = [pow(3, i, 31) for i in range(17)]
ALIKE = 0.6  # share of two letters in a row that names must have in common to be shown as alike
MATCHED = ("code", "name", "old_name")
OUTCOMES = (*MATCHED, "ambiguous_name", "alike", "none")
KEYS = ["kind", "issuer", "batch"]


def credit_code_fault(code: str) -> str:
    """What is wrong with a unified social credit code: ``length``, ``letters``, ``checksum``, or nothing (empty).

    The last of 18 characters is 31 − Σ cᵢ 3^(i−1) mod 31 over the first 17 (GB 32100-2015).
    """
    if len(code) != 18:
        return "length"
    if set(code) - set(ALPHABET):
        return "letters"
    total = sum(ALPHABET.index(c) * w for c, w in zip(code[:17], WEIGHTS, strict=True))
    return "" if ALPHABET[-total % 31] == code[17] else "checksum"


def read(files: Sequence[str | Path]) -> pd.DataFrame:
    """Rows of official lists, of CSV (UTF-8 or GB18030) or Excel files with the columns of ``lists_template.csv``.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS`` as text, first (year of ``date``), last (year before ``revoked``, or of ``until``; missing while in
        force), code_fault, state (``ok``, ``duplicate``, ``revoked``), file, line.

    Raises
    ------
    ClassificationError
        With every cell that is not allowed: no date, no such kind or mode, neither code nor name, a verified row
        without a notice and a source.
    """
    parts = [_one(Path(file)) for file in files]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*COLUMNS, "file", "line"])
    first, until, revoked = (_years(table[c]) for c in ("date", "until", "revoked"))
    _refuse(table, {"date": first, "until": until, "revoked": revoked})
    table = table.assign(first=first, last=until.where(revoked.isna(), revoked - 1))
    table = _whole_batches(table)
    table["code_fault"] = [credit_code_fault(c) if c else "" for c in table["code"]]
    same = table["code"].where(table["code"] != "", table["name"].map(plain))
    twice = table.assign(same=same).duplicated([*KEYS, "same"])
    table["state"] = "ok"
    table.loc[table["last"].notna() & (_years(table["revoked"]).notna()), "state"] = "revoked"
    table.loc[twice, "state"] = "duplicate"
    return table


def matched(table: pd.DataFrame, firms: pd.DataFrame) -> pd.DataFrame:
    """Which firm of a panel each row of the lists is.

    Parameters
    ----------
    table : pandas.DataFrame
        As `read` gives it.
    firms : pandas.DataFrame
        firm_id (a credit code, where lists are to be matched by it), year and, where there is one, firm_name; a firm's
        names of other years are old names.

    Returns
    -------
    pandas.DataFrame
        With how (one of ``OUTCOMES``), firm_id (empty unless matched), other_name (matched by its code, under a name
        that the panel does not know), alike (the nearest name of the panel, shown and not taken).
    """
    by_code = {clean(f): f for f in firms["firm_id"].dropna().unique()}
    now, ever = _names(firms)
    panel = _Panel(by_code, now, ever)
    found = [_match(row, panel) for row in table.to_dict("records")]
    return table.assign(
        **pd.DataFrame(found, columns=["how", "firm_id", "other_name", "alike"], index=table.index)
    )


def memberships(found: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Which lists each firm-year is on, with the fields and modes that they stand for.

    Parameters
    ----------
    found : pandas.DataFrame
        As `matched` gives it; duplicates count once.
    panel : pandas.DataFrame
        firm_id, year.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, lists, fields, modes (comma-joined): from the year of a list's date to the last in force.
    """
    own = found[found["how"].isin(MATCHED) & (found["state"] != "duplicate")]
    both = panel[["firm_id", "year"]].merge(own[["firm_id", "kind", "mode", "first", "last"]], on="firm_id")
    held = both[(both["year"] >= both["first"]) & ~(both["year"] > both["last"]).fillna(False)]
    fields = load("list_kinds").set_index("kind")["field"]
    held = held.assign(lists=held["kind"], fields=held["kind"].map(fields), modes=held["mode"])
    names = ["lists", "fields", "modes"]
    return (
        held.groupby(["firm_id", "year"])[names].agg(_join).reset_index()
        if len(held)
        else held[[*panel[["firm_id", "year"]], *names]]
    )


def actors(found: pd.DataFrame) -> pd.Series:
    """Kind of actor of firms on a list that names one (chain leaders first), by firm_id."""
    kinds = load("list_kinds").query("actor != ''").set_index("kind")["actor"]
    own = found[found["how"].isin(MATCHED) & found["kind"].isin(list(kinds.index))]
    return (
        own.assign(actor=own["kind"].map(kinds))
        .sort_values("actor")
        .drop_duplicates("firm_id")
        .set_index("firm_id")["actor"]
    )


def in_force(table: pd.DataFrame) -> pd.DataFrame:
    """Units in force on each kind of list by year, each counted once: kind, year, units, verified."""
    own = table[table["state"] != "duplicate"]
    own = own.assign(same=own["code"].where(own["code"] != "", own["name"].map(plain)))
    lines = []
    for kind, rows_of in own.groupby("kind"):
        for year in range(int(rows_of["first"].min()), int(rows_of["first"].max()) + 1):
            there = (rows_of["first"] <= year) & ~(rows_of["last"] < year).fillna(False)
            units = rows_of[there].groupby("same")["verified"].agg(lambda v: (v == "yes").any())
            lines.append((kind, year, len(units), int(units.sum())))
    return pd.DataFrame(lines, columns=["kind", "year", "units", "verified"])


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """What became of the rows of each list.

    Returns
    -------
    pandas.DataFrame
        kind, label_en, label_zh, rows, then the count of each of ``OUTCOMES``, wrong_code, other_name, duplicate,
        revoked, verified, and firms (matched).
    """
    if found.empty:
        return pd.DataFrame()
    flags = {how: found["how"] == how for how in OUTCOMES}
    flags |= {"wrong_code": found["code_fault"] != "", "other_name": found["other_name"].astype(bool)}
    flags |= {state: found["state"] == state for state in ("duplicate", "revoked")}
    flags["verified"] = found["verified"] == "yes"
    counted = pd.DataFrame(flags).groupby(found["kind"]).sum().astype(int)
    taken = found[found["how"].isin(MATCHED)].groupby("kind")["firm_id"].nunique()
    counted = counted.assign(
        rows=found.groupby("kind").size(), firms=taken.reindex(counted.index).fillna(0).astype(int)
    )
    return load("list_kinds")[["kind", "label_en", "label_zh"]].merge(counted.reset_index(), on="kind")


def odd(found: pd.DataFrame) -> pd.DataFrame:
    """What a person must look at, one row for each: file, line, label_en, label_zh, name, code, what, alike.

    ``what`` is duplicate, revoked, wrong_code or other_name, or how the row was matched: not by its code or name.
    """
    if found.empty:
        return pd.DataFrame()
    flags = {name: found["state"] == name for name in ("duplicate", "revoked")}
    flags |= {"wrong_code": found["code_fault"] != "", "other_name": found["other_name"].astype(bool)}
    flags |= {how: found["how"] == how for how in OUTCOMES if how not in ("code", "name")}
    parts = [found[there].assign(what=what) for what, there in flags.items()]
    names = load("list_kinds")[["kind", "label_en", "label_zh"]]
    table = pd.concat(parts).merge(names, on="kind").sort_values(["file", "line"], kind="stable")
    return table[["file", "line", "label_en", "label_zh", "name", "code", "what", "alike"]].reset_index(
        drop=True
    )


def clean(code: str) -> str:
    """A code as it is compared: full-width characters narrowed, blanks and dashes gone, capitals."""
    return re.sub(r"[\s\-'’]", "", unicodedata.normalize("NFKC", str(code))).upper()


def plain(name: str) -> str:
    """A name as it is compared: full-width characters narrowed, blanks and brackets gone, capitals."""
    return re.sub(r"[\s()\[\]【】〔〕·.,，。、\"“”]", "", unicodedata.normalize("NFKC", str(name))).upper()


# -- inside ------------------------------------------------------------------------------------


def _one(file: Path) -> pd.DataFrame:
    """One file as text, its heads in English, with file and line."""
    heads = {known: name for name, others in COLUMNS.items() for known in (name, *others)}
    cells = _cells(file)
    named = cells.map(lambda c: heads.get(c, ""))
    # The head may stand below a title: the first row that names most of what is needed.
    held = named.head(HEAD_WITHIN).apply(lambda row: len(set(row) & set(NEEDED)), axis=1)
    at = held.idxmax() if len(held) and held.max() else 0
    found = list(named.loc[at]) if len(named) else []
    lacking = [c for c in NEEDED if c not in found]
    if lacking:
        raise ClassificationError(said("classification.list.lacks", file=file.name, lacking=listed(lacking)))
    twice = sorted({c for c in found if c and found.count(c) > 1})
    if twice:
        raise ClassificationError(said("classification.list.twice", file=file.name, columns=listed(twice)))
    table = cells.loc[at + 1 :].set_axis(found, axis=1).drop(columns="", errors="ignore")
    table = table[(table != "").any(axis=1)]
    table = table.reindex(columns=list(COLUMNS), fill_value="")
    kinds = {
        label: r["kind"]
        for r in rows("list_kinds")
        for label in (r["label_zh"], r["label_zh"].removesuffix("企业"))
    }
    modes = {r["label_zh"]: r["mode"] for r in rows("modes")}
    answers = {"是": "yes", "否": "no", "": "no"}
    return table.assign(
        kind=table["kind"].replace(kinds), mode=table["mode"].replace(modes), code=table["code"].map(clean),
        verified=table["verified"].replace(answers), file=file.name, line=table.index + 1,
    )  # fmt: skip


def _cells(file: Path) -> pd.DataFrame:
    """Every cell of a CSV or an Excel file as trimmed text."""
    if file.suffix.lower() == ".xlsx":
        try:
            archives.bounded(file)
            table = pd.read_excel(file, dtype=str, header=None, engine="openpyxl")
        except archives.ArchiveError as error:
            raise ClassificationError(f"{file.name}: {error}") from None
        except Exception:  # whatever a damaged archive makes its reader say
            raise ClassificationError(said("classification.list.unread", file=file.name)) from None
        return table.fillna("").map(lambda c: str(c).strip())
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            lines = list(csv.reader(io.StringIO(file.read_text(encoding), newline="")))
        except UnicodeDecodeError:
            continue
        except csv.Error:
            break
        if lines:
            return pd.DataFrame(lines, dtype=str).fillna("").map(lambda c: str(c).strip())
        break
    raise ClassificationError(said("classification.list.unread", file=file.name))


def _years(dates: pd.Series) -> pd.Series:
    """Year of dates such as 2021, 2021-12-03, 2021年12月3日, 2021/12; missing where there is no such month or day."""
    found = dates.str.extract(DATE)
    parts = {"year": found[0], "month": found[1].fillna(found[3]), "day": found[2].fillna(found[4])}
    there = pd.to_datetime(pd.DataFrame(parts).fillna("1"), errors="coerce").notna() & found[0].notna()
    return pd.to_numeric(found[0].where(there), errors="coerce").astype("Int64")


def _refuse(table: pd.DataFrame, years: dict[str, pd.Series]) -> None:
    """Every cell that is not allowed, all at once."""
    kinds, modes = ([r[key] for r in rows(name)] for name, key in (("list_kinds", "kind"), ("modes", "mode")))
    bad = {name: years[name].isna() & (table[name] != "") for name in ("until", "revoked")}
    bad |= {
        "date": years["date"].isna(),
        "kind": ~table["kind"].isin(kinds),
        "mode": ~table["mode"].isin(["", *modes]),
        "name": (table["name"] == "") & (table["code"] == ""),
        "verified": ~table["verified"].isin(["yes", "no"]),
        "source": (table["verified"] == "yes") & ((table["notice"] == "") | (table["source"] == "")),
        "until ": years["until"] < years["date"],
        "revoked ": (table["name"] == WHOLE_BATCH) & years["revoked"].isna(),
    }
    words = {
        name: said(f"classification.list.allowed.{name.strip()}")
        for name in bad
        if name not in ("kind", "mode")
    }
    words |= {"kind": listed(dict.fromkeys(kinds)), "mode": listed(dict.fromkeys(modes))}
    lines = [
        said("classification.list.cell", file=row.file, line=row.line, column=name.strip(), value=row[name.strip()][:80],
             allowed=words[name])
        for name, flags in bad.items() for _, row in table[flags.fillna(False)].iterrows()
    ]  # fmt: skip
    if lines:
        more = [said("classification.own.more", count=len(lines) - MOST)] if len(lines) > MOST else []
        raise ClassificationError("\n".join([*lines[:MOST], *more]))


def _whole_batches(table: pd.DataFrame) -> pd.DataFrame:
    """Revoke the rows of batches that a row named ``*`` revokes; that row itself goes."""
    batches = table[table["name"] == WHOLE_BATCH]
    for row in batches.itertuples():
        own = (table[KEYS] == [row.kind, row.issuer, row.batch]).all(axis=1)
        table.loc[own, ["last", "revoked"]] = [row.last, row.revoked]
    return table[table["name"] != WHOLE_BATCH].reset_index(drop=True)


def _names(firms: pd.DataFrame) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Firms by the name of their last year, and by every name that they ever had."""
    now: dict[str, set[str]] = defaultdict(set)
    ever: dict[str, set[str]] = defaultdict(set)
    if "firm_name" in firms.columns:
        known = firms.dropna(subset=["firm_name"]).sort_values("year")
        for firm, name in known.drop_duplicates("firm_id", keep="last")[["firm_id", "firm_name"]].itertuples(
            index=False
        ):
            now[plain(name)].add(firm)
        for firm, name in known[["firm_id", "firm_name"]].drop_duplicates().itertuples(index=False):
            ever[plain(name)].add(firm)
    return now, ever


def _match(row: dict[str, object], panel: _Panel) -> tuple[str, str, bool, str]:
    """How a row is matched, with which firm, whether under another name, and the nearest name."""
    name, olds = (
        plain(str(row["name"])),
        [plain(n) for n in re.split(r"[;；|]", str(row["old_names"])) if n.strip()],
    )
    firm = panel.by_code.get(str(row["code"])) if row["code"] else None
    if firm is not None:
        known = panel.names.get(firm, {name})
        return "code", firm, bool(name) and not known & {name, *olds}, ""
    for how, table, asked in (("name", panel.now, [name]), ("old_name", panel.ever, [name, *olds])):
        firms = set().union(*(table.get(n, set()) for n in asked))
        if len(firms) == 1:
            return how, firms.pop(), False, ""
        if firms:
            return "ambiguous_name", "", False, ""
    alike = panel.nearest(name)
    return ("alike" if alike else "none"), "", False, alike


class _Panel:
    """What a panel knows of its firms: by code, by the name of the last year, by any name."""

    def __init__(self, by_code: dict[str, str], now: dict[str, set[str]], ever: dict[str, set[str]]) -> None:
        self.by_code, self.now, self.ever = by_code, now, ever
        self.names: dict[str, set[str]] = defaultdict(set)
        self.having: dict[str, list[str]] = defaultdict(list)
        for name, firms in ever.items():
            for firm in firms:
                self.names[firm].add(name)
            for pair in _pairs(name):
                self.having[pair].append(name)

    def nearest(self, name: str) -> str:
        """The name most like another, by letters in a row that they share (Dice); empty where none is alike."""
        own = _pairs(name)
        shared: dict[str, int] = defaultdict(int)
        for pair in own:
            for other in self.having.get(pair, ()):
                shared[other] += 1
        likeness = {n: 2 * k / (len(own) + len(_pairs(n))) for n, k in shared.items()}
        best = max(likeness, key=lambda n: (likeness[n], n), default="")
        return best if best and likeness[best] >= ALIKE else ""


def _pairs(name: str) -> set[str]:
    core = re.sub(r"(股份)?有限(责任)?公司$|集团|上海市?", "", name)
    return {core[i : i + 2] for i in range(len(core) - 1)}


def _join(values: pd.Series) -> str:
    return ",".join(sorted({v for v in values if isinstance(v, str) and v}))
