"""What the stages have made, read again: without torch, for whoever computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.errors import DamagedArtifactError
from benchmark.plan import Instance, Plan, TaskPlan
from benchmark.store import Kept, Store, read_entry

PNG = "png"


def trained(plan: Plan, store: Store, name: str, seed: int) -> Kept:
    """What the training of a subject left. Raises `DamagedArtifactError` with the command that makes it."""
    address = plan.layout.subject(name, seed)
    try:
        return store.read(address)
    except FileNotFoundError:
        raise DamagedArtifactError(
            f"{store.path(address)} is missing: train it with "
            f"`touchstone train --profile {plan.source} --subject {name}`"
        ) from None


def certified(plan: Plan, store: Store, instance: Instance) -> bool:
    """Whether all subjects of an instance passed their certificates."""
    checks = [
        check
        for name in instance.subjects.values()
        for check in trained(plan, store, name, instance.seed).content.get("certificate", [{"passed": False}])
    ]
    return all(check["passed"] for check in checks)


def certificates(plan: Plan, store: Store) -> list[dict[str, Any]]:
    """Every check of every subject: `subject, seed, check, value, threshold, passed`, and which side passes."""
    return [
        {"subject": name, "seed": seed, **check}
        for name, subject in sorted(plan.subjects.items())
        for seed in subject.seeds
        for check in store.read(plan.layout.subject(name, seed)).content.get("certificate", [])
    ]


def pictures_of(plan: Plan, store: Store, task: TaskPlan) -> Sequence[Mapping[str, Any]]:
    """The pictures of a task in their order: `name`, `title`, `caption`, `path`."""
    names = read_entry(plan.layout.picture_index(task.id)).content["pictures"]
    kept = [(name, store.read(plan.layout.picture(task.id, name))) for name in names]
    return [{"name": name, **thing.content, "path": thing.blob(PNG)} for name, thing in kept]
