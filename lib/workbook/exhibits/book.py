"""What a notebook uses of the machinery: declared inputs and outputs, and exhibits.

Under the runner a notebook writes into a working folder that is moved into place only when its last
cell has run. Opened by hand it reads what the last run left and writes to a folder of its own, so that
finished results are never half replaced.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import HTML, Markdown, display

from workbook import engine, files, inert, paths
from workbook.exhibits import listing, needs, printed, record, rendering, sheets
from workbook.exhibits.words import COLON, JOIN, Words
from workbook.language import said
from workbook.run import chain

if TYPE_CHECKING:
    import ibis

JOB = "FUSION_JOB"
# Roles of what is computed by linear algebra, whose last bits depend on threads and on where arrays lie in memory: two
# runs of one study would differ there. Counts, amounts and shares of the data are sums in order, and stay as they are.
STEADY, DIGITS = ("estimate", "error", "bound", "p", "statistic"), 12


class Chosen:
    """A study's parameters as attributes; one that does not exist is an error that names the nearest."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            near = difflib.get_close_matches(name, self._values, 1, 0.5)
            hint = said("exhibits.did_you_mean", near=near[0]) if near else ""
            raise AttributeError(said("exhibits.no_parameter", name=name, hint=hint))
        return self._values[name]


class Book:
    """A notebook's hold on its study.

    Parameters
    ----------
    notebook : str
        Its name in ``notebooks/chain.yaml``, e.g. ``"01_panel"``.
    study : str
        Name of the study.
    language : {"en", "zh"}
        Language of titles, notes and labels.
    """

    def __init__(self, notebook: str, study: str, language: str = "en") -> None:
        self.step = chain.step(notebook)
        self.study = study
        self.language = language
        job = os.environ.get(JOB)
        self.by_hand = job is None
        self.silent = False
        self.root = paths.build() / study
        if job is None:
            self.folder = self.root / "by_hand" / notebook
            self._say_by_hand()
            self._watch()
        else:
            told = json.loads(Path(job).read_text(encoding="utf-8"))
            self.folder = Path(told["folder"])
            # Of a variant its outputs are wanted, and nothing is shown.
            self.silent = bool(told.get("silent"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._exhibits: list[dict[str, Any]] = []
        self._told: list[dict[str, Any]] = []
        self._written: list[str] = []
        self._known: dict[str, Words] = {}
        self.parameters: dict[str, Any] = {}
        self.sheet: sheets.Sheet = None  # type: ignore[assignment]  # set by `open`; none in a chain without sheets
        self._con: Any = None

    # -- declared inputs and outputs -----------------------------------------------------------
    def path(self, name: str) -> Path:
        """Parquet file of an input declared in ``chain.yaml``."""
        if name in self.step.left:
            return self.root / chain.LEFT / f"{name}.parquet"
        if name not in self.step.reads:
            allowed = ", ".join(self.step.reads) or said("exhibits.nothing")
            raise KeyError(said("exhibits.reads", notebook=self.step.notebook, name=name, allowed=allowed))
        return self.root / chain.writer(name).notebook / f"{name}.parquet"

    def exists(self, name: str) -> bool:
        """Whether an optional input was written."""
        return self.path(name).is_file()

    def read(self, name: str) -> pd.DataFrame:
        """Read a declared input into pandas."""
        return files.frame(self._present(name))

    def table(self, name: str) -> ibis.Table:
        """A declared input as an Ibis table on the notebook's `connection`."""
        return self.connection.read_parquet(engine.exact(self._present(name)), table_name=name)

    @property
    def connection(self) -> Any:
        """Where tables are computed: embedded DuckDB, or the cluster that the study names (for notebooks that can).

        DuckDB has one thread, since with several the order of rows, and so of sums, is chance.
        """
        if self._con is None and self.step.engine and self.parameters.get("kind") == "spark":
            from workbook.cluster import session

            self._con = session.opened(self.parameters, self.folder)
        elif self._con is None:
            self._con = engine.opened(*self._reached(), threads=1)
        return self._con

    def _reached(self) -> list[Path]:
        """Folders of the build, of the project's tables, and of the files that the study names."""
        places: list[Path] = [self.root, self.folder, paths.ROOT / "data"]
        for value in self.parameters.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and (place := paths.ROOT / one[:4096]).suffix and _is_file(place):
                    places.append(place.parent)
        source = self.parameters.get("source")
        if isinstance(source, str) and _is_folder(folder := paths.ROOT / source[:4096]):
            places.append(folder)
        return places

    def write(self, name: str, table: pd.DataFrame | ibis.Table | None) -> None:
        """Write a declared output as Parquet (pandas or Ibis); None of an optional one: the study has none of it."""
        # Only what is optional may have nothing to write.
        if name not in self.step.outputs or (table is None and name not in self.step.optional):
            allowed = ", ".join(self.step.outputs)
            raise KeyError(said("exhibits.writes", notebook=self.step.notebook, name=name, allowed=allowed))
        if table is None:
            return
        target = self.folder / f"{name}.parquet"
        if isinstance(table, pd.DataFrame):
            # What is estimated is declared with its columns, for studies that cannot have it.
            estimated = name in self.step.empty
            kept = _steady(table, sheets.shared().columns) if estimated else table
            kept.to_parquet(target, index=False)
        else:
            table.to_parquet(str(target))
        self._written.append(name)

    # -- exhibits by their sheets ----------------------------------------------------------------
    @classmethod
    def open(cls, notebook: str, namespace: Mapping[str, Any]) -> tuple[Book, Chosen]:
        """A notebook's hold on its study, and its parameters.

        Parameters
        ----------
        notebook : str
            Its name in ``notebooks/chain.yaml``.
        namespace : dict
            ``globals()`` of the notebook, after its parameters cell.

        Returns
        -------
        book : Book
        p : Chosen
            Parameters as attributes: those of the parameters cell as they stand there, others as the study says.
        """
        values = _values(namespace)
        book = cls(notebook, str(values["study"]), str(values.get("language", "en")))
        book.parameters = values
        if sheets.exists(notebook):
            book.sheet = sheets.sheet(notebook)
        return book, Chosen(values)

    def can(self, id: str) -> bool:
        """Whether this study's data and parameters allow an exhibit or a method, as far as is known before it is made."""
        if id not in self.sheet.exhibits and id in needs.methods():
            return needs.missing(id, self._facts()) is None
        return self._lacks(self.sheet.exhibit(id).needs) is None

    def cannot(self, names: list[str], vocabulary: str) -> dict[str, str] | None:
        """Which methods of a list cannot be had and why, in words of each language; None if all can.

        Parameters
        ----------
        names : list of str
            Methods that the study asks for.
        vocabulary : str
            In which they are called something.
        """
        facts, groups = self._facts(), dict[str, tuple[sheets.Need, list[str]]]()
        for name in names:
            lacks = needs.missing(name, facts)
            if lacks is not None:
                groups.setdefault(lacks.en, (lacks, []))[1].append(name)
        told = {}
        for language, space in (("en", " "), ("zh", "")):
            words = self._words(language)
            told[language] = space.join(
                JOIN[language].join(words.of(vocabulary, n) for n in group)
                + COLON[language]
                + words.say(need)
                for need, group in groups.values()
            )
        return told if groups else None

    def exhibit(
        self,
        id: str,
        frame: pd.DataFrame | None = None,
        draw: Callable[..., Any] | None = None,
        *,
        contributions: pd.DataFrame | None = None,
        part: str | None = None,
        **values: Any,
    ) -> None:
        """Show an exhibit that the sheet declares, and keep its rows; or say why the data do not allow it.

        Parameters
        ----------
        id : str
            Its name in the sheet.
        frame : pandas.DataFrame, optional
            Rows at full precision under the field's names. None or no rows: the method found nothing to show,
            and the exhibit is left out for the reason that the sheet gives.
        draw : callable, optional
            ``draw(frame, axes, …)`` of a plots room: draws a figure from the frame in words, the words of its axes
            and those of `values` that it names. Of a file: gives its bytes, or those of each of its forms by suffix,
            and is asked for each language.
        contributions : pandas.DataFrame, optional
            What each unit contributes to the cells (for secrecy; never published).
        part : str, optional
            Which one it is, of an exhibit that the sheet declares for ``each`` of several.
        **values
            Values of the sheet's texts: numbers, texts, lists, mappings, Series; a callable is given the frame.

        Raises
        ------
        SheetError
            When it is not declared, was shown before, or a field of its texts is filled by nothing.
        """
        if self.silent:
            return
        declared = self.sheet.exhibit(id)
        id = id if part is None else f"{id}{sheets.PART}{part}"
        lacks = self._lacks(declared.needs)
        if lacks is None and (frame is None or frame.empty):
            lacks = declared.empty
            if lacks is None:
                raise sheets.SheetError(
                    f"{self.step.notebook}, exhibit '{id}': nothing was handed over, and its sheet gives no reason (`empty`)"
                )
        if lacks is not None:
            self._leave_out(id, lacks)
            return
        assert frame is not None  # what is missing was left out above
        _check_roles(f"{self.step.notebook}, exhibit '{id}'", frame, declared)
        frame = record.kept(self.folder, id, _steady(frame, declared.columns, declared))
        if contributions is not None:
            record.kept(self.folder, id, record.in_order(contributions), listing.UNITS)
        kind = "table" if declared.kind in ("regression", "journal") else declared.kind
        self._keep(id, kind, frame, values, draw)

    def file(self, id: str, content: bytes | None, **values: Any) -> None:
        """Keep a file, e.g. a Word document, as an exhibit; None: there is nothing to keep."""
        if self.silent:
            return
        declared = self.sheet.exhibit(id)
        lacks = self._lacks(declared.needs) or (declared.empty if content is None else None)
        if lacks is not None or content is None:
            self._leave_out(id, lacks or "")
            return
        (self.folder / f"{id}{declared.suffix}").write_bytes(rendering.settled(content, declared.suffix))
        self._keep(id, "file", None, values, None)

    @staticmethod
    def largest(column: str) -> Callable[[pd.DataFrame], pd.Series]:
        """For a text's field: of the frame that is shown the first row with the largest value, the first where none is known."""
        return lambda frame: _at(frame, frame[column].max(), column)

    @staticmethod
    def least(column: str) -> Callable[[pd.DataFrame], pd.Series]:
        """The same with the least value."""
        return lambda frame: _at(frame, frame[column].min(), column)

    def paragraph(self, id: str, **values: Any) -> None:
        """Show a paragraph of the sheet, if its needs hold."""
        if self.silent or self._lacks(self.sheet.words[id].needs if id in self.sheet.words else []):
            return
        kept = record.plain(values)
        text = printed.paragraph(self.sheet, id, kept, self._words(), self.parameters)
        self._told.append({"id": id, "values": kept})
        display(Markdown(text), metadata={"fusion": {"told": len(self._told) - 1}})

    def done(self) -> None:
        """Last cell: check that every declared output was written, and say that the notebook finished."""
        missing = [name for name in self.step.writes if name not in self._written]
        if missing:
            raise RuntimeError(
                f"{self.step.notebook} declares in chain.yaml but did not write: {', '.join(missing)}"
            )
        if not self.silent:
            self._check_shown()
        if hasattr(self._con, "put_away"):  # a cluster's tables on the way lie beside what is kept
            self._con.put_away()
        done = {
            "notebook": self.step.notebook,
            "written": self._written,
            "exhibits": self._exhibits,
            "told": self._told,
        }
        text = json.dumps(done, ensure_ascii=False, indent=1)
        (self.folder / "done.json").write_text(text, encoding="utf-8")
        print(f"{self.step.notebook}: done, {len(self._exhibits)} exhibits")
        if self.by_hand:
            self._say_moved()

    # -- inside --------------------------------------------------------------------------------
    def _keep(
        self,
        id: str,
        kind: str,
        frame: pd.DataFrame | None,
        values: Mapping[str, Any],
        draw: Callable[..., Any] | None,
    ) -> None:
        """Record an exhibit and show it in the study's language."""
        called = {k: v(frame) if callable(v) else v for k, v in values.items()}
        name = f"{draw.__module__}:{draw.__qualname__}" if draw is not None else ""
        one = record.Record(
            self.step.notebook, id, kind, self._number(id, kind), record.plain(called), "", name, self.folder
        )
        if kind == "file" and draw is not None:
            self._keep_files(one)
        if kind == "figure" and draw is None:
            raise sheets.SheetError(
                f"{self.step.notebook}, exhibit '{id}': a figure needs the function that draws it"
            )
        shown = rendering.show(one, self.sheet, self._words(), self.parameters)
        self._enter_record(one)
        display(HTML(shown), metadata={"fusion": {"exhibit": id}})

    def _keep_files(self, one: record.Record) -> None:
        """Write a file in both languages; that of the study's language bears the exhibit's name alone."""
        for language in sheets.LANGUAGES:
            mark = "" if language == self.language else f".{language}"
            for form, content in rendering.forms_of(
                one, self.sheet, self._words(language), self.parameters
            ).items():
                (self.folder / f"{one.id}{mark}{form}").write_bytes(content)

    def _leave_out(self, id: str, lacks: str) -> None:
        one = record.Record(
            self.step.notebook, id, "left_out", self._number(id, "left_out"), {}, lacks, "", self.folder
        )
        self._enter_record(one)
        entry = printed.entry(one, self.sheet, self._words(), self.parameters)
        text = sheets.LEFT_OUT[self.language].format(*map(inert.markdown, (entry["name"], entry["note"])))
        display(Markdown(text), metadata={"fusion": {"exhibit": id}})

    def _enter_record(self, one: record.Record) -> None:
        """Keep what the exhibit is, and its texts in both languages as they are now."""
        texts: dict[str, str] = {}
        for language in sheets.LANGUAGES:
            entry = printed.entry(one, self.sheet, self._words(language), self.parameters)
            texts |= {f"{name}_{language}": entry[name] for name in ("title", "note", "source")}
        self._exhibits.append(one.entry() | texts)

    def _number(self, id: str, kind: str) -> str:
        if any(entry["id"] == id for entry in self._exhibits):
            raise ValueError(f"{self.step.notebook} has two exhibits named '{id}'")
        return f"{int(self.step.notebook[:2])}.{sum(e['kind'] == kind for e in self._exhibits) + 1}"

    def _check_shown(self) -> None:
        """Every exhibit that the sheet declares was shown, or said why not."""
        made = {entry["id"].partition(sheets.PART)[0] for entry in self._exhibits}
        # Of what is shown once for each table that a study names there may be none.
        every = self.sheet.exhibits.items() if self.sheet else ()
        silent = [id for id, one in every if id not in made and not one.each]
        if silent:
            raise RuntimeError(
                f"{self.step.notebook}: declared in its sheet but not shown: {', '.join(silent)}"
            )

    def _words(self, language: str | None = None) -> Words:
        """The study's words in a language; the codebook is one of the first notebook's outputs."""
        language = language or self.language
        if language not in self._known:
            found = [*self.folder.glob("codebook.parquet"), *sorted(self.root.glob("*/codebook.parquet"))]
            if not found:  # the first notebook, before it has written one
                return Words(language, unit=self.parameters.get("unit"))
            self._known[language] = Words(language, files.frame(found[0]), self.parameters.get("unit"))
        return self._known[language]

    def _lacks(self, names: list[str]) -> str | None:
        """The need that does not hold."""
        return needs.lacking([*self.sheet.needs, *names], self.sheet, self._facts())

    def _facts(self) -> needs.Facts:
        """What is known of the data: what earlier notebooks wrote, and this one up to now."""
        return needs.facts(self.root, self.step.notebook, self.parameters, self.folder)

    def _present(self, name: str) -> Path:
        file = self.path(name)
        if not file.is_file():
            maker = chain.writer(name).notebook
            raise FileNotFoundError(
                said(
                    "exhibits.no_input", notebook=self.step.notebook, name=name, maker=maker, study=self.study
                )
            )
        return file

    def _say_moved(self) -> None:
        """Say what a rerun by hand moved against the last run."""
        from workbook.lab import moved

        notebook, words = self.step.notebook, self._words()
        names = {entry["id"]: words.say(self.sheet.exhibit(entry["id"]).name) for entry in self._exhibits}
        found = moved.moved(self.root / notebook, self.folder, notebook)
        display(Markdown(moved.told(found, notebook, len(names), names, self.language)))

    def _watch(self) -> None:
        """Show how long a cell has been running; the runner tells it in its terminal."""
        from workbook.lab import progress

        progress.watch(self.folder / "seconds.json", self.language)

    def _say_by_hand(self) -> None:
        sources = ", ".join(
            str(self.path(name).relative_to(paths.build().parent)) for name in self.step.reads
        )
        writes = f"build/{self.study}/by_hand/"
        text = f"Opened by hand, study '{self.study}'. Reads: {sources or 'no earlier notebook'}. Writes: {writes}."
        display(Markdown(f"*{text}*"))


def _check_roles(where: str, frame: pd.DataFrame, declared: sheets.Exhibit) -> None:
    """Refuse a picture of numbers of its own of which nothing says what they are: no rule could judge it.

    Of a table only the columns that its sheet names are printed, and a figure of another exhibit's numbers draws those.
    """
    if declared.kind != "figure" or declared.drawn_from:
        return
    unknown = [str(name) for name in frame if sheets.role(declared, str(name)) is None]
    if unknown:
        raise sheets.SheetError(f"{where}: no role for {', '.join(unknown)}; name them under `columns`")


def _at(frame: pd.DataFrame, value: Any, column: str) -> pd.Series:
    """The first row in which a column has a value, or the first of all."""
    return frame.iloc[int((frame[column] == value).fillna(False).to_numpy(bool).argmax())]


def _values(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of the study, those that the notebook's own cell holds as they stand there.

    Under the runner they come with the job; by hand the study that the cell names is read.
    """
    job = os.environ.get(JOB)
    if job is not None:
        values = dict(json.loads(Path(job).read_text(encoding="utf-8"))["values"])
    else:
        from workbook.params.load import load

        values = load(str(namespace["study"])).flat
    # A study may be named by its file's place; its folder in the build bears its name.
    return values | {name: namespace[name] for name in values if name in namespace and name != "study"}


def _steady(
    frame: pd.DataFrame, columns: Mapping[str, sheets.Column], exhibit: sheets.Exhibit | None = None
) -> pd.DataFrame:
    """Estimates with the digits that every run gives."""
    kept = {}
    for name in frame:
        column = columns.get(str(name)) or (sheets.more(exhibit, str(name)) if exhibit else None)
        if column is None or column.role not in STEADY or not pd.api.types.is_float_dtype(frame[name]):
            continue
        rounded = frame[name].map(lambda x: float(f"{x:.{DIGITS}g}"), na_action="ignore")
        kept[name] = rounded.astype(frame[name].dtype)
    return frame.assign(**kept)


def _is_folder(place: Path) -> bool:
    """Whether the study's source is a folder, as of Parquet files."""
    try:
        return place.is_dir()
    except (OSError, ValueError):
        return False


def _is_file(place: Path) -> bool:
    """Whether a text of the study is a file's place; one that no system can hold is none."""
    try:
        return place.is_file()
    except (OSError, ValueError):
        return False
