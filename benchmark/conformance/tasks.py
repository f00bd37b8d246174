"""Checks of tasks, at the size of the smoke profile, on one seed that is told from its label."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.conformance.checks import DRAWS, Suite, expect, same
from benchmark.marks import with_marks
from benchmark.plan import Instance, Plan, TaskPlan, make_plan
from benchmark.posing.handover import pack, unpack
from benchmark.registry import Plugin, plugins
from benchmark.runtime import make_deterministic
from benchmark.stages.explain import make_explanations
from benchmark.stages.instances import Concrete, make_concrete
from benchmark.stages.score import score_instances
from benchmark.stages.train import train
from benchmark.store import Store
from benchmark.table import instance_rows, to_table

CHECKS = Suite()
LABEL = 739_153_482
"""The seed, long enough to be in a question by no chance."""

AT_CHANCE = 0.05
"""How far from chance a control may be, by its mean over rivals, as a share of the way to the truth."""


@dataclass
class Case:
    """A task whose subjects are trained in a folder, or found there."""

    plugin: Plugin
    folder: Path

    @cached_property
    def plan(self) -> Plan:
        """The smoke profile with this task alone."""
        plan = make_plan("smoke", overrides={"only": [self.plugin.key], "seeds": [LABEL], "draws": DRAWS})
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
    def rows(self) -> pd.DataFrame:
        """The primary metric's rows of all references."""
        scored, _ = score_instances(self.plan, self.store, self.task, [])
        rows = [row for one in scored for row in instance_rows(self.plan, self.store, self.task, [], one)]
        table = to_table(rows)
        return table[table.primary]

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
    for control in controls:
        make_explanations(case.plan, case.store, case.task, control)
    scored, _ = score_instances(case.plan, case.store, case.task, controls)
    rows = [row for one in scored for row in instance_rows(case.plan, case.store, case.task, controls, one)]
    table = with_marks(to_table(rows))
    reached = table[table.primary & table.control & (table.rival != "")].groupby("method").chance_skill.mean()
    expect(bool(len(reached)), "none of its controls is among its methods and references")
    far = reached[reached.abs() > AT_CHANCE]
    expect(far.empty, ", ".join(f"{name} has {value:+.2g} above chance" for name, value in far.items()))
    return ", ".join(f"{name} {value:+.2g}" for name, value in reached.items())


@CHECKS("its oracle reaches the ceiling", "the scale ends at the planted truth")
def _oracle(case: Case) -> str:
    skills = case.rows[case.rows.method == "oracle"].chance_skill
    expect(bool((skills.round(9) == 1).all()), f"its skill is {skills.min():g}")
    return ""


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
