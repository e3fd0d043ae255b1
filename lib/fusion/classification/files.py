"""Classify a file of enterprises: CSV, Parquet or a sheet in, the same rows with what the standards say out."""

from __future__ import annotations

import difflib
import os
import tempfile
from pathlib import Path
from typing import Any

from fusion import archives, engine
from fusion.classification.codes import read as read_code
from fusion.classification.editions import CURRENT, due, due_sql, links, stated
from fusion.classification.slot import empty as not_held
from fusion.classification.tables import EDITIONS, ClassificationError, checked, rows, standards, titled
from fusion.classification.tables import source as official
from fusion.language import LANGUAGES, listed, said, speaking, told

# Headers that are taken for the code's column and for the year's, in order, when none is named.
CODE_HEADERS = ("ind4", "行业小类代码", "行业代码", "国民经济行业代码", "行业小类", "代码", "code")
YEAR_HEADERS = ("class_version", "行业分类版本", "year", "年份", "年度", "报告期")
SHOWN = 12
SUMMARY = ("standard", "title_en", "title_zh", "verified", "rows_certain", "rows_possible", "rows")
DECIDE = ("code", "edition", "rows", "status", "how", "reason", "candidates")
# Quotes are stated: a file whose first quote comes late must not be taken for one without any.
TEXT = ", all_varchar = true, header = true, quote = '\"', escape = '\"'"
PIECE = 1 << 22  # bytes of a text file that are looked at together


def classify_file(
    source: Path,
    out: Path | None = None,
    *,
    edition: str = "",
    code_column: str = "",
    year_column: str = "",
) -> dict[str, Any]:
    """Classify a file and write the result beside it, or where asked.

    Parameters
    ----------
    source : Path
        ``.csv`` (UTF-8 or GB18030), ``.tsv`` and ``.txt`` (the same), ``.parquet``, ``.dta`` (Stata; values, not their
        labels) or ``.xlsx`` (its first sheet).
    out : Path, optional
        ``.parquet`` or ``.csv``; by default ``<name>.classified.parquet`` for Parquet, else ``.csv``.
    edition : str
        Of all codes (``2002``), or from years on (``1998:2002,2013:2011``); if empty the year's column decides, by the
        first reports of each edition.
    code_column, year_column : str
        Names of the columns; if empty the first known header. The year's column may hold the edition itself.

    Returns
    -------
    dict
        ``source, out, rows, code_column, edition`` and ``edition_zh`` (in words), ``status`` (rows by mapping status),
        ``refused`` (the most frequent codes that cannot be mapped, with rows and why), ``standards`` (name: rows certain and
        possible), ``added``; ``doubts`` (years whose codes are mostly another edition's: `enterprises.doubts`); ``summary``
        and ``decide``: files beside the result, of all standards with both bounds, and of all codes about which a person
        must decide.

    Raises
    ------
    ClassificationError
        For a file, column, edition or target that cannot be used. Nothing is then written.
    """
    _check(source, out, edition)
    target = out or source.with_name(
        f"{source.stem}.classified{'.parquet' if source.suffix == '.parquet' else '.csv'}"
    )
    taken = next((f for f in (target, *_beside(target)) if os.path.exists(f)), None)
    if taken:
        raise ClassificationError(said("classification.would_be_overwritten", target=taken))
    import duckdb

    con = engine.opened(source.parent, target.parent)
    with tempfile.TemporaryDirectory(prefix="fusion_", dir=engine.temporary(con)) as folder:
        query = _query(con, source, Path(folder))
        try:
            return _classified(con, source, query, target, edition, code_column, year_column)
        except duckdb.Error as error:
            raise ClassificationError(
                said("classification.unreadable", source=source, reason=_first_lines(error))
            ) from None


def _classified(
    con: Any,
    source: Path,
    query: str,
    target: Path,
    edition: str,
    code_column: str,
    year_column: str,
) -> dict[str, Any]:
    """Write what the query gives, classified, and report; the target is there whole or not at all."""
    from fusion.classification import stream

    headers = [name for name, *_ in con.con.execute(f"DESCRIBE {query}").fetchall()]
    code = _column(
        source, headers, code_column, CODE_HEADERS, said("classification.the_code"), "--code-column"
    )
    sql, (stated, stated_zh) = _edition(con, query, source, headers, edition, year_column)
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        added = stream.write(
            con,
            query,
            part,
            code=_quoted(code),
            edition=sql,
            keep_order=True,
        )
        report = _report(con, part, code, added)
        dated = next((c for c in (year_column, *YEAR_HEADERS[2:]) if c in headers), "")
        report["doubts"] = _doubts(con, query, code, sql, _year(dated) if dated else "0")
        summary, decide = _beside(target)
        _write(summary, SUMMARY, _summary(report))
        _write(
            decide,
            DECIDE,
            [[row[c] for c in DECIDE[:-1]] + [" ".join(row["candidates"])] for row in report["refused"]],
        )
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return {
        "source": source.name,
        "out": str(target),
        "code_column": code,
        "edition": stated,
        "edition_zh": stated_zh,
        **report,
        "refused": report["refused"][:SHOWN],
        "open": len(report["refused"]),
        "added": added,
        "summary": str(summary),
        "decide": str(decide),
    }


def _beside(target: Path) -> tuple[Path, Path]:
    """Files of the standards' bounds and of what a person must decide."""
    return target.with_suffix(".standards.csv"), target.with_suffix(".decide.csv")


def _summary(report: dict[str, Any]) -> list[list[Any]]:
    """A row for each standard that is held: titles, whether its text was seen, rows that belong and that may."""
    held = [(name, official(name), *bounds) for name, bounds in report["standards"].items()]
    return [
        [n, s["title_en"], s["title_zh"], s["verified"], low, high, report["rows"]]
        for n, s, low, high in held
    ]


def _write(target: Path, heads: tuple[str, ...], lines: list[list[Any]]) -> None:
    import csv

    with target.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([heads, *lines])


def in_words(report: dict[str, Any], language: str = "en") -> str:
    """The report as text."""
    with speaking(language):
        return "\n".join(_lines(report, language))


def _lines(report: dict[str, Any], language: str) -> list[str]:
    edition = report["edition_zh" if language == "zh" else "edition"]
    head = said(
        "classification.report.head",
        source=report["source"],
        rows=report["rows"],
        column=report["code_column"],
        edition=edition,
    )
    words = {row["name"]: row[f"label_{language}"] for row in rows("labels")}
    lines = [head, listed(f"{words.get(name, name)} {n:,}" for name, n in report["status"].items())]
    lines += [said("classification.report.doubt_edition", **row) for row in report["doubts"]]
    if report["refused"]:
        lines.append(said("classification.report.refused"))
        lines += [_refusal(row, words) for row in report["refused"]]
    lines.append(said("classification.report.standards"))
    for name, (certain, possible) in report["standards"].items():
        mark = checked(official(name)["verified"])
        doubt = said("classification.report.doubt", unverified=mark) if mark else ""
        lines.append(f"  {name}: {certain:,} / {possible:,}{doubt}")
    lines += [f"  {row['standard']}: {row[f'said_{language}']}" for row in not_held()]
    lines.append(said("classification.report.written", out=report["out"]))
    return [
        *lines,
        said(
            "classification.report.beside",
            count=report["open"],
            **{k: report[k] for k in ("summary", "decide")},
        ),
    ]


def _refusal(row: dict[str, Any], words: dict[str, str]) -> str:
    near = f" ({listed(row['candidates'][:6])})" if row["candidates"] else ""
    return said(
        "classification.report.refusal",
        code=f"{row['code'] or '–'} [{row['edition'] or '–'}]",
        rows=row["rows"],
        status=words.get(row["status"], row["status"]),
        reason=row["reason"],
        near=near,
    )


# -- inside ------------------------------------------------------------------------------------
def _check(source: Path, out: Path | None, edition: str) -> None:
    if not os.path.isfile(source):
        raise ClassificationError(said("classification.no_such_file", source=source))
    if source.suffix.lower() not in (".csv", ".tsv", ".txt", ".parquet", ".dta", ".xlsx"):
        raise ClassificationError(said("classification.not_a_format", source=source, suffix=source.suffix))
    if out is not None and out.suffix.lower() not in (".csv", ".parquet"):
        raise ClassificationError(said("classification.out_format", out=out))
    stated(edition)


def _query(con: Any, source: Path, folder: Path) -> str:
    """SQL of the file's rows, every cell of a text file as text."""
    kind = source.suffix.lower()
    if kind == ".parquet":
        try:
            archives.parquet(source)
        except Exception as error:
            raise ClassificationError(
                said("classification.damaged", kind="Parquet", source=source, error=error)
            ) from None
        return _tried(con, source, f"SELECT * FROM read_parquet({engine.literal(source)})")
    if kind == ".dta":
        return f"SELECT * FROM {_stata(con, source)}"
    if kind == ".xlsx":
        return f"SELECT * FROM read_csv({engine.literal(_sheet(source, folder))}{TEXT})"
    tabs = ", delim = '\\t'" if kind == ".tsv" else ""
    return _tried(
        con,
        source,
        f"SELECT * FROM read_csv({engine.literal(_utf8(source, folder))}{TEXT}{tabs})",
    )


def _stata(con: Any, source: Path) -> str:
    """Name of a table with a Stata file's rows."""
    import pandas as pd

    try:
        frame = pd.concat(archives.stata(source), ignore_index=True)
    except Exception as error:
        raise ClassificationError(
            said("classification.damaged", kind="Stata", source=source, error=error)
        ) from None
    con.create_table("fusion_stata", frame, temp=True, overwrite=True)
    return "fusion_stata"


def _tried(con: Any, source: Path, query: str) -> str:
    import duckdb

    try:
        con.con.execute(f"DESCRIBE {query}")
    except duckdb.Error as error:
        raise ClassificationError(
            said("classification.not_read", source=source, reason=_first_lines(error))
        ) from None
    return query


def _first_lines(error: Exception) -> str:
    """What the database says is wrong and where, without the row itself and its hints."""
    first, *more = [line for line in str(error).splitlines() if line.strip()]
    return "; ".join([first, *(line for line in more if line.startswith(("Expected Number", "Value with")))])


def _utf8(source: Path, folder: Path) -> Path:
    """The file, or a copy of it in UTF-8 where it is GB18030; read in pieces, for it may be large."""
    if not source.stat().st_size:
        raise ClassificationError(said("classification.empty_file", source=source))
    if _decodes(source, "utf-8"):
        return source
    copy = folder / "utf8.csv"
    if _decodes(source, "gb18030", copy):
        return copy
    raise ClassificationError(said("classification.encoding", source=source))


def _decodes(source: Path, encoding: str, copy: Path | None = None) -> bool:
    """Whether a file is text in an encoding; with ``copy`` it is written there in UTF-8 on the way."""
    import codecs
    import os

    decoder = codecs.getincrementaldecoder(encoding)()
    with (
        source.open("rb") as stream,
        (copy or Path(os.devnull)).open("w", encoding="utf-8", newline="") as out,
    ):
        try:
            while piece := stream.read(PIECE):
                text = decoder.decode(piece)
                if copy:
                    out.write(text)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _sheet(source: Path, folder: Path) -> Path:
    import csv

    import openpyxl

    copy = folder / "sheet.csv"
    try:
        archives.bounded(source)
        book = openpyxl.load_workbook(source, read_only=True, data_only=True)
        with copy.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            if not book.worksheets:
                raise ValueError(said("classification.no_sheet"))
            for row in book.worksheets[0].iter_rows(values_only=True):
                if any(cell is not None for cell in row):
                    writer.writerow(["" if cell is None else cell for cell in row])
        book.close()
    except Exception as error:  # a damaged sheet shows only while it is read
        raise ClassificationError(
            said("classification.damaged", kind="Excel", source=source, error=error)
        ) from None
    if not copy.stat().st_size:
        raise ClassificationError(said("classification.empty_sheet", source=source))
    return copy


def _column(
    source: Path, headers: list[str], asked: str, known: tuple[str, ...], what: str, option: str
) -> str:
    if asked:
        if asked not in headers:
            raise ClassificationError(
                said(
                    "classification.no_column",
                    source=source,
                    asked=asked,
                    hint=_near(asked, headers),
                    headers=_shown(headers),
                )
            )
        return asked
    found = next((name for name in known if name in headers), None)
    if found is None:
        raise ClassificationError(
            said(
                "classification.which_column",
                source=source,
                what=what,
                option=option,
                headers=_shown(headers),
            )
        )
    return found


def _edition(
    con: Any, query: str, source: Path, headers: list[str], edition: str, year_column: str
) -> tuple[str, tuple[str, str]]:
    """SQL of each row's edition, and the same in words, English and Chinese."""
    asked = stated(edition)
    if 0 in asked:
        return f"'{asked[0]}'", (titled(asked[0], "en"), titled(asked[0], "zh"))
    column = _column(
        source,
        headers,
        year_column,
        YEAR_HEADERS,
        said("classification.the_year"),
        "--year-column",
    )
    cell = f"CAST({_quoted(column)} AS VARCHAR)"
    known = ", ".join(f"'{e}'" for e in EDITIONS)
    is_edition = con.con.execute(
        f"SELECT bool_and(trim({cell}) IN ({known})) FROM ({query}) WHERE {_quoted(column)} IS NOT NULL"
    ).fetchone()[0]
    if not asked and (column in YEAR_HEADERS[:2] or (year_column and is_edition)):
        en, zh = (told(language, "classification.by_column", column=column) for language in LANGUAGES)
        return f"trim({cell})", (en, zh)
    year = _year(column)
    firsts = sorted((asked or due()).items())
    en, zh = (
        told(
            language,
            "classification.by_year",
            column=column,
            firsts=told(language, "classification.joint").join(
                told(language, "classification.from_year", first=first, edition=titled(e, language))
                for first, e in firsts
            ),
        )
        for language in LANGUAGES
    )
    return due_sql(year, dict(firsts)), (en, zh)


def _year(column: str) -> str:
    """SQL of the year with which a cell begins."""
    cell = f"CAST({_quoted(column)} AS VARCHAR)"
    return f"TRY_CAST(regexp_extract({cell}, '^\\s*([12][0-9]{{3}})', 1) AS INTEGER)"


def _report(con: Any, part: Path, code: str, added: list[str]) -> dict[str, Any]:
    reader = "read_parquet" if part.suffix == ".parquet" else "read_csv"
    more = "" if part.suffix == ".parquet" else TEXT
    table = f"{reader}({engine.literal(part)}{more})"
    name = {c: (c if c in added else f"{c}_classified") for c in ("mapping_status", "mapping_how", "edition")}
    count = con.con.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    status = con.con.execute(
        f'SELECT "{name["mapping_status"]}", count(*) FROM {table} GROUP BY 1 ORDER BY 2 DESC'
    ).fetchall()
    columns = ", ".join(f'"{name[c]}"' for c in ("edition", "mapping_status", "mapping_how"))
    refused = con.con.execute(
        f"SELECT {_quoted(code)}, {columns}, count(*) AS n FROM {table} WHERE "
        f""""{name["mapping_status"]}" IN ('unmatched', 'ambiguous') GROUP BY ALL ORDER BY n DESC, 1"""
    ).fetchall()
    keys = ("code", "edition", "status", "how", "rows")
    return {
        "rows": count,
        "status": {str(s): n for s, n in status},
        "refused": [_why(dict(zip(keys, map(_plain, r), strict=True))) for r in refused],
        "standards": _held(con, table),
    }


def _doubts(con: Any, query: str, code: str, edition: str, year: str) -> list[dict[str, Any]]:
    """Years whose codes are mostly another edition's; of a file without a year's column of all rows."""
    from fusion.classification.enterprises import doubts

    counts = con.con.execute(
        f"SELECT coalesce(CAST({_quoted(code)} AS VARCHAR), '') AS written, coalesce({edition}, '') AS version, "
        f"coalesce({year}, 0) AS year, count(*) AS cells FROM ({query}) GROUP BY ALL"
    ).df()
    return doubts(counts).to_dict("records")


def _held(con: Any, table: str) -> dict[str, tuple[int, int]]:
    """Rows that belong and rows that may belong to each standard, in one pass."""
    cells = [f'CAST("in_{name}" AS VARCHAR)' for name in standards()]
    sums = [
        f"count(*) FILTER ({cell} {test})"
        for cell in cells
        for test in ("= 'certain'", "IN ('certain', 'possible')")
    ]
    found = con.con.execute(f"SELECT {', '.join(sums)} FROM {table}").fetchone()
    return {name: (found[2 * n], found[2 * n + 1]) for n, name in enumerate(standards())}


def _why(row: dict[str, Any]) -> dict[str, Any]:
    """A code that was not mapped to one class, with the reason in words and what it may be."""
    if row["edition"] not in EDITIONS:
        return {**row, "reason": said("classification.reason.no_edition"), "candidates": []}
    if row["how"] in ("coarser_code", "no_counterpart", "missing"):
        return {**row, "reason": said(f"classification.reason.{row['how']}"), "candidates": []}
    read = read_code(row["code"], row["edition"])
    if read.reason:
        return {**row, "reason": read.reason, "candidates": list(read.candidates)}
    later = links(row["edition"], CURRENT).get(read.code, {})
    return {**row, "reason": said("classification.reason.several"), "candidates": sorted(later)}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value or "")


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return said("classification.nearest", near=near[0]) if near else ""


def _shown(headers: list[str]) -> str:
    return ", ".join(headers[:20]) + (
        said("classification.and_more", count=len(headers) - 20) if len(headers) > 20 else ""
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
