"""What a class of GB/T 4754 can be in a pair: goods, a service, or neither; the same here and in the engine's SQL.

Goods are divisions 13 to 42. Aside stand fields and mines (up to 12), supply (44 to 46), building (47, 48, 50) and households
(97), but for the groups of `GROUPS`; all else is a service, and a code that no edition has is one of which nothing is known.
"""

from __future__ import annotations

import pandas as pd

GOODS, SERVICE, REST = "goods", "service", "rest"
FIRST, LAST = "13", "42"  # divisions that make goods
ASIDE = ("44", "45", "46", "47", "48", "50", "97")
GROUPS = ("484", "487")  # works for industry and mines, and for power: sold with equipment


def _texts(codes: tuple[str, ...]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


MACROS = (
    f"""CREATE OR REPLACE TEMP MACRO is_goods(code) AS coalesce(substr(code, 1, 2) BETWEEN '{FIRST}' AND '{LAST}', false)""",
    f"""CREATE OR REPLACE TEMP MACRO is_rest(code) AS coalesce(substr(code, 1, 2) < '{FIRST}'
    OR substr(code, 1, 2) IN ({_texts(ASIDE)}), false) AND substr(code, 1, 3) NOT IN ({_texts(GROUPS)})""",
)


def side(code: str) -> str:
    """What one class is: goods, service or rest; rest for what is no code."""
    division = code[:2]
    if not division.isdigit():
        return REST
    if FIRST <= division <= LAST:
        return GOODS
    return REST if (division < FIRST or division in ASIDE) and code[:3] not in GROUPS else SERVICE


def makers(codes: pd.Series) -> pd.Series:
    """Which of some main codes are of those who make goods."""
    return codes.astype("str").str[:2].between(FIRST, LAST)
