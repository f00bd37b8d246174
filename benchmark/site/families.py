"""One family as the index shows it: its ranking, its tasks, the matrix of both, and how it was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.site import text
from benchmark.site.board import About
from benchmark.site.charts import NAMED, Curve
from benchmark.site.pictures import Image
from benchmark.site.ranking import Ranking
from benchmark.site.rows import Row, grouped, unique
from benchmark.site.tasks import Task


@dataclass(frozen=True)
class Column:
    """A column of the matrix: a task, or a variant of the only task."""

    name: str
    task: Task
    rows: Mapping[str, Row]
    """By method."""


@dataclass(frozen=True)
class Matrix:
    """Methods x tasks, or methods x ranked variants where one task ranks anybody."""

    over: str
    columns: list[Column]
    methods: list[Row]

    @classmethod
    def of(cls, ranking: Ranking, tasks: Sequence[Task]) -> Matrix:
        """The matrix of a family's contestants."""
        methods = [row for kind, _, group in ranking.groups for row in group if kind in ("ranked", "specialists")]
        ranking_tasks = [task for task in tasks if task.rows]
        if len(ranking_tasks) == 1:
            (task,) = ranking_tasks
            return cls("variants", [Column(v.name, task, v.skills) for v in task.ranked], methods)
        return cls("tasks", [Column(task.name, task, task.rows) for task in ranking_tasks], methods)


@dataclass(frozen=True)
class Weakness:
    """Where a method scores least: a column of the matrix, and its skill there."""

    column: Column
    skill: float


@dataclass(frozen=True)
class Family:
    """One family of the board."""

    name: str
    about: About
    ranking: Ranking
    tasks: list[Task]
    images: list[Image]
    metrics: list[tuple[str, About]]
    resolution: float | None
    clusters: int | None
    notes: Mapping[str, Any]
    budgets: list[Row]
    """Learned methods at each of their budgets."""
    readings: list[Row]
    """Methods that were also asked and read otherwise."""
    run: Mapping[str, Any]
    """The provenance of its rows."""

    @property
    def anchor(self) -> str:
        """Its place on the index."""
        return text.slug("family", self.name)

    @cached_property
    def matrix(self) -> Matrix:
        """Contestants x tasks."""
        return Matrix.of(self.ranking, self.tasks)

    @property
    def ranking_tasks(self) -> list[Task]:
        """The tasks that rank anybody; the others are a diagnosis."""
        return [task for task in self.tasks if task.rows]

    @property
    def rising(self) -> list[str]:
        """The methods to which the last step up in budget still brought more than its noise."""
        last = {row["method"]: row["rising"] for row in self.budgets}
        return [method for method, rising in last.items() if rising is True]

    @property
    def seeds(self) -> int | None:
        """The most seeds that a ranked method has."""
        return max((int(row["seeds"]) for row in self.ranking.ranked if row["seeds"] is not None), default=None)

    def weakest(self, method: str) -> Weakness | None:
        """Where this method scores least; None where it has fewer than two scores to compare."""
        known = [
            Weakness(column, float(row["skill"]))
            for column in self.matrix.columns
            if (row := column.rows.get(method)) is not None and row["skill"] is not None
        ]
        return min(known, key=lambda found: found.skill) if len(known) > 1 else None

    @property
    def budget_steps(self) -> list[str]:
        """The multiples at which learned methods ran."""
        return [f"{text.amount(budget)}×" for budget in sorted(unique(row["budget"] for row in self.budgets))]

    @property
    def budget_curves(self) -> list[Curve]:
        """Skill of each learned method at each multiple of its budget, best ones named."""
        budgets = sorted(unique(row["budget"] for row in self.budgets))
        found = {
            method: {row["budget"]: row["skill"] for row in mine}
            for (method,), mine in grouped(self.budgets, "method").items()
        }
        place = {name: at for at, name in enumerate(self.ranking.order)}
        listed = sorted(found, key=lambda name: place.get(name, len(place)))
        return [
            Curve(method, [found[method].get(budget) for budget in budgets], at < NAMED)
            for at, method in enumerate(listed)
        ]
