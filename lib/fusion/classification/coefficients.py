"""Point shares of classes marked * in a standard: equal, from a file, or from units that report by class.

A coefficient moves the point estimate only. The bounds of a class marked * stay 0 and 1 whatever is known
about the average of its units.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

from fusion.classification import codes
from fusion.classification.tables import ClassificationError, utf8
from fusion.classification.tables import standards as known_standards
from fusion.language import listed, said

COLUMNS = ("standard", "gbt_code", "coefficient")


@dataclass(frozen=True)
class Coefficients:
    """Point shares of partial classes.

    Attributes
    ----------
    how : {"equal", "file", "estimated"}
    default : float
        Share of a partial class that no value is given for, in [0, 1].
    values : tuple of (standard, gbt_code, coefficient)
        Shares in [0, 1].
    weights : tuple of (edition, code, part, weight)
        Of the classes that a split class became (`split_weights`); none unless the study declares them.
    """

    how: str = "equal"
    default: float = 0.5
    values: tuple[tuple[str, str, float], ...] = ()
    weights: tuple[tuple[str, str, str, float], ...] = ()

    def of(self, standard: str) -> tuple[tuple[str, float], ...]:
        """Code and share, of one standard."""
        return tuple((code, share) for name, code, share in self.values if name == standard)


EQUAL = Coefficients()


def equal(share: float = 0.5) -> Coefficients:
    """The same share for every partial class.

    Raises
    ------
    ClassificationError
        When it is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise ClassificationError(said("classification.partial_share", share=share))
    return Coefficients("equal", share)


def from_file(file: Path | str, share: float = 0.5) -> Coefficients:
    """Shares from a CSV with the columns standard, gbt_code, coefficient (0 to 1).

    Raises
    ------
    ClassificationError
        For a missing file or column, a standard or code that does not exist, a share outside [0, 1], and a
        pair given twice; says the row.
    """
    path = Path(file)
    if not os.path.isfile(path):
        raise ClassificationError(
            said("classification.no_coefficients", file=path.name, columns=listed(COLUMNS))
        )
    with io.StringIO(utf8(path), newline="") as stream:
        reader = csv.DictReader(stream)
        absent = [c for c in COLUMNS if c not in (reader.fieldnames or [])]
        if absent:
            raise ClassificationError(
                said(
                    "classification.coefficients_lack", file=path.name, absent=listed(absent), columns=COLUMNS
                )
            )
        values = [
            _checked(row, said("classification.slot.row", file=path.name, row=n))
            for n, row in enumerate(reader, 2)
        ]
    twice = {v[:2] for v in values if sum(w[:2] == v[:2] for w in values) > 1}
    if twice:
        raise ClassificationError(
            said("classification.coefficients_twice", file=path.name, pair=sorted(twice)[0])
        )
    return Coefficients("file", equal(share).default, tuple(values))


def _checked(row: dict[str, str], where: str) -> tuple[str, str, float]:
    standard, code, text = (str(row[c] or "").strip() for c in COLUMNS)
    name = standard.partition(":")[0]
    if name not in known_standards():
        raise ClassificationError(
            said(
                "classification.coefficients_standard",
                where=where,
                standard=standard,
                known=listed(known_standards()),
            )
        )
    if len(code) != 4 or not codes.exists(code):
        raise ClassificationError(said("classification.coefficients_class", where=where, code=code))
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ClassificationError(said("classification.coefficient", where=where, text=text))
    return standard, code, share
