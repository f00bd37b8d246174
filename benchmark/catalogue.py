"""`touchstone catalogue`: a table of each family's tasks, as `README.md` beside their files.

    catalogue("attribution", plugins()) -> Markdown

Everything in it is what the tasks themselves declare; the tests hold the committed files against it.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.artifacts import write_bytes
from benchmark.registry import PROJECT, Plugin, Registry

HEAD = ("task", "what it asks", "primary metric", "dials", "ranked variants", "what is blind to the model", "source")


def write_catalogues(registry: Registry) -> list[Path]:
    """Write `tasks/<family>/README.md` for each family that has tasks there; the files written."""
    files = []
    for family in registry.families:
        path = PROJECT / "tasks" / family / "README.md"
        if any(task.path.parent == path.parent for task in registry.of("task", family)):
            write_bytes(path, catalogue(family, registry).encode())
            files.append(path)
    return files


def catalogue(family: str, registry: Registry) -> str:
    """The table of one family's tasks in the project."""
    folder = PROJECT / "tasks" / family
    tasks = [task for task in registry.of("task", family) if task.path.parent == folder]
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *(_line(_cells(task)) for task in tasks)]
    intro = "Written by `touchstone catalogue` from what the tasks declare. `touchstone card TASK` says more of each."
    return f"# Tasks of {family}\n\n{intro}\n\n" + "\n".join(lines) + "\n"


def _cells(task: Plugin) -> list[str]:
    options = task.options
    unranked = {*options.get("unranked", ()), *options.get("twins", {}).values()}
    ranked = [name for name in options["variants"] if name not in unranked]
    blind = ["rivals"] if options.get("rivals") else []
    dials = [f"{name}: {' → '.join(f'`{step}`' for step in steps)}" for name, steps in options.get("dials", {}).items()]
    return [
        f"[`{task.name}`]({task.path.name})",
        task.summary,
        f"`{options['primary']}`",
        "; ".join(dials) or "–",
        f"{len(ranked)} of {len(options['variants'])}" if ranked else "none: a diagnosis",
        ", ".join([*blind, *(f"`{name}`" for name in options.get("controls", ()))]) or "–",
        task.cites or "–",
    ]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
