"""A figure's files, laid out once, and what is seen of it on a screen."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.exhibits.pictures import face, hover

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

DPI = 160
SCREEN_DPI = 110
# Above this a vector figure (a dense scatter) is slower to draw than its picture.
LARGEST_SVG = 300_000


def save_figure(folder: Path, id: str, figure: Figure) -> str:
    """Write ``<id>.svg``, ``<id>.pdf`` and ``<id>.png`` (160 dpi), the same bytes for the same figure; close it.

    Parameters
    ----------
    folder : pathlib.Path
        Existing folder of the notebook's outputs.
    id : str
        Name of the exhibit and of its files.
    figure : matplotlib.figure.Figure
        The figure; closed afterwards, so that the notebook does not draw it a second time.

    Returns
    -------
    str
        Places of its values to lay over the picture on a page (:func:`hover.overlay`).
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # Text stays text: it can be found, read out and edited; journals refuse fonts of type 3.
    with mpl.rc_context({"svg.hashsalt": id, "svg.fonttype": "none", "pdf.fonttype": 42}):
        box = laid_out(figure)
        over = hover.overlay(figure, box)
        no_trace = {"Date": None, "Creator": None}
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", bbox_inches=box, metadata=no_trace)
        (folder / f"{id}.svg").write_bytes(face.carried(drawn.getvalue()))
        unsigned = {"CreationDate": None, "Creator": None, "Producer": None}
        figure.savefig(folder / f"{id}.pdf", bbox_inches=box, metadata=unsigned)
        figure.savefig(drawn := io.BytesIO(), format="png", bbox_inches=box, dpi=DPI)
        (folder / f"{id}.png").write_bytes(small(drawn.getvalue()))
    plt.close(figure)
    return over


def small(png: bytes) -> bytes:
    """The same picture with 256 colours at most: a drawing's few, and steps between them at the edges of letters.

    A third of the size on average, several times over in a study: for itself, in Word files, in what is printed.
    Where there are no more colours than that each stays what it is.
    """
    from PIL import Image

    whole, made = Image.open(io.BytesIO(png)), io.BytesIO()
    few = whole.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(made, "png", dpi=(DPI, DPI), optimize=True)
    return made.getvalue()


def laid_out(figure: Figure) -> Bbox:
    """Lay a figure out, once and not anew for every format, and say how much of it is used.

    It is not drawn for that, which would take as long as the picture itself.
    """
    import matplotlib as mpl

    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)
    return figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])


def quick(figure: Figure) -> bytes:
    """A picture for the screen; the figure is closed."""
    import matplotlib.pyplot as plt

    stream = io.BytesIO()
    figure.set_dpi(SCREEN_DPI)
    box = laid_out(figure)
    figure.savefig(stream, format="png", bbox_inches=box, dpi=SCREEN_DPI, metadata={"Software": None})
    plt.close(figure)
    return stream.getvalue()


def css_width(png: bytes, dpi: int) -> int:
    """Width of a picture in CSS pixels (96 to the inch), from its header."""
    (pixels,) = struct.unpack(">I", png[16:20])
    return round(pixels * 96 / dpi)
