"""The command `fusion`: what the Makefile calls. Heavy modules are imported only by what needs them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file")] = "shanghai",
    jobs: Annotated[int, typer.Option(min=1, help="notebooks at a time")] = 2,
    wait: Annotated[bool, typer.Option(help="wait for another run of the same study to end")] = True,
    site: Annotated[bool, typer.Option("--site", help="then build the site")] = False,
) -> None:
    """Run a study's notebooks; what has not changed is not run again."""
    from fusion.workbook import runner
    from fusion.workbook.load import load

    code = runner.run(load(study), jobs=jobs, wait=wait)
    if site and code == 0:
        _build_site()
    raise typer.Exit(code)


@app.command("site")
def build_site() -> None:
    """Build the site from the studies that have been run."""
    _build_site()


@app.command()
def verify() -> None:
    """Recompute published results and write build/verification.csv; exit 1 when one is off."""
    from fusion import verification
    from fusion.workbook import paths

    raise typer.Exit(verification.main(paths.build()))


@app.command()
def params(
    write: Annotated[bool, typer.Option("--write", help="write them instead of checking")] = False,
) -> None:
    """Check that params/base.yaml, its schema and the notebooks' parameters cells follow the model."""
    from fusion.workbook import generate

    changed = generate.write() if write else generate.drifted()
    if changed:
        print(("written: " if write else "differ from the model (mend: make params): ") + ", ".join(changed))
    raise typer.Exit(0 if write or not changed else 1)


@app.command()
def validate(study: Annotated[str, typer.Argument(help="name in params/, or path of a YAML file")]) -> None:
    """Check a study's file without running it."""
    from fusion.workbook.load import load

    found = load(study)
    print(f"{found.name}: parameters are allowed; notebooks: {', '.join(found.parameters.study.notebooks)}")


def _build_site() -> None:
    """Build it; what a user can mend is one message and exit code 2, not a traceback."""
    from fusion.workbook import site

    try:
        site.build()
    except site.SiteError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def main() -> None:
    """Entry point."""
    from fusion.workbook.load import StudyError

    try:
        app()
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
