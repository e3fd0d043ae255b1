"""Bad and doubtful codes of industry: a file in the terminal, ``fusion check`` and a panel give one answer, by year alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion.adapters import panel as adapters
from fusion.adapters import report
from fusion.classification import ClassificationError, classify, command, files, one_code, own
from fusion.panel import checks

# year, cell: edition that the year reports in, class or coarser code that is read (or why none), class of 2017.
CELLS: dict[tuple[int, str], tuple[str, str, str]] = {
    (2008, "3911"): ("2002", "3911", "3811"),  # generators
    (2015, "3911"): ("2011", "3911", "3911"),  # computers: the same number after the change in mid-file
    (2015, "4041"): ("2011", "4041", "4040"),
    (2008, "3663"): ("2002", "3663", "3399"),
    (2015, "3663"): ("2011", "not_in_edition", ""),  # a code of 2002 in 2015
    (2018, "S90"): ("2017", "letter_contradicts", ""),  # the regulator's; in GB/T 4754 division 90 is of R
    (2012, "R87"): ("2011", "87", ""),
    (2018, "R87"): ("2017", "87", ""),
    (2018, "I3911"): ("2017", "letter_contradicts", ""),
    (2018, "C3911"): ("2017", "3911", "3911"),
    (2018, "3911.0"): ("2017", "3911", "3911"),
    (2018, "３９１１"): ("2017", "3911", "3911"),
    (2018, "39"): ("2017", "39", ""),
    (2015, "391"): ("2011", "391", ""),
    (2018, "391"): ("2017", "zero_or_group", ""),  # 0391 is new in 2017
    (2018, "131"): ("2017", "zero_or_group", ""),
    (2018, "0131"): ("2017", "0131", "0131"),
    (2018, "9999"): ("2017", "not_in_edition", ""),  # of no edition
    (2001, "3911"): ("", "edition_unknown", ""),
}
REASONS = ("not_in_edition", "letter_contradicts", "zero_or_group", "edition_unknown")


@pytest.fixture
def table() -> pd.DataFrame:
    heads = ["年份", "行业小类代码"]
    frame = pd.DataFrame(list(CELLS), columns=heads)
    firm = [f"F{n:03d}" for n in range(len(frame))]
    return frame.assign(**{"统一社会信用代码": firm, "营业收入（万元）": 1.0})


def expected(key: str) -> dict[str, str]:
    place = ("edition", "code_own", "code_2017").index(key)
    wanted = {f"F{n:03d}": told[place] for n, told in enumerate(CELLS.values())}
    return {firm: "" if text in REASONS else text for firm, text in wanted.items()}


def test_a_file_in_the_terminal(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "t.csv", index=False)
    files.classify_file(tmp_path / "t.csv")
    made = pd.read_csv(tmp_path / "t.classified.csv", dtype=str, keep_default_na=False)
    made = made.set_index("统一社会信用代码")
    for key in ("edition", "code_own", "code_2017"):
        assert made[key].to_dict() == expected(key), key
    why = dict(zip(made.index, made["mapping_how"], strict=True))
    for n, (_, code, _) in enumerate(CELLS.values()):
        assert code not in REASONS or why[f"F{n:03d}"] == code


def test_a_panel_and_the_check_of_its_export(con: Any, table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "e.csv", index=False)
    raw = adapters.read(con, "e.csv", "bureau", tmp_path, contract="minimal").raw
    known = classify(raw.table).to_pandas().set_index("firm_id")
    for key in ("edition", "code_own", "code_2017"):
        assert known[key].to_dict() == expected(key), key
    quality = checks.check(raw, "set_aside")
    refused = set(
        quality.loc[quality["rule"].isin(["code_format", "code_unknown", "edition_unknown"]), "unit"]
    )
    assert refused == {f"F{n:03d}" for n, (_, code, _) in enumerate(CELLS.values()) if code in REASONS}
    told = "\n".join(report.lines(report.check([tmp_path / "e.csv"], "bureau")))
    for edition, first, last, count in (
        ("2002", 2008, 2008, 2),
        ("2011", 2012, 2015, 5),
        ("2017", 2018, 2018, 11),
    ):
        assert f"industry codes read as edition {edition}: {first} to {last}, {count} rows" in told
    assert "industry codes of no edition: 2001 to 2001, 1 rows" in told


@pytest.mark.parametrize(("year", "cell"), [key for key in CELLS if key[0] > 2001])
def test_a_code_in_the_terminal(year: int, cell: str) -> None:
    edition, code, new = CELLS[year, cell]
    if code in REASONS:
        with pytest.raises(ClassificationError, match=r"'.*'"):
            one_code.answer(cell, edition)
        return
    found = one_code.answer(cell, edition)
    assert found["code"] == code
    if new and edition != "2017":
        assert [entry["code"] for entry in found["editions"]["2017"]] == [new]


@pytest.mark.parametrize("kind", ["int64", "float64"])
def test_numbers_are_read_as_their_texts(con: Any, tmp_path: Path, kind: str) -> None:
    """0131 as a number is 131, which may be the group: refused in every reader; 113 can only be 0113."""
    frame = pd.DataFrame({"firm_id": list("ABC"), "year": 2018, "ind4": [131, 3911, 113]}).astype(
        {"ind4": kind}
    )
    frame.rename(columns={"ind4": "code"}).to_parquet(tmp_path / "n.parquet")
    frame.rename(columns={"ind4": "code"}).to_stata(tmp_path / "s.dta", write_index=False)
    for file in ("n.parquet", "s.dta"):
        report_ = files.classify_file(tmp_path / file, tmp_path / f"{file}.csv")
        made = pd.read_csv(report_["out"], dtype=str, keep_default_na=False)
        assert made["code_own"].tolist() == ["", "3911", "0113"], file
        assert made["mapping_how"].tolist()[0] == "zero_or_group"
    export = frame.rename(columns={"firm_id": "统一社会信用代码", "year": "年份", "ind4": "行业小类代码"})
    export.assign(**{"营业收入（万元）": 1.0}).to_parquet(tmp_path / "p.parquet")
    raw = adapters.read(con, "p.parquet", "bureau", tmp_path, contract="minimal").raw
    known = classify(raw.table).order_by("firm_id").to_pandas()
    assert known["code_own"].tolist() == ["", "3911", "0113"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "class_code,class_name,gbt_code,partial\n1,甲,4041,0\n1,甲,3911,0\n",
            "4041",
        ),  # of 2011, not of 2017
        ("class_code,class_name,gbt_code,partial\n1,甲,3911,0\n1,甲,3911,0\n", "3911"),
        ("class_code,class_name,gbt_code\n1,甲,3911\n", "partial"),
    ],
    ids=["unknown code", "a code twice in one class", "no partial column"],
)
def test_a_standard_s_file_is_refused_alike_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(text, encoding="utf-8")
    wrong = own.check(file, edition="2017").wrong
    assert len(wrong) == 1 and told in wrong[0]
    with pytest.raises(ClassificationError) as study:
        own.install({"mine": {"file": "mine.csv", "edition": "2017"}}, tmp_path)
    assert str(study.value) == wrong[0]
    assert command.main(["3911", "--standard", str(file), "--language", "en"]) == 2
    assert wrong[0] in capsys.readouterr().err
