"""The site: all studies that have been run, as pages that need no network.

Sphinx and MyST-NB read the executed notebooks and execute nothing. What is shown comes from the studies'
manifests: a notebook that did not finish is named, not shown. A build goes into a folder of its own and is
moved into place when it is whole.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.exhibits import sheets
from workbook.exhibits.sheets import LANGUAGES, SheetError
from workbook.language import listed, said
from workbook.publish import evidence, policy, release
from workbook.publish.built import FILES, Built, find
from workbook.publish.markup import words
from workbook.publish.secrecy import SecrecyError

SPHINX = Path(__file__).parent / "sphinx"
# Modules that decide how a page looks.
CODE = (
    *(
        f"publish/{name}"
        for name in ("site", "built", "pages", "evidence", "papers", "markup", "policy", "spoken", "release")
    ),
    "run/chain",
    "files",
    "inert",
)
STAMP = ".inputs"  # in a site: what it was made of, and what it was then
REMEMBERED = ".doctrees"  # in the working folder: what Sphinx remembered when a build was whole
SPHINX_NAME = {"en": "en", "zh": "zh_CN"}
# Written by Sphinx for its own use, or a list of words that nobody reads.
NEEDLESS = (".buildinfo", "objects.inv", "genindex.html", "_sources", "_static/webpack-macros.html")


class SiteError(RuntimeError):
    """The site could not be built; the one before is untouched."""


class WithoutError(SiteError):
    """The site is there, without a study that was asked for; the reason was said."""


def build(studies: list[str] | None = None, asked: Sequence[str] = ()) -> Path:
    """Build the site, if anything that it shows has changed.

    Parameters
    ----------
    studies : list of str, optional
        Studies to publish; all that have been run if not given.
    asked : sequence of str
        Of all, those for whose sake the site is built.

    Returns
    -------
    pathlib.Path
        ``index.html`` of the site.

    Raises
    ------
    SiteError
        When a study has not been run, or a page cannot be made; `WithoutError` at the end, when one that was named is refused.
    """
    began = time.perf_counter()
    target = paths.site().absolute()
    chosen = _chosen(studies)
    found = _release(chosen)
    without = {one.name for one in chosen} - {one.name for one in found}
    index = _written(target, found, began)
    if missed := sorted(without & {*(studies or []), *asked}):
        raise WithoutError(said("publish.site.without", missing=listed(missed)))
    return index


def _written(target: Path, found: list[Built], began: float) -> Path:
    """The site of studies that may be published: its first page."""
    index, work = target / "index.html", paths.build() / ".site"
    try:
        work.mkdir(parents=True, exist_ok=True)
        with files.alone(work / ".lock"):
            _clear(target)
            stamp = _stamp(found)
            if _read(target / STAMP) == f"{stamp} {_content(target)}":
                print(said("publish.site.same", index=files.shown(index)), flush=True)
                return index
            pages, warnings = _make(found, work, target, stamp)
    except OSError as error:
        raise SiteError(files.explain(error, target)) from error
    _report(pages, warnings, time.perf_counter() - began, index)
    return index


# -- what there is ---------------------------------------------------------------------------------
def _chosen(studies: list[str] | None) -> list[Built]:
    found = find(paths.build())
    if studies is None:
        return found
    by_name = {study.name: study for study in found}
    missing = [name for name in studies if name not in by_name]
    if missing:
        raise SiteError(
            said(
                "publish.site.not_run",
                missing=listed(missing),
                first=missing[0],
                known=listed(by_name) or said("publish.none"),
            )
        )
    return [by_name[name] for name in studies]


def _release(studies: list[Built]) -> list[Built]:
    """Let each study through the gate and put it into words; what can be downloaded then lies ready.

    A study that is refused, or whose record does not fit the sheets as they are now, is left out and named; it does
    not stop the others.
    """
    ready, refused = [], []
    for study in studies:
        try:
            release.prepare(study)
            ready.append(study)
        except SecrecyError as error:
            refused.append(str(error))
        except SheetError as error:
            refused.append(said("publish.site.run_again", error=error, study=study.name))
        except OSError as error:
            raise SiteError(files.explain(error, study.root)) from error
    if refused and not ready:
        raise SiteError("\n".join(refused))
    for reason in refused:
        print(said("publish.site.left_out", reason=reason), file=sys.stderr, flush=True)
    return ready


def _stamp(studies: list[Built]) -> str:
    """Hash of everything that the site is made of, its own code included."""
    whole = hashlib.sha256()
    for label, file in _inputs(studies):
        whole.update(label.encode("utf-8") + b"\0")
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def _inputs(studies: list[Built]) -> Iterator[tuple[str, Path]]:
    here = Path(__file__).parents[1]
    code = [*(here / f"{name}.py" for name in CODE), *sorted((here / "params").glob("*.*"))]
    code += sorted(f for f in SPHINX.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    for file in code:
        yield f"code/{file.name}", file
    lock, story = paths.ROOT / "requirements.lock", paths.NOTEBOOKS / "chain.yaml"
    spoken = (
        sheets.shared_file(),
        paths.DATA / "verification" / "words.csv",
    )  # words of the pages of evidence
    for file in (lock, story, *spoken, *evidence.files(paths.build())):
        if file.is_file():
            yield file.name, file
    for study in studies:
        for place, file in study.files().items():
            yield f"{study.name}/{place}", file
        for name in study.done:
            yield f"{study.name}/{name}", study.root / f"{name}.ipynb"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _content(site: Path) -> str:
    """Hash of the site as it lies there, so that a page that was cut or altered is made again."""
    return files.tree(site, without=STAMP)


# -- making it -------------------------------------------------------------------------------------
def _make(studies: list[Built], work: Path, target: Path, stamp: str) -> tuple[int, list[str]]:
    """Stage, render both languages and put them in place; the number of pages and Sphinx's warnings."""
    from workbook.publish import pages

    html, remembered = work / "html", work / "doctrees"
    shutil.rmtree(html, ignore_errors=True)
    html.mkdir(parents=True)
    if _read(work / REMEMBERED) != files.tree(remembered):  # of a build that was stopped, or altered since
        shutil.rmtree(remembered, ignore_errors=True)
    for language in LANGUAGES:
        pages.stage(studies, work / "source" / language, paths.build(), language)
    warnings = _render_all(work, html)
    for language in LANGUAGES:
        for name in NEEDLESS:
            place = html / language / name
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        for place in (html / language / "_static").rglob("*.map"):  # of scripts, for who writes them
            place.unlink()
    share(html / "shared")
    shutil.rmtree(html / "jupyter_execute", ignore_errors=True)  # MyST-NB's own copy of outputs
    (html / "index.html").write_text(pages.door(), encoding="utf-8")
    for old, new in pages.old_places(studies, paths.build()).items():
        (html / old).parent.mkdir(parents=True, exist_ok=True)
        (html / old).write_text(pages.moved(new), encoding="utf-8")
    for study in studies:
        _offer(study, html / FILES / study.name)
    policy.seal_all(html)
    (html / STAMP).write_text(f"{stamp} {_content(html)}", encoding="utf-8")
    files.write_atomic(work / REMEMBERED, files.tree(remembered))
    count = sum(len(list((html / language).rglob("*.html"))) for language in LANGUAGES)
    _swap(html, target)
    return count, warnings


def share(folder: Path) -> None:
    """Lay down what pages of both languages load: MathJax in its SVG flavour, which needs no fonts.

    Some browsers refuse to load fonts for pages opened from a folder. The package has a hyphen in its name: it can be
    found, not imported.
    """
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    if package is None or package.origin is None:
        raise SiteError(said("publish.site.failed", reason="sphinx-mathjax-offline: `make env`"))
    folder.mkdir()
    shutil.copyfile(Path(package.origin).parent / "static" / "mathjax" / "tex-svg.js", folder / "tex-svg.js")


def _render_all(work: Path, html: Path) -> list[str]:
    """Both languages at once, each in a process of its own, since Sphinx has one language at a time."""
    context = multiprocessing.get_context("fork")
    running = []
    for language in LANGUAGES:
        receive, send = context.Pipe(duplex=False)
        places = [folder / language for folder in (work / "source", html, work / "doctrees")]
        process = context.Process(target=_rendered, args=(os.getpid(), send, *places, language))
        process.start()
        send.close()
        running.append((process, receive))
    said: list[str] = []
    faults: list[str] = []
    for process, receive in running:
        try:
            warnings, fault = receive.recv()
        except EOFError:
            warnings, fault = [], "the process that makes the pages ended early"
        process.join()
        said += warnings
        faults += [fault] if fault else []
    if faults:
        raise SiteError(faults[0])
    return said


def _rendered(parent: int, send: Any, source: Path, html: Path, doctrees: Path, language: str) -> None:
    """In a process: render one language and send the warnings, or what went wrong."""
    files.end_with(parent)
    try:
        send.send((_render(source, html, doctrees, language), ""))
    except (SiteError, OSError) as error:
        send.send(([], str(error)))


def _render(source: Path, html: Path, doctrees: Path, language: str) -> list[str]:
    """Run Sphinx; its warnings. What it remembers of unchanged pages is dropped when it stumbles."""
    # jsonschema would build a grammar of internet addresses at import: seconds, for formats no notebook has.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    heard = io.StringIO()
    settings = {"language": SPHINX_NAME[language]}
    settings["html_theme_options.search_bar_text"] = words(language)["search"]
    try:
        with patch_docutils(str(SPHINX)), docutils_namespace():
            app = Sphinx(
                str(source),
                str(SPHINX),
                str(html),
                str(doctrees),
                "html",
                confoverrides=settings,
                status=None,
                warning=heard,
            )
            app.build(force_all=True)
    except Exception as error:
        shutil.rmtree(doctrees, ignore_errors=True)
        reason = files.scrub(f"{type(error).__name__}: {error}")
        raise SiteError(said("publish.site.failed", reason=reason)) from error
    return [files.scrub(line) for line in heard.getvalue().splitlines() if line.strip()]


def _offer(study: Built, folder: Path) -> None:
    """Lay what can be downloaded beside the pages: exhibits, executed notebooks, the record."""
    for name, file in study.files().items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


def _clear(target: Path) -> tuple[Path, Path]:
    """Where a new site and the old one lie for a moment; what a build left there that was stopped is removed."""
    new, old = (target.with_name(f".{target.name}.{word}") for word in ("new", "old"))
    if old.exists() and not target.exists():  # stopped between two renames: the old one is whole
        old.rename(target)
    for place in (new, old):
        shutil.rmtree(place, ignore_errors=True)
    return new, old


def _swap(html: Path, target: Path) -> None:
    """Put a whole site in the place of the old one, by renaming within one folder."""
    new, old = _clear(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(html, new)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _report(pages: int, warnings: list[str], seconds: float, index: Path) -> None:
    for line in warnings:
        print(said("publish.site.line", line=line), file=sys.stderr, flush=True)
    tail = said("publish.site.warnings", count=len(warnings)) if warnings else ""
    print(
        said("publish.site.made", pages=pages, seconds=seconds, tail=tail, index=files.shown(index)),
        flush=True,
    )


def main() -> None:
    """Build the site from the command line: ``python -m workbook.publish.site [STUDY ...]``."""
    build(sys.argv[1:] or None)


if __name__ == "__main__":
    main()
