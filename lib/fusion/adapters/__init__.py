"""Sources as users have them: exports of a bureau, of CSMAR, of Wind, plain spreadsheets.

Modules
-------
model : an adapter, the YAML file that says how a layout becomes the panel (``data/adapters``)
headers, units : how headers are normalised, and what states a unit
wide : files with a column for each item and year
match : which header means which column
stage : files as they lie, row by row, into the database
states : the unit of each column and who says so
layout : one file, mapped and typed
identifiers : 9-character codes chained to 18-character ones
establishments : form 611 rolled up to the enterprise
words : joins, identifiers and establishments, said
panel : several files to one panel, every row accounted for
sources : a study's source, be it the generator, files by an adapter, or a file as it stands
origins : file, sheet, row and unit of single values
able : what the columns of a source allow
report : what fits, what does not, and what can then be computed
"""

from fusion.adapters.errors import AdapterError
from fusion.adapters.origins import placed
from fusion.adapters.panel import Source, read
from fusion.adapters.sources import Opened, opened
from fusion.panel.errors import PanelError

__all__ = ["AdapterError", "Opened", "PanelError", "Source", "opened", "placed", "read"]
