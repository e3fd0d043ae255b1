"""What ``fusion classify`` does: one code at once, or a whole file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from fusion.classification.one_code import answer, in_words
from fusion.classification.tables import ClassificationError

TABLES = (".csv", ".txt", ".parquet", ".xlsx")
LANGUAGES = ("en", "zh")


def main(arguments: Sequence[str]) -> int:
    """The command line; 2 for what the user can mend."""
    asked = _arguments(arguments)
    try:
        print(run(**vars(asked)).rstrip())
    except ClassificationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def run(
    what: str,
    edition: str = "",
    as_json: bool = False,
    confidence: str = "high",
    language: str = "en",
    out: Path | None = None,
    code_column: str = "",
    year_column: str = "",
) -> str:
    """Answer for a code, or classify a file and say what became of its rows.

    Parameters
    ----------
    what : str
        A code, or the path of a file (recognised by its ending, or because it is there).
    edition : str
        2017 or 2011. For a code 2017 if empty; for a file, if empty, a column of the file decides.

    Returns
    -------
    str
        Text to print; JSON with ``as_json``.

    Raises
    ------
    ClassificationError
        For a code, file, edition, or column that cannot be used; says what is allowed.
    """
    if language not in LANGUAGES:
        raise ClassificationError(f"language {language!r}; allowed: {', '.join(LANGUAGES)}")
    if not _is_file(what):
        if out or code_column or year_column:
            raise ClassificationError(f"'{what}' is taken for a code; --out and columns belong to a file")
        found = answer(what, edition or "2017", confidence)
        return json.dumps(found, ensure_ascii=False, indent=1) if as_json else in_words(found, language)
    from fusion.classification.files import classify_file
    from fusion.classification.files import in_words as report_in_words

    report = classify_file(
        Path(what),
        out,
        edition=edition,
        confidence=confidence,
        code_column=code_column,
        year_column=year_column,
    )
    return json.dumps(report, ensure_ascii=False, indent=1) if as_json else report_in_words(report, language)


def _is_file(what: str) -> bool:
    return Path(what).suffix.lower() in TABLES or Path(what).is_file()


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fusion classify",
        description="Say what the official standards make of a code, or classify a file.",
    )
    add = parser.add_argument
    add("what", metavar="CODE|FILE", help="a code of GB/T 4754, or a csv, parquet or xlsx file with codes")
    add("--edition", default="", help="edition of the codes, 2017 or 2011 (a code: 2017 if not given)")
    add("--json", dest="as_json", action="store_true", help="for programs")
    add("--confidence", default="high", help="lowest at which 2011 is taken over: high, medium, low")
    add("--language", default="en", help="en or zh")
    add("--out", type=Path, help="file to write, .parquet or .csv")
    add("--code-column", default="", help="column of the codes")
    add("--year-column", default="", help="column of the year, or of the edition, that decides the edition")
    return parser.parse_args(given)
