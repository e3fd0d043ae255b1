"""The reader of .xls, .xlsb and .ods as a process of its own: ``python calamine.py FILE [SHEET]``, answers by pickle.

It asks for what a damaged file claims, and where it may not have so much its process ends, without an error that could be told.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from typing import Any

from python_calamine import CalamineWorkbook

# Memory that it may have: of a small file, and for each byte of a larger one.
LEAST, PER_BYTE = 1_000_000_000, 400


def found(path: str, *sheet: str) -> Any:
    """Names of a workbook's sheets; or of one the first column that is used, and its rows; an error as its text."""
    try:
        book = CalamineWorkbook.from_path(path)
        if not sheet:
            return list(book.sheet_names)
        lying = book.get_sheet_by_name(sheet[0])
        return (lying.start or (0, 0))[1], list(lying.iter_rows())
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the library's own panics are no `Exception`
        return str(error).partition("\n")[0]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (max(LEAST, PER_BYTE * os.path.getsize(sys.argv[1])),) * 2)
    pickle.dump(found(*sys.argv[1:]), sys.stdout.buffer)
