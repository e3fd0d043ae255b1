"""What Spark says when it fails, as words of what is wrong and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from workbook.language import said

# What Spark's error holds, and the sentence for it; the first that is found.
KNOWN = (
    (r"PATH_NOT_FOUND|FileNotFoundException|FILE_NOT_EXIST", "no_folder"),
    (
        r"OutOfMemoryError|Java heap space|GC overhead|exit code 5[0-2]|UNABLE_TO_ACQUIRE_MEMORY",
        "no_memory",
    ),
    (
        r"masters are unresponsive|has been killed|Connection refused|UNAVAILABLE|stopped SparkContext",
        "lost",
    ),
)


class EngineError(Exception):
    """An engine that cannot be had, or failed."""


def meant(text: str) -> str:
    """Which sentence says what Spark means."""
    return next((key for pattern, key in KNOWN if re.search(pattern, text)), "failed")


@contextmanager
def in_words() -> Iterator[None]:
    """Say of Spark's error what it means for the study."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        text = str(error)
        raise EngineError(said(f"cluster.says.{meant(text)}", reason=" ".join(text.split())[:400])) from None
