"""What a file brings: the report of ``fusion check`` and the adapter file that a user can correct."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fusion import engine
from fusion.adapters import able, panel
from fusion.adapters.errors import AdapterError
from fusion.adapters.layout import Choices, Layout, repeats
from fusion.adapters.model import Adapter, built_in, load, merged
from fusion.indicators import system
from fusion.language import current, listed, said, word
from fusion.panel import checks, codes
from fusion.panel import lines as above
from fusion.panel.contract import KEYS, contract
from fusion.panel.errors import PanelError

SOME = 4  # columns of one finding that are named
MOST = 12  # findings that are listed by name


# Headers without a column that a report shows; --json has all.
SHOWN = 100
ADAPTERS = (".yaml", ".yml")  # no data: what this command wrote beside them


@dataclass
class Report:
    """What was found; ``problems`` is empty where the files can be read as they are.

    Attributes
    ----------
    adapter : Adapter
    scores : dict of str to int
        Headers that each built-in adapter knows, where none was named.
    layouts : list of Layout
    problems : list of str
    source : panel.Source or None
        The panel, where it could be read; missing columns do not hinder the report's reading.
    violations : pandas.DataFrame
        Rules that rows break: ``rule, field, severity, message_en, message_zh, cells, firms``.
    values : dict of str to dict of str to int
        Values that a column does not allow, with their rows.
    columns : frozenset of str
        Columns that the files bring; where the rows were read, those that hold something.
    unread : str
        Why the rows were not read, if they were not.
    needs : dict of str to list of str
        What a study computes: the columns that it needs.
    editions : list of dict
        Editions in which industry codes are read, with years and rows: `codes.used`.
    lines : pandas.DataFrame
        Units above and below the line from which they report, and who crosses it: `lines.moves`.
    named : str
        The adapter as it was named: a file, or one that is built in.
    left_out : list of Path
        Files that are adapters and no data.
    merged : dict of str
        What an adapter of one's own says, with what its base adds to it.
    """

    adapter: Adapter
    scores: dict[str, int]
    layouts: list[Layout]
    problems: list[str]
    source: panel.Source | None = None
    violations: pd.DataFrame = field(default_factory=pd.DataFrame)
    values: dict[str, dict[str, int]] = field(default_factory=dict)
    columns: frozenset[str] = frozenset()
    unread: str = ""
    needs: dict[str, list[str]] = field(default_factory=dict)
    editions: list[dict[str, Any]] = field(default_factory=list)
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)
    named: str = ""
    left_out: list[Path] = field(default_factory=list)
    merged: dict[str, Any] = field(default_factory=dict)

    @property
    def lacking(self) -> set[str]:
        """Columns of the contract that the files do not bring."""
        return {c.column for c in contract()} - self.columns

    @property
    def cannot(self) -> dict[str, list[str]]:
        """Indicators that these columns do not give, with the columns they lack."""
        return system.lacking(self.columns)

    @property
    def can(self) -> list[str]:
        """Indicators that these columns give."""
        cannot = self.cannot
        return [str(code) for code in system.system()["code"] if code not in cannot]


def check(
    files: Sequence[Path],
    adapter: str | None = None,
    money_unit: str | None = None,
    needs: Mapping[str, list[str]] | None = None,
    edition: str = "",
) -> Report:
    """Look at files, read them if they can be, hold them to the contract.

    Parameters
    ----------
    files : sequence of pathlib.Path
    adapter : str or None
        Built-in adapter or a file; by default the built-in one that knows most headers.
    money_unit : str or None
        As a study would state it.
    needs : mapping of str to list of str, optional
        What a study computes: the columns that it needs.
    edition : str
        Of industry codes where the files state none, as `codes.stated` reads it.

    Raises
    ------
    AdapterError
        When a file is no table at all, or the adapter is not valid.
    """
    try:
        chosen = panel.choices(money_unit=money_unit, editions=codes.stated(edition))
    except PanelError as error:
        raise AdapterError(str(error)) from None
    data = [file for file in files if file.suffix.lower() not in ADAPTERS]
    if not data:
        raise AdapterError(said("adapters.no_file"))
    scores = {} if adapter else scored(data, chosen)
    named = adapter or max(scores, key=lambda name: scores[name])
    used = load(named)
    faults: list[AdapterError] = []
    layouts = panel.look_all(data, used, chosen, faults)
    if not layouts:
        raise faults[0]
    told = [*map(str, faults), *panel.problems(layouts, used, chosen)]
    report = Report(used, scores, layouts, told, named=named)
    report.left_out = [file for file in files if file not in data]
    report.merged = merged(named) if used.based_on and adapter else {}
    report.needs = dict(needs or {})
    there = panel.brought(layouts, used.model_copy(update={"absent": [], "may_lack": []}))
    report.columns = frozenset(there)
    _read(report, replace(chosen, columns=panel.choices("minimal").columns))
    return report


def scored(files: Sequence[Path], chosen: Choices) -> dict[str, int]:
    """Headers of the files that each built-in adapter knows, whatever one of the files holds."""
    found: dict[str, int] = {}
    faults: list[AdapterError] = []
    for name in built_in():
        layouts = panel.look_all(files, load(name), chosen, faults)
        if layouts:
            found[name] = sum(_known(layout) for layout in layouts)
    if not found:
        raise faults[0]
    return found


def lines(report: Report) -> list[str]:
    """The report in words."""
    out = []
    if report.scores:
        scores = listed(f"{name} {n}" for name, n in report.scores.items())
        out.append(said("adapters.report.adapter_scored", adapter=report.adapter.adapter, scores=scores))
    else:
        out.append(said("adapters.report.adapter", adapter=report.adapter.adapter))
    out += [said("adapters.report.left_out", file=file.name) for file in report.left_out]
    if report.merged:
        out.append(said("adapters.report.merged", own=report.adapter.adapter, base=report.adapter.based_on))
        out += [f"  {key}: {_flow(value)}" for key, value in report.merged.items()]
    # Forms of several years that are mapped alike are listed once.
    alike: dict[tuple[str, ...], list[Layout]] = {}
    for layout in report.layouts:
        alike.setdefault(tuple(_mapped(layout, report)), []).append(layout)
    for mapped, layouts in alike.items():
        out += ["", *(line for layout in layouts for line in _head(layout)), *mapped]
    out += ["", *_rows(report), *_rules(report), "", *_computable(report)]
    if report.problems:
        out += ["", said("adapters.report.problems", count=len(report.problems))]
        out += [f"  {n}. {text}" for n, text in enumerate(report.problems, 1)]
    return out


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    headers = pd.concat([panel.headers_of(layout) for layout in report.layouts], ignore_index=True)
    return {
        "adapter": report.adapter.adapter,
        "merged": report.merged,
        "left_out": [file.name for file in report.left_out],
        "scores": report.scores,
        "files": [
            {
                "file": layout.path.name,
                "encoding": layout.looked.encoding,
                "header_row": layout.header_at + 1,
                "role": layout.rule.role,
                "unmatched": {h: list(near) for h, near in layout.mapping.unmatched.items()},
            }
            for layout in report.layouts
        ],
        "headers": headers.drop(columns="position").to_dict("records"),
        "rows": report.source.rows().to_dict("records") if report.source else [],
        "lines": report.lines.to_dict("records"),
        "violations": report.violations.to_dict("records"),
        "values_not_allowed": report.values,
        "indicators": {"can": report.can, "cannot": report.cannot},
        "study": {n: [c for c in columns if c in report.lacking] for n, columns in report.needs.items()},
        "problems": report.problems,
        "unread": report.unread,
    }


def draft(report: Report, name: str) -> str:
    """An adapter file to correct, which works as it is: what is open stands there as a comment, and is not read."""
    base = Path(report.named)
    own = report.named if report.named in built_in() else json.dumps(str(base.absolute()), ensure_ascii=False)
    text = [
        said("adapters.draft.head"),
        said("adapters.draft.keys"),
        f'adapter: "{name}"',
        f"based_on: {own}",
    ]
    unknown = {c: why for layout in report.layouts for c, why in layout.unknown_units().items()}
    if any("`money_unit`" in why for why in unknown.values()):
        text.append(said("adapters.draft.money_unit"))
    text.append("columns:")
    text += _draft_columns(report) or ["  {}"]
    if open_ := [
        c for c in dict.fromkeys([*_lacking(report), *_ambiguous(report), *unknown]) if c not in KEYS
    ]:
        text += [said("adapters.draft.absent"), f"absent: [{', '.join(open_)}]"]
    return "\n".join(text) + "\n"


# -- inside ------------------------------------------------------------------------------------
def _known(layout: Layout) -> int:
    mapping = layout.mapping
    return len(mapping.single) + len(mapping.terms) + len(mapping.ambiguous) + len(mapping.substitutes)


def _lacking(report: Report) -> list[str]:
    """Required columns without a header."""
    there = panel.brought(report.layouts, report.adapter)
    return [c.column for c in contract() if c.required == "required" and c.column not in there]


def _ambiguous(report: Report) -> list[str]:
    return [a.column for layout in report.layouts for a in layout.mapping.ambiguous]


def _flow(value: Any) -> str:
    """A value as one line of YAML."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _read(report: Report, loose: Choices) -> None:
    """Read the files that can be read; what a column that is missing alone hinders is not asked here."""
    sound = panel.sound(report.layouts, report.adapter)
    hindering = panel.problems(sound, report.adapter, loose)
    if hindering:
        report.unread = said("adapters.report.hindered", count=len(report.problems))
        return
    files = list(dict.fromkeys(layout.path for layout in sound))
    con = engine.opened(*(file.parent for file in files), memory="2GB")
    try:
        # The contract's own required columns stay in the list of problems; here they may be missing.
        source = panel.convert(con, files, report.adapter, loose)
        quality = checks.check(source.raw, "set_aside")
    except AdapterError as error:
        report.unread = str(error)
        return
    report.source = source
    report.problems += _all_gone(quality, source.raw.rows)
    if set(source.raw.table.columns) >= above.NEEDS:
        report.lines = above.moves(source.raw.table)
    report.editions = codes.used(source.raw.table).to_dict("records")
    report.columns &= system.held(source.raw.table)
    found = checks.summary(quality, source.raw.columns)
    report.violations = found[found["cells"] > 0].drop(columns="status")
    odd = quality[quality["rule"] == "not_allowed"]
    report.values = {
        str(column): {str(v): int(n) for v, n in rows["value"].value_counts().head(MOST).items()}
        for column, rows in odd.groupby("field")
    }


def _all_gone(quality: pd.DataFrame, every: int) -> list[str]:
    """The rules because of which no row would be left, if none would."""
    aside = quality[quality["set_aside"] & quality["row"].notna()]
    if aside["row"].nunique() < every:
        return []
    lines = []
    for (rule, column), part in aside.groupby(["rule", "field"]):
        message = part.iloc[0][f"message_{current()}"]
        rows = part["row"].nunique()
        lines.append(
            said("adapters.report.all_gone", rule=rule, field=column, rows=rows, every=every, message=message)
        )
    return lines


def _head(layout: Layout) -> list[str]:
    """A file: its kind, where its header stands, its year, its sheets."""
    kind = f"{layout.looked.kind[1:]}, {layout.looked.encoding or said('adapters.report.as_stored')}"
    title = said("adapters.report.file", label=layout.label, kind=kind, row=layout.header_at + 1)
    title += (
        said("adapters.report.label_rows", count=len(layout.labels))
        if layout.labels
        else said("adapters.report.file_end")
    )
    role = said("adapters.report.establishments") if layout.rule.role == "establishments" else ""
    out = [said("adapters.report.headers", title=title, role=role, count=len(layout.mapping.headers))]
    if layout.dated.year is not None:
        out.append(
            said(
                "adapters.report.dated",
                by=said(f"adapters.year_of_{layout.dated.by}", year=layout.dated.year),
            )
        )
    out += (
        [said("adapters.report.sheet", sheet=layout.looked.sheet)]
        if layout.passed or not layout.alone
        else []
    )
    return out + ([said("adapters.report.passed", sheets=listed(layout.passed))] if layout.passed else [])


def _mapped(layout: Layout, report: Report) -> list[str]:
    """What each of its headers means."""
    mapping = layout.mapping
    table = panel.headers_of(layout)
    out = _of_repeats(layout, report.adapter)
    for how in ("matched", "part of"):
        for row in table[table["how"] == how].itertuples():
            unit = (
                said("adapters.report.unit", unit=row.unit, by=word("adapters.by", row.stated_by))
                if row.unit
                else ""
            )
            mark = (
                said("adapters.report.unverified")
                if _unverified(report.adapter, layout, str(row.header), str(row.column))
                else ""
            )
            out.append(f"  {row.header} -> {row.column}{unit}{mark}")
    for odd in mapping.ambiguous:
        out.append(
            said(
                "adapters.report.ambiguous",
                column=odd.column,
                headers=listed(
                    said("adapters.report.header_at", text=h.text, position=h.position + 1)
                    for h in odd.headers
                ),
            )
        )
    out += [said("adapters.report.substitute", header=h, column=c) for h, c in mapping.substitutes.items()]
    out += [said("adapters.report.not_needed", header=h, column=c) for h, c in mapping.unused.items()]
    return out + _unmatched(mapping.unmatched)


def _of_repeats(layout: Layout, adapter: Adapter) -> list[str]:
    """The rule on several rows of a year, where one holds for a table."""
    rule = repeats(layout, adapter) if layout.rule.role == "panel" else None
    if rule is None:
        return []
    ordered = said("adapters.report.ordered", order=listed(rule.order)) if rule.order else ""
    return [said("adapters.report.repeats", take=word("adapters.take", rule.take)) + ordered]


def _unmatched(found: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each header that means no column; of very many the first."""
    out = [
        said("adapters.report.unmatched", header=header)
        + (said("adapters.report.near", near=listed(near)) if near else "")
        for header, near in list(found.items())[:SHOWN]
    ]
    more = len(found) - SHOWN
    return [*out, said("adapters.report.more_unmatched", count=more)] if more > 0 else out


def _unverified(adapter: Adapter, layout: Layout, header: str, column: str) -> bool:
    from fusion.adapters.match import Lookup

    if layout.rule.role == "establishments":
        return False
    lookup = Lookup(layout.mapping.headers, adapter)
    rule = adapter.rule(column)
    found = {h.text for alias in rule.unverified for h in lookup.find(alias)}
    return header in found and not any(header == h.text for a in rule.aliases for h in lookup.find(a))


def _rows(report: Report) -> list[str]:
    if report.source is None:
        return [said("adapters.report.unread", why=report.unread)]
    out = [said("adapters.report.rows", rows=report.source.raw.rows)]
    for file in report.source.files:
        fate = "; ".join(
            said("adapters.report.aside", count=n, why=word("adapters.fate", why))
            for why, n in file.aside.items()
        )
        out.append(
            said("adapters.report.account", label=file.label, read=file.read, kept=file.kept)
            + (f" + {fate}" if fate else "")
        )
        for row in file.misfits.head(3).itertuples():
            out.append(said("adapters.report.misfit", row=row.row, cells=row.cells, text=row.text[:80]))
    told = report.source.say(current())
    for row in report.editions:
        key = "edition_used" if row["edition"] else "edition_none"
        out.append(said(f"adapters.report.{key}", **row))
    for row in report.lines.to_dict("records"):
        out.append(said("adapters.report.lines", **row))
    return [*out, f"  {told}"] if told else out


def _rules(report: Report) -> list[str]:
    if report.source is None:
        return []
    found = report.violations[report.violations["rule"] != "column_ignored"]
    if found.empty:
        return [said("adapters.report.no_rule_broken")]
    out = [said("adapters.report.rules")]
    for (severity, message), part in found.groupby(["severity", f"message_{current()}"], sort=False):
        out.append(_rule(word("adapters.severity", str(severity)), str(message), part))
    for column, values in report.values.items():
        odd = listed(said("adapters.report.value", value=v, rows=n) for v, n in values.items())
        out.append(said("adapters.report.values", column=column, values=odd))
    return out


def _rule(severity: str, message: str, part: pd.DataFrame) -> str:
    """A rule and where it is broken; one that says the same of many columns is one line."""
    if len(part) == 1:
        field = part["field"].iloc[0] or said("adapters.report.row")
        counts = {"cells": part["cells"].iloc[0], "firms": part["firms"].iloc[0]}
        # Notes on cells name no firms.
        rule = "adapters.report.rule" if counts["firms"] else "adapters.report.rule_cells"
        return said(rule, severity=severity, field=field, message=message, **counts)
    fields = (
        said("adapters.report.some", listed=listed(part["field"].head(SOME)))
        if len(part) > SOME
        else listed(part["field"])
    )
    return said(
        "adapters.report.rule_columns",
        severity=severity,
        message=message,
        cells=int(part["cells"].sum()),
        count=len(part),
        fields=fields,
    )


def _computable(report: Report) -> list[str]:
    can, cannot = report.can, report.cannot
    named = listed(can) or said("adapters.report.none")
    out = [said("adapters.report.indicators", count=len(can), every=len(can) + len(cannot), can=named)]
    lacking: dict[tuple[str, ...], list[str]] = {}
    for code, columns in cannot.items():
        lacking.setdefault(tuple(columns), []).append(code)
    for gap, indicators in lacking.items():
        why = able.lack(gap)[current()]
        out.append(said("adapters.report.lack", codes=listed(indicators), why=why))
    for name, columns in report.needs.items():
        gaps = [c for c in columns if c in report.lacking]
        out.append(
            said("adapters.report.derived", name=name)
            + (said("adapters.report.cannot", gaps=listed(gaps)) if gaps else said("adapters.report.can"))
        )
    return out


def _draft_columns(report: Report) -> list[str]:
    text: list[str] = []
    for layout in report.layouts:
        for odd in layout.mapping.ambiguous:
            named = ", ".join(f'"{h.parent}>{h.key}"' if h.parent else f'"{h.text}"' for h in odd.headers)
            text += [
                said("adapters.draft.several", file=layout.path.name, column=odd.column),
                f"  # {odd.column}: {{aliases: [{named}]}}",
            ]
        for header, column in layout.mapping.substitutes.items():
            text.append(said("adapters.draft.substitute", column=column, header=header))
        for header, near in layout.mapping.unmatched.items():
            guess = near[0] if near else said("adapters.draft.guess")
            text.append(f'  # {guess}: {{aliases: ["{header}"]}}')
    for column, values in report.values.items():
        allowed = next(c.allowed for c in contract() if c.column == column)
        text += [f"  # {column}:", said("adapters.draft.allowed", allowed=listed(allowed))]
        text += [said("adapters.draft.value", value=v, rows=n) for v, n in values.items()]
    return list(dict.fromkeys(text))
