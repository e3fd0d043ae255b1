"""Tables of columns as journals print them: heads over groups of columns, panels, lines at the foot, in every format.

cells : from the long frame of estimates to lines of text
forms : the lines as HTML, LaTeX and for other programs
fitting : widths of columns by content, smaller type, turned pages
latex : any other table as LaTeX that stays on the paper
"""

from workbook.exhibits.journal.cells import Grid, grid

__all__ = ["Grid", "grid"]
