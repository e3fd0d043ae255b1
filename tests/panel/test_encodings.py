"""Texts whose file does not say in which encoding they are, or says another than they have."""

from __future__ import annotations

import struct
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from fusion import archives, encodings, engine
from fusion.classification import files as mappings
from fusion.panel import labelled, readers, text

# Placeholders of the same length in bytes, which the texts replace.
PLACES = {"QQQQQQ": "企业甲", "RRRRRR": "企业乙", "SSSSSSSS": "企业名称", "TTTT": "国有", "UUUU": "民营"}
FRAME = pd.DataFrame(
    {"firm_id": ["a", "b"] * 2, "firm_name": ["QQQQQQ", "RRRRRR"] * 2, "year": [2015, 2015, 2016, 2016]}
)
DECLARED = (65001, 2, 1252, 936)  # code pages that an SPSS file may state, whatever its texts are in


def _chinese(content: bytes) -> bytes:
    for place, word in PLACES.items():
        assert place.encode() in content
        content = content.replace(place.encode(), word.encode("gbk"))
    return content


def _stata(path: Path, version: int) -> None:
    frame = FRAME.assign(control_type=pd.Categorical(["TTTT", "UUUU"] * 2))
    frame.to_stata(path, version=version, write_index=False, variable_labels={"firm_name": "SSSSSSSS"})  # type: ignore[arg-type]
    path.write_bytes(_chinese(path.read_bytes()))


def _spss(path: Path, page: int) -> None:
    frame = FRAME.assign(control_type=[0.0, 1.0] * 2)
    words = {"control_type": {0: "TTTT", 1: "UUUU"}}
    pyreadstat.write_sav(
        frame, str(path), column_labels={"firm_name": "SSSSSSSS"}, variable_value_labels=words
    )
    content = _chinese(path.read_bytes())
    at = content.index(b"UTF-8") - 16  # the record of the encoding becomes one that no reader knows
    content = content[:at] + struct.pack("<ii", 7, 99) + content[at + 8 :]
    at = content.index(struct.pack("<iiii", 7, 3, 4, 8)) + 16 + 28
    path.write_bytes(content[:at] + struct.pack("<i", page) + content[at + 4 :])


@pytest.mark.parametrize(
    "how", [*((".dta", v) for v in (114, 117, 118, 119)), *((".sav", c) for c in DECLARED)], ids=str
)
def test_chinese_of_old_machines_is_read(how: tuple[str, int], tmp_path: Path) -> None:
    path = tmp_path / f"p{how[0]}"
    (_stata if how[0] == ".dta" else _spss)(path, how[1])
    assert labelled.names(path) == {"firm_name": "企业名称"}
    assert labelled.labels(path) == {"control_type": {"0": "国有", "1": "民营"}}
    raw = readers.read(
        engine.opened(tmp_path), path.name, root=tmp_path, contract="minimal", money_unit="万元"
    )
    table = raw.table.order_by("year", "firm_id").to_pandas()
    assert table["firm_name"].tolist() == ["企业甲", "企业乙"] * 2
    assert table["control_type"].tolist() == ["国有", "民营"] * 2
    found = raw.quality[raw.quality["rule"].eq("encoding_found")]["value"].tolist()
    assert found == ([] if how[1] == 936 else ["gb18030"])


def test_a_mapping_in_an_old_stata_file_is_read_alike(tmp_path: Path) -> None:
    _stata(tmp_path / "p.dta", 114)
    con = engine.opened(tmp_path)
    name = mappings._stata(con, tmp_path / "p.dta")
    assert con.table(name).firm_name.execute().tolist() == ["企业甲", "企业乙"] * 2


def test_western_and_plain_texts_of_stata_stay(tmp_path: Path) -> None:
    for name, word in (("a", "Förderung"), ("b", "Foerderung"), ("c", "the firm’s ½ – €")):
        frame = FRAME.assign(firm_name=word.encode("windows-1252").decode("latin-1"))
        frame.to_stata(tmp_path / f"{name}.dta", version=114, write_index=False)
        assert set(labelled.rows(tmp_path / f"{name}.dta")["firm_name"]) == {word}
    FRAME.assign(firm_name="Förderung 企业").to_stata(tmp_path / "d.dta", version=118, write_index=False)
    assert archives.stata_encoding(tmp_path / "d.dta") is None
    assert set(labelled.rows(tmp_path / "d.dta")["firm_name"]) == {"Förderung 企业"}


@pytest.mark.parametrize(
    ("texts", "encoding", "found"),
    [
        (["企业名称", "从业人员平均人数"], "gb18030", "gb18030"),
        (["镕", "朱镕基", "企业"], "gb18030", "gb18030"),
        (["企业", "Größe"], "utf-8", "utf-8"),
        (["Größe der Firma", "Förderung"], "windows-1252", "windows-1252"),
        (["the firm’s sales", "“quoted”"], "windows-1252", "windows-1252"),
        (["sales"], "utf-8", None),
        (["Выручка от продаж", "Численность"], "windows-1251", None),
        (["Πωλήσεις"], "iso-8859-7", None),
    ],
)  # fmt: skip
def test_which_encoding_is_likely(texts: list[str], encoding: str, found: str | None) -> None:
    assert encodings.likely(t.encode(encoding) for t in texts) == found


def test_a_text_that_ends_within_a_character_is_read_up_to_it() -> None:
    cut = "企业名称".encode("gbk")[:-1]
    assert encodings.likely([cut, "国有".encode("gbk")]) == "gb18030"
    assert encodings.again(cut.decode("latin-1"), "gb18030") == "企业名"


def test_an_apostrophe_makes_no_table_chinese(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("firm,note\na,the firm’s own\nb,5 – 6\n".encode("windows-1252"))
    assert text.find_encoding(tmp_path / "a.csv", "auto") == "windows-1252"
