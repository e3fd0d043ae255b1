"""What ``fusion classify`` does: one code at once, or a whole file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion.classification import abroad, own
from fusion.classification.codes import name
from fusion.classification.one_code import answer, in_words
from fusion.classification.tables import ClassificationError
from fusion.language import LANGUAGES, current, listed, said, speaking

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".dta", ".xlsx")
Declared = Mapping[str, Mapping[str, Any]]  # standards by name, as `own.install` takes them


def main(arguments: Sequence[str], of_study: Callable[[str], Declared] | None = None) -> int:
    """The command line; 2 for what the user can mend.

    Parameters
    ----------
    arguments : sequence of str
    of_study : callable, optional
        The standards that a study declares, by its name, with whole paths.
    """
    asked = vars(_arguments(arguments))
    study, files = asked.pop("study"), asked.pop("standard")
    try:
        with speaking(asked["language"] or current()):
            declared = dict(of_study(study)) if study and of_study else {}
            for found in own.install(declared | _named(files, declared), Path.cwd()):
                print("".join(f"{note}\n" for note in found.notes), end="", file=sys.stderr)
            print(run(**asked).rstrip())
    except ClassificationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _named(files: Sequence[Path], taken: Declared) -> dict[str, dict[str, Any]]:
    """Standards by files: named as the file, or ``own`` with a number where its name cannot be one."""
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        name = file.stem.lower() if own.NAME.match(file.stem.lower()) else "own"
        number = sum(other.rstrip("0123456789_") == name for other in (*taken, *found))
        found[f"{name}_{number + 1}" if number else name] = {
            "file": str(file.absolute()),
            "title_zh": file.stem,
            "title_en": file.stem,
        }
    return found


def run(
    what: str,
    edition: str = "",
    as_json: bool = False,
    language: str = "",
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
        2002, 2011, 2017, csrc2012; for a code also isic4 (which classes of 2017 it has), for a file also
        1998:2002,2013:2011. If empty the newest that has the code; for a file a column of the file decides.
    language : {"", "en", "zh"}
        Of the text; if empty that of the process. JSON knows none: its reasons are English.

    Returns
    -------
    str
        Text to print; JSON with ``as_json``.

    Raises
    ------
    ClassificationError
        For a code, file, edition, or column that cannot be used; says what is allowed.
    """
    if language and language not in LANGUAGES:
        raise ClassificationError(
            said("classification.language", language=language, languages=listed(LANGUAGES))
        )
    with speaking("en" if as_json else language or current()):
        return _answered(what, edition, as_json, out, code_column, year_column)


def _answered(
    what: str,
    edition: str,
    as_json: bool,
    out: Path | None,
    code_column: str,
    year_column: str,
) -> str:
    if not _is_file(what):
        if out or code_column or year_column:
            raise ClassificationError(said("classification.taken_for_code", what=what))
        if edition == abroad.ISIC:
            held = abroad.classes_of(what)
            return json.dumps(held, indent=1) if as_json else _from_isic(what, held)
        found = answer(what, edition)
        return json.dumps(found, ensure_ascii=False, indent=1) if as_json else in_words(found, current())
    from fusion.classification.files import classify_file
    from fusion.classification.files import in_words as report_in_words

    report = classify_file(
        Path(what),
        out,
        edition=edition,
        code_column=code_column,
        year_column=year_column,
    )
    return json.dumps(report, ensure_ascii=False, indent=1) if as_json else report_in_words(report, current())


def _from_isic(what: str, held: dict[str, bool]) -> str:
    """The classes of 2017 of a class of ISIC, in words."""
    look = {True: said("classification.answer.look"), False: ""}
    each = "; ".join(f"{code} {name(code)}{look[mark]}" for code, mark in held.items())
    found = each or said("classification.answer.none")
    return f"{what} {abroad.names()[what][current()]} (ISIC Rev. 4)\n" + said(
        "classification.answer.from_isic", found=found
    )


def _is_file(what: str) -> bool:
    return Path(what).suffix.lower() in TABLES or os.path.isfile(what)


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fusion classify",
        description="Say what the official standards make of a code, or classify a file.",
    )
    add = parser.add_argument
    add(
        "what",
        metavar="CODE|FILE",
        help="a code of GB/T 4754, or a csv, tsv, parquet, dta or xlsx file with codes",
    )
    add(
        "--edition",
        default="",
        help="2002, 2011, 2017, csrc2012; a code: isic4, too; a file: also 1998:2002,2013:2011",
    )
    add("--json", dest="as_json", action="store_true", help="for programs")
    add("--language", default="", help="en or zh; if not given FUSION_LANGUAGE, else the locale")
    add("--out", type=Path, help="file to write, .parquet or .csv")
    add("--code-column", default="", help="column of the codes")
    add("--year-column", default="", help="column of the year, or of the edition, that decides the edition")
    add(
        "--standard",
        type=Path,
        action="append",
        default=[],
        help="file of a standard of your own; again for more",
    )
    add("--study", default="", help="study whose own standards are asked, too")
    return parser.parse_args(given)
