"""Names that no file can have are names of files that are not there, wherever a study or a command names one."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from fusion.adapters import AdapterError
from fusion.adapters.model import load as load_adapter
from fusion.panel import PanelError, files
from workbook import files as workbook_files
from workbook import paths
from workbook.params import Parameters
from workbook.params.checks.places import FILE_LISTS, FILES, FOLDERS
from workbook.params.checks.refusals import StudyError
from workbook.params.load import load

# Too long for any file system, with a sign that no name holds, of a person whom nobody knows.
NAMES = ["é" * 300, "x" * 5_000, "~nobodyknows/x.csv", "a/" * 2_500 + "b.csv"]
SECTION = {
    name: section for section, one in Parameters.model_fields.items() for name in one.annotation.model_fields
}  # type: ignore[union-attr]


def _studies(name: str) -> dict[str, dict[str, Any]]:
    """A study for each parameter that names a file, which names this one."""
    named = {one: {SECTION[one]: {one: name}} for one in sorted(FILES | FOLDERS)}
    named |= {one: {SECTION[one]: {one: [name]}} for one in sorted(FILE_LISTS)}
    named |= {
        "source": {"panel": {"source": name}},
        "adapter": {"panel": {"source": "synthetic", "adapter": name}},
    }
    named["standards"] = {"classification": {"standards": {"own": {"file": name}}}}
    return named | {"base": {"base": name}}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:5])
def test_a_study_that_names_such_a_file_is_told_of_it(name: str, tmp_path: Path) -> None:
    studies = _studies(name)
    assert len(studies) > 10
    for key, study in studies.items():
        with (tmp_path / "mine.yaml").open("w", encoding="utf-8") as stream:
            YAML().dump(study, stream)
        with pytest.raises(StudyError) as told:
            load(str(tmp_path / "mine.yaml"))
        assert len(str(told.value)) < 20_000, key


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:5])
def test_readers_and_adapters_say_it_too(name: str, tmp_path: Path) -> None:
    with pytest.raises(PanelError):
        files.present(tmp_path / name, "")
    with pytest.raises(AdapterError):
        load_adapter(name, paths.ROOT)
    (tmp_path / "a.yaml").write_text(f"based_on: '{name}'\n", "utf-8")
    with pytest.raises(AdapterError):
        load_adapter(str(tmp_path / "a.yaml"), paths.ROOT)


def test_a_name_that_is_too_long_is_no_disk_that_cannot_be_written(tmp_path: Path) -> None:
    problem = OSError(errno.ENAMETOOLONG, "File name too long", str(tmp_path / ("é" * 300)))
    told = workbook_files.explain(problem, tmp_path)
    assert "255" in told and "write" not in told and len(told) < 200


def test_a_parameter_that_names_a_file_has_the_type_that_says_so() -> None:
    """By its description: what is told as a table or a folder is looked up, refused and packed as one."""
    others = {"source", "adapter", "names", "encoding", "sheet"}  # read in ways of their own, or no file
    told = {
        name
        for section in Parameters.model_fields.values()
        for name, field in section.annotation.model_fields.items()  # type: ignore[union-attr]
        if re.search(r"\b(CSV|Excel|Parquet|xlsx|folder|base\.json)\b", field.description or "")
        and field.annotation in (str, str | None, list[str], list[str] | None)
    }
    texts = "a text alone: its type does not say that it names a file (params/base.py)"
    assert told - others - FILES - FILE_LISTS - FOLDERS == set(), texts
    assert {"deflators", "io_table", "targets"} <= FILES and {"lists"} == FILE_LISTS
