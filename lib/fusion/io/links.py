"""Links between manufacturing and services: fusion degree both ways, producer services by industry, linkages."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fusion.io.algebra import allocation, complete, ghosh, influence, leontief, sensitivity
from fusion.io.table import Table


def fusion_degree(
    table: Table, manufacturing: list[str], services: list[str], only_domestic: bool = False
) -> dict[str, float]:
    """How much two groups of sectors use each other, each way apart.

    With M and S the groups, sums over i in the seller and j in the buyer:

    - input side, services in manufacturing: a_SM = Σ z_ij / Σ_{j∈M} x_j (manufacturing in services: a_MS);
    - the same with complete coefficients, weighted by output: b_SM = Σ_{j∈M} x_j Σ_{i∈S} b_ij / Σ_{j∈M} x_j;
    - distribution side: h_SM = Σ z_ij / Σ_{i∈S} x_i, the share of services' output that manufacturing takes;
    - degrees: ½ (a_SM + a_MS) and ½ (h_SM + h_MS). A degree hides which side moved, so both stand beside it.

    Parameters
    ----------
    table : Table
    manufacturing, services : list of str
        Codes of sectors.
    only_domestic : bool
        Of domestic flows alone (imports left out) instead of all.

    Returns
    -------
    dict of str to float
        a_sm, a_ms, b_sm, b_ms, h_sm, h_ms, input_degree, output_degree; all shares (0–1) but b, which may exceed 1.
    """
    m, s = table.positions(manufacturing), table.positions(services)
    a = table.domestic_coefficients if only_domestic else table.coefficients
    b, x = complete(a), table.output
    flows = a * x
    found: dict[str, float] = {}
    for name, sellers, buyers in (("sm", s, m), ("ms", m, s)):
        traded = flows[np.ix_(sellers, buyers)].sum()
        found[f"a_{name}"] = float(traded / x[buyers].sum())
        found[f"b_{name}"] = float((b[np.ix_(sellers, buyers)] * x[buyers]).sum() / x[buyers].sum())
        found[f"h_{name}"] = float(traded / x[sellers].sum())
    found["input_degree"] = (found["a_sm"] + found["a_ms"]) / 2
    found["output_degree"] = (found["h_sm"] + found["h_ms"]) / 2
    return found


def producer_services(table: Table, industries: list[str], services: dict[str, str]) -> pd.DataFrame:
    """Direct and complete coefficients of producer services by industry, in the schema of ``data/io``.

    Parameters
    ----------
    table : Table
    industries : list of str
        Codes of the industries that buy.
    services : dict of str to str
        Class of producer services (trade, transport, …) of each selling sector.

    Returns
    -------
    pandas.DataFrame
        One row an industry: code, sector_en, sector_zh, output, va_rate, d_* and c_* by class, d_ps, c_ps,
        ps_share_intermediate (share of producer services in intermediate inputs; NaN where there are none).
    """
    j = table.positions(industries)
    a = table.coefficients
    b = complete(a)
    columns: dict[str, object] = {
        "code": industries,
        "sector_en": [table.names_en[k] for k in j],
        "sector_zh": [table.names_zh[k] for k in j],
        "output": table.output[j],
        "va_rate": table.value_added[j] / table.output[j],
    }
    for kind in dict.fromkeys(services.values()):
        i = table.positions([code for code, its in services.items() if its == kind])
        columns[f"d_{kind}"] = a[np.ix_(i, j)].sum(axis=0)
        columns[f"c_{kind}"] = b[np.ix_(i, j)].sum(axis=0)
    every = table.positions(list(services))
    columns["d_ps"], columns["c_ps"] = a[np.ix_(every, j)].sum(axis=0), b[np.ix_(every, j)].sum(axis=0)
    inputs = a[:, j].sum(axis=0)
    columns["ps_share_intermediate"] = np.divide(
        a[np.ix_(every, j)].sum(axis=0), inputs, out=np.full(len(j), np.nan), where=inputs > 0
    )
    return pd.DataFrame(columns)


def linkages(table: Table, only_domestic: bool = False) -> pd.DataFrame:
    """Influence and sensitivity of each sector.

    Returns
    -------
    pandas.DataFrame
        code, sector_en, sector_zh, influence (L, columns), sensitivity (L, rows), sensitivity_ghosh (G, rows);
        each has mean 1 over the table's sectors, so that tables of other detail do not compare.
    """
    a = table.domestic_coefficients if only_domestic else table.coefficients
    inverse = leontief(a)
    forward = ghosh(allocation(a * table.output, table.output, table.codes))
    return pd.DataFrame(
        {
            "code": table.codes,
            "sector_en": table.names_en,
            "sector_zh": table.names_zh,
            "influence": influence(inverse),
            "sensitivity": sensitivity(inverse),
            "sensitivity_ghosh": sensitivity(forward),
        }
    )
