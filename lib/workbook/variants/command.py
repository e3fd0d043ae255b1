"""`fusion grid`: all variants of a study, or one of them in full."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.language import listed, said
from workbook.params.checks.places import FILE_LISTS, FILES, FOLDERS, resolve_sources
from workbook.params.checks.refusals import StudyError
from workbook.params.file.core import yaml
from workbook.params.load import Study, load, resolve_adapter, stated
from workbook.run import chain
from workbook.run.lock import lock
from workbook.run.runner import stoppable
from workbook.variants import found
from workbook.variants.plan import Spread, Variant, changed
from workbook.variants.work import Work

STUDIES = "studies"  # folder of the files of variants that were asked for in full


def begin(study: Study, made: Spread) -> None:
    """Say what will be run, once it is known that nothing is wrong with it."""
    found.Asked(study)
    told = {"count": len(made.variants), "parameters": listed(made.called)}
    print(said("variants.begin", study=study.name, **told), flush=True)


def run(study: Study, made: Spread, jobs: int, quiet: bool = False) -> int:
    """Run all variants of a study and leave what they found in its folder.

    Parameters
    ----------
    study : Study
        The study as its file states it.
    made : Spread
        Its variants.
    jobs : int
        Processes at a time.
    quiet : bool
        Say the last line alone.

    Returns
    -------
    int
        0 done; 1 some variants have no number.
    """
    asked, root = found.Asked(study), paths.build() / study.name
    began = time.monotonic()
    root.mkdir(parents=True, exist_ok=True)
    with stoppable(), lock(root, study.name, wait=True):
        work = Work(made, asked.last, root.absolute(), jobs, quiet)
        fates = work.go()
        failed = found.write(made, fates, asked, root)
    said_ = {"count": len(fates), "failed": failed, "made": work.made, "seconds": time.monotonic() - began}
    print(said("variants.summary", study=study.name, **said_), flush=True)
    return int(failed > 0)


def one(study: Study, made: Spread, name: str) -> Study:
    """One variant as a study of its own, whose file lies in the build.

    Parameters
    ----------
    study : Study
        The study as its file states it.
    made : Spread
        Its variants.
    name : str
        The variant's number, or what distinguishes it as the page has it.

    Raises
    ------
    StudyError
        When there is no such variant.
    """
    variant = next((v for v in made.variants if name in _names(v, made)), None)
    if variant is None:
        first = [f"{v.number} ({v.label(made.called, 'en')})" for v in made.variants[:3]]
        raise StudyError(
            said("variants.no_variant", name=name[:200], known=listed(first), count=len(made.variants))
        )
    values, _ = stated(study.file)
    values = {key: value for key, value in values.items() if key != "grid"}
    for path, level in variant.levels.items() if variant.number else ():
        values = changed(values, path, level.value)
    place = paths.build() / study.name / chain.LEFT / STUDIES / f"{study.name}-{variant.number}.yaml"
    place.parent.mkdir(parents=True, exist_ok=True)
    head = said(
        "variants.file", number=variant.number, study=study.name, label=variant.label(made.called, "en")
    )
    stream = io.StringIO()
    writer: Any = yaml()
    writer.default_flow_style, writer.allow_unicode, writer.width = False, True, 110
    writer.dump(_placed(values, study), stream)
    files.write_atomic(place, f"# {head}\n{stream.getvalue()}")
    return load(str(place))


def _names(variant: Variant, made: Spread) -> set[str]:
    return {str(variant.number), *(variant.label(made.called, language) for language in ("en", "zh"))}


def _placed(values: dict[str, Any], study: Study) -> dict[str, Any]:
    """Plain values whose files are found from any folder."""
    found_, file = dict(values), study.file

    def absolute(name: str, value: Any) -> Any:
        if name == "adapter":
            value = resolve_adapter(value, file)
        elif name != "base":
            value = resolve_sources(value, file)
        there = isinstance(value, str) and (paths.ROOT / value).exists() and not _own(value, name)
        return str(paths.ROOT / value) if there else value

    for section, inside in values.items():
        if not isinstance(inside, dict):
            continue
        named = {"source", "adapter", *FILES, *FILE_LISTS, *FOLDERS} & inside.keys()
        found_[section] = inside | {n: absolute(n, inside[n]) for n in named if inside[n] is not None}
    if isinstance(values.get("names"), str):
        found_["names"] = absolute("names", values["names"])
    return found_


def _own(value: str, name: str) -> bool:
    """Whether a place is the project's own, which any file may name as it is."""
    return not Path(value).is_absolute() or (name == "adapter" and "/" not in value)
