"""The form of a study's parameters in a notebook, for those who do not write YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w
from IPython.display import display

from workbook.inert import html
from workbook.lab.form import Form, sections, shown
from workbook.language import told
from workbook.params.generate import flow
from workbook.params.load import load

WIDE, LONG = "46em", 60  # of fields; letters from which on a value has several lines
LABEL = {"description_width": "8em"}


def show(study: str) -> None:
    """Show the form of a study in a notebook.

    Parameters
    ----------
    study : str
        Its name in ``params/``, or the path of its file.
    """
    display(Fields(Form(load(study))).whole)


class Fields:
    """A form's widgets; a section's are made when it is opened.

    Parameters
    ----------
    form : Form
        What they show and change.
    """

    def __init__(self, form: Form) -> None:
        self.form, self.inside = form, w.VBox()
        self.found, self.saved = w.HTML(), w.HTML()
        self.made: dict[str, list[Any]] = {}
        titles = [(told(form.language, f"lab.sections.{name}"), name) for name in sections()]
        self.pick = w.Dropdown(options=titles, description=told(form.language, "lab.section"), **_wide())
        self.seek = w.Combobox(
            options=sorted(form.home),
            description=told(form.language, "lab.find"),
            continuous_update=False,
            **_wide(),
        )
        self.name = w.Text(value=form.name, description=told(form.language, "lab.name_of"), **_wide())
        self.save = w.Button(description=told(form.language, "lab.save"), button_style="primary")
        self.pick.observe(lambda change: self._open(change["new"]), "value")
        self.seek.observe(lambda change: self._find(change["new"].strip()), "value")
        self.save.on_click(lambda _: self._save())
        self._open(self.pick.value)
        about = w.HTML(f"<p>{html(told(form.language, 'lab.about_form', study=form.study.name))}</p>")
        parts = [about, self.seek, self.pick, self.found, self.inside, self.name, self.save, self.saved]
        self.whole = w.VBox(parts)

    def _open(self, section: str) -> None:
        if section not in self.made:
            self.made[section] = [self._field(name) for name in sections()[section].model_fields]
        self.inside.children = self.made[section]

    def _find(self, name: str) -> None:
        """Open the section of a parameter, or say which are called alike."""
        form = self.form
        if name in form.home:
            self.pick.value = form.home[name]
            _tell(self.found, f"{name}: {form.about(name)[0]}", True)
        elif name:
            _tell(
                self.found,
                told(form.language, "lab.no_such", name=name, near=", ".join(form.near(name)) or "–"),
                False,
            )

    def _save(self) -> None:
        _tell(self.saved, *self.form.save(self.name.value.strip()))

    def _field(self, name: str) -> Any:
        """One parameter: its name, meaning, what it is and may be, and a field by its kind."""
        text, may = self.form.about(name)
        now = told(self.form.language, "lab.is_now", value=flow(self.form.values[name]))
        if may not in ("", "null"):
            now += told(self.form.language, "lab.may_be", allowed=may)
        head = w.HTML(
            f"<b><code>{html(name)}</code></b> {html(text)}<br><small>{html(now)}</small>",
            layout={"max_width": WIDE},
        )
        below = w.HTML()
        return w.VBox([head, self._input(name, below), below], layout={"margin": "0 0 0.8em"})

    def _input(self, name: str, below: Any) -> Any:
        """A field whose changes are taken and judged beside it."""
        value, schema = self.form.values[name], self.form.schema[name]
        chosen = options(schema)
        take: Callable[[Any], str] = lambda new: self.form.put(name, new)  # noqa: E731
        if isinstance(value, bool):
            field: Any = w.Checkbox(value=value, description=name, indent=False)
        elif value in chosen:
            field = w.Dropdown(options=[(flow(one), one) for one in chosen], value=value, **_wide())
        else:
            kind = w.Textarea if len(shown(value, schema)) > LONG else w.Text
            field = kind(value=shown(value, schema), continuous_update=False, **_wide())
            take = lambda new: self.form.typed(name, new)  # noqa: E731

        def took(change: Any) -> None:
            fault = take(change["new"])
            _tell(below, fault or told(self.form.language, "lab.allowed_so"), not fault)

        field.observe(took, "value")
        return field


def _tell(place: Any, text: str, good: bool) -> None:
    """Say something in a place, as text, whatever stands in it; a sign says what the colour says."""
    sign, colour = ("✓", "--jp-success-color1, #1b7f37") if good else ("✗", "--jp-error-color1, #b3261e")
    style = f"border-left:3px solid var({colour});padding-left:.6em;max-width:{WIDE};line-height:1.5"
    lines = "<br>".join(html(line) for line in f"{sign} {text}".splitlines())
    place.value = f'<div role="status" style="{style}">{lines}</div>'


def options(schema: dict[str, Any]) -> list[Any]:
    """Values among which a parameter chooses, nothing among them where it may be nothing; empty where it is free."""
    kinds = schema.get("anyOf", [schema])
    nothing = [None] if any(one.get("type") == "null" for one in kinds) else []
    if any("enum" not in one and one.get("type") != "null" for one in kinds):
        return []
    return [value for one in kinds for value in one.get("enum", [])] + nothing


def _wide() -> dict[str, Any]:
    return {"layout": {"width": WIDE}, "style": LABEL}
