"""What pages of the path say where nothing is clear, few are treated, or an interval is known to be too narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from estimators.effects import honest
from estimators.effects.imputation import bands, inference
from workbook.exhibits import sheets
from workbook.exhibits.words import Filler, Words

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def filled(language: str, **values: Any) -> Filler:
    frame = values.pop("frame", None)
    return Filler(Words(language, pd.DataFrame()), {"level": 0.95, **values}, {"cluster": "firm_id"}, frame)


def bounds(effect: float) -> pd.DataFrame:
    """Two leads near zero, two equal effects, independent errors of .05, the base year −1 between."""
    path = pd.Series([0.01, -0.01, effect, effect], pd.Index([-3, -2, 0, 1], name="event_time"))
    errors = pd.DataFrame(np.eye(4) * 0.05**2, path.index, path.index)
    return honest.listed(
        {
            "relative": honest.relative_magnitudes(path, errors, [0.0, 0.5, 1.0], -1),
            "smooth": honest.smoothness(path, errors, [0.0, 0.01], -1),
        }
    )


@LANGUAGES
@pytest.mark.parametrize(("effect", "told"), [(0.02, False), (1.0, True)])
def test_the_title_of_bounds_says_where_nothing_is_clear_to_begin_with(
    language: str, effect: float, told: bool
) -> None:
    """An effect of .02 with errors of .05 holds zero at M = 0 already: there is nothing to break; one of 1 does not."""
    breaks = bounds(effect).groupby("restriction")["breakdown"].first()
    broken = honest.broken(breaks)
    assert broken["never"] is not told
    filler = filled(language, breaks=breaks, broken=broken, most={"relative": 1.0, "smooth": 0.01})
    title = filler.one(sheets.sheet("06_dynamics").exhibits["honest"].title)
    nothing = {
        "en": "Without any violation (M = 0) the effect is not clear",
        "zh": "没有偏离（M = 0）时效应即不明确",
    }
    assert title.startswith(nothing[language]) is not told and title


@LANGUAGES
@pytest.mark.parametrize(("relative", "says"), [(0.25, "0.25"), (np.nan, "1 (")])
def test_straight_trends_of_their_own_are_a_violation(language: str, relative: float, says: str) -> None:
    """Smoothness lets trends part at M = 0: an effect that is clear with parallel trends is not called unclear for it."""
    breaks = pd.Series({"relative": relative, "smooth": 0.0})
    values = {
        "breaks": breaks.to_dict(),
        "broken": honest.broken(breaks),
        "most": {"relative": 1.0, "smooth": 0.01},
    }
    title = filled(language, **values).one(sheets.sheet("06_dynamics").exhibits["honest"].title)
    assert {"en": "clear", "zh": "明确"}[language] in title and says in title.replace("；", " (")
    assert {"en": "straight trends", "zh": "线性趋势"}[language] in title


@LANGUAGES
@pytest.mark.parametrize(("starters", "says"), [(39, True), (40, False)])
def test_normal_intervals_of_few_treated_are_said_to_be_too_narrow(
    language: str, starters: int, says: bool
) -> None:
    filler = filled(language, few=inference.few(starters), trial={"short": []})
    note = filler.all(sheets.sheet("06_dynamics").exhibits["att"].note)
    words = {
        "en": "Only 39 firms start: normal intervals are too narrow then",
        "zh": "仅 39 家企业开始处理，此时正态区间偏窄",
    }
    assert (words[language] in note) is says


@LANGUAGES
def test_bands_known_to_be_too_narrow_are_named_with_their_share(language: str, tmp_path: Path) -> None:
    """Of 59 panels of 1,500 firms 49 held by stacks, 83.1 %; of 60 of 300 firms 51 by the answer, 85 %."""
    lines = [(1500, "stacked", 59, 49 / 59), (1500, "imputation", 59, 0.95), (300, "headline", 60, 0.85)]
    lines += [(1500, "headline", 60, 0.95)]
    file = tmp_path / "trials.csv"
    rows = [("null", firms, "band", name, 0.95, draws, rate) for firms, name, draws, rate in lines]
    columns = ["mode", "firms", "what", "name", "level", "draws", "rate"]
    pd.DataFrame(rows, columns=columns).to_csv(file, index=False)
    table, trial = bands.tried(pd.DataFrame({"estimator": ["imputation", "stacked"]}), 3000, trials=file)
    note = filled(language, trial=trial, frame=table).all(sheets.sheet("06_dynamics").exhibits["bands"].note)
    name = sheets.shared().vocabularies["cohort_estimator"].words["stacked"]
    assert f"{49 / 59:.1%}" in note and getattr(name, language) in note and "59" in note
    _, own = bands.tried(pd.DataFrame({"estimator": ["headline"]}), 300, trials=file)
    exhibit = sheets.sheet("06_dynamics").exhibits["answer_path"]
    told = filled(language, trial=own, reach={"base": -1}).all(exhibit.note)
    assert "85.0%" in told and "300" in told
    _, enough = bands.tried(pd.DataFrame({"estimator": ["headline"]}), 3000, trials=file)
    assert enough == {"short": []}
    assert "%" not in filled(language, trial=enough, reach={"base": -1}).all(exhibit.note).replace("95%", "")
