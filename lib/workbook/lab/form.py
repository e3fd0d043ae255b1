"""What a form of a study's parameters holds: values, what they may be, what the checks say, a study that is saved."""

from __future__ import annotations

import difflib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from workbook import files, language
from workbook.lab.adopt import AdoptError, named, plain, upon
from workbook.language import told
from workbook.params import Parameters
from workbook.params.base import help_text
from workbook.params.checks.refusals import StudyError
from workbook.params.generate import allowed, flow
from workbook.params.load import Study, parse

COMMAND = "import sys; from workbook.cli import app; sys.argv[0] = 'fusion'; app()"


class Form:
    """Fields for a study's parameters, section by section, and what was changed in them.

    Parameters
    ----------
    study : Study
        The study upon which the new one stands; its language is the form's.

    Attributes
    ----------
    changed : dict
        Parameters that differ from the study's, by name, as plain values.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.language = "zh" if study.flat["language"] == "zh" else "en"
        self.values = {key: plain(value) for key, value in study.parameters.flat().items()}
        self.changed: dict[str, Any] = {}
        models, found = Parameters.model_json_schema()["$defs"], sections().items()
        self.home = {name: section for section, model in found for name in model.model_fields}
        self.schema = {n: s for _, model in found for n, s in models[model.__name__]["properties"].items()}

    def about(self, name: str) -> tuple[str, str]:
        """What a parameter means, and what it may be."""
        model = sections()[self.home[name]]
        text = help_text(name, model.model_fields[name].description or "", self.language)
        return text, allowed(self.schema[name])

    def put(self, name: str, value: Any) -> str:
        """Take a value for a parameter; says what the study's check says against it, nothing if it may be so."""
        self.changed.pop(name, None)
        if plain(value) != self.values[name]:
            self.changed[name] = plain(value)
        return self.check()

    def typed(self, name: str, text: str) -> str:
        """Take what was typed into a parameter's field, which is YAML, or a text as it stands."""
        try:
            return self.put(name, read(text, self.schema[name]))
        except YAMLError as error:
            return told(self.language, "lab.unread", name=name, why=str(error).splitlines()[0])

    def check(self, name: str = "") -> str:
        """What the check of studies says against what was changed; empty if nothing."""
        file = self.study.file.with_name(f"{name or self.name}.yaml")
        try:
            with language.speaking(self.language):
                made = parse(self.text(), file).flat()
        except StudyError as error:
            return str(error)
        lost = [key for key, value in self.changed.items() if _kept(plain(made[key]), value)]
        return told(self.language, "lab.lost", keys=", ".join(lost)) if lost else ""

    @property
    def name(self) -> str:
        """What the new study is called if it is not said."""
        return f"{self.study.name[:50]}_mine"

    def text(self) -> str:
        """The new study's file: its base, and what it says otherwise."""
        return upon(self.study, self.changed, told(self.language, "lab.made_by_form"))

    def save(self, name: str) -> tuple[str, bool]:
        """Write the study beside the one it stands upon, if ``fusion validate`` accepts it.

        Returns
        -------
        str, bool
            What is said of it, and whether it was written.
        """
        if not self.changed:
            return told(self.language, "lab.nothing_changed", study=self.study.name), False
        try:
            with language.speaking(self.language):
                file = self.study.file.with_name(f"{named(name or self.name)}.yaml")
        except AdoptError as error:
            return str(error), False
        if file.exists():
            return told(self.language, "lab.there_form", file=file.name), False
        if fault := self.check(file.stem):
            return fault, False
        files.write_atomic(file, self.text())
        accepted, said = _validated(file, self.language)
        if not accepted:
            file.unlink()
            return said, False
        keys = ", ".join(sorted(self.changed))
        return told(
            self.language, "lab.saved", file=file, count=len(self.changed), keys=keys
        ) + f"\n{said}", True

    def near(self, name: str) -> list[str]:
        """Parameters whose names are like what was typed, the nearest first."""
        parts = [one for one in self.values if name and name in one]
        return list(dict.fromkeys([*parts, *difflib.get_close_matches(name, self.values, 5, 0.5)]))[:5]


def _kept(made: Any, wanted: Any) -> bool:
    """Whether a study takes more from its base than was wanted: it adds to mappings, and nothing cannot be stated there."""
    more = isinstance(made, dict) and isinstance(wanted, dict) and bool(made.keys() - wanted.keys())
    return more or (wanted is None and made is not None)


def read(text: str, schema: dict[str, Any]) -> Any:
    """A field's text as a value: the words themselves where a parameter holds words, else YAML.

    Parameters
    ----------
    text : str
        As it was typed; empty is nothing.
    schema : dict
        The parameter's part of the model's JSON schema.
    """
    kinds = {one.get("type") for one in schema.get("anyOf", [schema])}
    if kinds <= {"string", "null"}:
        return None if not text and "null" in kinds else text
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


def shown(value: Any, schema: dict[str, Any]) -> str:
    """A value as it stands in its field."""
    words = {one.get("type") for one in schema.get("anyOf", [schema])} <= {"string", "null"}
    return (value or "") if words else flow(value)


def sections() -> dict[str, Any]:
    """Models of a study's sections by name."""
    return {name: field.annotation for name, field in Parameters.model_fields.items()}


def _validated(file: Path, spoken: str) -> tuple[bool, str]:
    """What ``fusion validate`` says of a file, and whether it accepts it."""
    env = os.environ | {language.VARIABLE: spoken}
    command = [sys.executable, "-c", COMMAND, "validate", str(file)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).strip()
