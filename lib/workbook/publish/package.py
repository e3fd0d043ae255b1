"""A replication package: code, parameters, results and a README by the social science data editors' template.

Vilhuber, L., Connolly, M., Koren, M., Llull, J., & Morrow, P. (2022). A template README for social science
replication packages (v1.1). https://doi.org/10.5281/zenodo.7293838. Its headings are kept; what stands below them
comes from the study's own record.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode

from workbook import files, inert, paths
from workbook.exhibits.sheets import SheetError
from workbook.language import listed, said, word
from workbook.params import Parameters
from workbook.params.checks.places import FILE_LISTS, FILES, FOLDERS, ROWS, besides, resolve_source
from workbook.params.file import folder, forms
from workbook.params.file.core import yaml
from workbook.params.file.limits import composed
from workbook.params.load import stated
from workbook.publish import release, spoken
from workbook.publish.built import Built, find
from workbook.publish.secrecy import SecrecyError
from workbook.review.compare import snapshot
from workbook.run import chain, manifest

TEMPLATES = {"en": "README.md", "zh": "README.zh.md"}
# The project's own guides stand beside the package's under other names.
RENAMED = {"README.md": "README.workbook.md", "README.zh.md": "README.workbook.zh.md"}
WORDS = {
    "en": {
        "unstated": "not stated",
        "nothing": "nothing",
        "data": "the data",
        "list": ", ",
        "program": "- `{}`: reads {}; writes {}",
        "row": "| {} {} | {} | `{}`, cell `{}` | `results/{}` |",
        "table": "table",
        "figure": "figure",
        "file": "file",
        "synthetic": "The data are synthetic and are made again by the first notebook.",
        "shipped": "The data come with a package of `requirements.lock`; nothing has to be obtained.",
        "inside": "The data are in the package: `{}`.",
        "reason": "`{}` ({})",
        "not_run": "Not executed, as this study has nothing for them: {}.",
        "commit": "Code: commit `{}` of the project.",
        "dirty": " The run used changes that were not committed; they are not in this package, so that numbers may differ.",
        "outside": "The data are not in the package. Obtain them as said above, and name the file in `panel.source`.",
    },
    "zh": {
        "unstated": "未说明",
        "nothing": "无",
        "data": "数据",
        "list": "、",
        "program": "- `{}`：读取 {}；写出 {}",
        "row": "| {} {} | {} | `{}`，单元格 `{}` | `results/{}` |",
        "table": "表",
        "figure": "图",
        "file": "文件",
        "synthetic": "数据为合成数据，由第一个笔记本重新生成。",
        "shipped": "数据随 `requirements.lock` 中的一个软件包提供，无须另行取得。",
        "inside": "数据在本包中：`{}`。",
        "reason": "`{}`（{}）",
        "not_run": "以下各个本研究用不到，未执行：{}。",
        "commit": "代码：项目的提交 `{}`。",
        "dirty": "运行时含未提交的改动，本包中没有这些改动，数值可能有出入。",
        "outside": "数据不在本包中。请按上文所述取得，并在 `panel.source` 中写明文件。",
    },
}


class PackageError(RuntimeError):
    """The package cannot be made; nothing was written."""


def make(name: str, *, allow_dirty: bool = False) -> Path:
    """Write ``build/packages/<study>.zip``.

    Parameters
    ----------
    name : str
        Name of a study that has been run whole.
    allow_dirty : bool
        Whether uncommitted changes are accepted; the package then holds the last commit, and says so.

    Returns
    -------
    Path
        The archive.

    Raises
    ------
    PackageError
        If the study is not there or not whole, the code is not what the run used, or a secrecy rule is broken.
    """
    study = _study(name)
    commit = _commit(study, allow_dirty)
    try:
        release.prepare(study)
    except (SecrecyError, SheetError) as error:
        raise PackageError(str(error)) from None
    target = paths.build() / "packages" / f"{name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    files.sweep(target.parent)
    work = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(work, "w", zipfile.ZIP_DEFLATED) as archive:
            for place, content in _contents(study, commit):
                archive.writestr(_entry(place), content)
        work.replace(target)
    finally:
        work.unlink(missing_ok=True)
    return target


def readme(study: Built, language: str = "en") -> str:
    """The package's README, from the study's record and parameters; its text is ``data/package/README.md.in``.

    Parameters
    ----------
    study : Built
        The study.
    language : {"en", "zh"}
        Language of the text; a Chinese one is ``README.zh.md.in``.
    """
    record, parameters, w = study.manifest, study.parameters, WORDS[language]

    def stated(field: str) -> Any:
        return parameters.get(f"{field}_{language}")

    environment = record.get("environment") or {}
    peak = max((r.get("peak_memory_mb") or 0 for r in study.records.values()), default=0)
    values = {
        "study": study.name,
        "title": inert.markdown(stated("title") or study.name),
        "question": inert.markdown(
            " ".join(filter(None, (stated("question"), stated("estimand")))) or w["unstated"]
        ),
        "count": len(_run(study)),
        "not_run": _not_run(study, language),
        "commit": _code_of(study, w),
        "cannot": "\n".join(f"- {inert.markdown(line)}" for line in stated("cannot") or [w["unstated"]]),
        "data": inert.markdown(stated("data") or w["unstated"]),
        "source": inert.code(_source(parameters)),
        "availability": w["synthetic"] if study.synthetic else _availability(study, w),
        "licence": inert.markdown(parameters.get("licence") or w["unstated"]),
        "lock": environment.get("lock_sha256"),
        "packages": ", ".join(f"{k} {v}" for k, v in (environment.get("packages") or {}).items()),
        "seed": record.get("seed"),
        "seed_file": f"params/{study.name}.yaml" if _states_seed(study) else "params/base.yaml",
        "seconds": f"{sum(r.get('seconds') or 0 for r in study.records.values()):,.0f}",
        "processor": f"{sum(r.get('processor_seconds') or 0 for r in study.records.values()):,.0f}",
        "peak": f"{peak:,.0f}",
        "programs": _programs(study, w),
        "rows": _rows(study, language),
    }
    values |= {name: environment.get(name) for name in ("python", "cores", "machine", "platform")}
    template = paths.DATA / "package" / f"{TEMPLATES[language]}.in"
    return template.read_text(encoding="utf-8").format(**values)


# -- inside ------------------------------------------------------------------------------------


def _run(study: Built) -> list[str]:
    """Notebooks that were executed: a study has nothing for the others, and says so."""
    return [name for name in study.done if not study.records[name].get("lacks")]


def _not_run(study: Built, language: str) -> str:
    """Which notebooks were not executed, and why; empty where all were."""
    w = WORDS[language]
    why = {name: spoken.load(study.root, name).get("lacks", {}).get(language, "") for name in study.done}
    left = [name for name in study.done if name not in _run(study)]
    told = [w["reason"].format(name, inert.markdown(why[name].rstrip(".。"))) for name in left]
    return w["not_run"].format(w["list"].join(told)) if told else ""


def _code_of(study: Built, words: dict[str, str]) -> str:
    """The commit that the package holds, and whether the run was of it alone."""
    made = study.manifest.get("git") or {}
    return words["commit"].format(made.get("commit")) + (words["dirty"] if made.get("dirty") else "")


def _states_seed(study: Built) -> bool:
    """Whether the study's own file states the seed, and not the defaults."""
    own = paths.PARAMS / f"{study.name}.yaml"
    file = own if own.is_file() else _placed(study)
    return "seed" in (stated(file)[0].get("study") or {})


def _programs(study: Built, words: dict[str, str]) -> str:
    """Each notebook that was executed, with what it reads and writes."""
    comma = words["list"]
    return "\n".join(
        words["program"].format(
            f"notebooks/{step.notebook}.ipynb",
            comma.join(step.reads) or words["data"],
            comma.join(step.outputs) or words["nothing"],
        )
        for step in chain.chain()
        if step.notebook in _run(study)
    )


def _rows(study: Built, language: str) -> str:
    """Each exhibit with the program and the file that make it."""
    w = WORDS[language]
    return "\n".join(
        w["row"].format(
            w[r["kind"]],
            r["number"],
            inert.markdown(r["title"]),
            f"notebooks/{r['notebook']}.ipynb",
            r["id"],
            _main(study.spoken(language), r),
        )
        for r in study.spoken(language).exhibits
        if r["kind"] not in ("left_out", "withheld")
    )


def _main(study: Built, row: dict[str, Any]) -> str:
    """Place of an exhibit's main file."""
    forms = study.forms(row["notebook"], row["id"])
    return study.place(row, next(iter(forms))) if forms else ""


def _study(name: str) -> Built:
    found = {study.name: study for study in find(paths.build())}
    if name not in found:
        there = listed(found) or said("publish.none")
        raise PackageError(said("publish.package.not_run", name=name, there=there))
    study = found[name]
    undone = [
        f"{notebook} ({word('review.status', state)})"
        for notebook, state in study.states.items()
        if state != "done"
    ]
    if undone:
        raise PackageError(said("publish.package.not_whole", name=name, undone=listed(undone)))
    return study


def _commit(study: Built, allow_dirty: bool) -> str:
    """The commit whose code made the results."""
    record = study.manifest.get("git") or {}
    commit = record.get("commit")
    if not commit:
        raise PackageError(said("publish.package.no_commit"))
    if record.get("dirty") and not allow_dirty:
        raise PackageError(said("publish.package.dirty", study=study.name))
    return str(commit)


def _contents(study: Built, commit: str) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of everything in the package."""
    yield from _code(commit)
    yield from _own(study)
    for language, place in TEMPLATES.items():
        yield place, readme(study, language).encode("utf-8")
    for place, file in study.files().items():
        yield f"results/{place}", file.read_bytes()
    record = json.dumps(_snapshot(study), ensure_ascii=False)
    yield "results/snapshot.json", record.encode("utf-8")


def _own(study: Built) -> Iterator[tuple[str, bytes]]:
    """The file of a study that is none of the project's, with those that it is based upon and what they name: adapter,
    tables and, where public, its data.

    All lie in ``params/<study>/``, and the study's file names them there; bases lie beside it, under names that begin
    with the study's.
    """
    if (paths.PARAMS / f"{study.name}.yaml").is_file():
        return
    file = _placed(study)
    values, places = stated(file)
    bases = [place for place, _ in getattr(places, "bases", [])]
    called = {base.name: f"{study.name}-{base.name}" for base in bases}
    texts = {f"{study.name}.yaml": file, **{called[base.name]: base for base in bases}}
    parameters = Parameters.model_validate(forms.read(values)[0])
    inside = _inside(study, parameters, file)
    for name in inside:
        place = paths.ROOT / resolve_source(name, file)
        if place.is_dir():
            for part in _tables(place, besides(parameters, file)):
                yield f"params/{inside[name]}/{part.relative_to(place)}", part.read_bytes()
            continue
        for at, content in _with_named(place):
            yield f"params/{Path(inside[name]).parent / at}", content
    for name, own in texts.items():
        text = _renamed(own.read_text(encoding="utf-8-sig"), inside | called)
        yield f"params/{name}", text.encode("utf-8")


def _inside(study: Built, parameters: Parameters, file: Path) -> dict[str, str]:
    """Where each file that a study names lies in the package, below ``params``."""
    inside: dict[str, str] = {}
    for name in _named(parameters.flat(), study.parameters.get("secrecy") == "public"):
        place = paths.ROOT / resolve_source(name, file)
        if not place.is_relative_to(paths.DATA) and place.exists():
            inside[name] = f"{_room(study.name, place, inside.values())}/{place.name}"
    return inside


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """A study's file with other names of files; a title or a note that speaks of one stays as it is."""
    for start, end, old in sorted(_values(composed(text)), reverse=True):
        if old in names:
            text = text[:start] + json.dumps(names[old], ensure_ascii=False) + text[end:]
    return text


def _values(node: Any) -> Iterator[tuple[int, int, str]]:
    """Where each value of a study's file begins and ends, and what it says."""
    if isinstance(node, ScalarNode):
        yield node.start_mark.index, node.end_mark.index, node.value
    elif node is not None:
        for held in node.value:
            yield from _values(held[1] if isinstance(node, MappingNode) else held)


def _room(study: str, place: Path, taken: Collection[str]) -> str:
    """A folder for a file in which no other has its name."""
    rooms = (study if count == 1 else f"{study}/{count}" for count in itertools.count(1))
    return next(room for room in rooms if f"{room}/{place.name}" not in taken)


def _with_named(place: Path) -> Iterator[tuple[str, bytes]]:
    """A file and what it names itself: the database of a query, the adapter that an adapter is based on; all in one folder."""
    named, below = "", place.parent
    if place.suffix.lower() == ".sql":
        first = place.read_text("utf-8-sig", errors="replace").partition("\n")[0]
        named = first.rpartition("sqlite:")[2].strip() if "sqlite:" in first else ""
    elif place.suffix.lower() in (".yaml", ".yml"):
        values = yaml().load(place.read_text("utf-8-sig"))
        named = str((values or {}).get("based_on") or "") if isinstance(values, dict) else ""
    other = below / os.path.expanduser(named)
    if not named or not other.is_file():
        yield place.name, place.read_bytes()
        return
    text = place.read_text("utf-8-sig").replace(named, other.name, 1)
    yield place.name, text.encode("utf-8")
    yield from _with_named(other)


def _tables(place: Path, but: set[Path]) -> list[Path]:
    """Files of a folder that a study reads as its source, or records of what was published before."""
    if records := sorted(place.glob("*.release.json")):
        return records
    return folder.looked(place, but).tables if folder.is_many(place) else folder.parts(place)


def _named(flat: Mapping[str, Any], public: bool) -> list[str]:
    """What a study names and a package may hold: rows of units that were promised secrecy stay where they are."""
    named = [
        flat["adapter"],
        flat["names"] if isinstance(flat["names"], str) else None,
        *(flat[name] for name in sorted(FILES - ROWS)),
        *(one for name in sorted(FILE_LISTS) for one in flat[name]),
    ]
    named += [own["file"] for own in flat["standards"].values()]
    if public:
        named += [flat["source"]] if isinstance(flat["source"], str) else flat["source"]
        named += [flat[name] for name in sorted(ROWS | FOLDERS)]
    return list(dict.fromkeys(str(name) for name in named if name))


def _placed(study: Built) -> Path:
    """The study's file, as it was when it ran."""
    file = manifest.place(study.root)
    same = file is not None and hashlib.sha256(file.read_bytes()).hexdigest() == study.manifest.get(
        "parameters_sha256"
    )
    if file is None or not same:
        raise PackageError(said("publish.package.no_study", study=study.name))
    return file


def _snapshot(study: Built) -> dict[str, Any]:
    """The run as it may be published: under rules of secrecy without rows, which are in the results as released."""
    taken = snapshot.take(study.root)
    if study.parameters.get("secrecy") != "public":
        taken |= {"exhibits": {}, "estimates": {}}
    return taken


def _code(commit: str) -> Iterator[tuple[str, bytes]]:
    """The project as committed."""
    import io
    import tarfile

    try:
        archive = subprocess.run(
            ["git", "archive", "--format=tar", commit], cwd=paths.ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise PackageError(said("publish.package.no_code", commit=commit[:10], error=error)) from None
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield RENAMED.get(member.name, member.name), stream.read()


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry whose bytes do not depend on the clock; scripts stay executable."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o755 if name.endswith(".ci/run") else 0o644) << 16
    return entry


def _source(parameters: dict[str, Any]) -> str:
    """A file by its name alone, whatever its place on the machine."""
    source = parameters.get("source")
    names = source if isinstance(source, list) else [source]
    return ", ".join(Path(str(name)).name if "/" in str(name) else str(name) for name in names)


def _availability(study: Built, words: dict[str, str]) -> str:
    """Where the data are: with a package of the lock, in this one, or neither."""
    stated_ = study.parameters.get("source")
    source = str(stated_)
    if ":" in source and not Path(source).exists():
        return words["shipped"]
    if (paths.ROOT / source).is_file() and not Path(source).is_absolute():
        return words["inside"].format(inert.code(source))
    if not (paths.PARAMS / f"{study.name}.yaml").is_file():
        file = _placed(study)
        parameters = Parameters.model_validate(forms.read(stated(file)[0])[0])
        named, inside = parameters.flat()["source"], _inside(study, parameters, file)
        own = [named] if isinstance(named, str) else list(named)
        if all(name in inside for name in own):
            places = f"`{words['list']}`".join(inert.code(f"params/{inside[name]}") for name in own)
            return words["inside"].format(places)
    return words["outside"]


def shown(target: Path) -> str:
    """The archive's name and size, for the terminal."""
    return f"{files.shown(target)} ({target.stat().st_size / 1e6:.1f} MB)"
