"""`touchstone card TASK`: what is planted, how one knows it, what goes without the model, and the three marks.

    print(card(plugins().find("task", "attribution/blockmnist"), plugins(), "default"))

Words come from the docstrings of the task, its subjects and their certificates, declarations from the registry, numbers
from the published board of a profile, if there is one. Nothing is imported or run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmark.errors import TouchstoneError
from benchmark.published import Published, is_published, read_board
from benchmark.registry import Plugin, Registry
from benchmark.site import text
from benchmark.site.rows import Row
from benchmark.sources import closure

EVIDENCE = ("certificate", "identifiability")
"""A module with such a name that a subject imports says how one knows that the model uses what was planted."""


def card(task: Plugin, registry: Registry, profile: str) -> str:
    """The card of a task as Markdown; measured numbers are those of the profile's published board.

    Raises `TouchstoneError` where the task cannot be loaded or the board cannot be read.
    """
    if task.problem:
        raise TouchstoneError(f"task {task.key} cannot be used: {task.problem}")
    subjects = [registry.find("subject", name) for name in _subjects(task)]
    board = read_board(profile) if is_published(profile) else None
    parts = [
        [f"# {task.key}", "", text.sentence(task.summary), "", f"Source: {task.cites or 'none is cited'}"],
        ["## What is asked and what is planted", "", *_lesson(task.path)],
        *([f"## Generator: {subject.name}", "", *_generator(subject)] for subject in subjects),
        ["## How one knows that the model uses it", "", *_evidence(subjects, board)],
        ["## What goes without the model", "", *_shortcuts(task, registry, board)],
        ["## Three marks", "", *_marks(task, board, profile)],
        ["## Variants", "", *_variants(task)],
        ["## Metrics", "", *_metrics(task, registry)],
    ]
    return "\n\n".join("\n".join(part).rstrip() for part in parts) + "\n"


def _subjects(task: Plugin) -> list[str]:
    """The names of the subjects' plugins, by whatever role they play."""
    options = task.options
    named = [options["subject"]] if options.get("subject") else []
    named += [role["subject"] for role in options.get("subjects", {}).values()]
    return list(dict.fromkeys(map(str, named)))


def _lesson(path: Path) -> list[str]:
    """The lines of a module's docstring."""
    found = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return found.splitlines() or ["(says nothing of itself)"]


def _generator(subject: Plugin) -> list[str]:
    settings = [f"- `{name}`: {_value(value)}" for name, value in subject.defaults.items()]
    cites = [f"Source: {subject.cites}", ""] if subject.cites else []
    return [
        *_lesson(subject.path),
        "",
        *cites,
        *(["Parameters and their defaults:", "", *settings] if settings else []),
    ]


def _value(value: object) -> str:
    return "none" if value is None else str(value)


def _evidence(subjects: Iterable[Plugin], board: Published | None) -> list[str]:
    lines: list[str] = []
    for subject in subjects:
        for path in closure(subject.path):
            if path.stem.endswith(EVIDENCE):
                lines += [*_lesson(path), ""]
        lines += _checks(subject, board)
    return lines or ["The subject's module says it."]


def _checks(subject: Plugin, board: Published | None) -> list[str]:
    """Every check of a subject with its threshold, and the value nearest to failing over all that was measured."""
    rows = [row for row in board.certificates if _is_of(str(row["subject"]), subject)] if board else []
    if board is None or not rows:
        return []
    lines = [
        f"Checks of `{subject.name}` on the board `{board.profile}`, of each the value nearest to failing:",
        "",
        "| Variant | Check | Value | Threshold | Passed |",
        "| :--- | :--- | ---: | ---: | ---: |",
    ]
    for name, check in dict.fromkeys((str(row["subject"]), str(row["check"])) for row in rows):
        own = [row for row in rows if (row["subject"], row["check"]) == (name, check)]
        worst = min(own, key=_reserve)
        sign = "at least" if worst.get("at_least") is not False else "at most"
        passed = f"{sum(row['passed'] is True for row in own)} of {len(own)} seeds"
        limit = f"{sign} {text.score(worst['threshold'])}"
        cells = [text.markdown(name), text.markdown(check), text.score(worst["value"]), limit, passed]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _is_of(name: str, subject: Plugin) -> bool:
    """Whether a subject of a profile, `blockmnist-training-robust`, is of a plugin, `blockmnist`."""
    return name.partition("-")[0] == subject.name


def _reserve(row: Row) -> float:
    """How far a check is from failing; a missing value is the worst."""
    if row["value"] is None or row["threshold"] is None:
        return float("-inf")
    apart = float(row["value"]) - float(row["threshold"])
    return apart if row.get("at_least") is not False else -apart


def _shortcuts(task: Plugin, registry: Registry, board: Published | None) -> Iterator[str]:
    names = task.options.get("controls", ())
    yield (
        "These controls never consult what the model learned; the best of them sets the blind mark:"
        if names
        else ("No control is named: blind is chance.")
    )
    yield ""
    for name in names:
        found = [p for kind in ("method", "reference") for p in registry.of(kind, task.family) if p.name == name]
        yield f"- `{name}`: {found[0].summary if found else 'not found'}{_reached(task, name, board)}"
    if rivals := task.options.get("rivals"):
        pairs = ", ".join(f"`{one}` and `{other}`" for one, other in rivals.items())
        yield ""
        yield f"Rivals, the same inputs with different truths, so that whoever does not look is at chance: {pairs}."
    if twins := task.options.get("twins"):
        pairs = ", ".join(f"`{one}` with `{other}`" for one, other in twins.items())
        yield ""
        yield f"The same question about random weights: {pairs}."


def _reached(task: Plugin, control: str, board: Published | None) -> str:
    """How far a control comes without the model, by variant: the least and the greatest mean over seeds."""
    if board is None or board.scores.empty:
        return ""
    scores = board.scores
    own = scores[(scores.family == task.family) & (scores.task == task.name) & (scores.method == control)]
    means = own[own.primary & (own.status == "ok")].groupby("variant")["chance_skill"].mean().dropna()
    if means.empty:
        return ""
    low, high = (f"{value:.0%}" for value in (means.min(), means.max()))
    reached = low if low == high else f"{low} to {high}, by variant,"
    return f" It has come {reached} of the way from chance to the truth."


def _marks(task: Plugin, board: Published | None, profile: str) -> list[str]:
    rows = [r for r in board.marks if (r["family"], r["task"]) == (task.family, task.name)] if board else []
    if board is None or not rows:
        return [f"No finished run of the profile {profile} is published here: `make leaderboard PROFILE={profile}`."]
    commit = str(board.provenance.get("commit") or "unknown")[:10]
    lines = [
        f"Mean `{task.options['primary']}` over the seeds of the board `{board.profile}` (commit {commit}):",
        "",
        "| Variant | Chance | Blind | Truth | Room above blind | Ranked |",
        "| :--- | ---: | ---: | ---: | ---: | :--- |",
    ]
    for row in rows:
        blind = text.score(row["blind"]) + (f" ({row['control']})" if row.get("control") else "")
        ranked = "yes" if row["ranked"] is True else f"no: {row.get('reason') or 'its rival is not'}"
        cells = [row["variant"], text.score(row["floor"]), blind, text.score(row["ceiling"])]
        room = "–" if row.get("room") is None else f"{float(row['room']):.0%}"
        lines.append(f"| {' | '.join(map(text.markdown, [*cells, room, ranked]))} |")
    return lines


def _variants(task: Plugin) -> Iterator[str]:
    unranked = task.options.get("unranked", ())
    for name, settings in task.options["variants"].items():
        shown = ", ".join(f"{key}={_value(value)}" for key, value in settings.items()) or "as it is"
        yield f"- `{name}`: {shown}" + (" (declared a diagnosis, not ranked)" if name in unranked else "")
    for dial, steps in task.options.get("dials", {}).items():
        yield ""
        yield f"Dial *{dial}*: {', '.join(f'`{step}`' for step in steps)}."


def _metrics(task: Plugin, registry: Registry) -> Iterator[str]:
    known = {plugin.name: plugin for plugin in registry.of("metric", task.family)}
    for name in task.options["metrics"]:
        if name in known:
            options = known[name].options
            low, high = options["range"]
            better = {"higher": "higher is better", "lower": "lower is better"}.get(
                options["direction"], "a description"
            )
            primary = "primary, " if name == task.options["primary"] else ""
            yield f"- `{name}` ({primary}{low:g} to {high:g}, {better}): {known[name].summary}"
