"""An analyst's later stories on a bureau's forms, each within its time: card, standard, queue, tables, secrecy, next year.

In Chinese, on made-up forms; times are limits on a busy machine, several times what an idle one takes.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import made_forms
import openpyxl
import pandas as pd
import pytest
import sheets_of_paper as look
from docx import Document

from fusion import adapters, engine
from fusion import classification as gbt
from fusion.adapters.stage import first_sheet
from fusion.classification import own
from fusion.classification.coefficients import EQUAL
from fusion.classification.own import compare
from fusion.editing import corrections, review
from fusion.evaluation import bureau, pilots, plan, profile, scorecard, targets, totals
from fusion.panel import codebook as books
from fusion.papers import brief, card, tables
from workbook.exhibits import sheets
from workbook.publish import secrecy
from workbook.publish.formats import queue

MEASURES = ["operating_revenue", "service_revenue"]
YEAR = made_forms.LAST
CHAINS = ("chain_industry", "chain_value", "chain_innovation")
CHOICES = scorecard.Choices(
    "service_share", CHAINS, ("service_share", "employees_avg"), draws=100, as_of=YEAR
)
LIMIT = 120.0  # seconds


@pytest.fixture(autouse=True)
def _timed(record_property: pytest.RecordProperty) -> Iterator[None]:
    """Each story has its time."""
    began = time.monotonic()
    yield
    own.install({}, Path())
    taken = time.monotonic() - began
    record_property("seconds", round(taken, 2))
    assert taken < LIMIT


def read(files: list[Path]) -> adapters.Source:
    con = engine.opened(*{file.parent for file in files})
    names = [str(file) for file in files]
    return adapters.read(con, names, "bureau", root=files[0].parent, contract="enterprise", extra_columns={})


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> made_forms.Forms:
    return made_forms.write(tmp_path_factory.mktemp("forms"), made_forms.reported(made_forms.truth()))


@pytest.fixture(scope="module")
def source(forms: made_forms.Forms) -> adapters.Source:
    return read(forms.files)


@pytest.fixture(scope="module")
def doubts(source: adapters.Source) -> review.Review:
    return review.review(source.raw, MEASURES, ["district"])


@pytest.fixture(scope="module")
def panel(source: adapters.Source, doubts: review.Review) -> pd.DataFrame:
    """With doubts put right, classes, and scores of three chains."""
    raw = review.resolved(source.raw, doubts, "put_right")[0]
    return _scored(raw.table.drop("source_row").cache())


@pytest.fixture(scope="module")
def named(source: adapters.Source) -> pd.DataFrame:
    """What columns are called: the codebook of the first notebook."""
    return books.codebook(source.raw.table.drop("source_row"), [*source.raw.columns.values()])


def _scored(table: object) -> pd.DataFrame:
    made = table.to_pandas().merge(gbt.classify(table).to_pandas(), on=["firm_id", "year"])  # type: ignore[attr-defined]
    revenue = made["operating_revenue"]
    made["service_share"] = 100 * made["service_revenue"] / revenue
    made["chain_industry"] = made["service_share"].clip(0, 100)
    made["chain_value"] = (100 * (1 - made["operating_cost"] / revenue)).clip(0, 100)
    made["chain_innovation"] = (1000 * made["rd_expense"] / revenue).clip(0, 100)
    return made


def _totals(panel: pd.DataFrame) -> pd.DataFrame:
    return bureau.growth_table(panel, "path", MEASURES, YEAR).reset_index()


def test_5_the_card_of_a_pilot_is_one_page_in_words(
    forms: made_forms.Forms, panel: pd.DataFrame, named: pd.DataFrame, tmp_path: Path
) -> None:
    """An enterprise with a goal, from the list that the bureau gives to the sheet that it prints."""
    unit = forms.truth.set_index(made_forms.KEY).loc[("M0003", YEAR), "credit"]
    file = tmp_path / "pilots.csv"
    head = ",".join(pilots.COLUMNS)
    line = f"上海市两业融合试点,municipal,3,enterprise,{unit},上海M0003制造有限公司,沪发改产〔2019〕12号,2019,{YEAR},,https://example.org,是,"
    file.write_text(f"{head}\n{line}\n", encoding="utf-8")
    matched = pilots.matched(pilots.load(file), panel, YEAR)
    scores = scorecard.scorecard(matched, panel, CHOICES)
    asked = {
        "scheme": "上海市两业融合试点",
        "batch": "3",
        "unit": unit,
        "item": "1",
        "kind": "goal",
        "goal": "25",
        "weight": "100",
    }
    goals = tmp_path / "plan.csv"
    row = asked | {"due": str(YEAR), "name": "服务收入占比（%）", "indicator": "service_share"}
    pd.DataFrame([dict.fromkeys(plan.COLUMNS, "") | row]).to_csv(goals, index=False, encoding="utf-8")
    items = plan.achieved(plan.load(goals, matched), matched, panel, YEAR, plan.Rules(), "operating_revenue")
    scores = plan.conclusions(scores, items, plan.Rules())
    frame = profile.profiles(scorecard.best_documented(scores, 5), panel, items, CHOICES)
    made = card.cards(*look.spoken("cards", frame, "zh", {"count": 1}, named))
    text = look.texts(Document(io.BytesIO(made[".docx"])))
    place = tmp_path / "card.html"
    place.write_bytes(made[".htm"])
    own_row = panel[(panel["firm_id"] == unit) & (panel["year"] == YEAR)].iloc[0]
    for said in (
        "第 3 批",
        "沪发改产〔2019〕12号",
        f"{YEAR} 年达到 25",
        f"{own_row['operating_revenue']:,.0f}",
        "位次",
        "九成情形",
    ):
        assert said in text, said
    assert "未核实" not in text and not set(panel.columns) & set(re.findall(r"[a-z_]{4,}", text))
    pages, free = look.printed_pages(place)
    assert pages == 1 and min(free) >= 0


def test_6_another_standard_moves_totals_through_named_codes(
    panel: pd.DataFrame, source: adapters.Source, tmp_path: Path
) -> None:
    """The bureau's own mapping file: checked, used for a target's population, and its difference by code."""
    for name, codes in (("甲", ("7320", "6513")), ("乙", ("7320", "5990"))):
        lines = [f"{k},{code}类,{code},0" for k, code in enumerate(codes, 1)]
        text = "\n".join(["class_code,class_name,gbt_code,partial", *lines]) + "\n"
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    own.install({"first": {"file": "甲.csv"}, "second": {"file": "乙.csv"}}, tmp_path)
    head = "target,name_en,name_zh,kind,goal,unit,measure,population,base_year,horizon,price,scope,source,place,verified"
    asked = [
        f"{s},{s},{s},growth,10,%,operating_revenue,{s},2017,2021,nominal,all,x,,no"
        for s in ("first", "second")
    ]
    (tmp_path / "targets.csv").write_text("\n".join([head, *asked]) + "\n", encoding="utf-8")
    goals = targets.load(tmp_path / "targets.csv")
    held = targets.marked(panel, goals)
    sums = (
        targets.contributions(held, goals, targets.grids(held, goals, [2017], [2021], 0.5))
        .groupby("target")["rate_now"]
        .sum()
    )
    last = panel[panel["year"] == YEAR].groupby("code_2017")["operating_revenue"].sum()
    assert sums["second"] - sums["first"] == pytest.approx(last["5990"] - last["6513"])
    rows = gbt.classify(source.raw.table)
    moved = compare.codes_moved(rows, [("first", "second")], EQUAL)
    assert set(moved["code"]) == {"6513", "5990"}


def test_7_doubts_go_out_by_district_and_come_back(
    forms: made_forms.Forms,
    source: adapters.Source,
    doubts: review.Review,
    panel: pd.DataFrame,
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    (run / "01_panel").mkdir(parents=True)
    adapters.placed(doubts.queue, source).to_parquet(run / "01_panel" / "queue.parquet")
    panel.to_parquet(run / "01_panel" / "panel.parquet")
    pd.DataFrame(columns=[*review.MENDED, "slip"]).to_parquet(run / "01_panel" / "mendings.parquet")
    asked = queue.lines(run, "zh", most=10, least=0.1)
    planted = forms.truth.set_index(made_forms.KEY).loc[made_forms.TENFOLD, "credit"]
    assert planted in set(asked["unit"])
    made = queue.write(asked, tmp_path, "district", "zh")
    letters = [f for f in made if f.suffix == ".docx"]
    assert letters and "请核实" in look.texts(Document(letters[0])) + "".join(
        look.texts(Document(f)) for f in letters
    )
    books_out, heads = (
        [f for f in made if f.suffix == ".xlsx"],
        {r["head_zh"]: r["column"] for r in queue._table("queue.csv")},
    )
    for file in books_out:
        book = openpyxl.load_workbook(file)
        at = {heads[c.value]: c.column for c in book.active[1]}
        for r in range(2, book.active.max_row + 1):
            if book.active.cell(r, at["unit"]).value == planted:
                given = {
                    "answer": "单位有误",
                    "right": book.active.cell(r, at["suggested"]).value,
                    "who": "李",
                    "decided_at": "2022-03-31",
                }
                for column, value in (given | {"reason": "误作元"}).items():
                    book.active.cell(r, at[column]).value = value
        book.save(file)
    found, refused = queue.answers(books_out, asked, first_sheet)
    assert refused == [] and set(found["unit"]) == {planted}
    found.to_csv(tmp_path / "answers.csv", index=False)
    done = corrections.apply(source.raw, corrections.read(tmp_path / "answers.csv"))
    fixed = (
        done.raw.table.to_pandas()
        .set_index(["firm_id", "year"])
        .loc[(planted, made_forms.TENFOLD[1]), "operating_revenue"]
    )
    true = forms.truth.set_index(made_forms.KEY)
    right = made_forms.truth().set_index(made_forms.KEY).loc[made_forms.TENFOLD, "revenue"] / 10
    assert true.loc[made_forms.TENFOLD, "credit"] == planted and fixed == pytest.approx(right, rel=0.05)


def test_8_tables_and_a_brief_go_out_as_bureaus_print_them(
    panel: pd.DataFrame, named: pd.DataFrame, doubts: review.Review
) -> None:
    frame = _totals(panel)
    words, axes = look.spoken("bureau_tables", frame, "zh", {"year": YEAR}, named)
    book = openpyxl.load_workbook(io.BytesIO(tables.official(words, axes, YEAR)[".xlsx"]))
    sheet = book.worksheets[0]
    line = next(row for row in sheet.iter_rows(min_row=5) if row[0].value == "合计")
    now, then = (panel.loc[panel["year"] == y, "operating_revenue"].sum() / 1e4 for y in (YEAR, YEAR - 1))
    both = set(panel.loc[panel["year"] == YEAR, "firm_id"]) & set(
        panel.loc[panel["year"] == YEAR - 1, "firm_id"]
    )
    same = panel[panel["firm_id"].isin(both)].groupby("year")["operating_revenue"].sum()
    assert [c.value for c in line[1:5]] == pytest.approx(
        [now, then, 100 * (same[YEAR] / same[YEAR - 1] - 1), 100]
    )
    told = bureau.doubted(panel, doubts.queue, MEASURES[0], YEAR) | {
        "judged": 4,
        "met": 1,
        "rows": 500,
        "kept": 490,
    }
    goal = {"name_zh": "年均增长目标", "name_en": "growth"}
    words, axes = look.spoken("brief", frame, "zh", {"year": YEAR, "goal": goal}, named)
    text = look.texts(Document(io.BytesIO(brief.brief(words, axes, YEAR, told, False)[".docx"])))
    assert f"营业收入合计 {now:,.1f} 亿元，上年为 {then:,.1f} 亿元" in text and not look.LATIN.search(text)


def test_9_what_would_give_a_unit_away_is_hidden_with_what_it_could_be_had_from(panel: pd.DataFrame) -> None:
    """A path of one firm: its cells go, and others with them, so that no subtraction gives it back."""
    lone = panel["path"].eq("P3") & panel["firm_id"].ne(panel.loc[panel["path"] == "P3", "firm_id"].iloc[0])
    few = panel[~lone]
    frame = _totals(few)
    assert frame.query("group == 'P3'")["units"].eq(1).all()
    declared = sheets.sheet("09_evaluation").exhibit("bureau")
    roles = {c: declared.columns[c].role for c in frame}
    parts = bureau.contributions(few, "path", MEASURES, YEAR)
    holds = secrecy.SecrecyClass("amounts", "contributions")
    exhibit = secrecy.Exhibit("09.bureau", "table", frame, roles, holds, parts)
    shown = {"measure": "label", "group": "label", "amount": "amount", "units": "units"}
    drawn = secrecy.SecrecyClass("drawn_from", None, "09.bureau")
    paper = secrecy.Exhibit("09.bureau_tables", "file", frame[list(shown)], shown, drawn)
    found = secrecy.verdicts([exhibit, paper], secrecy.Rules.named("bureau"))
    for name in ("09.bureau", "09.bureau_tables"):
        hidden = found[name].hidden["amount"].to_numpy()
        for _, rows in frame.assign(hidden=hidden).groupby("measure"):
            assert rows.loc[rows["group"] == "P3", "hidden"].all() and rows["hidden"].sum() >= 2


def test_10_next_year_says_what_moved_and_why(
    forms: made_forms.Forms, panel: pd.DataFrame, tmp_path: Path
) -> None:
    """A first vintage lacks two late returns and has one value uncorrected: the revision is the sum of its reasons."""
    new = totals.returns(panel, MEASURES)
    late = list(new.loc[new["year"] == YEAR - 1, "firm_id"].iloc[:2])
    old = new[~((new["year"] == YEAR - 1) & new["firm_id"].isin(late)) & new["year"].lt(YEAR)].copy()
    unit = forms.truth.set_index(made_forms.KEY).loc[made_forms.TENFOLD, "credit"]
    at = old["firm_id"].eq(unit) & old["year"].eq(made_forms.TENFOLD[1])
    old.loc[at, "operating_revenue"] *= 10
    log = pd.DataFrame(
        [(unit, made_forms.TENFOLD[1], "operating_revenue")], columns=["unit", "year", "field"]
    )
    found = totals.revised(totals.parts(old, new, log, MEASURES)).set_index(["measure", "group", "year"])
    whole = found.loc[("operating_revenue", "total", YEAR - 1)]
    assert whole["late"] > 0 > whole["corrected"] and whole[["withdrawn", "restated", "codes"]].eq(0).all()
    assert whole["revision"] == pytest.approx(whole[["late", "corrected"]].sum())
    assert found.index.get_level_values("year").max() == YEAR - 1  # the new year is no revision
    again = totals.revised(totals.parts(new, new, log, MEASURES))
    assert again.empty


def test_entries_exits_and_falls_are_three_things_and_rows_add_up(
    forms: made_forms.Forms, source: adapters.Source
) -> None:
    from fusion.panel import lines

    moves = lines.moves(source.raw.table)
    assert {"enters", "leaves", "falls", "rises"} <= set(moves)
    for file in source.files:
        assert file.read == file.kept + sum(file.aside.values()), file
    assert sum(file.kept for file in source.files if file.label in forms.rows) == sum(forms.rows.values())
