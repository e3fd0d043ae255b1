"""The figures' theme: sizes, colours, and labels without boxes."""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt

from workbook import paths
from workbook.exhibits import style
from workbook.exhibits.pictures import saved


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_theme_is_set(language: str) -> None:
    import seaborn as sns

    style.use(language)
    assert plt.rcParams["font.family"][0] == style.register()[0]
    assert plt.rcParams["font.family"][-1] == "DejaVu Sans"
    assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == list(sns.color_palette("colorblind"))
    assert min(plt.rcParams[name] for name in style.SIZES) >= 9, "readable at the printed width"


def test_another_language_is_an_error_that_names_the_allowed() -> None:
    with pytest.raises(ValueError, match="language is 'fr'; allowed: en, zh"):
        style.use("fr")


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_ticks_legends_and_annotations_have_no_boxes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    style.use("zh")
    figure, axes = plt.subplots()
    axes.plot([-1.5, 0, 1.5], [-2, 0, 2], label=r"试点 $\hat\tau_{g,t}$ ≥ −0.05%")
    axes.set_yscale("symlog")
    axes.set_xlabel("ln 万元/人 · “两业融合”，（2012—2023 年）")
    axes.annotate(r"$R^2 = 0.93$，α, β, Δ ± ×", (0, 0))
    axes.legend(loc="upper left", title="所有制：国有、民营、外资")
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "matplotlib"):
        warnings.simplefilter("error")
        figure.savefig(tmp_path / f"f.{suffix}")
    plt.close(figure)
    assert not caplog.records


def test_the_font_is_small_and_says_where_it_is_from() -> None:
    fonts = list(style.FONTS.glob("*.ttf"))
    assert sum(f.stat().st_size for f in fonts) < 900_000
    readme = (style.FONTS / "README.md").read_text("utf-8")
    assert all(f.name in readme for f in fonts) and "Apache-2.0" in readme
    assert (paths.DATA / "fonts" / "LICENSE-Apache-2.0.txt").is_file()


def test_the_theme_is_seaborns_without_its_import() -> None:
    import matplotlib as mpl

    with mpl.rc_context():
        style.use("zh")
        ours = dict(mpl.rcParams), {one: mpl.colors.to_rgb(one) for one in "bgrmyckw"}
        mpl.rcdefaults()
        own = {"font.family": style.families("zh"), "text.parse_math": False}
        rules = {**style.SIZES, **style.RULES, **own}
        sns = importlib.import_module("seaborn")
        sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", rc=rules)
        theirs = dict(mpl.rcParams), {one: mpl.colors.to_rgb(one) for one in "bgrmyckw"}
    # Its own map of colours is known to matplotlib only once it is imported; no figure leaves its map open.
    assert {name for name in theirs[0] if theirs[0][name] != ours[0][name]} == {"image.cmap"}
    assert ours[1] == theirs[1]


def test_a_vector_figure_brings_the_letters_that_it_was_laid_out_in(tmp_path: Path) -> None:
    import base64
    import io
    import re

    from fontTools.ttLib import TTFont

    from workbook.exhibits.pictures import saved

    style.use("zh")
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        figure, axes = plt.subplots()
        axes.set_xlabel("试点企业的融合度 (%) −1")
        saved.save_figure(tmp_path / run, "f", figure)
    picture = (tmp_path / "a" / "f.svg").read_bytes()
    assert picture == (tmp_path / "b" / "f.svg").read_bytes()
    [(family, data)] = re.findall(
        rb"@font-face\{font-family:'([^']+)';src:url\(data:font/woff;base64,([^)]+)\)", picture
    )
    assert family.decode() == style.register()[0]
    held = TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()
    assert {ord(c) for c in "试点企业的融合度(%)−1 02468."} <= set(held)
    assert len(data) < 12_000, "cut to what the figure says"


def test_more_terms_than_colours_are_drawn() -> None:
    """Eleven treatments ended the notebook: the palette has ten colours."""
    import pandas as pd

    from estimators.plots import forest

    rows = [
        {"spec": "a", "term": f"t{k}", "estimate": 0.1, "ci_low": 0.0, "ci_high": 0.2}
        for k in range(len(style.COLOURS) + 1)
    ]
    style.use("en")
    figure = forest.coefficients(pd.DataFrame(rows), {"x": "x"})
    assert len(figure.axes[0].get_legend_handles_labels()[1]) == len(rows)
    plt.close(figure)


def test_a_picture_of_few_colours_stays_what_it_is_and_is_smaller(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    figure, axes = plt.subplots(figsize=(4, 3))
    axes.bar([1, 2, 3], [3, 1, 2], color=style.COLOURS[:3])
    saved.laid_out(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=saved.DPI)
    plt.close(figure)
    before, after = stream.getvalue(), saved.small(stream.getvalue())
    one, other = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int) for png in (before, after))
    assert len(np.unique(one.reshape(-1, 3), axis=0)) <= 256  # else the test says nothing
    assert (one == other).all() and len(after) < 0.6 * len(before)
    assert saved.css_width(after, saved.DPI) == saved.css_width(before, saved.DPI)
    # Of more colours, each stays near what it was.
    ramp = np.linspace(0, 255, 400 * 400 * 3).reshape(400, 400, 3).astype("uint8")
    stream = io.BytesIO()
    Image.fromarray(ramp).save(stream, "png")
    few = np.asarray(Image.open(io.BytesIO(saved.small(stream.getvalue()))).convert("RGB"), int)
    assert np.abs(few - ramp.astype(int)).mean() < 3
