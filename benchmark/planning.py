"""A profile and the plugins, resolved into a plan.

    plan = make_plan("smoke")

It imports no torch, and takes a fraction of a second.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from benchmark.config import (
    Parameters,
    Profile,
    declaration_problems,
    method_parameters,
    method_variants,
    read_profile,
    small_subject,
    subject_parameters,
    subject_seeds,
    task_settings,
)
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.plan import Instance, MethodPlan, Plan, SubjectPlan, TaskPlan
from benchmark.registry import Plugin, Registry, plugins
from benchmark.store import digest

DEVICE_VARIABLE = "TOUCHSTONE_DEVICE"
"""What `auto` stands for in all jobs of a run, whatever machine they run on."""
LONGEST_NAME = 80
"""Characters of a subject's folder; longer settings are named by their hash."""


def make_plan(profile: str | Profile, *, overrides: Parameters | None = None, registry: Registry | None = None) -> Plan:
    """Resolve a profile. Errors list every problem; a broken method file is no error, its cells become failed rows."""
    registry = registry or plugins()
    settings = profile if isinstance(profile, Profile) else read_profile(profile, registry, overrides)
    device = resolve_device(settings.device)
    subjects: dict[str, SubjectPlan] = {}
    tasks: dict[str, TaskPlan] = {}
    problems: list[str] = []
    for plugin in _selected_tasks(settings, registry):
        try:
            task, needed = _task(plugin, settings, registry, device)
        except TouchstoneError as error:
            problems.append(f"task {plugin.key} is left out: {error}")
            continue
        tasks[task.id] = task
        subjects |= needed
    problems += [
        f"method {p.key} of {p.origin} is left out: {p.problem}" for p in registry.of("method") if not p.family
    ]
    if not tasks:
        raise TouchstoneError(f"profile {settings.name!r} selects no task" + "".join(f"\n  - {p}" for p in problems))
    source = settings.name if isinstance(profile, Profile) else profile
    return Plan(settings, registry, subjects, tasks, tuple(problems), source, _part(overrides or {}))


def _part(overrides: Parameters) -> str:
    """A name for the part of a profile that the command line asked for."""
    words = [*overrides.get("only", []), *(f"without-{entry}" for entry in overrides.get("exclude", []))]
    name = re.sub(r"[^\w.+-]+", ".", "+".join(words))
    return name if len(name) <= LONGEST_NAME else digest(words)


def _task(
    plugin: Plugin, settings: Profile, registry: Registry, device: str
) -> tuple[TaskPlan, dict[str, SubjectPlan]]:
    """A task and the subjects it needs; an error says what of it is broken."""
    plugin = _usable(plugin, registry)
    if plugin.problem:
        raise TouchstoneError(plugin.problem)
    if lacking := registry.lacking(plugin):
        raise TouchstoneError(lacking)
    subjects: dict[str, SubjectPlan] = {}
    family = registry.find("family", str(plugin.family))
    instances = tuple(_instances(plugin, settings, registry, device, subjects))
    names = plugin.options["metrics"]
    metrics = [registry.find("metric", name, plugin.family, where=f"task {plugin.key}") for name in names]
    methods = tuple(_methods(plugin, settings, registry))
    limits = task_settings(settings, plugin).limits
    return TaskPlan(plugin, family, instances, methods, tuple(metrics), settings.batches, limits), subjects


def resolve_device(wish: str) -> str:
    """`auto` becomes "cuda" where there is an NVIDIA driver, no GPU is hidden, and torch was built for it; else "cpu".

    Torch is not asked: that would import it.
    """
    if wish != "auto":
        return wish
    if decided := os.environ.get(DEVICE_VARIABLE):
        return decided
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1")
    usable = shutil.which("nvidia-smi") and not hidden and not importlib.metadata.version("torch").endswith("+cpu")
    return "cuda" if usable else "cpu"


def _selected_tasks(profile: Profile, registry: Registry) -> Iterator[Plugin]:
    only = {key if key in registry.families else registry.find("task", key).key for key in profile.only}
    excluded = {registry.find("task", key).key for key in profile.exclude if not key.startswith("method:")}
    for plugin in registry.of("task"):
        if (not only or plugin.key in only or plugin.family in only) and plugin.key not in excluded:
            yield plugin


def _methods(task: Plugin, profile: Profile, registry: Registry) -> Iterator[MethodPlan]:
    excluded = {
        registry.find("method", key.removeprefix("method:")).key for key in profile.exclude if key.startswith("method:")
    }
    settings = task_settings(profile, task)
    asked = None if settings.asks is None else {*settings.asks, *task.options.get("controls", ())}
    listed = _listed(str(task.family), profile, registry) if profile.newcomers else None
    own = [(plugin.name, plugin) for plugin in registry.of("method", task.family) if plugin.key not in excluded]
    for name, plugin in [*own, *method_variants(profile, str(task.family), registry)]:
        if asked is None or name in asked or (listed is not None and name not in listed):
            planned = list(at_budgets(name, _usable(plugin, registry), profile, task, settings.budgets))
            yield from planned
            if name in settings.readings:
                yield from _readings(planned[-1], registry)


def _listed(family: str, profile: Profile, registry: Registry) -> set[str]:
    """The methods of a family that a profile knows: some task asks them by name."""
    lists = (given.asks for key, given in profile.tasks.items() if key.partition("/")[0] == family)
    asked = {name for asks in lists for name in asks or ()}
    return asked.union(*(task.options.get("controls", ()) for task in registry.of("task", family)))


def at_budgets(
    name: str, plugin: Plugin, profile: Profile, task: Plugin, budgets: Sequence[int]
) -> Iterator[MethodPlan]:
    """A method once, or at every budget."""
    parameters = method_parameters(profile, task, plugin, name)
    spends = plugin.options.get("budget")
    if not spends:
        yield MethodPlan(name, plugin, parameters)
        return
    for budget in budgets:
        given = {**parameters, spends: parameters[spends] * budget}
        yield MethodPlan(f"{name}@{budget}x", plugin, given, budget, ranked=budget == budgets[-1])


def _readings(method: MethodPlan, registry: Registry) -> Iterator[MethodPlan]:
    """A method in each of the other readings that its family knows."""
    family = registry.find("family", str(method.plugin.family))
    for axis, ways in family.options.get("readings", {}).items():
        for way in ways:
            yield replace(method, name=f"{method.shown}@{axis}-{way}", ranked=False, budget=None, reading=(axis, way))


def _usable(plugin: Plugin, registry: Registry) -> Plugin:
    """The plugin; what it declares and cannot have is its problem, whether the profile uses it or not."""
    problems = declaration_problems(plugin, registry)
    return replace(plugin, problem="; ".join(problems)) if problems and not plugin.problem else plugin


def _instances(
    task: Plugin, profile: Profile, registry: Registry, device: str, subjects: dict[str, SubjectPlan]
) -> Iterator[Instance]:
    roles = {role: dict(given) for role, given in (task.options.get("subjects") or {}).items()}
    roles = roles or {"": {"subject": task.options["subject"]}}
    builders: dict[str, Plugin] = {}
    for role, given in roles.items():
        builders[role] = _usable(registry.find("subject", given.pop("subject"), where=f"task {task.key}"), registry)
        if problem := builders[role].problem:
            raise TouchstoneError(f"it needs subject {builders[role].name}: {problem}")
    settings = task_settings(profile, task)
    twins, rivals = task.options.get("twins", {}), _rivals(task, settings.variants)
    unranked = {*task.options.get("unranked", ()), *twins.values()}
    seeds = _common_seeds(profile, builders)
    for variant in settings.variants:
        changes = task.options["variants"][variant]
        _check_changes(task, variant, builders)
        playing: dict[str, str] = {}
        for role, builder in builders.items():
            ours = small_subject(profile, task, builder) | roles[role]
            ours |= {key: value for key, value in changes.items() if key in builder.defaults}
            plan = SubjectPlan(
                _folder(builder.name, ours),
                builder,
                subject_parameters(profile, builder) | ours,
                subject_seeds(profile, builder),
                device,
                profile.sealed,
                min(profile.batches, len(subject_seeds(profile, builder))),
            )
            playing[role] = subjects.setdefault(plan.name, plan).name
        parameters = settings.parameters | {k: v for k, v in changes.items() if k in task.defaults}
        twin = twins.get(variant) if twins.get(variant) in settings.variants else None
        for seed in seeds:
            for repeat in range(int(task.options.get("method_seeds", 1))):
                ranked = variant not in unranked
                yield Instance(variant, seed, playing, parameters, ranked, twin, rivals.get(variant), repeat)


def _rivals(task: Plugin, variants: Collection[str]) -> dict[str, str]:
    """Both ways, the rivals among the variants of a run; neither runs without the other."""
    declared = task.options.get("rivals", {})
    both = dict(declared) | {other: name for name, other in declared.items()}
    for name in variants:
        if name in both and both[name] not in variants:
            raise TouchstoneError(
                f"variant {name!r} is scored together with its rival {both[name]!r}; expected both among the variants"
            )
    return {name: both[name] for name in variants if name in both}


def _check_changes(task: Plugin, variant: str, builders: Mapping[str, Plugin]) -> None:
    """What a variant changes is a parameter of the task or of its subjects, not of both."""
    subjects = {key for builder in builders.values() for key in builder.defaults}
    for key in task.options["variants"][variant]:
        if (key in subjects) == (key in task.defaults):
            names = [*subjects, *task.defaults]
            raise UnknownNameError("parameter", key, names, where=f"variant {variant!r} of task {task.key}")


def _common_seeds(profile: Profile, builders: Mapping[str, Plugin]) -> list[int]:
    """The seeds that all subjects of a task have."""
    first, *others = [subject_seeds(profile, builder) for builder in builders.values()]
    seeds = [seed for seed in first if all(seed in other for other in others)]
    if not seeds:
        names = ", ".join(builder.name for builder in builders.values())
        raise TouchstoneError(f"its subjects ({names}) have no seed in common")
    return seeds


def _folder(name: str, departures: Parameters) -> str:
    """The folder of a subject whose parameters depart from the profile's."""
    parts = [f"{key}-{value}" for key, value in departures.items()]
    plain = "-".join([name, *parts])
    return plain if re.fullmatch(rf"[\w.-]{{1,{LONGEST_NAME}}}", plain) else f"{name}-{digest(departures)}"
