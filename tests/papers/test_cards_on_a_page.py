"""Cards of pilot units: a sheet of A4 each whatever they hold, in both languages, in words alone."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sheets_of_paper as look
from docx import Document

from fusion.evaluation import pilots, plan, profile, scorecard
from fusion.papers import card, paper

CHAINS = tuple(f"chain_{name}" for name in ("industry", "value", "innovation", "service", "supply"))
CHOICES = scorecard.Choices("integration", CHAINS, ("integration", "employees_avg"), draws=100, as_of=2023)
CODEBOOK = pd.DataFrame(
    [
        ("employees_avg", "平均用工人数", "Employees", "人"),
        ("operating_revenue", "营业收入", "Operating revenue", "万元"),
        ("service_revenue", "服务收入", "Service revenue", "万元"),
        ("integration", "融合度", "Integration", "%"),
    ],
    columns=["column", "label_zh", "label_en", "unit"],
)
LONG = {
    "zh": "上海某某智能装备与工业互联网融合创新发展股份有限公司第一分公司" * 2,
    "en": "Shanghai Fusion Equipment Company " * 4,
}


def panel() -> pd.DataFrame:
    """60 firms of two paths in three districts, 2014–2023; F0 gains ten points from 2019 on, F1 nothing."""
    draw, rows = np.random.default_rng(11), []
    for i in range(60):
        level, size = draw.uniform(20, 60), float(np.exp(draw.normal(5, 1)))
        for year in range(2014, 2024):
            score = level + draw.normal(0, 1) + (10 if i == 0 and year >= 2019 else 0)
            money = size * 80 * 1.05 ** (year - 2014)
            chains = [min(99.0, score + 3 * k) for k in range(5)]
            place = (f"F{i}", year, f"31011{2 + i % 3}", "P1" if i % 2 == 0 else "P2")
            rows.append((*place, score, *chains, round(size), money, 0.2 * money))
    names = ["firm_id", "year", "district", "path", "integration", *CHAINS]
    return pd.DataFrame(rows, columns=[*names, "employees_avg", "operating_revenue", "service_revenue"])


def profiled(
    name: str, goals: int, units: tuple[str, ...] = ("F0", "F1"), kind: str = "enterprise"
) -> pd.DataFrame:
    """Units from 2019 on, each with so many goals."""
    blank, data = dict.fromkeys(pilots.COLUMNS, ""), panel()
    about = {
        "scheme": name or "s",
        "level": "municipal",
        "batch": "3",
        "kind": kind,
        "start": "2019",
        "end": "2022",
    }
    about |= {"verified": "no", "notice": name, "source": f"https://example.org/{'x' * len(name)}"}
    table = pilots.typed(pd.DataFrame([blank | about | {"unit": unit, "name": name} for unit in units]))
    matched = pilots.matched(table, data, 2023)
    scores = scorecard.scorecard(matched, data, CHOICES)
    lines = [
        {
            "scheme": about["scheme"],
            "batch": "3",
            "unit": unit,
            "item": f"g{k}",
            "kind": "goal",
            "name": name or f"g{k}",
        }
        | {
            "indicator": "integration" if k == 0 else "",
            "base": "",
            "goal": "60",
            "due": "2022",
            "direction": "up",
        }
        | {"weight": str(100 / goals), "reported": "50" if k == 1 else "", "reported_year": "", "source": ""}
        for unit in units
        for k in range(goals)
    ]
    asked = plan._typed(pd.DataFrame(lines, columns=list(plan.COLUMNS)))
    items = plan.achieved(asked, matched, data, 2023, plan.Rules(), "operating_revenue")
    scores = plan.conclusions(scores, items, plan.Rules())
    return profile.profiles(scorecard.best_documented(scores, 9), data, items, CHOICES)


def made(frame: pd.DataFrame, language: str) -> dict[str, bytes]:
    return card.cards(*look.spoken("cards", frame, language, {"count": 2}, CODEBOOK))


@pytest.mark.parametrize("language", look.LANGUAGES)
@pytest.mark.parametrize("goals", [0, 9])
def test_each_card_is_one_sheet(language: str, goals: int, tmp_path: Path) -> None:
    """As long as its texts may be, and as short."""
    found = made(profiled(LONG[language] if goals else "", goals), language)
    file = tmp_path / "cards.html"
    file.write_bytes(found[".htm"])
    pages, free = look.printed_pages(file)
    assert pages == len(free) == 2 and min(free) >= 0, free
    word = Document(io.BytesIO(found[".docx"]))
    taken = look.heights(word)
    assert len(taken) == 2 and max(taken) <= 297 - sum(card.MARGINS[side] for side in ("top", "bottom")), (
        taken
    )


def test_a_card_says_what_was_put_in() -> None:
    frame = profiled("", 1)
    facts = frame[frame["part"] == profile.CARD].set_index("unit")
    sizes = frame[frame["part"] == profile.SIZE].set_index(["unit", "item"])
    data = panel().set_index(["firm_id", "year"])
    assert sizes.loc[("F0", "operating_revenue"), "before"] == data.loc[("F0", 2018), "operating_revenue"]
    assert sizes.loc[("F0", "service_share"), "latest"] == pytest.approx(20)
    scores = frame[(frame["part"] == profile.SCORE) & frame["item"].eq("integration")].set_index("unit")
    wide = panel().pivot(index="firm_id", columns="year", values="integration").loc[:, 2021:]
    ranks = wide.rank(ascending=False).loc["F0"]
    told = scores.loc["F0", ["rank", "rank_low", "rank_high", "ranked"]].tolist()
    assert told == [ranks[2023], ranks.min(), ranks.max(), 60]
    text = look.texts(Document(io.BytesIO(made(frame, "zh")[".docx"])))
    assert f"变化相差 {facts.loc['F0', 'gap']:+.1f} 分" in text and "该差距超出此范围" in text
    assert "该差距未超出此范围" in text and "徐汇" not in text and "闵行区" in text and "电子信息" in text
    assert re.search(r"g0：2022 年达到 60。2023 年数据为 [\d.]+，完成 \d+%", text) and "建议" in text


def test_a_card_says_how_much_did_not_tell() -> None:
    frame = profiled("", 1)
    frame.loc[frame["part"] == profile.CARD, "silent"] = [37.4, 0.0]
    text = look.texts(Document(io.BytesIO(made(frame, "zh")[".docx"])))
    assert "37% 的企业—年度观测" in text and text.count("各年均填报了") == 1


def test_a_district_is_a_unit_with_its_largest_firm() -> None:
    text = look.texts(Document(io.BytesIO(made(profiled("", 0, ("310112",), "region"), "zh")[".docx"])))
    assert "未给出该单位的目标" in text and "营业收入（万元）" in text and "闵行区" in text


@pytest.mark.parametrize("language", look.LANGUAGES)
def test_no_column_and_no_other_language_on_a_card(language: str) -> None:
    frame = profiled({"zh": "某公司", "en": "Some firm"}[language], 1)
    found = made(frame, language)
    page = re.sub(r"<style>.*?</style>|<[^>]*>", " ", found[".htm"].decode("utf-8"), flags=re.S)
    for text in (page, look.texts(Document(io.BytesIO(found[".docx"])))):
        assert "nan" not in text.lower().split()
        words = set(look.LATIN.findall(re.sub(r"https?://\S+", "", text))) - {"F0", "F1"}
        assert words == set() if language == "zh" else not re.search(r"[\u3400-\u9fff]", text), words
        assert not {c for c in panel() if "_" in c} & set(re.findall(r"\w+", text))


def test_markup_in_a_name_is_text() -> None:
    page = made(profiled("<script>alert(1)</script>&\"'", 1), "zh")[".htm"].decode("utf-8")
    assert "<script" not in page and "&lt;script" in page


def test_no_sign_on_nothing() -> None:
    told = [paper.number(value, "+.1f") for value in (0.0, -0.04, 0.04, -0.06, 12.0, None)]
    assert told == ["0.0", "0.0", "0.0", "−0.1", "+12.0", paper.MISSING]


def test_nothing_grows_from_nothing() -> None:
    row = {"item": "Service revenue", "is_share": False, "before": 0.0, "prior": 0.0, "latest": 0.0}
    assert card._size(row)[-1] == card._size(row | {"prior": np.nan})[-1]
    assert card._size(row | {"prior": 50.0, "latest": 60.0})[-1] == "+20.0"
    assert card._size(row | {"is_share": True, "latest": 2.5})[-1] == "+2.5"
