"""The panel: its contract, readers, checks, sample flow and derived columns.

Modules
-------
contract : columns and rules of an enterprise panel (``data/contract``)
readers : CSV, Parquet, Stata, Excel and loaders to a typed table
checks : all violations at once, as a table
activities : what names of activities stand for
clean : filters that count what they drop
codebook : what is in the panel, and what is missing
synthetic : a panel whose true effects are known
"""

from fusion.panel.errors import PanelError

__all__ = ["PanelError"]
