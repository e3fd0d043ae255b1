"""A synthetic enterprise panel whose true effects are known.

Modules
-------
settings : size and modes
tables : parameters of the process (``data/synthetic``) and industry codes
firms, productivity, adoption, modes, production, frame : the process
simulate : the process from first to last
finance, services, innovation : columns of the accounts and of the five chains
missing, reporting : empty cells and errors of reporting
assemble, truth : the two tables
"""

from __future__ import annotations

import pandas as pd

from fusion.panel.synthetic.assemble import assemble
from fusion.panel.synthetic.rows import Rows
from fusion.panel.synthetic.settings import Settings
from fusion.panel.synthetic.simulate import Simulation, simulate
from fusion.panel.synthetic.truth import of_study, truth_table

__all__ = ["Settings", "Simulation", "generate", "of_study", "simulate"]


def generate(settings: Settings, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A synthetic panel and its truth.

    Parameters
    ----------
    settings : Settings
        Size, years and modes.
    seed : int
        Same settings and seed, same tables, bit for bit (with the same versions of numpy and pandas).

    Returns
    -------
    panel : DataFrame
        One row for each firm-year in the frame, sorted by firm_id and year (twice where a mode says so); columns
        of the enterprise contract; money in 万元 at constant prices.
    truth : DataFrame
        dimension, level, effect, effect_lp, n: true average effects on the treated, log points of productivity, that
        is of ln(value_added) − 0.60 ln(employees_avg) − 0.35 ln(fixed_assets_net), and of value added per employee.

    Raises
    ------
    PanelError
        A setting out of range, too many pilots, or a parameter table that is missing.
    """
    rows = Rows(simulate(settings, seed))
    return assemble(rows), truth_table(rows)
