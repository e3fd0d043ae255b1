"""What a notebook's result depends on, as hashes of content.

A notebook is run again when, and only when, one of these parts differs from those of its last good run:
its own source, the parameters it names, the library modules it imports (directly or through others), the
artefacts it reads, the project files it declares, the data source, and the environment's lock.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.run.chain import Step

LIB = paths.ROOT / "lib"
PACKAGES = frozenset({"fusion", "estimators", "workbook", "evidence"})
LOCK = paths.ROOT / "requirements.lock"
NAMED = 3  # parts named in a line that says why a notebook runs again
# A parameter that ends so names a file of data.
# Parameters that name a file or a folder, whatever its suffix.
PLACES = {"source", "adapter", "earlier_releases"}
DATA_SUFFIXES = {
    ".csv", ".tsv", ".txt", ".zip", ".gz", ".json", ".parquet", ".dta", ".sav", ".zsav", ".por",
    ".sas7bdat", ".xpt", ".xlsx", ".xlsm", ".xls",
    ".xlsb", ".ods", ".sql", ".yaml", ".yml",
}  # fmt: skip
# A file changed less than this many seconds ago may change again without its time stamp moving.
RACY = 2.0


class Hashes:
    """SHA-256 of files, remembered by size, times of change and inode so that nothing is read twice.

    The time of the inode's change is one of them: who puts back the time of a file that he altered cannot put back that.

    Parameters
    ----------
    memory : Path or None
        JSON file that keeps what is remembered; losing it costs time only.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self.memory = memory
        self._known: dict[str, list[Any]] = {}
        self._seen: dict[str, list[Any]] = {}
        if memory is not None and memory.is_file():
            with contextlib.suppress(ValueError, OSError, KeyError, TypeError):
                found = json.loads(memory.read_text(encoding="utf-8"))
                if found["digest"] == digest(found["files"]):  # a memory that fails remembers nothing
                    self._known = found["files"]

    def of(self, file: Path) -> str:
        """SHA-256 of a file's bytes, in hexadecimal."""
        stat = file.stat()
        key, mark = str(file), [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        known = self._known.get(key)
        if known and known[:-1] == mark:
            self._seen[key] = known
            return str(known[-1])
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if time.time() - max(stat.st_mtime, stat.st_ctime) > RACY:
            self._known[key] = self._seen[key] = [*mark, digest]
        return digest

    def save(self) -> None:
        """Write what is remembered; files that are gone are forgotten."""
        if self.memory is None or not self._seen:
            return
        gone = {key for key in self._known if key not in self._seen and not Path(key).exists()}
        kept = {k: v for k, v in self._known.items() if k not in gone} | self._seen
        files.write_atomic(self.memory, json.dumps({"files": kept, "digest": digest(kept)}))


def digest(value: Any) -> str:
    """SHA-256 of a plain value's canonical JSON."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def source(cell: Mapping[str, Any]) -> str:
    """A cell's text."""
    return "".join(cell["source"])


def notebook(content: Mapping[str, Any]) -> str:
    """Hash of a notebook's code: text and tags of its cells; prose, which changes no number, does not count."""
    cells = [
        [source(cell), sorted(cell["metadata"].get("tags", []))]
        for cell in content["cells"]
        if cell["cell_type"] == "code"
    ]
    return digest(cells)


def library(content: Mapping[str, Any], lib: Path = LIB) -> list[Path]:
    """Modules of the project's library that a notebook imports, directly or through others.

    Parameters
    ----------
    content : dict
        The notebook (parsed JSON).
    lib : Path
        Folder that holds the project's packages.

    Returns
    -------
    list of Path
        Sorted; ``__init__.py`` of the packages passed through are part of it.
    """
    found: set[Path] = set()
    queue: set[str] = set()
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            queue.update(_imports(_plain(source(cell)), ""))
    looked_up: set[str] = set()
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        looked_up.add(name)
        for file, module in _modules(name, lib, seen):
            if file not in found:
                found.add(file)
                queue.update(set(_imports_of(file, file.stat().st_mtime_ns, module)) - looked_up)
    return sorted(found)


def fingerprint(
    step: Step,
    content: Mapping[str, Any],
    parameters: Mapping[str, Any],
    artefacts: Mapping[str, Path],
    hashes: Hashes,
    exhibits: Mapping[str, Path] | None = None,
    sheet: str = "",
) -> dict[str, Any]:
    """All parts on which a notebook's result depends.

    Parameters
    ----------
    step : Step
        Its entry in the chain.
    content : dict
        The notebook (parsed JSON).
    parameters : dict
        Values of the parameters that its parameters cell names.
    artefacts : dict
        Artefact name: Parquet file that it reads (which need not exist).
    hashes : Hashes
        Hashes of files.
    exhibits : dict, optional
        Notebook: record of its exhibits, for a step that reads those.
    sheet : str
        Hash of what its sheet decides beside words (see ``sheets.decides``).

    Returns
    -------
    dict
        Part: hash, or part: {name: hash or value}; plain JSON without paths of the machine.
    """
    return {
        "notebook": notebook(content),
        "sheet": sheet,
        "step": {"reads": list(step.reads), "writes": list(step.outputs)},
        "parameters": public(parameters),
        "data": {name: hashes.of(f) for name, f in named_files(parameters)},
        "library": {str(f.relative_to(LIB)): hashes.of(f) for f in library(content)},
        "inputs": {n: hashes.of(f) if f.is_file() else None for n, f in artefacts.items()},
        "exhibits": {n: hashes.of(f) for n, f in (exhibits or {}).items() if f.is_file()},
        "files": {str(f.relative_to(paths.ROOT)): hashes.of(f) for f in declared(step)},
        "environment": {"lock": hashes.of(LOCK), "python": platform.python_version()},
    }


def touched(files: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """Size, time of change and inode of each file that is there: whether one was another while nobody looked."""
    found: dict[str, tuple[int, ...]] = {}
    for file in files:
        with contextlib.suppress(OSError):
            stat = file.stat()
            found[str(file)] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


def changed(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[str]:
    """Names of what differs between two fingerprints, e.g. ``["parameters: winsor_tail"]``."""
    if not old:
        return ["no earlier result"]
    names = []
    for part, value in new.items():
        before = old.get(part)
        if before == value:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            keys = sorted(k for k in value.keys() | before.keys() if value.get(k) != before.get(k))
            more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED + 1 else ""
            names.append(f"{part}: {', '.join(keys[:NAMED] if more else keys)}{more}")
        else:
            names.append(part)
    return names or [part for part in old if part not in new]


def declared(step: Step) -> Iterator[Path]:
    """Project files that a step declares in ``chain.yaml``; a folder stands for all files in it."""
    for name in step.files:
        place = paths.ROOT / name
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in inside:
            hidden = any(part.startswith((".", "__")) for part in file.relative_to(paths.ROOT).parts)
            if file.is_file() and not hidden:
                yield file


def public(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they may be published: a file outside the project by its name alone."""
    values = json.loads(json.dumps(dict(parameters)))
    return {name: _unplaced(value, name) for name, value in values.items()}


def named_files(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Files that parameters name (the panel's source, a table of pilots, ...), where they are files."""
    for name, value in sorted(parameters.items()):
        for item in _texts(value):
            if name == "source" or Path(item).suffix.lower() in DATA_SUFFIXES:
                for file in _held(paths.ROOT / item):
                    yield f"{name}: {file.name}", file


def _held(place: Path) -> list[Path]:
    """A file; of a folder its Parquet files; of a query also the database beside it."""
    if place.is_dir():
        return sorted(place.rglob("*.parquet"))
    if not place.is_file():
        return []
    found = [place]
    if place.suffix.lower() == ".sql":
        with place.open(encoding="utf-8-sig", errors="replace") as stream:
            first = stream.readline(1000)
        named = place.parent / first.rpartition("sqlite:")[2].strip()
        found += [named] if "sqlite:" in first and named.is_file() else []
    return found


# -- inside ------------------------------------------------------------------------------------


def _texts(value: Any) -> Iterator[str]:
    """Texts in a value, at any depth; of a mapping those of its values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _unplaced(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_unplaced(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _unplaced(item, key) for key, item in value.items()}
    absolute = isinstance(value, str) and value.startswith("/")
    is_file = absolute and (name in PLACES or Path(value).suffix.lower() in DATA_SUFFIXES)
    return Path(value).name if is_file else value


def _plain(code: str) -> str:
    """Code without IPython's own lines, which are not Python."""
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in code.splitlines())


@cache
def _imports_of(file: Path, changed_ns: int, module: str) -> tuple[str, ...]:
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    return tuple(_imports(file.read_text(encoding="utf-8"), package))


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Statements at any depth; expressions, which are most of a tree, hold none."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.expr):
            yield node
            yield from _statements(node)


def _imports(code: str, package: str) -> Iterator[str]:
    """Names of the project's packages that code imports; ``from a import b`` gives a.b, since b may be a module."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return  # it will fail when it runs, and say where
    for node in _statements(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: -(node.level - 1) or None] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name.split(".")[0] in PACKAGES)


def _modules(name: str, lib: Path, seen: set[str]) -> Iterable[tuple[Path, str]]:
    """Files that importing a dotted name of the project's packages executes, but for parts of names that were `seen`."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = ".".join(parts[:end])
        if module in seen:
            continue
        seen.add(module)
        place = lib.joinpath(*parts[:end])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file, module
