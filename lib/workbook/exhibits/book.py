"""What a notebook uses of the machinery: declared inputs and outputs, and exhibits.

Under the runner a notebook writes into a working folder that is moved into place only when its last
cell has run. Opened by hand it reads what the last run left and writes to a folder of its own, so that
finished results are never half replaced.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import HTML, Markdown, display

from workbook import paths
from workbook.exhibits import units
from workbook.run import chain

if TYPE_CHECKING:
    import ibis
    from matplotlib.figure import Figure

JOB = "FUSION_JOB"


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
        self.root = paths.build() / study
        if job is None:
            self.folder = self.root / "by_hand" / notebook
            self._say_by_hand()
        else:
            self.folder = Path(json.loads(Path(job).read_text(encoding="utf-8"))["folder"])
        self.folder.mkdir(parents=True, exist_ok=True)
        self._exhibits: list[dict[str, Any]] = []
        self._written: list[str] = []
        self._con: Any = None

    # -- words ---------------------------------------------------------------------------------
    def say(self, en: str, zh: str) -> str:
        """The one of two texts that the study's language asks for."""
        return zh if self.language == "zh" else en

    def tell(self, en: str, zh: str) -> None:
        """Show a paragraph (Markdown)."""
        display(Markdown(self.say(en, zh)))

    def label(self, codebook: pd.DataFrame, column: str, unit: bool = True) -> str:
        """A column's label with its unit, from the study's codebook; the column's name if it has none."""
        rows = codebook.loc[codebook["column"] == column]
        if rows.empty:
            return column
        row = rows.iloc[0]
        text = str(row[f"label_{self.language}"])
        return f"{text} ({self.unit(str(row['unit']))})" if unit and row["unit"] else text

    def unit(self, text: str) -> str:
        """A unit in the study's language."""
        return units.shown(text, self.language)

    # -- declared inputs and outputs -----------------------------------------------------------
    def path(self, name: str) -> Path:
        """Parquet file of an input declared in ``chain.yaml``."""
        if name not in self.step.reads:
            allowed = ", ".join(self.step.reads) or "nothing"
            raise KeyError(
                f"{self.step.notebook} does not declare '{name}' in chain.yaml; it reads: {allowed}"
            )
        return self.root / chain.writer(name).notebook / f"{name}.parquet"

    def exists(self, name: str) -> bool:
        """Whether an optional input was written."""
        return self.path(name).is_file()

    def read(self, name: str) -> pd.DataFrame:
        """Read a declared input into pandas."""
        return pd.read_parquet(self._present(name))

    def table(self, name: str) -> ibis.Table:
        """A declared input as an Ibis table on embedded DuckDB."""
        return self.connection.read_parquet(str(self._present(name)), table_name=name)

    @property
    def connection(self) -> Any:
        """The notebook's embedded DuckDB."""
        if self._con is None:
            import ibis

            self._con = ibis.duckdb.connect()
        return self._con

    def write(self, name: str, table: pd.DataFrame | ibis.Table) -> None:
        """Write a declared output as Parquet (pandas or Ibis)."""
        if name not in self.step.outputs:
            allowed = ", ".join(self.step.outputs)
            raise KeyError(
                f"{self.step.notebook} does not declare '{name}' in chain.yaml; it writes: {allowed}"
            )
        target = self.folder / f"{name}.parquet"
        if isinstance(table, pd.DataFrame):
            table.to_parquet(target, index=False)
        else:
            table.to_parquet(str(target))
        self._written.append(name)

    # -- exhibits ------------------------------------------------------------------------------
    def show_table(
        self,
        id: str,
        table: pd.DataFrame,
        *,
        title_en: str,
        title_zh: str,
        note_en: str = "",
        note_zh: str = "",
        source_en: str = "",
        source_zh: str = "",
        digits: int | dict[str, int] = 3,
        index: bool = False,
    ) -> None:
        """Show a table and keep it as CSV (full precision) and LaTeX (as shown).

        Parameters
        ----------
        id : str
            Short name, unique in the notebook, e.g. ``"sample_flow"``; also the file's name.
        table : pandas.DataFrame
            What is shown; column names are the printed headers.
        digits : int or dict
            Decimals of floating-point columns, for all or by column.
        index : bool
            Whether the index is a printed column.
        """
        from workbook.exhibits import rendering

        entry = self._enter("table", id, title_en, title_zh, note_en, note_zh, source_en, source_zh)
        rendering.save_table(self.folder, id, table, entry, self.language, digits, index)
        display(HTML(rendering.table_html(table, entry, self.language, digits, index)))

    def show_figure(
        self,
        id: str,
        figure: Figure,
        *,
        title_en: str,
        title_zh: str,
        note_en: str = "",
        note_zh: str = "",
        source_en: str = "",
        source_zh: str = "",
        alt_en: str = "",
        alt_zh: str = "",
    ) -> None:
        """Show a figure and keep it as SVG and PNG; ``title_*`` says the finding."""
        from workbook.exhibits import rendering

        entry = self._enter("figure", id, title_en, title_zh, note_en, note_zh, source_en, source_zh)
        rendering.save_figure(self.folder, id, figure)
        display(HTML(rendering.figure_html(self.folder, entry, self.language, self.say(alt_en, alt_zh))))

    def show_file(
        self,
        id: str,
        content: bytes,
        suffix: str,
        *,
        title_en: str,
        title_zh: str,
        note_en: str = "",
        note_zh: str = "",
    ) -> None:
        """Keep a file, e.g. a Word document of cards, as an exhibit; the page names it and offers it."""
        from workbook.exhibits import listing, rendering

        if suffix not in listing.SUFFIXES["file"]:
            raise ValueError(f"'{id}': suffix '{suffix}'; allowed: {', '.join(listing.SUFFIXES['file'])}")
        entry = self._enter("file", id, title_en, title_zh, note_en, note_zh, "", "")
        (self.folder / f"{id}{suffix}").write_bytes(content)
        size = f"{len(content) / 1000:,.0f} kB"
        display(HTML(rendering.file_html(entry, f"{id}{suffix}", size, self.language)))

    def has(
        self, columns: list[str] | tuple[str, ...], table: Any, id: str, what_en: str, what_zh: str
    ) -> bool:
        """Whether a table has the columns that an exhibit needs; if not, say so and record it as left out."""
        missing = [column for column in columns if column not in table.columns]
        if missing:
            self.leave_out(
                id, what_en, what_zh, f"columns: {', '.join(missing)}", f"缺少列：{'、'.join(missing)}"
            )
        return not missing

    def leave_out(self, id: str, what_en: str, what_zh: str, reason_en: str, reason_zh: str) -> None:
        """Say, and record in ``exhibits.csv``, that this study's data do not allow an exhibit."""
        entry = self._enter("left_out", id, what_en, what_zh, f"needs {reason_en}", reason_zh, "", "")
        self.tell(
            f"**Left out: {entry['title_en']}.** These data lack the {reason_en}.",
            f"**略去：{entry['title_zh']}。** {reason_zh}。",
        )

    def done(self) -> None:
        """Last cell: check that every declared output was written, and say that the notebook finished."""
        missing = [name for name in self.step.writes if name not in self._written]
        if missing:
            raise RuntimeError(
                f"{self.step.notebook} declares in chain.yaml but did not write: {', '.join(missing)}"
            )
        record = {"notebook": self.step.notebook, "written": self._written, "exhibits": self._exhibits}
        text = json.dumps(record, ensure_ascii=False, indent=1)
        (self.folder / "done.json").write_text(text, encoding="utf-8")
        print(f"{self.step.notebook}: done, {len(self._exhibits)} exhibits")

    # -- inside --------------------------------------------------------------------------------
    def _present(self, name: str) -> Path:
        file = self.path(name)
        if not file.is_file():
            maker = chain.writer(name).notebook
            raise FileNotFoundError(
                f"{self.step.notebook} needs '{name}', which {maker} writes for study '{self.study}', and there is none. "
                f"Run the chain first: make study STUDY={self.study}"
            )
        return file

    def _enter(self, kind: str, id: str, *texts: str) -> dict[str, Any]:
        if any(entry["id"] == id for entry in self._exhibits):
            raise ValueError(f"{self.step.notebook} has two exhibits named '{id}'")
        number = sum(entry["kind"] == kind for entry in self._exhibits) + 1
        names = ("title_en", "title_zh", "note_en", "note_zh", "source_en", "source_zh")
        entry = {"id": id, "kind": kind, "number": f"{int(self.step.notebook[:2])}.{number}"}
        entry |= dict(zip(names, texts, strict=True))
        self._exhibits.append(entry)
        return entry

    def _say_by_hand(self) -> None:
        sources = ", ".join(
            str(self.path(name).relative_to(paths.build().parent)) for name in self.step.reads
        )
        writes = f"build/{self.study}/by_hand/"
        text = f"Opened by hand, study '{self.study}'. Reads: {sources or 'no earlier notebook'}. Writes: {writes}."
        display(Markdown(f"*{text}*"))
