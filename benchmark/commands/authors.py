"""What authors, and their reviewers, ask for: `touchstone report`, `card`, `catalogue` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TaskArgument = Annotated[str, typer.Argument(help="family/task, or the task's name where it is unambiguous.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (report, card, catalogue, export):
        app.command()(command)


def report(
    method: Annotated[str, typer.Argument(help="A method's name, with its family in front where it is ambiguous.")],
    profile: Annotated[str, typer.Option("--profile", "-p", help="A published board.")] = "board",
    into: Annotated[
        Path | None, typer.Option(help="A folder for the files, if not results/<profile>/reports.", file_okay=False)
    ] = None,
) -> None:
    """One page and one LaTeX table of a method beside the top group, blind and chance, and what may be quoted."""
    from benchmark.report import write_report

    sentence, paths = write_report(profile, method, into)
    typer.echo(f"{sentence}\n")
    for path in paths:
        typer.echo(f"wrote {path}")


def card(
    task: TaskArgument,
    profile: Annotated[str, typer.Option("--profile", "-p", help="The board whose marks are shown.")] = "default",
) -> None:
    """What a task plants and how one knows, what goes without the model, its three marks, variants and metrics."""
    from benchmark.card import card as text_of
    from benchmark.registry import plugins

    typer.echo(text_of(plugins().find("task", task), plugins(), profile), nl=False)


def catalogue() -> None:
    """Write the table of each family's tasks, `tasks/<family>/README.md`, from what the tasks declare."""
    from benchmark.catalogue import write_catalogues
    from benchmark.registry import plugins

    for path in write_catalogues(plugins()):
        typer.echo(f"wrote {path}")


def export(
    task: TaskArgument,
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    profile: Annotated[str, typer.Option("--profile", "-p", help="A name in config/, or a YAML file.")] = "default",
) -> None:
    """Write what methods see of a task as a Hugging Face dataset, the truth as another configuration of it."""
    from benchmark.export import export as write
    from benchmark.planning import make_plan
    from benchmark.registry import plugins

    plan = make_plan(profile, overrides={"only": [plugins().find("task", task).key]})
    for line in write(plan, folder):
        typer.echo(line)
