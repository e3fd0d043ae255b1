"""The page on which JupyterLab opens: what a study found, its notebooks, how to change one, how to make a study of one's own."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbook import files, paths
from workbook.exhibits.sheets import SheetError
from workbook.inert import markdown
from workbook.params.load import Study
from workbook.publish import built, papers, release
from workbook.publish.secrecy import SecrecyError

FILE = "start.ipynb"

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "none": "This study has not been run yet. In a terminal (File → New → Terminal): `make study STUDY={study}`.",
        "notebooks": "## Notebooks\n\nEach opens by hand and runs from top to bottom on what the last run left; finished "
        "results are not touched.",
        "change": "## Change something\n\n"
        "1. Open a notebook. Its first cell of code holds its parameters, one a line, each with what it means; "
        '`study = "{study}"` says which study is read.\n'
        "2. Change a line, then *Run → Run All Cells*. Below the last cell stands which numbers moved against the last run. "
        "A name that is no parameter is refused with the nearest.\n"
        "3. Keep it as a study of its own, in a terminal: `.venv/bin/fusion adopt notebooks/06_dynamics.ipynb --name mine` "
        "writes `mine.yaml` beside `{file}` with what you changed; `make study STUDY={mine}` runs all of it.",
        "form": "## Parameters as a form\n\nWithout YAML: click into the cell below and press *Shift + Enter*. "
        "What you change is checked as you go; *Check and save* writes a study of your own.",
        "own": "## Your own data\n\n`.venv/bin/fusion new FILES` looks at them and writes a small study and its adapter; "
        "`make study STUDY=NAME.yaml` runs it. Every parameter is explained in [params/base.yaml]({base}); an editor that "
        "knows JSON schemas completes study files by [params/schema.json]({schema}).",
    },
    "zh": {
        "none": "本研究尚未运行。请在终端（File → New → Terminal）中输入：`make study STUDY={study}`。",
        "notebooks": "## 笔记本\n\n每个笔记本都可手工打开，以上次运行的结果为输入从头运行到尾；已完成的结果不受影响。",
        "change": "## 更改参数\n\n"
        '1. 打开一个笔记本。第一个代码单元是它的参数，每行一个，附有说明；`study = "{study}"` 指明读取哪个研究。\n'
        "2. 改动一行，然后 *Run → Run All Cells*。最后一个单元之下列出与上次运行相比变动的数字。不是参数的名称会被拒绝，"
        "并提示最接近的名称。\n"
        "3. 在终端中保存为自己的研究：`.venv/bin/fusion adopt notebooks/06_dynamics.ipynb --name mine` 会在 `{file}` "
        "旁写出 `mine.yaml`，只含所作更改；`make study STUDY={mine}` 运行全部。",
        "form": "## 用表单更改参数\n\n无需书写 YAML：点击下面的单元并按 *Shift + Enter*。"
        "更改随时核对；*核对并保存* 写出自己的研究。",
        "own": "## 自己的数据\n\n`.venv/bin/fusion new 文件` 查看文件并写出一个小的研究及其适配器；"
        "`make study STUDY=名称.yaml` 运行它。所有参数的说明见 [params/base.yaml]({base})；支持 JSON 模式的编辑器可按 "
        "[params/schema.json]({schema}) 补全研究文件。",
    },
}


def write(study: Study) -> Path:
    """Write a study's start page into its folder of the build; returns its place.

    Parameters
    ----------
    study : Study
        A study that may not have been run yet.
    """
    root = paths.build() / study.name
    found = next((one for one in built.find(paths.build()) if one.name == study.name), None)
    if found is not None and found.done:
        # Said when it is published: a rule of secrecy, or a run older than the words for it. What was made before is shown.
        with suppress(SecrecyError, SheetError):
            release.prepare(found)
    language = "zh" if study.flat["language"] == "zh" else "en"
    place = root / FILE
    place.parent.mkdir(parents=True, exist_ok=True)
    texts = [*_found(study, found, language), *_how(study, place, language)]
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": f"start-{count}", "metadata": {}, "source": text}
        for count, text in enumerate(texts)
    ]
    code = f"from workbook.lab import fields\n\nfields.show({_called(study)!r})"
    bare: dict[str, Any] = {"metadata": {}, "outputs": [], "execution_count": None}
    cells.insert(-1, {"cell_type": "code", "id": "form", "source": code, **bare})
    page = {"cells": cells, "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 5}
    files.write_atomic(place, json.dumps(page, ensure_ascii=False, indent=1))
    return place


KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def _found(study: Study, found: built.Built | None, language: str) -> list[str]:
    """Title, question, answer and its figure, and the notebooks with what each found."""
    w = WORDS[language]
    if found is None or not found.done:
        title = study.flat.get(f"title_{language}") or study.name
        return [f"# {markdown(str(title))}\n\n{w['none'].format(study=_called(study))}"]
    shown = found.spoken(language)
    answer = shown.answer
    lines = [
        f"# {markdown(shown.title)}",
        markdown(shown.text("question")),
        f"**{markdown(answer['title'])}**" if answer else "",
    ]
    drawn = shown.picture(answer)
    picture = shown.forms(drawn["notebook"], drawn["id"]).get(".png") if drawn else None
    if picture is not None:
        # Backslashes would be read out; what Markdown could read is left out instead.
        alt = re.sub(r"[^\w\s.,:;%+−–-]", "", drawn["title"])
        lines.append(f"![{alt}]({picture.relative_to(shown.root).as_posix()})")
    return ["\n\n".join(line for line in lines if line), _notebooks(shown, language)]


def _notebooks(study: built.Built, language: str) -> str:
    lines = [WORDS[language]["notebooks"], ""]
    for name in study.shown:
        title = papers.title_of(study, name)
        link = _from(study.root / FILE, paths.NOTEBOOKS / f"{name}.ipynb")
        lines.append(f"- [{name[:2]} {markdown(title)}]({link}): {markdown(study.first(name)['title'])}")
    return "\n".join(lines)


def _how(study: Study, place: Path, language: str) -> list[str]:
    w, params = WORDS[language], paths.ROOT / "params"
    inside = study.file.parent == params
    change = w["change"].format(
        study=_called(study), file=study.file.name, mine="mine" if inside else "mine.yaml"
    )
    own = w["own"].format(
        base=_from(place, params / "base.yaml"), schema=_from(place, params / "schema.json")
    )
    return [change, w["form"], own]


def _called(study: Study) -> str:
    """A study as commands take it: by name where it is the project's, else by its file."""
    return study.name if study.file.parent == paths.ROOT / "params" else str(study.file)


def _from(place: Path, target: Path) -> str:
    """A link from one file to another."""
    return Path(os.path.relpath(target, place.parent)).as_posix()


def command(page: Path) -> list[str]:
    """The command that opens JupyterLab on a page; it serves the project, and asks nobody for news or updates."""
    root = Path(os.path.commonpath([paths.ROOT, page]))
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{quote(page.relative_to(root).as_posix())}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
