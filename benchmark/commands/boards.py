"""Commands about published boards: `site`, `merge`, `verify`, `reproduce`, `compare`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

BoardArgument = Annotated[str, typer.Argument(help="A published folder, or the profile it was published from.")]


def site(board: BoardArgument = "default") -> None:
    """Make all pages of a published board from the files it keeps; nothing is computed anew."""
    from benchmark.boards.kept import board_folder
    from benchmark.boards.showing import render_kept

    folder = board_folder(board)
    files = render_kept(folder)
    typer.echo(f"{len(files)} files written: {folder / 'index.html'}")


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Published parts of one profile.")],
    into: Annotated[Path, typer.Option(help="The folder of the joined board.")],
    renew: Annotated[
        list[str] | None, typer.Option(help="A family whose rows are the last part's alone; may be given again.")
    ] = None,
    details: Annotated[bool, typer.Option(help="Keep the pictures that show one method each.")] = True,
    without: Annotated[
        list[str] | None, typer.Option(help="A kind of picture to leave out, as `cosines`; may be given again.")
    ] = None,
    rows_agree: Annotated[
        str, typer.Option(help="How it is known that other engines made the same rows; published with the board.")
    ] = "",
) -> None:
    """Join boards of one profile that ran family by family; statistics are computed anew from all rows."""
    from benchmark.boards.kept import read, write
    from benchmark.boards.merging import dirty
    from benchmark.boards.merging import merge as merged
    from benchmark.boards.parts import without_details, without_pictures
    from benchmark.boards.showing import render_kept

    boards = [read(folder) for folder in folders]
    whole = merged(boards, renewed=renew or (), rows_agree=rows_agree)
    shown = without_pictures(whole, without or ())
    write(shown if details else without_details(shown), into)
    render_kept(into)
    for folder, board in zip(folders, boards, strict=True):
        for line in dirty(board):
            typer.echo(f"{folder}: {line}")
    families = len({family for family, _ in whole.tasks})
    typer.echo(f"{len(whole.scores)} rows of {len(whole.tasks)} tasks in {families} families: {into / 'index.html'}")


def verify(
    board: BoardArgument = "default",
    allow_dirty: Annotated[bool, typer.Option(help="Accept a commit that is unknown or not clean.")] = False,
) -> None:
    """Compute a board anew from its scores and refuse what does not agree; one line for each check."""
    from benchmark.boards.kept import board_folder
    from benchmark.boards.verification import lines
    from benchmark.boards.verification import verify as findings

    found = findings(board_folder(board), allow_dirty=allow_dirty)
    for line in lines(found):
        typer.echo(line)
    if not all(finding.passed for finding in found):
        raise typer.Exit(1)


def reproduce(
    board: BoardArgument = "default",
    only: Annotated[list[str] | None, typer.Option(help="Only this task of the board; may be given again.")] = None,
    into: Annotated[Path | None, typer.Option(help="Where it runs; results/<profile>.reproduced if not given.")] = None,
    cores: Annotated[int, typer.Option(min=1, help="How many cores the run may use.")] = len(os.sched_getaffinity(0)),
    tolerance: Annotated[float, typer.Option(min=0.0, help="As a share of the way from chance to truth.")] = 1e-3,
) -> None:
    """Run a board's configuration again, in a folder of its own, and report row by row whether it agrees."""
    from benchmark.boards import reproduction
    from benchmark.boards.kept import board_folder, read

    kept = read(board_folder(board))
    work = into or Path("results") / f"{kept.facts.profile}.reproduced"
    again = read(reproduction.rerun(kept, work, only=only or (), cores=cores))
    for line in reproduction.departures(kept.provenance, again.provenance):
        typer.echo(f"differs: {line}")
    tasks = {f"{family}/{task}" for family, task in again.tasks} if only else None
    old = kept.scores if tasks is None else kept.scores[(kept.scores.family + "/" + kept.scores.task).isin(tasks)]
    found = reproduction.agreement(old, again.scores, tolerance)
    for line in reproduction.lines(found):
        typer.echo(line)
    if not reproduction.agrees(found):
        raise typer.Exit(1)


def compare(
    old: Annotated[str, typer.Argument(help="A published folder or profile.")],
    new: Annotated[str, typer.Argument(help="Another one.")],
) -> None:
    """Print what changed between two boards beyond noise."""
    from benchmark.boards.comparison import compare as differences
    from benchmark.boards.kept import board_folder

    for line in differences(board_folder(old), board_folder(new)):
        typer.echo(line)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (site, merge, verify, reproduce, compare):
        app.command()(command)
