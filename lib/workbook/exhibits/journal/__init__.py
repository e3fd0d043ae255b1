"""Tables of columns as journals print them: heads over groups of columns, panels, lines at the foot, in every format.

cells : from the long frame of estimates to lines of text
forms : the lines as HTML, LaTeX and for other programs
"""

from workbook.exhibits.journal.cells import Grid, grid

__all__ = ["Grid", "grid"]
