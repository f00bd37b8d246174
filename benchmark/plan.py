"""A profile and the plugins, resolved into subjects to train, tasks to run, and the instances and methods of each.

    plan = make_plan("smoke")
    plan.subjects["blockmnist-training-robust"].seeds, plan.tasks["attribution.blockmnist"].instances, ...

Both the Snakefile and the stages read it. It imports no torch, and takes a fraction of a second.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.config import (
    Limits,
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
from benchmark.layout import Layout
from benchmark.registry import ENGINE, PROJECT, Plugin, Registry, plugins
from benchmark.seeds import seal
from benchmark.sources import closure
from benchmark.store import digest

DEVICE_VARIABLE = "TOUCHSTONE_DEVICE"
"""What `auto` stands for in all jobs of a run, whatever machine they run on."""
LONGEST_NAME = 80
"""Characters of a subject's folder; longer settings are named by their hash."""


@dataclass(frozen=True)
class SubjectPlan:
    """One subject with resolved parameters, for all its seeds."""

    name: str
    plugin: Plugin
    parameters: Mapping[str, Any]
    seeds: tuple[int, ...]
    """Public labels; the seeds of the plants equal them unless `sealed`."""
    device: str
    sealed: bool = False
    batches: int = 1

    @property
    def threads(self) -> int:
        """How many cores its training uses."""
        return int(self.plugin.options.get("threads", 1))

    def batch(self, index: int) -> list[int]:
        """The seeds of one training job."""
        return list(self.seeds[index :: self.batches])

    @property
    def train_sources(self) -> list[Path]:
        """The files whose change makes a training job look again."""
        return closure(self.plugin.path)

    @property
    def settings(self) -> str:
        """What of the profile makes a training job look again if it changes."""
        return digest([dict(self.parameters), self.device, self.seeds, self.sealed and seal(), self.threads])


@dataclass(frozen=True)
class Instance:
    """One variant of a task on one seed."""

    variant: str
    seed: int
    """The public label of the seed."""
    subjects: Mapping[str, str]
    """Role to the name of the subject that plays it; the only one has the role ""."""
    parameters: Mapping[str, Any]
    ranked: bool
    twin: str | None = None
    """The variant that asks the same of random weights, if the profile runs it."""
    rival: str | None = None
    """The variant on the same inputs with another truth, with which it is scored together."""
    repeat: int = 0
    """Which of several seeds of the method on one subject."""

    @property
    def label(self) -> str:
        """`variant.seed`, the stem of its files; a repetition has its number behind."""
        return f"{self.variant}.{self.seed}" + (f".{self.repeat}" if self.repeat else "")

    @property
    def subject(self) -> str:
        """The name of the first subject."""
        return next(iter(self.subjects.values()))


@dataclass(frozen=True)
class MethodPlan:
    """One row of the board: a method's plugin with resolved parameters, under its own or a variant's name."""

    name: str
    plugin: Plugin
    parameters: Mapping[str, Any]
    budget: int | None = None
    """The multiple of its own budget at which a learned method runs; None for one that has no budget."""
    ranked: bool = True
    """Whether no larger budget of it runs."""

    @property
    def shown(self) -> str:
        """The name of its rows: `topk` at the largest budget, `topk@4x` at a smaller one.

        `name`, under which its results are kept, has the budget in any case: a larger one makes no other anew.
        """
        return self.name.partition("@")[0] if self.ranked else self.name

    @property
    def supervised(self) -> bool:
        """Whether it is shown planted labels."""
        return bool(self.plugin.options.get("supervised"))

    @property
    def reference(self) -> bool:
        """Whether it stands with the references: it needs planted labels, or never consults what the model learned."""
        return self.supervised or bool(self.plugin.options.get("control"))


@dataclass(frozen=True)
class TaskPlan:
    """One task: its instances, the methods that run on it, and its metrics."""

    plugin: Plugin
    family_plugin: Plugin
    instances: tuple[Instance, ...]
    methods: tuple[MethodPlan, ...]
    metrics: tuple[Plugin, ...]
    batches: int = 1
    limits: Limits = field(default_factory=Limits)

    @property
    def id(self) -> str:
        """`family.task`, which names its files."""
        return f"{self.plugin.family}.{self.plugin.name}"

    @property
    def family(self) -> str:
        """The family's name."""
        return str(self.plugin.family)

    @property
    def controls(self) -> frozenset[str]:
        """The methods and references that mark what can be had without looking at the model."""
        named = frozenset(self.plugin.options.get("controls", ()))
        return named | {method.name for method in self.methods if method.plugin.name in named}

    @property
    def primary(self) -> str:
        """The metric whose skill the leaderboard averages."""
        return str(self.plugin.options["primary"])

    @property
    def subjects(self) -> list[str]:
        """The subjects its variants use."""
        return sorted({name for instance in self.instances for name in instance.subjects.values()})

    @property
    def variants(self) -> list[str]:
        """Its variants, in the order declared."""
        return list(dict.fromkeys(instance.variant for instance in self.instances))

    def batch(self, index: int) -> list[MethodPlan]:
        """The methods of one job: every `batches`-th, starting with number `index`."""
        return list(self.methods[index :: self.batches])

    def lacks(self, method: MethodPlan) -> list[str]:
        """What the method requires and the task does not provide."""
        provided = self.plugin.options.get("provides", ())
        return [name for name in method.plugin.options.get("requires", ()) if name not in provided]

    def explain_sources(self, index: int) -> list[Path]:
        """The files whose change makes an explain job look again: the task's, its family's, the methods'."""
        return _files(self.family_plugin, self.plugin, *(method.plugin for method in self.batch(index)))

    def explain_settings(self, index: int) -> str:
        """What of the profile makes an explain job look again if it changes."""
        methods = [[method.name, dict(method.parameters)] for method in self.batch(index)]
        return digest([self._posed, methods, self.limits.model_dump()])

    def score_settings(self, draws: int) -> str:
        """What of the profile makes a score job look again if it changes."""
        return digest([self._posed, [m.name for m in self.methods], [m.name for m in self.metrics], draws])

    @property
    def _posed(self) -> list[Any]:
        return [[i.label, dict(i.subjects), dict(i.parameters), i.ranked, i.twin, i.rival] for i in self.instances]

    @property
    def score_sources(self) -> list[Path]:
        """The files whose change makes a score job look again."""
        return _files(self.family_plugin, self.plugin, *self.metrics)

    @property
    def picture_sources(self) -> list[Path]:
        """The files whose change makes a picture job look again."""
        return _files(self.family_plugin, self.plugin)


def _files(family: Plugin, *plugins: Plugin) -> list[Path]:
    """Files of plugins, and of their family's package, with all that they import."""
    paths = [plugin.path for plugin in plugins if plugin.path.is_file()]
    return closure(*paths, *(family.path.with_name(name) for name in ("family.py", "references.py", "pictures.py")))


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
    part: str = ""
    """Which part of the profile this is; empty for all of it."""
    base: Path = field(default_factory=Path.cwd)
    """The folder below which everything is written."""

    @property
    def layout(self) -> Layout:
        """Where its results lie."""
        return Layout(self.profile.name, self.base, self.part)

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
            ENGINE / "stages" / "publish.py",
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
    budgets = task_settings(profile, task).budgets
    for plugin in registry.of("method", task.family):
        if plugin.key not in excluded:
            yield from at_budgets(plugin.name, _usable(plugin, registry), profile, task, budgets)
    for name, plugin in method_variants(profile, str(task.family), registry):
        yield from at_budgets(name, _usable(plugin, registry), profile, task, budgets)


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
