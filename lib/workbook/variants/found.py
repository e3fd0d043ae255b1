"""What variants found: the number that a study compares them by, and the tables that the page of variants reads."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pandas as pd

from workbook import files
from workbook.language import both, listed, said
from workbook.params.checks.refusals import StudyError, placed
from workbook.params.load import Study
from workbook.params.robustness import Result
from workbook.run import chain
from workbook.variants.plan import Spread
from workbook.variants.work import Fate

LADDER, TABLES = "05_effects", "11_tables"
NUMBERS = ["estimate", "std_error", "p_value", "ci_low", "ci_high", "n", "units", "clusters", "r2_within"]
COUNTS = ("n", "units", "clusters")


class Asked:
    """The number that variants are compared by: where it stands in a notebook's output.

    Parameters
    ----------
    study : Study
        The study as its file states it.

    Raises
    ------
    StudyError
        When the study has no such table, column or coefficient.
    """

    def __init__(self, study: Study) -> None:
        stated = study.parameters.grid.result or Result()
        effects = study.parameters.effects
        # Numbers that are compared are those of regressions.
        estimated = [name for name, one in study.flat["tables"].items() if one["kind"] == "regression"]
        where = placed(study.file, "grid", "result")
        if stated.table is not None and stated.table not in estimated:
            near = difflib.get_close_matches(stated.table, estimated, 1, 0.5)
            hint = said("params.did_you_mean", near=near[0]) if near else ""
            raise StudyError(
                said("variants.no_table", where=where, table=stated.table, hint=hint, known=listed(estimated))
            )
        self.table = stated.table or (estimated[0] if estimated else None)
        self.last = TABLES if self.table else LADDER
        self.column, self.term = stated.column, stated.term
        if self.table is None and effects.outcome is None:
            raise StudyError(said("variants.no_number", where=where))
        if self.last not in study.parameters.study.notebooks:
            raise StudyError(said("variants.not_run", where=where, notebook=self.last))

    @property
    def output(self) -> str:
        """The output that has it."""
        return "tables" if self.table else "estimates"

    def row(self, folder: Path, study: Study) -> pd.Series:
        """The line of a variant's output that has the number.

        Raises
        ------
        LookupError
            With words that say what is not there.
        """
        frame = files.frame(folder / f"{self.output}.parquet")
        effects = study.parameters.effects
        if self.table:
            frame = frame[
                (frame["table"] == self.table) & frame["kind"].isin(["treatment", "control", "constant"])
            ]
            column = self.column or frame["column"].max()
            frame = frame[frame["column"] == column]
            term = self.term or next(iter(frame.loc[frame["kind"] == "treatment", "term"]), None)
        else:
            frame = frame[(frame["engine"] == "pyfixest") & frame["r2_within"].notna()]
            specs = list(dict.fromkeys(frame["spec"]))
            column = self.column or len(specs)
            frame = frame[frame["spec"] == (specs[column - 1] if column <= len(specs) else None)]
            term = self.term or next(iter(effects.treatments), None)
        found = frame[frame["term"] == term]
        if found.empty:
            raise LookupError(said("variants.no_line", column=column, term=term))
        return found.iloc[0]


def write(spread: Spread, fates: list[Fate], asked: Asked, root: Path) -> int:
    """Write ``variants.parquet`` and ``levels.parquet``; returns how many variants have no number.

    Parameters
    ----------
    spread : Spread
        The variants.
    fates : list of Fate
        What became of them.
    asked : Asked
        The number.
    root : Path
        The study's folder in the build.
    """
    lines = [_line(spread, fate, asked) for fate in fates]
    levels = [
        {
            "variant": fate.variant.number,
            "parameter": path,
            "parameter_en": spread.called[path]["en"],
            "parameter_zh": spread.called[path]["zh"],
            "level": one.name,
            "level_en": one.en,
            "level_zh": one.zh,
        }
        for fate in fates
        for path, one in fate.variant.levels.items()
    ]
    frame = pd.DataFrame(lines).astype(dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(COUNTS, "Int64"))
    for name, table in {"variants": frame, "levels": pd.DataFrame(levels)}.items():
        place = root / chain.LEFT / f"{name}.parquet"
        draft = place.with_name(f"{place.name}.part")
        table.to_parquet(draft, index=False)
        draft.replace(place)
    return int((frame["status"] == "failed").sum())


def _line(spread: Spread, fate: Fate, asked: Asked) -> dict[str, Any]:
    """One variant: what distinguishes it, its number, or why it has none."""
    variant, failed = fate.variant, fate.failed
    found: dict[str, Any] = dict.fromkeys(NUMBERS)
    engines = ""
    if failed is None:
        try:
            row = asked.row(fate.folders[asked.last], variant.study)
            found = {name: row.get(name) for name in NUMBERS}
            engines = str(row.get("engines", "pyfixest + linearmodels"))
        except LookupError as error:
            failed = both(str(error.args[0]))
    return {
        "variant": variant.number,
        "levels_en": variant.label(spread.called, "en"),
        "levels_zh": variant.label(spread.called, "zh"),
        "stated": variant.stated,
        "reference": variant.number == spread.reference,
        "status": "done" if failed is None else "failed",
        "reason_en": files.scrub((failed or {}).get("en", ""))[:300],
        "reason_zh": files.scrub((failed or {}).get("zh", ""))[:300],
        **found,
        "engines": engines,
    }
