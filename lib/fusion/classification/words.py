"""Tables of this room as they are printed: words and headers of `labels.csv`, shares in percent."""

from __future__ import annotations

import pandas as pd

from fusion.classification.tables import ClassificationError, load

_LANGUAGES = ("en", "zh")
_WORDS_IN = ("mapping_status", "mapping_how", "path")


def printed(table: pd.DataFrame, language: str = "en") -> pd.DataFrame:
    """A table with printed headers, statuses and paths by name, and shares in percent.

    Parameters
    ----------
    table : pandas.DataFrame
        As the functions of `totals` give it; columns may be left out.
    language : {"en", "zh"}
        Language of headers and words.

    Raises
    ------
    ClassificationError
        When ``labels.csv`` lacks a column, or the language is neither.
    """
    if language not in _LANGUAGES:
        raise ClassificationError(f"language {language!r}; allowed: en, zh")
    labels = load("labels").set_index("name")
    columns = labels[labels["kind"] == "column"]
    absent = [c for c in table.columns if c not in columns.index]
    if absent:
        raise ClassificationError(
            f"data/classification/labels.csv has no column {', '.join(absent)}; add a row for each"
        )
    out, said = table.copy(), _words(labels, language)
    units = columns["unit"].to_dict()
    for name in out.columns:
        if units[name] == "%":
            out[name] = 100 * out[name]
        if name in _WORDS_IN:
            out[name] = out[name].map(lambda value: said.get(value, value))
    titles = columns[f"label_{language}"].to_dict()
    return out.rename(
        columns={c: f"{titles[c]} ({units[c]})" if units[c] else titles[c] for c in out.columns}
    )


def _words(labels: pd.DataFrame, language: str) -> dict[str, str]:
    words = labels[labels["kind"] == "word"][f"label_{language}"].to_dict()
    titles = load("paths").drop_duplicates("path").set_index("path")[f"label_{language}"]
    return {str(k): str(v) for k, v in words.items()} | {str(k): f"{k} {v}" for k, v in titles.items()}
