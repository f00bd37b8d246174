"""An instance made concrete: the task object, the trained subject, what a method sees, and the truth."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from benchmark.artifacts import read_json
from benchmark.families.family import Family
from benchmark.layout import Layout
from benchmark.plan import Instance, Plan, TaskPlan
from benchmark.stages.train import load_subject
from benchmark.subjects import Saved


@dataclass(frozen=True)
class Concrete:
    """One variant of a task on one seed, ready to be posed to a method or to be scored."""

    instance: Instance
    task: Any
    saved: Saved

    def pose(self) -> Any:
        """What a method sees, made afresh, so that no method can alter what another one gets."""
        return self.task.pose(self.saved)

    def truth(self) -> Any:
        """What was planted; only the score stage asks for it."""
        return self.task.truth(self.saved)


def family_of(name: str) -> Family:
    """A family by name."""
    family: Family = importlib.import_module(f"benchmark.families.{name}.family").FAMILY
    return family


def make_concrete(
    plan: Plan, layout: Layout, task: TaskPlan, instance: Instance, device: str | None = None
) -> Concrete:
    """Read the subject and build the task object of an instance."""
    saved = load_subject(plan, layout, instance.subject, instance.seed, device)
    return Concrete(instance, task.plugin.load()(**instance.parameters), saved)


def certified(layout: Layout, instance: Instance) -> bool:
    """Whether the subject of an instance passed its certificate."""
    return bool(read_json(layout.subject_index(instance.subject))["certified"].get(str(instance.seed), False))


def identities(layout: Layout, task: TaskPlan) -> dict[str, str]:
    """What identifies the trained subject of each instance."""
    found = {}
    for instance in task.instances:
        index = read_json(layout.subject_index(instance.subject))
        found[instance.label] = str(index["identities"][str(instance.seed)])
    return found
