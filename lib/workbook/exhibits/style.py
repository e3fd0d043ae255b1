"""How figures look: one theme, colours that the colour-blind can tell apart, Chinese that prints."""

from __future__ import annotations

from functools import cache
from pathlib import Path

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
    import seaborn as sns

    # Labels come from files: `$` in one is a dollar, not the beginning of a formula.
    own = {"text.parse_math": False}
    rules = {**SIZES, **RULES, "font.family": families(language), **own}
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", rc=rules)


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
