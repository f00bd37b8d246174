"""The command line: `touchstone` (the same as `python -m benchmark`). Listing imports no torch."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.commands import authors, boards
from benchmark.config.spaces import TRIALS
from benchmark.errors import TouchstoneError
from benchmark.seeds import hide_secret

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The known-answer test for interpretability methods.",
)

ProfileOption = Annotated[str, typer.Option("--profile", "-p", help="A name in config/, or a YAML file.")]
TaskOption = Annotated[
    str, typer.Option("--task", "-t", help="family/task, or the task's name where it is unambiguous.")
]
SettingsOption = Annotated[
    str, typer.Option("--override", help="Top-level profile keys to replace, as JSON.", hidden=True)
]


def _plan(profile: str, override: str = "") -> Any:
    from benchmark.planning import make_plan

    return make_plan(profile, overrides=json.loads(override) if override else None)


def _store(plan: Any) -> Any:
    from benchmark.store import Store

    return Store(plan.layout.results)


def _workers(threads: int | None) -> int:
    return threads or len(os.sched_getaffinity(0))


@app.command("list")
def list_(
    kind: Annotated[
        str, typer.Argument(help="families, tasks, methods, metrics, subjects or claims; everything if not given.")
    ] = "",
    full: Annotated[bool, typer.Option("--long", help="Print all that each one declares.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what there is: name, a line, source; with --long defaults and everything else that is declared."""
    from benchmark.listing import entries, print_entries

    found = entries(kind)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        print_entries(found, full=full, width=shutil.get_terminal_size().columns)


@app.command()
def train(
    subject: Annotated[str, typer.Option("--subject", "-s", help="A subject's name in the profile.")],
    profile: ProfileOption = "default",
    batch: Annotated[int, typer.Option(help="Which share of the seeds.")] = 0,
    override: SettingsOption = "",
) -> None:
    """Stage 1: train the seeds of a subject; seeds that are still true are kept."""
    from benchmark.stages import train as stage
    from benchmark.timing import timed

    plan = _plan(profile, override)
    with timed(plan.layout, "train", f"{subject}-{batch}"):
        stage.train(plan, _store(plan), subject, batch=batch)


@app.command()
def explain(
    task: TaskOption,
    profile: ProfileOption = "default",
    batch: Annotated[int, typer.Option(help="Which share of the methods.")] = 0,
    threads: Annotated[int | None, typer.Option(help="How many methods run at a time.")] = None,
    override: SettingsOption = "",
) -> None:
    """Stage 2: run the methods of a task, each in a process of its own; cells that are still true are kept."""
    from benchmark.stages import explain as stage
    from benchmark.timing import timed

    plan = _plan(profile, override)
    with timed(plan.layout, "explain", f"{task}-{batch}"):
        stage.explain(plan, _store(plan), task, batch=batch, workers=_workers(threads))


@app.command()
def score(
    task: TaskOption,
    profile: ProfileOption = "default",
    threads: Annotated[int | None, typer.Option(help="How many instances are scored at a time.")] = None,
    override: SettingsOption = "",
) -> None:
    """Stage 3: score the explanations of a task against the planted truth."""
    from benchmark.stages import score as stage
    from benchmark.timing import timed

    plan = _plan(profile, override)
    with timed(plan.layout, "score", task):
        stage.score(plan, _store(plan), task, workers=_workers(threads))


@app.command()
def pictures(task: TaskOption, profile: ProfileOption = "default", override: SettingsOption = "") -> None:
    """Draw the pictures of a task whose contents have changed."""
    from benchmark.stages import pictures as stage
    from benchmark.timing import timed

    plan = _plan(profile, override)
    with timed(plan.layout, "pictures", task):
        stage.draw(plan, _store(plan), task)


@app.command()
def publish(profile: ProfileOption = "default", override: SettingsOption = "") -> None:
    """Stage 4: write leaderboard/<profile>/ from all scores."""
    from benchmark.stages import publish as stage
    from benchmark.timing import timed

    plan = _plan(profile, override)
    with timed(plan.layout, "publish", "all"):
        stage.publish(plan, _store(plan))


@app.command()
def run(
    task: TaskOption,
    method: Annotated[str, typer.Option("--method", "-m", help="A method's name, or a method file.")],
    profile: ProfileOption = "default",
    threads: Annotated[int | None, typer.Option(help="How many instances are scored at a time.")] = None,
) -> None:
    """One cell: train what it needs, run one method on one task, and print its scores with floor, ceiling and skill."""
    from benchmark.single import run_cell

    if run_cell(profile, task, method, workers=_workers(threads)):
        raise typer.Exit(1)


@app.command()
def tune(
    method: Annotated[str, typer.Argument(help="family/method, or a method file.")],
    profile: ProfileOption = "default",
    task: Annotated[str, typer.Option("--task", "-t", help="Only this task of the family.")] = "",
    trials: Annotated[int, typer.Option(min=1, help="How many settings are tried, the present one included.")] = TRIALS,
    seconds: Annotated[float | None, typer.Option(help="Begin no trial after the method has run so long.")] = None,
    threads: Annotated[int | None, typer.Option(help="How many trials run at a time.")] = None,
) -> None:
    """Choose hyper-parameters on seeds that are never scored; trials are kept, and none is computed twice."""
    from benchmark.tuning import tune_and_print

    tune_and_print(profile, method, task=task, trials=trials, seconds=seconds, workers=_workers(threads))


@app.command()
def check(
    plugin: Annotated[str, typer.Argument(help="A method's name, or a file that holds a method or a task.")],
) -> None:
    """Run the conformance suite on one plugin."""
    from benchmark.conformance import check_plugin

    if not check_plugin(plugin):
        raise typer.Exit(1)


@app.command("new-method")
def new_method(
    family: Annotated[str, typer.Argument(help="The method's family.")],
    name: Annotated[str, typer.Argument(help="The method's name, in snake_case.")],
) -> None:
    """Write a runnable method file and its test, and say what to do next."""
    from benchmark.scaffold import write_method

    for line in write_method(family, name):
        typer.echo(line)


@app.command("new-task")
def new_task(
    family: Annotated[str, typer.Argument(help="The task's family.")],
    name: Annotated[str, typer.Argument(help="The task's name, in snake_case.")],
) -> None:
    """Write a runnable task with its subject and its test, and say what to do next."""
    from benchmark.scaffold import write_task

    for line in write_task(family, name):
        typer.echo(line)


@app.command("new-metric")
def new_metric(
    family: Annotated[str, typer.Argument(help="The metric's family.")],
    name: Annotated[str, typer.Argument(help="The metric's name, in snake_case.")],
) -> None:
    """Write a runnable metric file and its test, and say what to do next."""
    from benchmark.scaffold import write_metric

    for line in write_metric(family, name):
        typer.echo(line)


@app.command()
def summary(profile: ProfileOption = "default", override: SettingsOption = "") -> None:
    """What the last run did: cells computed, reused, failed and unsupported, and how to repeat a failed one."""
    from benchmark.summary import summary_lines

    plan = _plan(profile, override)
    for line in summary_lines(plan, _store(plan)):
        typer.echo(line)


@app.command()
def speed(
    output: Annotated[Path, typer.Option(help="The folder for speed.csv and speed.md.")] = Path("leaderboard"),
    profile: ProfileOption = "default",
) -> None:
    """Measure the project's benchmarks: ours and the peer's in the same run."""
    from benchmark.speed import measure_all

    for line in measure_all(output, profile):
        typer.echo(line)


authors.register(app)
boards.register(app)


def main() -> None:
    """Run the command line; errors written for the user are printed without a traceback."""
    hide_secret()
    try:
        app()
    except TouchstoneError as error:
        sys.stderr.write(f"touchstone: {error}\n")
        sys.exit(1)
