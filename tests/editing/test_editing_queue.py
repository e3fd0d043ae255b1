"""Doubts go out as workbooks and letters, and come back as corrections."""

from __future__ import annotations

from pathlib import Path

import ibis
import openpyxl
import pytest
from docx import Document
from typer.testing import CliRunner

from fusion import adapters
from fusion.adapters.stage import first_sheet
from fusion.editing import corrections, review
from fusion.panel import checks, readers
from fusion.panel.synthetic import Settings, generate
from workbook import cli
from workbook.language import speaking
from workbook.publish.formats import queue

SCRIPT = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, readers.Raw, str]:
    """The outputs of the first notebook of a panel in which the largest firm of 2018 reports ten times its money."""
    frame = generate(Settings(firms=120, missingness=0.0), seed=8)[0].sort_values(
        ["firm_id", "year"], ignore_index=True
    )
    money = [c for c in corrections.items() if c in frame]
    frame[money] = frame[money].astype(float)
    long = frame.groupby("firm_id")["year"].transform("size") >= 6
    row = frame.loc[long & frame["year"].eq(2018), "operating_revenue"].idxmax()
    frame.loc[row, money] *= 10
    frame.loc[frame["firm_id"] == frame.loc[row, "firm_id"], "firm_name"] = SCRIPT
    raw = readers.take(ibis.duckdb.connect(), frame, contract="enterprise", extra_columns={})
    made = review.review(raw, ["operating_revenue", "total_assets"], ["district"])
    folder = tmp_path_factory.mktemp("run")
    (folder / "01_panel").mkdir()
    # As if the forms had been filled in thousands of yuan, on a second sheet.
    lying = {"file": "a.xlsx", "sheet": "2018", "line": 7.0, "filled_in": "千元", "filled_times": 10.0}
    adapters.placed(made.queue, None).assign(**lying).to_parquet(folder / "01_panel" / "queue.parquet")
    mended = adapters.placed(review.mendings(raw, checks.check(raw, "set_aside")), None)
    mended.to_parquet(folder / "01_panel" / "mendings.parquet")
    frame.to_parquet(folder / "01_panel" / "panel.parquet")
    return folder, raw, str(frame.loc[row, "firm_id"])


def _fill(path: Path, unit: str, **given: object) -> int:
    """Answer the cells of a unit; how many there were."""
    book = openpyxl.load_workbook(path)
    sheet = book.active
    heads = {row["head_zh"]: row["column"] for row in queue._table("queue.csv")}
    at = {heads[c.value]: c.column for c in sheet[1]}
    done = 0
    for r in range(2, sheet.max_row + 1):
        if sheet.cell(r, at["unit"]).value == unit:
            for column, value in given.items():
                shown = sheet.cell(r, at["suggested"]).value if value == "suggested" else value
                sheet.cell(r, at[column]).value = shown
            done += 1
    book.save(path)
    return done


def test_the_queue_goes_out_comes_back_and_mends(run: tuple[Path, readers.Raw, str], tmp_path: Path) -> None:
    folder, raw, unit = run
    asked = queue.lines(folder, "zh", most=50, least=0.1)
    first = asked.iloc[0]
    assert (first["unit"], first["year"], first["rank"]) == (unit, 2018, 1)
    made = queue.write(asked, tmp_path, "district", "zh")
    books = [f for f in made if f.suffix == ".xlsx"]
    assert len(books) == asked["district"].nunique()
    mine = next(b for b in books if b.stem.startswith(first["district"]))
    assert first["district_name"] in mine.stem and not first["district_name"].isdigit()
    sheet = openpyxl.load_workbook(mine).active
    assert sheet["B2"].value == SCRIPT and sheet["B2"].data_type == "s"  # text, no formula
    assert sheet.protection.sheet
    assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == ("9", "landscape") or int(
        sheet.page_setup.paperSize
    ) == 9
    width = sum(d.width for d in sheet.column_dimensions.values())
    assert sheet.row_dimensions[1].height >= 34, "heads of two lines are not cut"
    assert width < 2 * 190, "two sheets of A4 hold so many letters of eight points"
    heads = {row["head_zh"]: row["column"] for row in queue._table("queue.csv")}
    told = {heads[head.value]: cell.value for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (told["file"], told["sheet"], told["line"], told["measure"]) == ("a.xlsx", "2018", 7, "千元")
    reported = raw.table.filter((raw.table.firm_id == unit) & (raw.table.year == 2018)).to_pandas().iloc[0]
    assert told["value"] == pytest.approx(10 * reported[first["item"]], rel=1e-9)  # 千元, as it was filled in
    count = _fill(
        mine, unit, answer="单位有误", right="suggested", who="李", decided_at="2026-03-31", reason="千元"
    )
    found, refused = queue.answers(books, asked, first_sheet)
    assert refused == []
    assert count == 2
    assert found[["field", "factor"]].to_numpy().tolist() == [
        ["*", 1]
    ]  # one line: the whole form is in a wrong unit
    file = tmp_path / "corrections.csv"
    found.to_csv(file, index=False)
    done = corrections.apply(raw, corrections.read(file))
    assert {"operating_revenue", "total_assets", "payroll"} <= set(done.log["field"])
    assert done.log["new"].to_numpy() == pytest.approx(done.log["old"].to_numpy() / 10)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"answer": "无误", "right": 5, "who": "a", "decided_at": "2026-01-01"}, "row 2: 'right as it is'"),
        ({"answer": "单位有误", "who": "a", "decided_at": "2026-01-01"}, "without the right value"),
        (
            {"answer": "也许", "right": 5},
            "no answer of the list: right as it is, wrong unit, another mistake, not",
        ),
        ({"answer": "其他错误", "right": "five", "who": "a", "decided_at": "2026-01-01"}, "no number"),
        ({"answer": "其他错误", "right": 5}, "not filled in"),
        ({"answer": "无误", "check": "0", "who": "a", "decided_at": "2026-01-01"}, "unknown or stale"),
    ],
)
def test_answers_that_cannot_be_taken_are_listed(
    run: tuple[Path, readers.Raw, str], tmp_path: Path, given: dict[str, object], words: str
) -> None:
    folder, _, unit = run
    asked = queue.lines(folder, "zh", most=1, least=0.1)
    book = next(f for f in queue.write(asked, tmp_path, "unit", "zh") if f.suffix == ".xlsx")
    _fill(book, unit, **given)
    found, refused = queue.answers([book], asked, first_sheet)
    assert found.empty
    assert words in refused[0]


def test_a_form_that_is_right_as_it_is_is_confirmed_whole(
    run: tuple[Path, readers.Raw, str], tmp_path: Path
) -> None:
    folder, raw, unit = run
    asked = queue.lines(folder, "zh", most=1, least=0.1)
    book = next(f for f in queue.write(asked, tmp_path, "unit", "zh") if f.suffix == ".xlsx")
    _fill(book, unit, answer="无误", who="李", decided_at="2026-03-31", reason="合并")
    found, refused = queue.answers([book], asked, first_sheet)
    assert (refused, found[["field", "kind"]].to_numpy().tolist()) == ([], [["*", "confirmed"]])
    found.to_csv(tmp_path / "c.csv", index=False)
    done = corrections.apply(raw, corrections.read(tmp_path / "c.csv"))
    again = review.review(done.raw, ["operating_revenue", "total_assets"], [], confirmed=done.confirmed)
    assert unit not in set(again.calls()["unit"])


def test_not_reached_is_no_correction(run: tuple[Path, readers.Raw, str], tmp_path: Path) -> None:
    folder, _, unit = run
    asked = queue.lines(folder, "zh", most=1, least=0.1)
    book = next(f for f in queue.write(asked, tmp_path, "unit", "zh") if f.suffix == ".xlsx")
    _fill(book, unit, answer="未联系上")
    found, refused = queue.answers([book], asked, first_sheet)
    assert (len(found), refused) == (0, [])


def test_a_letter_names_one_unit_its_value_and_the_year_before(
    run: tuple[Path, readers.Raw, str], tmp_path: Path
) -> None:
    folder, _, unit = run
    asked = queue.lines(folder, "zh", most=3, least=0.05)
    made = queue.write(asked, tmp_path, "unit", "zh")
    letter = Document(str(next(f for f in made if f.suffix == ".docx" and unit in f.name)))
    text = "\n".join(p.text for p in letter.paragraphs)
    assert "关于核实年报数据的函" in text and unit in text and "倍" in text
    assert not any(other in text for other in set(asked["unit"]) - {unit})
    first = asked.loc[asked["unit"] == unit].iloc[0]
    assert (
        f"{queue._number(first['value'])} 千元" in text and f"{queue._number(first['before'])} 千元" in text
    )
    assert "万元" not in text.replace("元、千元、万元混淆", "")


def test_an_answer_in_the_unit_of_the_form_is_the_right_value(
    run: tuple[Path, readers.Raw, str], tmp_path: Path
) -> None:
    """One cell of 千元 is put right: the panel, in 万元, has a tenth of what was written."""
    folder, raw, unit = run
    asked = queue.lines(folder, "zh", most=1, least=0.1).assign(whole=False).head(1)
    book = next(f for f in queue.write(asked, tmp_path, "unit", "zh") if f.suffix == ".xlsx")
    _fill(book, unit, answer="其他错误", right="123,450", who="李", decided_at="2026-03-31", reason="抄错")
    found, refused = queue.answers([book], asked, first_sheet)
    assert refused == [] and found[["measure", "new"]].to_numpy().tolist() == [["千元", 123450]]
    found.to_csv(tmp_path / "c.csv", index=False)
    done = corrections.apply(raw, corrections.read(tmp_path / "c.csv"))
    assert done.log["new"].tolist() == [pytest.approx(12345)] and done.log["field"].tolist() == [
        asked["item"][0]
    ]


def test_each_value_names_its_form_in_the_readers_language(run: tuple[Path, readers.Raw, str]) -> None:
    found = {one: queue.lines(run[0], one, 50).drop_duplicates("item") for one in ("zh", "en")}
    forms = {one: lines.set_index("item")["form"] for one, lines in found.items()}
    assert forms["zh"]["operating_revenue"].startswith("财务状况")
    assert forms["en"]["operating_revenue"].startswith("Financial position")
    assert queue._forms("zh")["service_revenue"] == "产业活动单位（611）"
    assert queue._forms("en")["service_revenue"] == "Establishments (611)"


def test_nothing_is_written_where_no_answer_can_be_taken(
    run: tuple[Path, readers.Raw, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without a line would stand in the way of the next try."""
    folder, _, unit = run
    asked = queue.lines(folder, "zh", most=1, least=0.1)
    monkeypatch.setattr(cli, "_asked", lambda study, most: asked)
    book = next(f for f in queue.write(asked, tmp_path, "unit", "zh") if f.suffix == ".xlsx")
    into = tmp_path / "corrections.csv"
    line = ["--language", "zh", "answers", "bureau", str(book), "--into", str(into)]
    signed = {"who": "李", "decided_at": "2026-03-31"}
    with speaking("zh"):  # the command sets it for all that follows
        _fill(book, unit, answer="属实", **signed)
        refused = CliRunner().invoke(cli.app, line)
        assert refused.exit_code == 1 and not into.exists()
        assert "可选：无误、单位有误、其他错误、未联系上" in refused.output
        _fill(book, unit, answer="无误", **signed)
        assert CliRunner().invoke(cli.app, line).exit_code == 0 and into.exists()
        assert CliRunner().invoke(cli.app, line).exit_code == 2  # and is not written over
