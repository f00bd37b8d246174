"""What each kind of result is made from: all that can change it, and nothing else.

    subject        the code that `train` reaches, parameters, device, threads, the seed of the plant (by its seal)
    explanation    the method's code and parameters, the code that poses the question, the family's check, the subjects
    value          the explanation's content, the truth's code, the metric's code, the subjects
    picture        the contents of what it shows, the code that draws, and the scores that it read

A subject counts by what its files hold, its parameters and its seed: whoever changes the code that trained it and gets
the same bytes computes nothing behind it again. Decorators, comments and docstrings are in no key (see `sources`), nor
are limits, batches and workers. All of it is found without importing a plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.plan import Instance, MethodPlan, Plan, SubjectPlan, TaskPlan
from benchmark.registry import ENGINE, Plugin
from benchmark.seeds import seal
from benchmark.sources import Entry, fingerprint
from benchmark.store import Kept, Key, Store, digest

NUMERICAL: tuple[Entry, ...] = (
    (ENGINE / "runtime.py", "make_deterministic"),
    (ENGINE / "explanations.py", "parts"),
    (ENGINE / "explanations.py", "whole"),
)
"""The engine's own part in every number."""


def subject_key(subject: SubjectPlan, seed: int) -> Key:
    """What one seed of a subject is trained from."""
    return digest(
        {
            "subject": subject.plugin.key,
            "code": fingerprint((subject.plugin.path, f"{subject.plugin.symbol}.train"), *NUMERICAL),
            "parameters": dict(subject.parameters),
            "device": subject.device,
            "threads": subject.threads,
            "seed": _planted(subject, seed),
        }
    )


def _planted(subject: SubjectPlan, seed: int) -> list[Any]:
    """What stands for the seed of a plant: the public number, or the seal of the secret one."""
    return [seal(), seed] if subject.sealed else [seed]


@dataclass(frozen=True)
class Posed:
    """What identifies the question of an instance, and the truth behind it."""

    question: Key
    truth: Key


def posed_keys(plan: Plan, store: Store, task: TaskPlan, instance: Instance) -> Posed:
    """The keys of an instance: its subjects as they lie there, its parameters, and the code that poses and plants."""
    identities = {}
    for role, name in instance.subjects.items():
        subject = plan.subject(name)
        kept = store.read(plan.layout.subject(name, instance.seed))
        identities[role] = [kept.identity, dict(subject.parameters), subject.device, _planted(subject, instance.seed)]
    common = {
        "task": task.plugin.key,
        "parameters": dict(instance.parameters),
        "subjects": identities,
        "repeat": instance.repeat,
    }
    builders = [(plugin.path, plugin.symbol) for plugin in _builders(plan, instance)]
    file, symbol = task.plugin.path, task.plugin.symbol
    family = task.family_plugin.path.with_name("__init__.py")
    pose = fingerprint((file, f"{symbol}.pose"), *builders, (family, "check"), (family, "blinded"), *NUMERICAL)
    plant = fingerprint((file, f"{symbol}.truth"), (file, f"{symbol}.pose"), *builders, *NUMERICAL)
    return Posed(digest([common, pose]), digest([common, plant]))


def _builders(plan: Plan, instance: Instance) -> Iterable[Plugin]:
    return (plan.subject(name).plugin for name in instance.subjects.values())


def explanation_key(method: MethodPlan, question: Key, lacks: Sequence[str] = ()) -> Key:
    """What a method's explanation of a question is made from; `lacks` is what it requires and is not provided."""
    plugin = method.plugin
    code = plugin.problem or fingerprint((plugin.path, plugin.symbol), *NUMERICAL)
    return digest([plugin.key, code, dict(method.parameters), method.supervised, question, list(lacks)])


def taught_key(task: TaskPlan, explanation: Key, lessons: Sequence[Posed]) -> Key:
    """What the explanation of a taught method is made from: also what it was taught, and how."""
    code = fingerprint((task.family_plugin.path.with_name("__init__.py"), "taught"))
    return digest([explanation, code, [lesson.truth for lesson in lessons]])


def reading_key(task: TaskPlan, explanation: Key, reading: tuple[str, str]) -> Key:
    """What the explanation of a method that is asked or read otherwise is made from: also how."""
    return digest([explanation, fingerprint((task.family_plugin.path.with_name("readings.py"), "read")), *reading])


def reference_key(reference: Plugin, truth: Key, name: str, draws: int) -> Key:
    """What stands for the explanations that a reference makes of an instance."""
    return digest([fingerprint((reference.path, reference.symbol)), truth, name, draws])


def content_key(explanation: Kept) -> Key:
    """What an explanation says, however it was made."""
    return digest([explanation.identity, explanation.content.get("plain")])


def value_key(metric: Plugin, explanation: Key, truth: Key) -> Key:
    """What a metric's value of one explanation is measured from."""
    return digest([metric.name, metric_code(metric), list(metric.options.get("needs", ())), explanation, truth])


def group_key(metric: Plugin, members: Mapping[str, Sequence[Key]]) -> Key:
    """What the values of a group of explanations, measured together, come from: label to explanation and truth."""
    code = [metric_code(metric), fingerprint((ENGINE / "scores.py", "measured_together"))]
    needs = list(metric.options.get("needs", ()))
    return digest([metric.name, code, needs, {label: list(keys) for label, keys in members.items()}])


def metric_code(metric: Plugin) -> str:
    """The code of a metric."""
    return fingerprint((metric.path, metric.symbol), (ENGINE / "scores.py", "measured"))


def picture_key(family: Plugin, shown: Sequence[Key], name: str) -> Key:
    """What a picture is drawn from, but for scores: only drawing it tells which it reads."""
    return digest([fingerprint((family.path.with_name("pictures.py"), "pictures")), name, list(shown)])
