"""Checks of tasks, at the size of the smoke profile, on one seed that is told from its label."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from benchmark.conformance.checks import DRAWS, Suite, expect, same
from benchmark.conformance.known import reaches
from benchmark.marks import with_marks
from benchmark.plan import Instance, Plan, TaskPlan
from benchmark.planning import make_plan
from benchmark.posing.handover import pack, unpack
from benchmark.registry import Plugin, plugins
from benchmark.runtime import make_deterministic
from benchmark.scores import Metric, averaged, measured
from benchmark.stages.explain import make_explanations
from benchmark.stages.instances import Concrete, make_concrete
from benchmark.stages.score import make_reference, score_instances
from benchmark.stages.train import train
from benchmark.store import Store
from benchmark.table import instance_rows, to_table

CHECKS = Suite()
LABEL = 739_153_482
"""The seed, long enough to be in a question by no chance."""

FAR = 5.0
"""Standard errors between two means of draws that are no longer luck."""
EPSILON = 1e-9
AT_CHANCE = 0.05
"""How far from chance a control may be, by its mean over rivals, as a share of the way to the truth."""


class Mark(NamedTuple):
    """The scale of a metric, or of a sub-score of it, on one instance."""

    metric: str
    variant: str
    primary: bool
    floor: float
    ceiling: float


@dataclass
class Case:
    """A task whose subjects are trained in a folder, or found there."""

    plugin: Plugin
    folder: Path

    @cached_property
    def plan(self) -> Plan:
        """The sizes of the smoke profile with this task alone."""
        every: dict[str, Any] = {"exclude": [], "tasks": {}}
        plan = make_plan("smoke", overrides={"only": [self.plugin.key], "seeds": [LABEL], "draws": DRAWS} | every)
        return dataclasses.replace(plan, base=self.folder)

    @property
    def task(self) -> TaskPlan:
        """The task as planned."""
        return next(iter(self.plan.tasks.values()))

    @cached_property
    def store(self) -> Store:
        """The folder with all its subjects trained."""
        store = Store(self.plan.layout.results)
        for subject in self.task.subjects:
            train(self.plan, store, subject)
        return store

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows of all references."""
        scored, _ = score_instances(self.plan, self.store, self.task, [])
        return to_table([row for one in scored for row in instance_rows(self.plan, self.store, self.task, [], one)])

    @property
    def rows(self) -> pd.DataFrame:
        """Those of the primary metric."""
        return self.table[self.table.primary]

    def marks(self, metric: str) -> list[Mark]:
        """Floor and ceiling of every instance in a metric; where it has no value of its own, in its sub-scores."""
        oracle = self.table[(self.table.method == "oracle") & (self.table.status == "ok")]
        own = oracle[oracle.metric == metric]
        rows = own if len(own) else oracle[oracle.metric.str.startswith(f"{metric}@")]
        columns = (rows[name].to_list() for name in Mark._fields)
        return [Mark(*row) for row in zip(*columns, strict=True)]

    @property
    def whole(self) -> bool:
        """Whether all variants are looked at."""
        return set(self.task.variants) == set(self.plugin.options["variants"])

    def concrete(self, instance: Instance) -> Concrete:
        """An instance; a method's seed is another one than the plant's."""
        made = make_concrete(self.plan, self.store, self.task, instance, device="cpu")
        saved = {role: dataclasses.replace(one, method_seed=0) for role, one in made.saved.items()}
        return dataclasses.replace(made, saved=saved)


@CHECKS("its subjects pass their certificates", "what is not certified is not ranked", gate=True)
def _certified(case: Case) -> str:
    ranked = {instance.variant for instance in case.task.instances if instance.ranked}
    failed = case.rows[case.rows.variant.isin(ranked) & ~case.rows.ranked].variant.unique()
    expect(not len(failed), f"not in {', '.join(failed)}")
    return ""


@CHECKS("its controls are there", "what they reach without the model is the blind mark")
def _controls(case: Case) -> str:
    registry, family = plugins(), str(case.plugin.family)
    known = {p.name for p in registry.of("method", family) if p.options.get("control")}
    known |= {p.name for p in registry.of("reference", family)}
    for name in case.plugin.options.get("controls", ()):
        expect(
            name in known, f"{name} is no control and no reference of {family}; there are {', '.join(sorted(known))}"
        )
    return ""


@CHECKS("its controls are at chance on its rivals", "whoever does not look at the model must not tell them apart")
def _rivals(case: Case) -> str:
    if not any(instance.rival for instance in case.task.instances):
        return "it has no rivals"
    controls = [method for method in case.task.methods if method.name in case.task.controls]
    make_explanations(case.plan, case.store, case.task, controls)
    scored, _ = score_instances(case.plan, case.store, case.task, controls)
    rows = [row for one in scored for row in instance_rows(case.plan, case.store, case.task, controls, one)]
    table = with_marks(to_table(rows))
    reached = table[table.primary & table.control & (table.rival != "")].groupby("method").chance_skill.mean().dropna()
    expect(bool(len(reached)), "none of its controls is among its methods and references")
    far = reached[reached.abs() > AT_CHANCE]
    expect(far.empty, ", ".join(f"{name} has {value:+.2g} above chance" for name, value in far.items()))
    return ", ".join(f"{name} {value:+.2g}" for name, value in reached.items())


@CHECKS("its oracle has the values that are known of a perfect explanation", "the scale ends at the planted truth")
def _oracle(case: Case) -> str:
    held, short = [], case.plugin.options.get("ceilings", {})
    for metric in case.task.metrics:
        perfect, marks = metric.options.get("perfect"), case.marks(metric.name)
        if perfect is None:
            expect(metric.name not in short, f"nothing is known of {metric.name}; strike it from `ceilings`")
            continue
        far = [mark for mark in marks if not reaches(mark.ceiling, perfect, mark.floor)]
        if metric.name in short:
            expect(bool(far) or not case.whole, f"it has {perfect:g} in {metric.name}; strike it from `ceilings`")
            continue
        said = (f"{mark.metric} is {mark.ceiling:g} in {mark.variant}, not {perfect:g}" for mark in far)
        expect(not far, ", ".join(said))
        held += [f"{metric.name} {perfect:g}"] if len(marks) else []
    return ", ".join(held) or "none is known of its metrics"


@CHECKS("its ceilings lie where its metrics' directions point", "otherwise the worse is shown as the better")
def _direction(case: Case) -> str:
    for metric in case.task.metrics:
        direction = "none" if metric.options["truth_free"] else metric.options["direction"]
        for mark in case.marks(metric.name):
            span = (mark.ceiling - mark.floor) * {"higher": 1, "lower": -1, "none": 0}[direction]
            said = f"floor {mark.floor:g}, ceiling {mark.ceiling:g}, and {direction} is better"
            expect(not span < 0 and not (mark.primary and span == 0), f"{mark.metric} in {mark.variant}: {said}")
    return ""


@CHECKS("other random draws have the floor", "the floor is what chance scores, whoever draws")
def _strays(case: Case) -> str:
    reference = plugins().find("reference", "random", case.task.family)
    primary = next(metric for metric in case.task.metrics if metric.name == case.task.primary)
    if (scope := primary.options.get("scope", "explanation")) != "explanation":
        return f"its primary metric looks at several explanations at once, those of all {scope}"
    metric = Metric.of(primary)
    count, farthest = min(DRAWS, metric.draws or DRAWS), 0.0
    for instance in case.task.instances:
        concrete = make_concrete(case.plan, case.store, case.task, instance, device="cpu")
        question, truth = concrete.pose(), concrete.truth()  # with the seeds of the floor: only the draws are others
        draws = [make_reference(reference, case.task, instance, DRAWS + n, question, truth) for n in range(count)]
        found = averaged([measured(metric, draw, truth, question) for draw in draws])
        expect(found["status"] == "ok", found["reason"])
        row = case.rows[(case.rows.method == "random") & (case.rows.variant == instance.variant)].iloc[0]
        error = math.sqrt((found["sd"][""] ** 2 + row.floor_sd**2) / count)
        far = abs(found["values"][""] - row.floor) / max(error, EPSILON)
        expect(
            far <= FAR, f"{found['values']['']:g} is {far:.1f} standard errors from {row.floor:g} in {instance.label}"
        )
        farthest = max(farthest, far)
    return f"within {farthest:.1f} standard errors"


@CHECKS("floor and ceiling differ by far more than the draws' spread", "otherwise chance decides")
def _span(case: Case) -> str:
    spans = (case.rows.ceiling - case.rows.floor).abs() / case.rows.floor_sd
    expect(bool(((spans > 5) | (case.rows.floor_sd == 0)).all()), f"got {spans.min():.2g} standard deviations")
    return f"at least {spans.min():.3g} standard deviations"


@CHECKS("it poses the same question twice", "methods are compared on one question")
def _steady(case: Case) -> str:
    for instance in case.task.instances:
        concrete, question = case.concrete(instance), []
        for state in (1, 2):
            make_deterministic(state)
            question.append(concrete.pose())
        expect(same(*question), f"another one in {instance.label}")
    return ""


@CHECKS("its questions survive the hand-over", "methods get a copy, in another process")
def _handed_over(case: Case) -> str:
    for instance in case.task.instances:
        question = case.concrete(instance).pose()
        body, buffers = pack(question, lambda _function: 0)
        expect(same(unpack(body, buffers, lambda _number: _nothing), question), f"changed in {instance.label}")
    return ""


@CHECKS("its questions do not hold the seed of the plant", "whoever has the seed has the truth")
def _no_seed(case: Case) -> str:
    for instance in case.task.instances:
        _, buffers = pack(case.concrete(instance).pose(), lambda _function: 0)
        text = LABEL.to_bytes(4, "little")
        expect(not any(text in buffer.tobytes() for buffer in buffers), f"found in {instance.label}")
    return ""


def _nothing(*_: Any) -> None:
    """Stands for functions that stay behind."""
