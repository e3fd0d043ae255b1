"""An input–output table in a declared layout, read and held to its own totals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fusion.io.algebra import Floats, InputOutputError, direct, domestic, some
from fusion.language import listed, said, word

FOLDER = Path(__file__).resolve().parents[3] / "data" / "io"


@dataclass(frozen=True)
class Table:
    """An input–output table of n sectors, money in the table's unit.

    Attributes
    ----------
    codes, names_en, names_zh : tuple of str
        Sectors.
    flows : ndarray, shape (n, n)
        z_ij from i to j, domestic and imported together.
    imported : ndarray, shape (n, n), or None
        The imported part of the flows, where the table lists it (非竞争型); None where it does not (竞争型).
    final : ndarray, shape (n,)
        Final use, exports included; of domestic products where imports are listed apart, else of all.
    imports, exports, errors : ndarray, shape (n,)
        Imports (positive), exports, and the table's own balancing item.
    value_added, output : ndarray, shape (n,)
    """

    codes: tuple[str, ...]
    names_en: tuple[str, ...]
    names_zh: tuple[str, ...]
    flows: Floats
    imported: Floats | None
    final: Floats
    imports: Floats
    exports: Floats
    errors: Floats
    value_added: Floats
    output: Floats

    @property
    def coefficients(self) -> Floats:
        """A of all flows, shape (n, n)."""
        return direct(self.flows, self.output, self.codes)

    @property
    def domestic_coefficients(self) -> Floats:
        """A of domestic flows: listed where the table lists them, else by import proportionality."""
        if self.imported is not None:
            return direct(self.flows - self.imported, self.output, self.codes)
        return domestic(self.coefficients, self.output, self.imports, self.exports)

    def positions(self, codes: list[str]) -> list[int]:
        """Places of sectors in the table.

        Raises
        ------
        InputOutputError
            When the table has no such sector.
        """
        unknown = [code for code in codes if code not in self.codes]
        if unknown:
            raise InputOutputError(
                said("io.no_sector", unknown=some(unknown), first=self.codes[0], last=self.codes[-1])
            )
        return [self.codes.index(code) for code in codes]


def layouts() -> pd.DataFrame:
    """The declared layouts of ``data/io/layouts.csv``, one row a layout."""
    return pd.read_csv(FOLDER / "layouts.csv", dtype=str, keep_default_na=False).set_index(
        "layout", drop=False
    )


def read(file: Path | str, layout: str, tolerance: float = 1e-4) -> Table:
    """Read a table and hold it to its own totals.

    Parameters
    ----------
    file : Path or str
        CSV, UTF-8.
    layout : str
        A row of ``data/io/layouts.csv``, which says what the columns and rows of the file are.
    tolerance : float
        Largest share of a sector's output by which inputs plus value added, or uses, may miss it (rounding).

    Raises
    ------
    InputOutputError
        When the layout is unknown, a column or row is not there, or a sector does not add up.
    """
    declared = layouts()
    if layout not in declared.index:
        raise InputOutputError(said("io.no_layout", layout=layout, known=listed(declared.index)))
    how = declared.loc[layout].to_dict()
    raw = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    _need(how, raw, Path(file).name)
    table = _build(how, raw)
    checked(table, Path(file).name, tolerance)
    return table


def _need(how: dict[str, str], raw: pd.DataFrame, name: str) -> None:
    single = ("code", "name_en", "name_zh", "origin", "output", "imports", "exports", "errors")
    wanted = {how[key] for key in single if how[key]} | set(how["final"].split(";"))
    missing = sorted(wanted - set(raw.columns))
    if missing:
        raise InputOutputError(said("io.columns", name=name, layout=how["layout"], missing=some(missing)))
    if how["value_added"] not in set(raw[how["code"]]):
        raise InputOutputError(
            said("io.row", name=name, layout=how["layout"], value_added=how["value_added"])
        )


def _build(how: dict[str, str], raw: pd.DataFrame) -> Table:
    code = raw[how["code"]]
    sectors = [c for c in raw.columns if c in set(code)]
    is_sector = code.isin(sectors)
    origin = raw[how["origin"]] if how["origin"] else pd.Series("", index=raw.index)
    home = raw[is_sector & (origin == how["domestic"])].set_index(how["code"]).loc[sectors]
    abroad = raw[is_sector & (origin == how["imported"])].set_index(how["code"]) if how["imported"] else None
    flows = _numbers(home, sectors)
    imported = None if abroad is None else _numbers(abroad.loc[sectors], sectors)
    by_code = raw.set_index(how["code"])
    column = {key: _column(home, how[key]) for key in ("output", "exports", "errors", "imports")}
    if abroad is not None:
        column["imports"] = _column(abroad.loc[sectors], how["output"])
    return Table(
        codes=tuple(sectors),
        names_en=tuple(home[how["name_en"]]),
        names_zh=tuple(home[how["name_zh"]]),
        flows=flows if imported is None else flows + imported,
        imported=imported,
        final=_numbers(home, how["final"].split(";")).sum(axis=1),
        imports=column["imports"],
        exports=column["exports"],
        errors=column["errors"],
        value_added=_numbers(by_code.loc[[how["value_added"]]], sectors)[0],
        output=column["output"],
    )


def _numbers(rows: pd.DataFrame, columns: list[str]) -> Floats:
    """Cells as numbers; an empty cell of a published table is a zero flow."""
    return rows[columns].replace("", "0").to_numpy(dtype=float)


def _column(rows: pd.DataFrame, name: str) -> Floats:
    return _numbers(rows, [name])[:, 0] if name else np.zeros(len(rows))


def checked(table: Table, name: str, tolerance: float) -> None:
    """Hold a table to its totals: inputs and value added make up output; uses less imports make up output.

    Raises
    ------
    InputOutputError
        When a sector misses its output by more than the tolerance.
    """
    inputs = table.flows.sum(axis=0) + table.value_added
    home = table.flows if table.imported is None else table.flows - table.imported
    taken = 0 if table.imported is not None else table.imports
    uses = home.sum(axis=1) + table.final - taken + table.errors
    for what, total in (("inputs and value added", inputs), ("uses", uses)):
        off = np.abs(total - table.output) / np.maximum(table.output, 1)
        if off.max() > tolerance:
            at = int(np.argmax(off))
            raise InputOutputError(
                said(
                    "io.unbalanced",
                    name=name,
                    what=word("io.what", what),
                    sector=table.codes[at],
                    total=total[at],
                    output=table.output[at],
                    tolerance=tolerance,
                )
            )
