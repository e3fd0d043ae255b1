"""How figures look: one theme, colours that the colour-blind can tell apart, Chinese that prints."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from workbook.paths import DATA

FONTS = DATA / "fonts"
LATIN = "DejaVu Sans"

# Sizes in points at the printed width of a page (about 18 cm).
SIZES = {
    "font.size": 10.5,
    "axes.titlesize": 12,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.title_fontsize": 9.5,
}
RULES = {
    "figure.figsize": (7.2, 4.2),
    "figure.dpi": 100,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.5",
    "grid.color": "0.9",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}

# What seaborn's `whitegrid` for notebooks sets beside: to import it for that takes longer than to draw a figure. A test
# holds them to it.
THEME = {
    "axes.linewidth": 1.25,
    "grid.linewidth": 1,
    "lines.markersize": 6,
    "patch.linewidth": 1,
    "xtick.major.width": 1.25,
    "ytick.major.width": 1.25,
    "xtick.minor.width": 1,
    "ytick.minor.width": 1,
    "xtick.major.size": 6,
    "ytick.major.size": 6,
    "xtick.minor.size": 4,
    "ytick.minor.size": 4,
    "figure.facecolor": "white",
    "axes.labelcolor": ".15",
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.color": ".15",
    "ytick.color": ".15",
    "axes.axisbelow": True,
    "grid.linestyle": "-",
    "text.color": ".15",
    "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif"],
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "xtick.top": False,
    "ytick.right": False,
    "axes.grid": True,
    "axes.facecolor": "white",
    "axes.spines.left": True,
    "axes.spines.bottom": True,
    "xtick.bottom": False,
    "ytick.left": False,
}
# Its palette `colorblind`, and the six of them that letters mean.
COLOURS = [
    "#0173B2",
    "#DE8F05",
    "#029E73",
    "#D55E00",
    "#CC78BC",
    "#CA9161",
    "#FBAFE4",
    "#949494",
    "#ECE133",
    "#56B4E9",
]
LETTERS = dict(zip("bgrmyc", [COLOURS[place] for place in (0, 2, 3, 4, 8, 9)], strict=True))


def use(language: str = "en") -> None:
    """Set the theme of every figure drawn from now on.

    Parameters
    ----------
    language : {"en", "zh"}
        Language of the labels.

    Raises
    ------
    ValueError
        When the language is neither.
    """
    if language not in ("en", "zh"):
        raise ValueError(f"style.use: language is '{language}'; allowed: en, zh")
    import matplotlib as mpl
    from matplotlib import rcsetup

    # Labels come from files: `$` in one is a dollar, not the beginning of a formula.
    own = {"text.parse_math": False}
    colours = {"axes.prop_cycle": rcsetup.cycler("color", [mpl.colors.to_rgb(one) for one in COLOURS])}
    rules: dict[Any, Any] = {**THEME, **colours, **SIZES, **RULES, "font.family": families(language), **own}
    mpl.rcParams.update(rules)
    # One by one, which makes matplotlib forget what it looked up.
    for letter, colour in (*LETTERS.items(), ("k", "0.1")):
        mpl.colors.colorConverter.colors[letter] = mpl.colors.to_rgb(colour)


def families(language: str = "en") -> list[str]:
    """Font families in the order of their use.

    The Chinese one comes first: in a label that mixes Chinese with ``$...$`` matplotlib looks for every
    character in the first family only, and prints boxes for what it lacks there, without a warning.
    """
    return [*register(), LATIN]


@cache
def register() -> tuple[str, ...]:
    """Make the fonts of ``data/fonts`` known to matplotlib.

    Returns
    -------
    tuple of str
        Their family names; empty when the folder holds none.
    """
    from matplotlib import font_manager

    names = []
    for file in sorted(Path(FONTS).glob("*.ttf")):
        font_manager.fontManager.addfont(str(file))
        names.append(font_manager.fontManager.ttflist[-1].name)
    return tuple(names)
