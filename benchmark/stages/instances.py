"""An instance made concrete: the task object, the trained subjects, what a method sees, and the truth.

Only the poser, the score stage and the pictures do this: what they hold makes the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.errors import TouchstoneError
from benchmark.families.family import Family
from benchmark.plan import Instance, Plan, TaskPlan
from benchmark.registry import plugins
from benchmark.runtime import device_of
from benchmark.seeds import method_seed, plant_seed
from benchmark.stages.made import trained
from benchmark.store import Store
from benchmark.subjects import Saved


@dataclass(frozen=True)
class Concrete:
    """One variant of a task on one seed, ready to be posed to a method or to be scored."""

    instance: Instance
    task: Any
    saved: Mapping[str, Saved]
    """By role; the only subject has the role ""."""

    def pose(self) -> Any:
        """What a method sees, made afresh, so that no method can alter what another one gets."""
        return self._ask(self.task.pose)

    def truth(self) -> Any:
        """What was planted."""
        return self._ask(self.task.truth)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        return question(self.saved[""] if list(self.saved) == [""] else dict(self.saved))


def family_of(name: str) -> Family:
    """A family by name."""
    family: Family = plugins().find("family", name).load()
    return family


def make_concrete(plan: Plan, store: Store, task: TaskPlan, instance: Instance, device: str | None = None) -> Concrete:
    """Read the subjects and build the task object of an instance."""
    saved = {role: load_subject(plan, store, name, instance, device) for role, name in instance.subjects.items()}
    return Concrete(instance, task.plugin.load()(**instance.parameters), saved)


def posable(plan: Plan, store: Store, instance: Instance) -> bool:
    """Whether all subjects of an instance could be trained."""
    kept = (trained(plan, store, name, instance.seed) for name in instance.subjects.values())
    return all(each.content["status"] == "ok" for each in kept)


def load_subject(plan: Plan, store: Store, name: str, instance: Instance, device: str | None = None) -> Saved:
    """Read a trained subject. Raises `DamagedArtifactError`, or `TouchstoneError` if its training failed."""
    subject = plan.subject(name)
    kept = trained(plan, store, name, instance.seed)
    if kept.content["status"] != "ok":
        raise TouchstoneError(f"subject {name}, seed {instance.seed}, could not be trained: {kept.content['reason']}")
    builder = subject.plugin.load()(**subject.parameters)
    seed = plant_seed(instance.seed, sealed=subject.sealed)
    return Saved(
        builder,
        seed,
        device_of(device or subject.device),
        kept.tensors("weights"),
        kept.tensors("public"),
        method_seed(instance.seed, instance.repeat),
    )
