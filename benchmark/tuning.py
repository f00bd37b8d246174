"""`touchstone tune`: hyper-parameters from seeds that are never scored.

    tune("default", "dictionary/topk", trials=12) -> Tuned(method, outcomes, path)

Every method has the same allowance: so many candidates from the space that it declares (`benchmark.config.spaces`), the
parameters that the profile gives it being the first, each on the same seeds. They pass through the stages of any run,
under a profile of its own (`<profile>.tuning`: the same sizes and limits, other seeds), and are kept as any explanation
is: a run that was killed goes on, more trials compute the further ones alone, and the controls and marks are shared by
all methods of a family. What is compared is what the board ranks by: the mean skill in the primary metric over tasks,
and in each over its ranked variants and seeds; an instance that a trial declines or fails counts for it as the null.

The best of many trials is partly the luckiest. So its gain over the parameters as they were is shown seed by seed; one
that has not the same sign on all of them is noise.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmark.artifacts import write_bytes
from benchmark.config import Profile, read_profile
from benchmark.config.spaces import SEEDS, TRIALS, TUNING_SEEDS, candidates, space
from benchmark.errors import TouchstoneError
from benchmark.locking import hold, run_name
from benchmark.log import log, start_logging
from benchmark.plan import MethodPlan, Plan, TaskPlan
from benchmark.planning import make_plan
from benchmark.registry import Registry, plugins, read_file
from benchmark.single import method_of
from benchmark.stages.explain import explain
from benchmark.stages.score import score
from benchmark.stages.train import train
from benchmark.statistics.nesting import Array
from benchmark.statistics.rows import grid, ranked_rows
from benchmark.store import Store, digest, read_entry


@dataclass(frozen=True)
class Outcome:
    """What came of one trial."""

    changes: Mapping[str, Any]
    """The parameters in which it departs from the method as it is."""
    skill: float
    by_seed: Mapping[int, float]
    instances: int
    failures: int
    seconds: float
    """What the method took on all instances."""


@dataclass(frozen=True)
class Tuned:
    """What came of all trials of a method."""

    method: str
    """`family/name`, with the budget behind where it is not the largest."""
    outcomes: tuple[Outcome, ...]
    """In the order tried: the first is the method as it is."""
    path: Path
    """Where the table of trials lies."""

    @property
    def number(self) -> int:
        """Which trial has the highest mean skill; of equals the earliest."""
        return max(range(len(self.outcomes)), key=lambda number: self.outcomes[number].skill)

    @property
    def best(self) -> Outcome:
        """That trial."""
        return self.outcomes[self.number]

    @property
    def gain(self) -> dict[int, float]:
        """By seed, how much more skill the best trial has than the method as it is."""
        return {seed: value - self.outcomes[0].by_seed[seed] for seed, value in self.best.by_seed.items()}

    @property
    def table(self) -> pd.DataFrame:
        """A row for each trial; `parameters` as JSON, and `seed_<seed>` for the skill on each seed."""
        return pd.DataFrame(
            {
                "trial": number,
                "parameters": json.dumps(dict(one.changes)),
                "skill": one.skill,
                **{f"seed_{seed}": value for seed, value in one.by_seed.items()},
                "instances": one.instances,
                "failures": one.failures,
                "seconds": one.seconds,
            }
            for number, one in enumerate(self.outcomes)
        )


@dataclass(frozen=True)
class Trial:
    """One setting of a method's parameters: what changes, and the method as each task runs it."""

    changes: Mapping[str, Any]
    plans: Mapping[str, MethodPlan]
    """By task."""

    @classmethod
    def of(cls, changes: Mapping[str, Any], methods: Mapping[str, MethodPlan]) -> Trial:
        """The methods of all tasks with these changes, and a name that depends on nothing else.

        Each is shown as if its budget were the largest: no other is beside it.
        """
        suffix, changed = f"-{digest(dict(changes))[:8]}" if changes else "", {}
        for task, method in methods.items():
            base, at, budget = method.name.partition("@")
            name, parameters = base + suffix + at + budget, {**method.parameters, **changes}
            changed[task] = replace(method, name=name, parameters=parameters, ranked=True)
        return cls(changes, changed)

    @property
    def name(self) -> str:
        """How its rows are called."""
        return next(iter(self.plans.values())).shown


def tune(
    profile: str,
    method: str,
    *,
    task: str = "",
    trials: int = TRIALS,
    seconds: float | None = None,
    workers: int = 1,
    registry: Registry | None = None,
) -> Tuned:
    """Try settings of a method (`family/name`, a row that the profile adds, or a file) on all tasks of its family.

    One that has a budget is tried at the profile's largest, at which it is ranked; `family/name@1x` stands for another.

    Args:
        task: only this one (`family/task`).
        seconds: begin no further trial after the method has taken so much processor time in all; what trials of earlier
            runs took counts as well, so that a run that goes on has no more than one that was never stopped.

    Raises:
        TouchstoneError: nothing to tune, no task that it applies to, or nothing on which trials could be compared.
    """
    registry = registry or plugins()
    family = _family(method, registry)
    chosen = registry.find("task", task, family).key if task else family
    if chosen.partition("/")[0] != family:
        raise TouchstoneError(f"{method} is a method of {family}, but {chosen} is a task of {chosen.partition('/')[0]}")
    plan = make_plan(tuning_profile(read_profile(profile, registry, {"only": [chosen]})), registry=registry)
    for problem in plan.problems:
        log.warning("%s", problem)
    methods = {name: method_of(plan, one, method) for name, one in plan.tasks.items()}
    applies = {name: m for name, m in methods.items() if not plan.task(name).lacks(m)}
    first = next(iter(methods.values()))
    key = f"{family}/{first.shown}"
    if first.plugin.problem:
        raise TouchstoneError(f"method {key} cannot be tuned: {first.plugin.problem}")
    dimensions = space(first.plugin)
    if not dimensions:
        raise TouchstoneError(
            f"method {key} declares nothing to tune: add for example "
            f'tunable={{"learning_rate": {{"low": 1e-4, "high": 1e-2}}}} to its decorator '
            f"(it has {', '.join(first.plugin.defaults) or 'no parameters'})"
        )
    if not applies:
        lacking = sorted({need for name, m in methods.items() for need in plan.task(name).lacks(m)})
        raise TouchstoneError(f"method {key} applies to no task: it requires {', '.join(lacking)}")
    tried = [Trial.of({}, applies)]
    tried += [Trial.of(one, applies) for one in candidates(dimensions, trials - 1, first.parameters)]
    plan = replace(plan, tasks={name: one for name, one in plan.tasks.items() if name in applies})
    store = Store(plan.layout.results)
    with hold(plan.layout.results, run_name(), f"touchstone tune {key}"):
        for subject in sorted({subject for one in plan.tasks.values() for subject in one.subjects}):
            for batch in range(plan.subject(subject).batches):
                train(plan, store, subject, batch=batch)
        tried, spent = _explain(plan, store, tried, seconds, workers)
        tables = [score(_with(plan, one, tried), store, one.id, workers=workers) for one in plan.tasks.values()]
    return _tuned(plan, key, tried, pd.concat(tables, ignore_index=True), spent)


def tuning_profile(profile: Profile) -> Profile:
    """The profile on seeds that are never scored: `SEEDS` of them, fewer for a subject to which it gives fewer.

    They are never sealed: anyone is to repeat what was tuned.
    """
    subjects = {
        name: {**given, "seeds": _seeds(given["seeds"])} if "seeds" in given else given
        for name, given in profile.subjects.items()
    }
    return profile.model_copy(
        update={
            "name": f"{profile.name}.tuning",
            "seeds": _seeds(profile.seeds),
            "sealed": False,
            "subjects": subjects,
            "batches": 1,
        }
    )


def _seeds(scored: int | Sequence[int]) -> list[int]:
    count = scored if isinstance(scored, int) else len(scored)
    return list(TUNING_SEEDS[: min(SEEDS, count)])


def _family(method: str, registry: Registry) -> str:
    if method.endswith(".py"):
        return str(read_file(Path(method)).family)
    if "/" in method:
        return registry.find("family", method.partition("/")[0]).name
    return str(registry.find("method", method).family)


def _explain(
    plan: Plan, store: Store, tried: Sequence[Trial], seconds: float | None, workers: int
) -> tuple[list[Trial], dict[str, float]]:
    """Run trials, all together or, where time is limited, as many at a time as run side by side.

    Returns those that were begun, and by their names what they took.
    """
    step = len(tried) if seconds is None else workers
    spent: dict[str, float] = {}
    for start in range(0, len(tried), step):
        if seconds is not None and sum(spent.values()) >= seconds:
            log.info("[tune] %d trials were not begun: the first took %.0f s", len(tried) - start, sum(spent.values()))
            return list(tried[:start]), spent
        wave = tried[start : start + step]
        for task in plan.tasks.values():
            explain(_with(plan, task, wave), store, task.id, workers=workers)
        for trial in wave:
            kept = (store.path(address) for address in _addresses(plan, trial))
            spent[trial.name] = sum(read_entry(path).content["seconds"] or 0.0 for path in kept if path.is_file())
    return list(tried), spent


def _addresses(plan: Plan, trial: Trial) -> Iterator[str]:
    """Where a trial's explanations lie; there is none where a subject could not be trained."""
    for task in plan.tasks.values():
        for instance in task.instances:
            yield plan.layout.explanation(task.id, trial.plans[task.id].name, instance.label)


def _with(plan: Plan, task: TaskPlan, tried: Sequence[Trial]) -> Plan:
    """The plan with trials in the place of a task's methods, its controls beside them, and its primary metric alone."""
    controls = [m for m in task.methods if m.name in task.controls and m.plugin.name != _plugin(tried, task)]
    methods = (*(trial.plans[task.id] for trial in tried), *controls)
    metrics = tuple(metric for metric in task.metrics if metric.name == task.primary)
    return replace(plan, tasks={**plan.tasks, task.id: replace(task, methods=methods, metrics=metrics)})


def _plugin(tried: Sequence[Trial], task: TaskPlan) -> str:
    return tried[0].plans[task.id].plugin.name


def _tuned(plan: Plan, key: str, tried: Sequence[Trial], scores: pd.DataFrame, spent: Mapping[str, float]) -> Tuned:
    """What the trials scored; the table of it is written."""
    rows = ranked_rows(scores)
    rows = rows[rows.method.isin([trial.name for trial in tried])]
    board = grid(rows)
    if board.instances.empty:
        raise TouchstoneError(
            f"no trial of {key} can be compared: on the tuning seeds of profile {plan.profile.name} no ranked variant "
            "is certified, has room above blind and was answered"
        )
    tasks, seeds = board.instances.task.to_numpy(), board.instances.seed.to_numpy()
    failures = Counter(rows.method[rows.failed])
    outcomes = []
    for trial in tried:
        skills = np.nan_to_num(board.skill[board.methods.index(trial.name)])  # what it declines counts as the null
        each = {int(seed): _mean(skills[seeds == seed], tasks[seeds == seed]) for seed in np.unique(seeds)}
        mean, lost = _mean(skills, tasks), failures[trial.name]
        outcomes.append(Outcome(trial.changes, mean, each, len(skills), lost, spent[trial.name]))
    tuned = Tuned(key, tuple(outcomes), plan.layout.results / "trials" / f"{key.replace('/', '.')}.csv")
    write_bytes(tuned.path, tuned.table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())
    return tuned


def _mean(skills: Array, tasks: NDArray[Any]) -> float:
    """The mean over tasks of the mean over a task's instances, as the board averages."""
    return float(np.mean([skills[tasks == task].mean() for task in np.unique(tasks)]))


def tune_and_print(profile: str, method: str, **settings: Any) -> None:
    """`tune`, the trials as a table, and what to write where."""
    start_logging()
    tuned = tune(profile, method, **settings)
    console = Console(width=None if sys.stdout.isatty() else 140, soft_wrap=True)
    view = Table(title=f"{tuned.method}: {len(tuned.outcomes)} trials", title_justify="left")
    for column in ("trial", "parameters", "skill", *map(str, tuned.best.by_seed), "failures", "seconds"):
        view.add_column(column, justify="left" if column == "parameters" else "right")
    for number, one in enumerate(tuned.outcomes):
        numbers = (f"{value:.3f}" for value in (one.skill, *one.by_seed.values()))
        parameters = json.dumps(dict(one.changes)) if one.changes else "as it is"
        style = "bold" if number == tuned.number else None
        view.add_row(str(number), parameters, *numbers, str(one.failures), f"{one.seconds:.1f}", style=style)
    console.print(view)
    console.print(f"kept in {tuned.path}", highlight=False)
    for line in advice(tuned):
        console.print(line, highlight=False, markup=False)


def advice(tuned: Tuned) -> list[str]:
    """What to do with the best trial, in lines: what it gains seed by seed, and what to write into a profile."""
    if not tuned.number:
        return ["best: the method as it is; nothing to change"]
    gained = ", ".join(f"{value:+.3f} on seed {seed}" for seed, value in tuned.gain.items())
    found = f"best: trial {tuned.number}, {gained} above the method as it is"
    if min(tuned.gain.values()) <= 0:
        return [f"{found}: the seeds disagree, so this is noise; nothing to change"]
    changes = {"methods": {tuned.method.partition("@")[0]: dict(tuned.best.changes)}}
    return [
        found + (" (one seed says little)" if len(tuned.gain) == 1 else ""),
        "for a profile (or as the defaults of the method's parameters):",
        *(f"    {line}" for line in yaml.safe_dump(changes, default_flow_style=None).splitlines()),
    ]
