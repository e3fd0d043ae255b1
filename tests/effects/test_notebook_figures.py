"""A figure appears once on a page: the cell that makes it shows it as an exhibit, or closes it for a later cell.

An open figure is shown by Jupyter when its cell ends, without caption, before the exhibit itself.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_no_cell_leaves_a_figure_open(file: Path) -> None:
    for cell in nbformat.read(file, as_version=4).cells:
        if cell.cell_type == "code" and ("plt.subplots(" in cell.source or "plt.figure(" in cell.source):
            closed = "show_figure(" in cell.source or "plt.close(" in cell.source
            assert closed, (
                f"{file.name}: a cell makes a figure and neither shows nor closes it:\n{cell.source}"
            )
