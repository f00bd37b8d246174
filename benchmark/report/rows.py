"""The rows of a report: a method beside the top group, blind, chance and the planted truth, over all tasks and each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmark.report.standing import Standing
from benchmark.site.ranking import leaders
from benchmark.site.rows import Row

Part = Literal["this method", "may be the best", "blind", "chance", "truth"]
MOST = 5
"""So many others of the top group are shown; the rest is counted."""


@dataclass(frozen=True)
class Line:
    """One line of a table: who it is, and its row of the published table."""

    part: Part
    row: Row

    @property
    def method(self) -> str:
        """The method's name."""
        return str(self.row["method"])


@dataclass(frozen=True)
class Group:
    """The lines of one task, or of all of them."""

    task: str
    """Empty for the mean over all tasks."""
    lines: list[Line]
    left_out: int = 0
    """Methods of the top group that are not shown."""


def groups(standing: Standing) -> list[Group]:
    """All tasks together, then each task; one task alone is not repeated."""
    tasks = standing.tasks
    whole = _group(standing, "", standing.family_rows)
    if len(tasks) < 2:
        return [Group(tasks[0] if tasks else "", whole.lines, whole.left_out)]
    return [whole, *(_group(standing, task, [r for r in standing.task_rows if r["task"] == task]) for task in tasks)]


def _group(standing: Standing, task: str, rows: list[Row]) -> Group:
    own = [Line("this method", row) for row in rows if row["method"] == standing.method]
    best = [Line("may be the best", row) for row in leaders(rows) if row["method"] != standing.method]
    shown = {standing.method}
    lines = [*own, *best[:MOST]]
    for part, names in (("blind", controls(standing, task)), ("chance", ["random"]), ("truth", ["oracle"])):
        for row in rows:
            if row["method"] in names and row["method"] not in shown:
                shown.add(str(row["method"]))
                lines.append(Line(part, row))  # type: ignore[arg-type]
    return Group(task, lines, max(0, len(best) - MOST))


def controls(standing: Standing, task: str = "") -> list[str]:
    """The controls that set the blind mark of some ranked variant of a task, or of any task of the family."""
    return list(
        dict.fromkeys(
            str(mark["control"]) for mark in marks(standing, task) if mark.get("control") and mark.get("ranked") is True
        )
    )


def marks(standing: Standing, task: str = "") -> Iterator[Row]:
    """The marks of the variants of a task, or of all tasks of the family."""
    for mark in standing.board.marks:
        if mark["family"] == standing.family and task in ("", mark["task"]):
            yield mark


@dataclass(frozen=True)
class Raw:
    """What the method scored on one variant in the primary metric's own unit, beside the three marks."""

    mark: Row
    metric: str
    mean: float | None
    """Over the seeds on which it has a score."""
    seeds: int
    unscored: int
    """Seeds on which it failed or declined."""


def raw(standing: Standing) -> list[Raw]:
    """One line for each variant of the tasks; empty where the board keeps no scores."""
    scores = standing.board.scores
    if scores.empty:
        return []
    own = scores[(scores.family == standing.family) & (scores.method == standing.method) & scores.primary]
    found = []
    for mark in marks(standing):
        rows = own[(own.task == mark["task"]) & (own.variant == mark["variant"])]
        if len(rows):
            good = rows[(rows.status == "ok") & rows.value.notna()]
            mean = float(good.value.mean()) if len(good) else None
            found.append(Raw(mark, str(rows.metric.iloc[0]), mean, len(good), len(rows) - len(good)))
    return found
