"""The command `fusion`: what the Makefile calls. Heavy modules are imported only by what needs them."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from workbook.engine import MEMORY
from workbook.language import LANGUAGES, VARIABLE, current, listed, said, speaking, word

# Small systems by the thousand are solved here, and threads that wait for one another take five times as long; what
# is large runs in notebooks, which have their share of the cores.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

QUICK = 50_000_000  # bytes of a source that is looked through before a run
USAGE: type[Exception] = typer.BadParameter.__mro__[1]  # all refusals of the command line itself
SCREEN, SCREEN_LINE = 20, 8  # findings that a screen holds, and further lines of each

app = typer.Typer(add_completion=True, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(asked: bool) -> None:
    if asked:
        from workbook.review import doctor as examined

        print(examined.version())
        raise typer.Exit


@app.callback()
def everywhere(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="version, commit and Python")
    ] = False,
    language: Annotated[
        str,
        typer.Option(
            help="of messages, en or zh; if not given FUSION_LANGUAGE, else the locale. Help is in English.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """A research workbook for the integration of advanced manufacturing and modern services."""
    if language and language not in LANGUAGES:
        raise typer.BadParameter(said("workbook.language", language=language, languages=listed(LANGUAGES)))
    os.environ[VARIABLE] = language or current()
    _bounded(os.environ.get(MEMORY, ""))


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file")] = "shanghai",
    jobs: Annotated[int, typer.Option(min=1, help="notebooks at a time")] = 2,
    wait: Annotated[bool, typer.Option(help="wait for another run of the same study to end")] = True,
    site: Annotated[bool, typer.Option("--site", help="then build the site")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="let the study's loader (package:function) run")
    ] = False,
    memory: Annotated[
        str,
        typer.Option(
            help="limit of each DuckDB, and the folder for what exceeds it: 4GB, 4GB:/scratch; "
            "without it, notebooks share 80% of the machine's"
        ),
    ] = "",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="say what failed and the last line alone")
    ] = False,
) -> None:
    """Run a study's notebooks; what has not changed is not run again."""
    from workbook.run import runner

    found = _ready(study, jobs, memory, allow_code)
    code = runner.run(found, jobs=jobs, wait=wait, quiet=quiet)
    if site and code == 0:
        _build_site(asked=[found.name])
    raise typer.Exit(code)


@app.command()
def grid(
    study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file that states grid")],
    variant: Annotated[
        str, typer.Option(help="number or words of one variant: run it in full, as a study of its own")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="processes at a time")] = 2,
    alone: Annotated[
        bool, typer.Option("--alone", help="run the variants alone, not the study as it is stated")
    ] = False,
    site: Annotated[bool, typer.Option("--site", help="then build the site")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="let the study's loader (package:function) run")
    ] = False,
    memory: Annotated[str, typer.Option(help="limit of each DuckDB, as of fusion run")] = "",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="say what failed and last lines alone")
    ] = False,
) -> None:
    """Run the variants that a study's grid states; what does not vary is made once, what is done is not done again."""
    from workbook.run import runner
    from workbook.variants import command
    from workbook.variants.plan import spread

    found = _ready(study, jobs, memory, allow_code)
    made = spread(found)
    if variant:
        found, alone = command.one(found, made, variant), False
    else:
        command.begin(found, made)
    code = 0 if alone else runner.run(found, jobs=jobs, quiet=quiet)
    if not variant:
        failed = command.run(found, made, jobs, quiet)
        code = code or failed
        if not alone:  # its page of variants
            code = runner.run(found, jobs=jobs, quiet=True) or code
    if site:
        _build_site(asked=[found.name])
    raise typer.Exit(code)


@app.command("site")
def build_site(
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STUDY]...", help="names in params/, or paths of YAML files; all that were run if none"
        ),
    ] = None,
) -> None:
    """Build the site from studies that have been run: those named, or all."""
    from workbook.params.load import load

    _build_site([load(study).name for study in studies] if studies else None)


@app.command()
def verify(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="folder of data sets that are not shipped", exists=True, file_okay=False),
    ] = None,
) -> None:
    """Recompute published results and write build/verification.csv; exit 1 when one is off."""
    from evidence import verification
    from workbook import paths

    raise typer.Exit(verification.main(paths.build(), data))


@app.command()
def params(
    write: Annotated[bool, typer.Option("--write", help="write them instead of checking")] = False,
) -> None:
    """Check that params/base.yaml, its schema and the notebooks' parameters cells follow the model."""
    from workbook.params import generate

    changed = generate.write() if write else generate.drifted()
    if changed:
        names = listed(changed)
        print(said("workbook.written", names=names) if write else said("workbook.drifted", names=names))
    raise typer.Exit(0 if write or not changed else 1)


@app.command()
def validate(study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file")]) -> None:
    """Check a study's file without running it; say what it cannot have and why."""
    from workbook.params.load import load

    found = load(study)
    for note in _standards(found.flat):
        print(note)
    _tables(found)
    read: list[Any] = []  # what the source holds, read once
    print("\n".join([*found.told, *_able(found.flat, read)]))
    if _stopped(found, read=read):
        raise typer.Exit(2)
    print(said("workbook.validated", study=found.name, notebooks=listed(found.parameters.study.notebooks)))


@app.command()
def show(study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file")]) -> None:
    """Print what a study's file and those it is based upon state, as one file, each line with where it stands."""
    from workbook.params.file import shown
    from workbook.params.load import find, load, origins

    load(study)  # what is not allowed is told of in words
    print(shown.text(list(origins(find(study)))))


@app.command()
def diff(
    a: Annotated[
        str, typer.Argument(help="study, study@previous, study@baseline, study@TIME, or a snapshot's file")
    ],
    b: Annotated[str, typer.Argument(help="the other one; changes are B − A")],
    page: Annotated[Path | None, typer.Option(help="write all changes as an HTML page")] = None,
) -> None:
    """Compare two runs: parameters, code, data, versions, exhibits; signs and significance that turned."""
    from workbook import files
    from workbook.review import compare
    from workbook.review.compare import report

    try:
        difference = compare.compare(compare.find(a), compare.find(b))
    except compare.SnapshotError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    print(report.text(difference), end="")
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(page, report.page(difference))
        print(said("workbook.page", page=page))


@app.command()
def trace(
    exhibit: Annotated[
        str, typer.Argument(help="id (ladder), id with notebook (05.ladder), or number (5.3)")
    ],
    study: Annotated[str, typer.Option(help="name of the study")] = "shanghai",
    as_json: Annotated[bool, typer.Option("--json", help="everything, with all hashes")] = False,
) -> None:
    """Trace an exhibit back to its cell, inputs, filters, parameters, environment and commit."""
    import json

    from workbook.review import trace as tracing

    try:
        with speaking("en" if as_json else current()):
            found = tracing.trace(exhibit, study)
    except tracing.TraceError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    print(json.dumps(found, ensure_ascii=False, indent=1) if as_json else tracing.text(found).rstrip())


@app.command()
def package(
    study: Annotated[str, typer.Argument(help="name of a study that has been run")] = "shanghai",
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="although changes were not committed")
    ] = False,
) -> None:
    """Make a replication package: code, parameters, results, and a README by the data editors' template."""
    from workbook.publish import package as packing

    try:
        print(said("workbook.package", package=packing.shown(packing.make(study, allow_dirty=allow_dirty))))
    except packing.PackageError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


@app.command()
def audit(
    study: Annotated[str, typer.Argument(help="name of a study that has been run")] = "shanghai",
) -> None:
    """Say which points of the reviewer's checklist hold; exit 1 when a claim lacks its evidence."""
    from workbook.review import claims

    try:
        counts, problems = claims.check(study)
    except claims.ClaimsError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    print(
        f"{study}: "
        + listed(
            said("workbook.counted", count=n, status=word("review.verdict", status))
            for status, n in sorted(counts.items())
        )
    )
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    raise typer.Exit(1 if problems else 0)


@app.command()
def browse(
    shots: Annotated[Path | None, typer.Option(help="folder for a screenshot of each page")] = None,
) -> None:
    """Open every page of the site in the machine's Chromium; exit 1 when something is wrong on one."""
    from workbook import paths
    from workbook.publish import browser

    try:
        report = browser.crawl(paths.site().absolute(), shots)
    except FileNotFoundError as error:
        print(said("workbook.no_browser", error=error), file=sys.stderr)
        raise typer.Exit(2) from None
    for problem in report.problems:
        print(f"{problem.page}: {problem.kind}: {problem.what}", file=sys.stderr)
    print(said("workbook.browsed", pages=report.pages, links=report.links, count=len(report.problems)))
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def runs(
    study: Annotated[str, typer.Argument(help="name of the study; all if not given")] = "",
) -> None:
    """List the runs that are kept: when, how they ended, of which commit."""
    import json

    from workbook import paths
    from workbook.review import compare

    names = [study] if study else sorted(p.parent.name for p in paths.build().glob("*/.runs"))
    for name in names:
        for file in compare.kept(paths.build() / name):
            kept = json.loads(file.read_text(encoding="utf-8"))
            commit = str(kept.get("commit") or "–")[:10] + ("+" if kept.get("dirty") else "")
            status = word("review.doctor_status", str(kept.get("status")))
            told = {"commit": commit, "status": status, "exhibits": len(kept.get("exhibits") or {})}
            print(said("review.run_line", run=f"{name}@{file.stem}", **told))
    if not any(compare.kept(paths.build() / name) for name in names):
        print(said("review.no_runs", study=study or listed(names) or "–"), file=sys.stderr)


@app.command()
def doctor() -> None:
    """Look at the environment, the data folders, and what is built and stale; exit 1 when something must be mended."""
    from workbook.review import doctor as examined

    points = list(examined.environment())
    print(examined.version())
    for point in points:
        print(said("review.doctor.fine" if point.fine else "review.doctor.wrong", told=point.told))
    print("\n".join(examined.studies()) or said("review.doctor.no_studies"))
    raise typer.Exit(int(not all(point.fine for point in points)))


@app.command()
def pin(run: Annotated[str, typer.Argument(help="study, or study@TIME")]) -> None:
    """Keep a run as its study's baseline: in params/baselines, to be committed; under rules of secrecy in the build."""
    from workbook import files
    from workbook.review import compare

    try:
        print(said("workbook.pinned", run=files.shown(compare.pin(run))))
    except compare.SnapshotError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


@app.command(
    add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def classify(ctx: typer.Context) -> None:
    """Say what the official standards, and yours, make of a CODE, or classify a FILE (csv, tsv, parquet, dta, xlsx)."""
    from fusion.classification import command

    raise typer.Exit(command.main(ctx.args, _own_standards))


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="exports that make one panel, or their folder")],
    adapter: Annotated[
        str | None, typer.Option(help="bureau, csmar, wind, or a YAML file; found by itself")
    ] = None,
    money_unit: Annotated[
        str | None, typer.Option(help="元, 千元, 万元, 百万元, 亿元: where headers state none")
    ] = None,
    edition: Annotated[
        str, typer.Option(help="of industry codes where files state none: 2002, or 1998:2002,2013:2011")
    ] = "",
    write: Annotated[Path | None, typer.Option(help="where to write the adapter to correct")] = None,
    study: Annotated[str, typer.Option(help="what it could and could not do, each with its reason")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="everything as JSON, and no file")] = False,
) -> None:
    """Say how an export fits the panel: headers, units, rows, rules, indicators; write an adapter to correct."""
    from fusion.adapters import AdapterError, command
    from workbook.expressions.reading import parse
    from workbook.params.load import load

    found = load(study or "shanghai")
    files = _spread(files)
    flat = found.flat | {"source": list(map(str, files)), "adapter": adapter or "built in"}
    columns = found.parameters.panel.columns if study or as_json else {}
    shortly = not study and not as_json
    needs = {name: parse(column.expression).names() for name, column in columns.items()}
    try:
        with speaking("en" if as_json else current()):
            code = command.check(
                files,
                adapter,
                money_unit,
                edition,
                write,
                as_json,
                needs,
                lambda there: _told(flat, there, shortly),
            )
    except AdapterError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(code)


@app.command("new")
def begin(
    files: Annotated[list[Path], typer.Argument(help="exports that make one panel, or their folder")],
    name: Annotated[str, typer.Option(help="of the study; the first file's if not given")] = "",
    outcome: Annotated[str, typer.Option(help="header of the outcome")] = "",
    treatment: Annotated[str, typer.Option(help="header of the treatment, or of the year it starts")] = "",
) -> None:
    """Look at files and write a small study of them with its adapter; then make study STUDY=<name>.yaml."""
    from fusion.adapters import PanelError
    from fusion.start import command

    try:
        command.new(_spread(files), name, outcome, treatment, files)
    except PanelError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


@app.command()
def adopt(
    notebooks: Annotated[list[Path], typer.Argument(help="notebooks whose parameters cells were changed")],
    name: Annotated[str, typer.Option(help="of the new study; the old one's with _mine if not given")] = "",
) -> None:
    """Keep parameters that were changed in notebooks by hand as a study upon the one that they name."""
    from workbook import paths
    from workbook.lab import adopt as adopting

    try:
        made = adopting.adopt(notebooks, name)
    except adopting.AdoptError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    called = made.file.stem if made.file.parent == paths.ROOT / "params" else made.file
    facts = {"file": made.file.name, "base": made.base, "count": len(made.changed), "study": called}
    print(said("lab.adopted", keys=listed(sorted(made.changed)), **facts))


@app.command()
def lab(
    study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file")] = "shanghai",
    only: Annotated[bool, typer.Option("--page", help="write the start page and open nothing")] = False,
) -> None:
    """Open JupyterLab on a study's start page: what was found, how to change it, how to make it one's own."""
    from workbook.lab import start
    from workbook.params.load import load

    page = start.write(load(study))
    print(said("lab.opened", page=page))
    if not only:
        os.execv(sys.executable, start.command(page))


@app.command()
def queue(
    study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file, that was run")],
    folder: Annotated[Path, typer.Argument(help="where to write workbooks and letters")],
    by: Annotated[str, typer.Option(help="a file for each district, or for each unit")] = "district",
    most: Annotated[int, typer.Option(min=1, help="calls (a unit and year) at most")] = 200,
) -> None:
    """Write what should be asked of whom: Excel with room for answers, letters in Chinese (Word)."""
    from workbook.publish.formats import queue as send

    asked = _asked(study, most)
    made = send.write(asked, folder, "unit" if by == "unit" else "district", current())
    calls = asked["rank"].nunique()
    print(
        said(
            "publish.queue.written",
            calls=calls,
            cells=len(asked),
            files=len(made),
            folder=folder,
            study=study,
        )
    )


@app.command()
def answers(
    study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file, that was run")],
    sources: Annotated[list[Path], typer.Argument(help="workbooks of `fusion queue` that were filled in")],
    into: Annotated[Path, typer.Option(help="file of corrections to write")] = Path("corrections.csv"),
) -> None:
    """Read answers back as a file of corrections; exit 1 when some could not be taken."""
    from fusion.adapters.stage import first_sheet
    from workbook import inert
    from workbook.publish.formats import queue as returned

    if os.path.exists(into):
        print(said("publish.queue.exists", file=into), file=sys.stderr)
        raise typer.Exit(2)
    found, refused = returned.answers(sources, _asked(study, 10**9), first_sheet)
    if refused and found.empty:  # an empty file would stand in the way of the next try
        print(said("publish.queue.none_taken", file=into), file=sys.stderr)
    else:
        inert.csv_frame(found).to_csv(into, index=False, encoding="utf-8-sig")
        print(said("publish.queue.read", count=len(found), file=into))
    print("".join(f"{line}\n" for line in refused), end="", file=sys.stderr)
    raise typer.Exit(1 if refused else 0)


def _asked(study: str, most: int) -> Any:
    """Doubts of a study that was run."""
    from workbook import paths
    from workbook.params.load import load
    from workbook.publish.formats import queue as doubts

    found = load(study)
    folder = paths.build() / found.name
    if not (folder / "01_panel" / "queue.parquet").is_file():
        print(said("publish.queue.not_run", study=found.name), file=sys.stderr)
        raise typer.Exit(2)
    least = 1 / (1 + float(found.flat["needless_calls"]))
    return doubts.lines(folder, current(), most, least)


@app.command()
def form(
    folder: Annotated[Path, typer.Argument(help="where to write the form")],
) -> None:
    """Write the supplementary form (Excel and Word, explanations, checks) that makes integration measurable."""
    from fusion.adapters import forms

    made = forms.write(folder, current())
    print(said("workbook.form_written", files=", ".join(map(str, made))))


@app.command()
def standard(
    file: Annotated[Path, typer.Argument(help="CSV or xlsx with a standard's classes and GB/T 4754 codes")],
    edition: Annotated[str, typer.Option(help="edition of its codes, where its head names none")] = "",
    counts: Annotated[str, typer.Option(help="classes by level as its document states them: 9/40/189")] = "",
) -> None:
    """Check the table of a standard of your own, or of one whose text is not public."""
    from fusion.classification import ClassificationError, own

    try:
        found = own.check(file, edition=edition, counts=counts)
    except ClassificationError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    for line in (*found.wrong, *found.notes):
        print(line)
    if not found.wrong:
        print(said("workbook.standard_usable", file=file, name=found.name, counts=found.counts))
    raise typer.Exit(int(bool(found.wrong)))


@app.command()
def reproduce(study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file")]) -> None:
    """Run a study twice under other circumstances; the same to the byte, or the first place where it is not."""
    from workbook.params.load import find, load
    from workbook.review.compare.reproduce import constant, twice

    count, differing = twice(load(study).name, find(study))
    print("\n".join(differing[:40]) or said("workbook.reproduced", count=count))
    for what in constant(find(study)):
        print(said(f"workbook.constant_{what}"))
    raise typer.Exit(int(bool(differing)))


@app.command("prose")
def translate(
    notebook: Annotated[str, typer.Argument(help="name in notebooks/")],
    write: Annotated[
        bool, typer.Option("--write", help="append them to the file, to be translated there")
    ] = False,
) -> None:
    """List a notebook's texts that have no Chinese translation, or none of their present wording."""
    import json

    from workbook import paths
    from workbook.exhibits import prose

    known = sorted(file.stem for file in paths.NOTEBOOKS.glob("*.ipynb"))
    if notebook not in known:
        print(said("workbook.no_notebook", name=notebook[:60], known=listed(known)), file=sys.stderr)
        raise typer.Exit(2)
    content = json.loads((paths.NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))
    open_texts, place = prose.missing(content, notebook, "zh"), prose.file(notebook, "zh")
    print(prose.template(open_texts) or said("workbook.all_translated", notebook=notebook))
    for mark in prose.stale(content, notebook, "zh"):
        print(said("workbook.stale", mark=mark, place=place.name))
    if write and open_texts:
        with place.open("a", encoding="utf-8") as out:
            out.write("\n" + prose.template(open_texts))
    raise typer.Exit(int(bool(open_texts)))


def _standards(flat: dict[str, Any]) -> list[str]:
    """What is to be told of the study's own standards; one that cannot be used stops here."""
    if not flat["standards"]:
        return []
    from fusion.classification import ClassificationError, own
    from workbook import paths

    try:
        return [note for found in own.install(flat["standards"], paths.ROOT) for note in found.notes]
    except ClassificationError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _tables(study: Any) -> None:
    """Stop where lists, prices, pilots, plans, targets or observed values could not be read an hour later either."""
    from fusion.classification import ClassificationError
    from fusion.evaluation import given
    from fusion.panel import PanelError
    from workbook import paths
    from workbook.params.checks.columns import nameable

    flat, told = study.flat, []
    told += [line for _, line in given.faults(flat, paths.ROOT, nameable(study.parameters))]
    try:
        if flat["lists"]:
            from fusion.classification import official

            official.read([paths.ROOT / file for file in flat["lists"]])
        if flat["deflators"]:
            from fusion.panel import prices

            prices.read(paths.ROOT / flat["deflators"])
    except (ClassificationError, PanelError) as error:
        told.append(str(error))
    if told:
        print("\n".join(told), file=sys.stderr)
        raise typer.Exit(2)


def _bounded(memory: str) -> None:
    """Refuse a limit of memory that DuckDB could not read, or a folder that is not there."""
    size, _, folder = memory.partition(":")
    if memory and not (re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", size) and Path(folder or ".").is_dir()):
        raise typer.BadParameter(said("workbook.memory", memory=memory[:200]))


def _spread(files: Sequence[Path]) -> list[Path]:
    """Files as they are named, and of a folder the tables that stand in it; what is passed over is said."""
    from workbook.params.file import folder

    found: list[Path] = []
    for file in files:
        if not folder.is_many(file):
            found.append(file)
            continue
        seen = folder.looked(file)
        if not seen.tables:
            print(said("workbook.folder_empty", path=file), file=sys.stderr)
            raise typer.Exit(2)
        if seen.others:
            print(said("workbook.folder_passed", path=file, files=listed(seen.others)), file=sys.stderr)
        found += seen.tables
    return found


def _own_standards(study: str) -> dict[str, dict[str, Any]]:
    """Standards that a study declares, with whole paths of their files."""
    from workbook import paths
    from workbook.params.load import load

    declared = load(study).flat["standards"]
    return {name: {**given, "file": str(paths.ROOT / given["file"])} for name, given in declared.items()}


def _ready(study: str, jobs: int, memory: str, allow_code: bool) -> Any:
    """A study that may run: checked, its memory bounded, its code allowed or refused."""
    from workbook.params.load import load
    from workbook.run.process import SHARE, whole

    found = load(study)
    _standards(found.flat)
    _tables(found)
    print("".join(f"{line}\n" for line in found.told), end="", file=sys.stderr)
    _bounded(memory)
    os.environ[MEMORY] = memory or os.environ.get(MEMORY) or f"{int(SHARE * whole() / jobs / 1e6)}MB"
    _allow(str(found.flat["source"]) if allow_code else "")
    if refusal := _refused(found.flat["source"]) or _engine(found.flat):
        print(refusal, file=sys.stderr)
        raise typer.Exit(2)
    if _stopped(found, quick=True):
        raise typer.Exit(2)
    return found


def _engine(flat: dict[str, Any]) -> str:
    """Why the study's engine cannot be had; where it can, and is not this process, what runs there is said."""
    if flat["kind"] == "duckdb":
        return ""
    from workbook.cluster import session

    refusal = session.refused(flat)
    if not refusal:
        print(said("cluster.where", master=flat["master"]), file=sys.stderr)
    return refusal


def _refused(source: Any) -> str:
    """Why a source may not be read: code that nobody allowed. What names no code is not looked at, which imports much."""
    if not isinstance(source, str) or ":" not in source:
        return ""
    from fusion.adapters import able

    return str(able.refused(source))


def _allow(source: str) -> None:
    """Allow a loader beside those of the user's settings: a file of their own, one loader a line."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    settings = home / "fusion" / "allow_code"
    lines = settings.read_text(encoding="utf-8").split() if settings.is_file() else []
    allowed = [os.environ.get("FUSION_ALLOW_CODE", ""), *lines, source]
    os.environ["FUSION_ALLOW_CODE"] = ",".join(filter(None, allowed))


def _able(flat: dict[str, Any], read: list[Any]) -> list[str]:
    """What a study can do, as far as its parameters and its source's columns tell."""
    from fusion.adapters import PanelError

    columns, told = None, []
    try:
        columns = _held(flat, read)
        told = [] if columns is not None else [said("review.able.loader")]
    except PanelError as error:
        told = [str(error)]
    told = [said("review.able.unknown", reason=reason) for reason in told]
    return [*told, *_told(flat, columns)[0]]


def _held(flat: dict[str, Any], read: list[Any]) -> Collection[str] | None:
    """Columns of a study's source that hold something; None for a loader."""
    from fusion.adapters import able
    from fusion.start import preview
    from workbook import paths

    if flat["source"] == "synthetic":
        return able.every()
    raw = preview.read(flat, paths.ROOT)
    read.append(raw)
    return None if raw is None else able.held(raw)


def _stopped(study: Any, quick: bool = False, read: Sequence[Any] = ()) -> bool:
    """Say what a study's files and rows tell before any notebook runs; whether something of it must be mended first.

    ``quick``: large sources, and those that were looked at in this state before, tell it in the first notebook.
    """
    from workbook import paths
    from workbook.params.checks.refusals import placed

    flat, mark = study.flat, ""
    named = [flat["source"]] if isinstance(flat["source"], str) else flat["source"]
    files = [file for name in named if os.path.isfile(file := paths.ROOT / name)]
    seen = paths.build() / study.name / ".foreseen"
    if quick:
        mark = repr([sorted(flat.items()), [(str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files]])
        if seen.is_file() and seen.read_text(encoding="utf-8") == mark:
            return False
    found = _foreseen(study, not quick or sum(f.stat().st_size for f in files) <= QUICK, read)
    lines = [
        said("review.foresight.line", where=placed(study.file, f.section, f.name), told=f.told)
        for f in found
        if f.stops
    ]
    notes = [
        said("review.foresight.note", where=placed(study.file, f.section, f.name), told=f.told)
        for f in found
        if not f.stops
    ]
    _say([*lines, *notes], paths.build() / f"{study.name}.findings.txt")
    if lines:
        more = said("review.foresight.notes", count=len(notes)) if notes else ""
        print(said("review.foresight.count", study=study.name, count=len(lines), notes=more), file=sys.stderr)
    elif quick:
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.write_text(mark, encoding="utf-8")
    return bool(lines)


def _foreseen(study: Any, whole: bool = True, read: Sequence[Any] = ()) -> list[Any]:
    """What a study, the files that it names and, where they are looked at too, the rows of its source say of it."""
    from fusion.adapters import PanelError, able
    from fusion.start import preview
    from workbook import paths
    from workbook.expressions import columns as expressions
    from workbook.expressions.errors import ExpressionError
    from workbook.params.checks.columns import nameable
    from workbook.review import abilities, foresight

    flat = study.flat
    told_of = preview.tables(flat, paths.ROOT, nameable(study.parameters))
    found = [foresight.Finding(True, "evaluation", name, told) for name, told in told_of]
    found += [foresight.Finding(True, "effects", "outcome", line) for line in _explained(flat)]
    made_up = flat["source"] == "synthetic"
    looked_at = foresight.dated(flat) if made_up else whole and preview.is_file(flat)
    if not looked_at:
        return found
    try:
        raw = (
            read[0] if read and read[0] else preview.few(flat) if made_up else preview.read(flat, paths.ROOT)
        )
        if raw is None:
            return found
        rows = preview.rows(flat, raw)
        wrong = (
            [] if any(f.name == "vintage_returns" for f in found) else preview.strange(rows, flat, paths.ROOT)
        )
        found += [foresight.Finding(True, "evaluation", name, told) for name, told in wrong]
        hollow = abilities.hollow(flat, rows.held, able.absent(rows.held))
        found += [foresight.Finding(True, "effects", "outcome", line) for line in hollow]
        asked = expressions.Asked.of(
            flat["columns"], *(flat[n] for n in ("where", "samples", "value_lists", "quantiles"))
        )
        result = expressions.make(rows.seen, asked, rows.kept, rows.codes)
        made, counts = result.table, result.flow
        rows.flow.chosen(made, counts[counts["kind"] == "where"])
    except PanelError as error:
        return [*found, foresight.Finding(True, "panel", "source", str(error))]
    except ExpressionError as error:
        return [*found, foresight.Finding(True, "panel", "columns", str(error))]
    there = [name for name in foresight.columns(flat) if name in made.columns]
    seen = made.select(*there).to_pandas()
    # A few made-up firms tell how columns are made of one another, not how many rows there will be.
    return [*found, *(foresight.begins(seen, flat) if made_up else foresight.findings(seen, flat))]


def _say(lines: list[str], file: Path) -> None:
    """Print lines, no more than a screen; the file has the rest."""
    from workbook import files

    shown = [text for line in lines[:SCREEN] for text in line.splitlines()[: SCREEN_LINE + 1]]
    print("\n".join(shown), end="\n" if shown else "", file=sys.stderr)
    if left := sum(len(line.splitlines()) for line in lines) - len(shown):
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(file, "\n".join(lines) + "\n")
        print(said("review.foresight.rest", count=left, file=files.shown(file)), file=sys.stderr)


def _explained(flat: dict[str, Any]) -> list[str]:
    """What would be explained by itself: measures among the regressors that hold an outcome or a control."""
    from fusion.indicators import guard
    from workbook.expressions import asked

    return guard.refusals(guard.Regressions.of(flat, asked.measures(flat["columns"])))


def _told(
    flat: dict[str, Any], columns: Collection[str] | None, shortly: bool = False
) -> tuple[list[str], Any]:
    """What a study could do with these columns, in lines, and what it could not: the domain's answer and the sheets'."""
    from fusion.adapters import able
    from workbook.review import abilities

    known = () if columns is None else (able.absent(columns), able.indicators(columns))
    found = abilities.judged(flat, columns, *known)
    return [abilities.shortly(found)] if shortly else list(abilities.lines(found)), found.cannot()


def _build_site(studies: list[str] | None = None, asked: Sequence[str] = ()) -> None:
    """Build it; what a user can mend is a message and exit code 2, not a traceback; 1 where a study asked for is not in it."""
    from workbook.publish import site

    try:
        site.build(studies, asked)
    except site.WithoutError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except site.SiteError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _language(arguments: list[str]) -> tuple[list[str], list[str]]:
    """``--language`` with its value, wherever it stands, and the other arguments."""
    at = next((i for i, a in enumerate(arguments) if a.partition("=")[0] == "--language"), len(arguments))
    end = at + (1 if "=" in "".join(arguments[at : at + 1]) else 2)
    return arguments[at:end], [*arguments[:at], *arguments[end:]]


def _watched(command: str) -> None:
    """Look after memory while a command works; one that is over within a second imports nothing for it."""

    def look() -> None:
        time.sleep(1.0)
        try:
            from workbook.run.process import Watch
        except (ImportError, AttributeError):  # the command ends, or is in the middle of the same imports
            return look()
        Watch().all_along(f"fusion {command}")

    threading.Thread(target=look, daemon=True).start()


def main() -> None:
    """Entry point. A code is answered at once, without what the other commands need to start."""
    stated, rest = _language(sys.argv[1:])
    if (wanted := "".join(stated).removeprefix("--language").removeprefix("=")) in LANGUAGES:
        os.environ[VARIABLE] = wanted  # refusals of the command line itself come before any command
    _watched(rest[0] if rest else "")
    try:
        if rest[:1] == ["classify"]:
            from fusion.classification import command

            sys.exit(command.main([*rest[1:], *stated]))
        sys.exit(app([*stated, *rest], standalone_mode=False))
    except USAGE as error:
        from workbook import usage

        print(usage.refusal(error), file=sys.stderr)
        sys.exit(2)
    except typer.Abort:
        sys.exit(130)
    except ValueError as error:
        from workbook.params.checks.refusals import StudyError  # heavy, and needed only to tell errors apart

        if not isinstance(error, StudyError):
            raise
        print(error, file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a name that no file can have, a disk that is full or may not be written
        from workbook import files, paths

        print(files.explain(error, paths.build())[:500], file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
