"""One method as its page shows it: how it stands in its family, and how it does on each task and variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmark.site.board import About
from benchmark.site.charts import Curve
from benchmark.site.evidence import Failure
from benchmark.site.families import Family
from benchmark.site.pictures import Image
from benchmark.site.ranking import front
from benchmark.site.rows import Row
from benchmark.site.tasks import Task, Variant


@dataclass(frozen=True)
class OnVariant:
    """A method on one variant: its skill where the variant ranks, and the value that its task asks for first."""

    variant: Variant
    skill: Row | None
    value: Row | None
    """Its row of the primary metric, with the three marks."""


@dataclass(frozen=True)
class OnTask:
    """A method on one task, beside the best method there."""

    task: Task
    row: Row | None
    variants: list[OnVariant]

    @property
    def best(self) -> Row | None:
        """The task's first method."""
        return next(iter(self.task.ranking.ranked), None)


@dataclass(frozen=True)
class Reading:
    """A method asked or read otherwise on one task."""

    row: Row
    words: str
    """What is otherwise."""


@dataclass(frozen=True)
class Method:
    """One method of a family, contestant or reference."""

    family: Family
    name: str
    about: About
    address: str
    row: Row
    """Its row of the family's ranking."""
    images: list[Image]
    failures: list[Failure]

    @cached_property
    def tasks(self) -> list[OnTask]:
        """How it does on each task that ran it, those that rank nobody too."""
        return [_on(task, self.name) for task in self.family.tasks if self.name in task.measured]

    @property
    def reference(self) -> bool:
        """Whether it is no contestant."""
        return self.row["reference"] is True

    @property
    def budgets(self) -> list[Row]:
        """Its rows at each budget."""
        return [row for row in self.family.budgets if row["method"] == self.name]

    @property
    def budget_curves(self) -> list[Curve]:
        """Its skill at each budget."""
        return [
            Curve(curve.name, curve.values, named=True)
            for curve in self.family.budget_curves
            if curve.name == self.name
        ]

    @cached_property
    def readings(self) -> list[Reading]:
        """Its rows in other readings; those in which it declined everything are left out."""
        words = self.family.about.options.get("readings", {})
        own = [row for row in self.family.readings if row["method"] == self.name and row["skill"] is not None]
        return [Reading(row, words.get(row["choice"], {}).get(row["way"], row["way"])) for row in own]

    @property
    def on_front(self) -> bool:
        """Whether no ranked method is both at least as good and at least as fast."""
        return any(row["method"] == self.name for row in front(self.family.ranking.ranked))

    @property
    def rival(self) -> Row | None:
        """Whom to compare it with: the first of the family, or the second for the first."""
        return next((row for row in self.family.ranking.ranked if row["method"] != self.name), None)

    @property
    def scored(self) -> list[OnTask]:
        """The tasks on which it has a skill, best first."""
        known = [on for on in self.tasks if on.row is not None and on.row["skill"] is not None]
        return sorted(known, key=lambda on: -(on.row or {})["skill"])

    @property
    def shown_beside_others(self) -> list[Image]:
        """Pictures of its tasks that show all methods."""
        return [image for on in self.tasks for image in on.task.images if not image.picture.method]

    @property
    def parameters(self) -> list[tuple[str, object, object]]:
        """Name, value in this profile and default of each."""
        names = dict.fromkeys([*self.about.defaults, *self.about.parameters])
        run: Mapping[str, object] = self.about.parameters or self.about.defaults
        return [(name, run.get(name), self.about.defaults.get(name)) for name in names]


def _on(task: Task, method: str) -> OnTask:
    return OnTask(
        task, task.rows.get(method), [_on_variant(variant, task.primary, method) for variant in task.variants]
    )


def _on_variant(variant: Variant, primary: Sequence[str], method: str) -> OnVariant:
    value = next((row for row in variant.metrics if row["method"] == method and row["metric"] in primary), None)
    return OnVariant(variant, variant.skills.get(method), value)
