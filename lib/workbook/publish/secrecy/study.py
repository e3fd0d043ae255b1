"""A study that has been run, as the gate sees it: its exhibits with roles from the sheets, its rules, its verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbook import files, paths
from workbook.exhibits import sheets
from workbook.exhibits.record import Record, records
from workbook.publish.built import Built
from workbook.publish.secrecy import releases
from workbook.publish.secrecy.exhibit import TOLD, Exhibit, SecrecyClass
from workbook.publish.secrecy.releases import Release
from workbook.publish.secrecy.rules import Rules, SecrecyError
from workbook.publish.secrecy.verdicts import Verdict, left_out, release_of, verdicts
from workbook.publish.secrecy.words import Finding, Labels

NUMBERS = (
    "min_units",
    "dominance_units",
    "dominance_share",
    "p_percent",
    "min_df",
    "count_base",
    "amount_base",
)
UNIT = "firm_id"


@dataclass(frozen=True)
class Judgement:
    """What may be published of a study.

    Parameters
    ----------
    rules : Rules or None
        None where the rows are public.
    exhibits : list of Exhibit
        What was judged.
    earlier : list of Release
        What was published before.
    found : mapping of str to Verdict
        Verdict on each exhibit, by ``<notebook's number>.<id>``; empty where the rows are public.
    """

    rules: Rules | None
    exhibits: list[Exhibit]
    earlier: list[Release]
    found: Mapping[str, Verdict]

    def release(self) -> Release | None:
        """The record of this release, for the next one; None where the rows are public."""
        if self.rules is None:
            return None
        return release_of(date.today().isoformat(), self.exhibits, self.found, self.rules)

    def stopped(self, parameters: Mapping[str, Any]) -> list[str]:
        """Exhibits because of which nothing of the study is published (``on_refusal: stop``)."""
        return left_out(self.found) if parameters.get("on_refusal") == "stop" else []


def judgement(study: Built) -> Judgement:
    """Judge everything that a study would publish.

    Parameters
    ----------
    study : Built
        A study that has been run.

    Raises
    ------
    SecrecyError
        If there is no such rule set, or a record of an earlier release cannot be read.
    """
    parameters = study.parameters
    if parameters.get("secrecy") == "public":
        return Judgement(None, [], [], {})
    given = {name: parameters.get(name) for name in NUMBERS}
    rules = Rules.named(str(parameters.get("rule_set") or "bureau"), **given)
    folder = parameters.get("earlier_releases")
    earlier = releases.read(paths.ROOT / str(folder)) if folder else []
    exhibits: list[Exhibit] = []
    unmade: dict[str, Verdict] = {}
    every = [one for notebook in study.done for one in records(study.root / notebook, notebook)]
    telling = Telling.of(every, parameters.get("treatments") or [])
    for record in every:
        if not record.left_out:
            try:
                exhibits.append(exhibit_of(record, telling))
            except (SecrecyError, sheets.SheetError) as error:
                unmade[_name(record)] = _unmade(_name(record), error)
    found = verdicts(
        exhibits,
        rules,
        earlier,
        leave_out=parameters.get("leave_out") or (),
        sample_units=sample_units(study),
        regressors=sum(len(parameters.get(name) or []) for name in ("treatments", "controls")),
    )
    return Judgement(rules, exhibits, earlier, found | unmade)


@dataclass(frozen=True)
class Telling:
    """Units that tell each term of a study's regressions, by exhibit that says so and term.

    Parameters
    ----------
    terms : mapping of str to mapping of str to float
        By exhibit (``05.ladder``): the fewest of its rows.
    treatments : sequence of str
        Whose effects the study estimates: what names no term is one of theirs.
    """

    terms: Mapping[str, Mapping[str, float]]
    treatments: Sequence[str]

    @classmethod
    def of(cls, every: Sequence[Record], treatments: Sequence[str]) -> Telling:
        """As the exhibits of a study that has been run say."""
        named = {sheets.sheet(one.notebook).told_by for one in every}
        frames = {_name(one): one.frame for one in every if _name(one) in named and not one.left_out}
        terms = {
            name: frame.groupby("term")[TOLD].min().to_dict()
            for name, frame in frames.items()
            if frame is not None and TOLD in frame
        }
        return cls(terms, treatments)

    def rows(self, exhibit: str | None, frame: pd.DataFrame) -> list[float] | None:
        """Units that tell each row of a frame (missing: unknown); None where nothing says so."""
        own = pd.to_numeric(frame[TOLD]).astype(float) if TOLD in frame else None
        terms = self.terms.get(exhibit or "", {})
        least = min((terms[name] for name in self.treatments if name in terms), default=np.nan)
        if own is None and np.isnan(least):
            return None
        of_terms = pd.Series(least, index=frame.index)
        if "term" in frame:
            of_terms = frame["term"].astype(str).map(terms).astype(float)
        return (of_terms if own is None else own.fillna(of_terms)).to_list()


def exhibit_of(record: Record, telling: Telling | None = None) -> Exhibit:
    """What a notebook left of an exhibit, with the roles of its sheet.

    Columns of a table that are not printed are left away; every column of a figure of its own numbers needs a role.

    Raises
    ------
    SecrecyError
        If a column has no role.
    """
    frame = record.frame if record.frame is not None else pd.DataFrame()
    sheet = sheets.sheet(record.notebook)
    declared = sheet.exhibit(record.id)
    told = pd.to_numeric(frame[TOLD]).to_list() if TOLD in frame else None
    if declared.secrecy == "estimates" and telling is not None:
        told = telling.rows(sheet.told_by, frame)
    of = {c: c.removeprefix(f"{TOLD}_") for c in map(str, frame.columns) if c.startswith(f"{TOLD}_")}
    told_in = {of[c]: pd.to_numeric(frame[c]).to_list() for c in of}
    frame = frame.drop(columns=[TOLD, *of], errors="ignore")
    source_sheet = sheet.exhibits.get(declared.drawn_from or "")
    roles = {n: role for n in frame if (role := sheets.role(declared, str(n), source_sheet))}
    # What another exhibit's figure does not draw is not published; what a figure of its own numbers has, is.
    if declared.kind != "figure" or source_sheet is not None:
        frame = frame[list(roles)]
    number = record.notebook[:2]
    source = f"{number}.{declared.drawn_from}" if declared.drawn_from else None
    holds = SecrecyClass(declared.secrecy or "drawn_from", declared.rests_on, source)
    kind: Any = "table" if declared.kind in ("regression", "journal") else declared.kind
    return Exhibit(
        _name(record), kind, frame, roles, holds, record.contributions, record.values, told, told_in
    )


def heads(name: str, notebooks: Iterable[str]) -> Labels:
    """What an exhibit's sheet calls its columns, where that needs no number of the study.

    Parameters
    ----------
    name : str
        The exhibit (``01.coverage``).
    notebooks : iterable of str
        Those of the study.
    """
    number, _, id = name.partition(".")
    own = next((n for n in notebooks if n.startswith(number) and sheets.exists(n)), None)
    declared = sheets.sheet(own).exhibits.get(id) if own else None

    def label(column: str, language: str) -> str:
        held = declared.columns.get(column) if declared else None
        text = str(getattr(held.head, language)) if held else column
        return text if text and not sheets.fields(text) else column

    return label


def sample_units(study: Built) -> int | None:
    """Units of a study's panel; None if it has none."""
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    for file in sorted(study.root.glob("*/panel.parquet")):
        if UNIT in parquet.read_schema(file).names:
            return int(compute.count_distinct(files.table(file, columns=[UNIT])[UNIT]).as_py())
    return None


def keep(release: Release, study: Built, folder: Path | None = None) -> Path:
    """Save a release's record beside the study's results, or in the folder of its releases."""
    return releases.write(release, folder or study.root)


def _name(record: Record) -> str:
    return f"{record.notebook[:2]}.{record.id}"


def _unmade(name: str, error: Exception) -> Verdict:
    nothing = pd.DataFrame()
    return Verdict(
        "leave_out", [Finding(name, "unmade", values={"error": str(error)})], None, nothing, nothing
    )
