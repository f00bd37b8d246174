"""A profile and the plugins, resolved into subjects to train, tasks to run, and the cells and files of each.

    plan = make_plan("smoke")
    plan.subjects["blockmnist-training-robust"].seeds, plan.tasks["attribution.blockmnist"].instances, ...

Both the Snakefile and the stages read it. It imports no torch, and takes a fraction of a second.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark import __version__
from benchmark.config import Parameters, Profile, read_profile, seed_list, variant_base
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.registry import ENGINE, PROJECT, Plugin, Registry, plugins
from benchmark.sources import closure, fingerprint

STAGES = ENGINE / "stages"
DEVICE_VARIABLE = "TOUCHSTONE_DEVICE"
"""What `auto` stands for in all jobs of a run, whatever machine they run on."""


def digest(value: Any) -> str:
    """A short hash of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class SubjectPlan:
    """One subject with resolved parameters, for all its seeds."""

    name: str
    plugin: Plugin
    parameters: Mapping[str, Any]
    seeds: tuple[int, ...]
    device: str

    @functools.cached_property
    def sources(self) -> list[Path]:
        """The plugin's files: what the subject is made of."""
        return closure(self.plugin.path)

    @functools.cached_property
    def key(self) -> dict[str, Any]:
        """What one seed's files were made from; they are kept as long as it stays the same."""
        return {
            "subject": self.plugin.name,
            "parameters": dict(self.parameters),
            "sources": fingerprint(self.sources),
            "device": self.device,
            "engine": __version__,
        }

    @property
    def threads(self) -> int:
        """How many cores its training uses."""
        return int(self.plugin.options.get("threads", 1))


@dataclass(frozen=True)
class Instance:
    """One variant of a task on one seed of its subject."""

    variant: str
    seed: int
    subject: str
    parameters: Mapping[str, Any]
    ranked: bool
    twin: str | None = None
    """The variant that asks the same of random weights, if the profile runs it."""

    @property
    def label(self) -> str:
        """`variant.seed`, the stem of its files."""
        return f"{self.variant}.{self.seed}"


@dataclass(frozen=True)
class MethodPlan:
    """One row of the board: a method's plugin with resolved parameters, under its own or a variant's name."""

    name: str
    plugin: Plugin
    parameters: Mapping[str, Any]

    @functools.cached_property
    def key(self) -> dict[str, Any]:
        """What the method contributes to the identity of its cells."""
        sources = fingerprint(closure(self.plugin.path)) if not self.plugin.problem else self.plugin.problem
        return {"method": self.plugin.key, "parameters": dict(self.parameters), "sources": sources}


@dataclass(frozen=True)
class TaskPlan:
    """One task: its instances, the methods that run on it, and its metrics."""

    plugin: Plugin
    instances: tuple[Instance, ...]
    methods: tuple[MethodPlan, ...]
    metrics: tuple[Plugin, ...]
    batches: int = 1

    @property
    def id(self) -> str:
        """`family.task`, which names its files."""
        return f"{self.plugin.family}.{self.plugin.name}"

    @property
    def family(self) -> str:
        """The family's name."""
        return str(self.plugin.family)

    @property
    def primary(self) -> str:
        """The metric whose skill the leaderboard averages."""
        return str(self.plugin.options["primary"])

    @property
    def subjects(self) -> list[str]:
        """The subjects its variants use."""
        return sorted({instance.subject for instance in self.instances})

    @property
    def variants(self) -> list[str]:
        """Its variants, in the order declared."""
        return list(dict.fromkeys(instance.variant for instance in self.instances))

    def batch(self, index: int) -> list[MethodPlan]:
        """The methods of one job: every `batches`-th, starting with number `index`."""
        return list(self.methods[index :: self.batches])

    @functools.cached_property
    def sources(self) -> list[Path]:
        """The task's file, its family's engine files, and what they import."""
        return closure(self.plugin.path, ENGINE / "families" / f"{self.family}.py")

    def explain_sources(self, index: int) -> list[Path]:
        """What an explain job depends on: the task, the family, the stage, and the methods of the batch."""
        methods = [method.plugin.path for method in self.batch(index) if method.plugin.path.is_file()]
        return sorted({*self.sources, *closure(*methods)})

    @functools.cached_property
    def score_sources(self) -> list[Path]:
        """What a score job depends on: the task, the family, the metrics and the pictures."""
        drawing = ENGINE / "pictures" / f"{self.family}.py"
        return sorted({*self.calibration_sources, *closure(drawing), STAGES / "score.py"})

    @functools.cached_property
    def calibration_sources(self) -> list[Path]:
        """What floors and ceilings depend on: the task, the family and the metrics."""
        metrics = closure(*(metric.path for metric in self.metrics))
        return sorted({*self.sources, *metrics, STAGES / "calibration.py", ENGINE / "scores.py"})


@dataclass(frozen=True)
class Plan:
    """All that a run will do."""

    profile: Profile
    registry: Registry
    subjects: Mapping[str, SubjectPlan]
    tasks: Mapping[str, TaskPlan]
    problems: tuple[str, ...] = field(default=())
    source: str = ""
    """How the command line names the profile: its name in `config/`, or the path of a file."""

    @property
    def configuration(self) -> dict[str, Any]:
        """The resolved settings, for the provenance."""
        return self.profile.model_dump() | {
            "resolved_subjects": {
                name: dict(s.parameters) | {"seeds": list(s.seeds)} for name, s in self.subjects.items()
            },
            "resolved_tasks": {
                task.id: {
                    "instances": [[i.variant, i.seed, i.subject, dict(i.parameters)] for i in task.instances],
                    "methods": {m.name: dict(m.parameters) for m in task.methods},
                }
                for task in self.tasks.values()
            },
        }

    @property
    def publish_sources(self) -> list[Path]:
        """What the page is made with, besides the scores: statistics, claims and templates."""
        code = [
            ENGINE / "tables.py",
            STAGES / "publish.py",
            *(ENGINE / "page").rglob("*.*"),
            *ENGINE.glob("statistics/*.py"),
        ]
        data = [*ENGINE.glob("claims/*.py"), *(PROJECT / "tasks" / "claims").glob("*.yaml")]
        return sorted(path for path in (*code, *data) if path.is_file() and path.suffix != ".pyc")

    def subject(self, name: str) -> SubjectPlan:
        """A subject by its directory name."""
        if name not in self.subjects:
            raise UnknownNameError("subject", name, self.subjects)
        return self.subjects[name]

    def task(self, name: str) -> TaskPlan:
        """A task by `family.task`, `family/task`, or its bare name where that is unambiguous."""
        name = name.replace("/", ".")
        if name in self.tasks:
            return self.tasks[name]
        matches = [task for task in self.tasks.values() if task.plugin.name == name]
        if len(matches) > 1:
            raise TouchstoneError(
                f"task {name!r} is ambiguous: say which of {', '.join(t.plugin.key for t in matches)}"
            )
        if not matches:
            known = [task.plugin.key for task in self.tasks.values()] + [t.plugin.name for t in self.tasks.values()]
            raise UnknownNameError("task", name, known, where=f"profile {self.profile.name}")
        return matches[0]


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
    return Plan(settings, registry, subjects, tasks, tuple(problems), source)


def _task(
    plugin: Plugin, settings: Profile, registry: Registry, device: str
) -> tuple[TaskPlan, dict[str, SubjectPlan]]:
    """A task and the subjects it needs; an error says what of it is broken."""
    if plugin.problem:
        raise TouchstoneError(plugin.problem)
    subjects: dict[str, SubjectPlan] = {}
    instances = tuple(_instances(plugin, settings, registry, device, subjects))
    names = plugin.options["metrics"]
    metrics = [registry.find("metric", name, plugin.family, where=f"task {plugin.key}") for name in names]
    for metric in metrics:
        if metric.problem:
            raise TouchstoneError(f"it needs metric {metric.name}: {metric.problem}")
    methods = tuple(_methods(str(plugin.family), settings, registry))
    return TaskPlan(plugin, instances, methods, tuple(metrics), settings.batches), subjects


def resolve_device(wish: str) -> str:
    """`auto` becomes "cuda" where there is an NVIDIA driver, no GPU is hidden, and torch was built for it; else "cpu".

    The jobs of a run take what its main process found. Torch is not asked: that would import it.
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


def _methods(family: str, profile: Profile, registry: Registry) -> Iterator[MethodPlan]:
    excluded = {
        registry.find("method", key.removeprefix("method:")).key for key in profile.exclude if key.startswith("method:")
    }
    given: dict[str, Parameters] = {}
    variants: list[tuple[str, Plugin, Parameters]] = []
    for key, parameters in profile.methods.items():
        parameters = dict(parameters or {})
        base = parameters.pop("method", None)
        plugin = registry.find("method", variant_base(key, base) if base else key)
        if base and plugin.family == family:
            variants.append((key.rpartition("/")[2], plugin, parameters))
        elif not base:
            given[plugin.key] = parameters
    for plugin in registry.of("method", family):
        if plugin.key not in excluded:
            yield MethodPlan(plugin.name, plugin, {**plugin.defaults, **given.get(plugin.key, {})})
    for name, plugin, parameters in variants:
        yield MethodPlan(name, plugin, {**plugin.defaults, **given.get(plugin.key, {}), **parameters})


def _instances(
    task: Plugin, profile: Profile, registry: Registry, device: str, subjects: dict[str, SubjectPlan]
) -> Iterator[Instance]:
    builder = registry.find("subject", task.options["subject"], where=f"task {task.key}")
    if builder.problem:
        raise TouchstoneError(f"it needs subject {builder.name}: {builder.problem}")
    overrides = next((v for k, v in profile.tasks.items() if registry.find("task", k).key == task.key), None) or {}
    wanted = [str(name) for name in overrides.get("variants") or task.options["variants"]]
    settings = {key: value for key, value in overrides.items() if key != "variants"}
    twins = task.options.get("twins", {})
    unranked = {*task.options.get("unranked", ()), *twins.values()}
    base = dict(profile.subjects.get(builder.name) or {})
    seeds = seed_list(base.pop("seeds", profile.seeds))
    for variant in wanted:
        changes = task.options["variants"][variant]
        for key in changes:
            if (key in builder.defaults) == (key in task.defaults):
                names = [*builder.defaults, *task.defaults]
                raise UnknownNameError("parameter", key, names, where=f"variant {variant!r} of task {task.key}")
        ours = {key: value for key, value in changes.items() if key in builder.defaults}
        name = "-".join([builder.name, *(f"{key}-{value}" for key, value in ours.items())])
        subjects.setdefault(name, SubjectPlan(name, builder, {**builder.defaults, **base, **ours}, seeds, device))
        parameters = {**task.defaults, **settings, **{k: v for k, v in changes.items() if k in task.defaults}}
        twin = twins.get(variant)
        for seed in seeds:
            yield Instance(variant, seed, name, parameters, variant not in unranked, twin if twin in wanted else None)
