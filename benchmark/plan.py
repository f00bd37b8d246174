"""What a run will do: subjects to train, tasks to run, and the instances and methods of each.

    plan.subjects["blockmnist-training-robust"].seeds, plan.tasks["attribution.blockmnist"].instances, ...

Both the Snakefile and the stages read it; `benchmark.planning` makes it. It imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.config import (
    Limits,
    Profile,
)
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.layout import Layout
from benchmark.registry import ENGINE, PROJECT, Plugin, Registry
from benchmark.seeds import seal
from benchmark.sources import closure
from benchmark.store import digest


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
    """Whether no larger budget of it runs, and it is asked and read as the task has it."""
    reading: tuple[str, str] | None = None
    """Which choice that is no part of the method is made in which other way (see `Family.readings`)."""

    @property
    def shown(self) -> str:
        """The name of its rows: `topk` at the largest budget, `topk@4x` at a smaller one, `gradient@sign-positive`
        in another reading.

        `name`, under which its results are kept, has the budget in any case: a larger one makes no other anew.
        """
        return self.name.partition("@")[0] if self.ranked else self.name

    @property
    def supervised(self) -> bool:
        """Whether it is shown planted labels."""
        return bool(self.plugin.options.get("supervised"))

    @property
    def taught(self) -> bool:
        """Whether it is shown the questions and truths of other seeds."""
        return bool(self.plugin.options.get("taught"))

    @property
    def reference(self) -> bool:
        """Whether it stands with the references: it is shown planted labels or truths, or never consults what the model
        learned."""
        return self.supervised or self.taught or bool(self.plugin.options.get("control"))


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
            *ENGINE.glob("boards/*.py"),
            *(ENGINE / "site").rglob("*.*"),
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
