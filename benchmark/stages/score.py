"""Stage 3, score: explanations meet the truth, which is rebuilt from the task and the seed.

    score(plan, store, "attribution.blockmnist", workers=2)

What is measured is (name, metric) on an instance, a name being a method or a reference of the family: random draws give
the floor and its spread, the oracle the ceiling. Each value is kept by itself, so that a new method, metric or seed
costs its own values. A child measures what is missing of one instance; where it hangs or dies, what it had begun is a
row with a reason, and another child goes on behind it. Instances are scored in parallel; the result does not depend on
how many.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch

from benchmark import standing
from benchmark.artifacts import write_atomically
from benchmark.errors import DamagedArtifactError
from benchmark.explanations import whole
from benchmark.isolation import Ending, Job, Message, Send, run_isolated
from benchmark.keys import content_key, posed_keys, reference_key, value_key
from benchmark.layout import Layout
from benchmark.log import log
from benchmark.marks import with_marks
from benchmark.plan import Instance, MethodPlan, Plan, TaskPlan
from benchmark.progress import Progress
from benchmark.registry import Plugin
from benchmark.runtime import make_deterministic
from benchmark.scores import Metric, Outcome, averaged, by_name, measured
from benchmark.seeds import secret_descriptors
from benchmark.sources import closure
from benchmark.stages.groups import measure_groups
from benchmark.stages.instances import family_of, make_concrete
from benchmark.stages.made import trained
from benchmark.store import Kept, Key, Shelf, Store, write_index
from benchmark.subjects import generator_for
from benchmark.table import instance_rows, to_table
from benchmark.warming import warm_up


@dataclass
class Scored:
    """One instance in the score stage: its explanations, and what is measured of them."""

    instance: Instance
    truth: Key = ""
    references: dict[str, Plugin] = field(default_factory=dict)
    explanations: dict[str, Kept] = field(default_factory=dict)
    """By method."""
    shelves: dict[str, Shelf] = field(default_factory=dict)
    """By method or reference."""
    keys: dict[tuple[str, str], Key] = field(default_factory=dict)
    """Of each (name, metric) that is to be known."""
    problem: str = ""
    """Why nothing can be measured here."""

    def missing(self) -> list[tuple[str, str]]:
        """What is not known yet, in the order in which it is measured; failures are measured again."""
        return [pair for pair, key in self.keys.items() if not self._settled(self.shelves[pair[0]].find(pair[1], key))]

    @staticmethod
    def _settled(outcome: Outcome | None) -> bool:
        return outcome is not None and outcome["status"] in ("ok", "unsupported")

    def outcomes(self, name: str) -> dict[str, Outcome]:
        """All that is known of a method or reference, by metric."""
        own = [metric for owner, metric in self.keys if owner == name]
        return {metric: self.shelves[name].entries[metric]["content"] for metric in own}


def score(plan: Plan, store: Store, name: str, *, workers: int = 1) -> pd.DataFrame:
    """Measure what is not known of a task's explanations; write its rows and the index that vouches for them."""
    task = plan.task(name)
    scored, counts = score_instances(plan, store, task, task.methods, workers=workers)
    table = with_marks(to_table([r for one in scored for r in instance_rows(plan, store, task, task.methods, one)]))
    path = plan.layout.scores(task.id)
    files = {path: write_atomically(path, lambda temporary: table.to_parquet(temporary, index=False))}
    content = {"task": task.id, "counts": counts, "run": os.environ.get("TOUCHSTONE_RUN")}
    content[standing.MADE_FROM] = standing.of_scoring(plan, task)
    write_index(plan.layout.score_index(task.id), files, content)
    log.info("[score %s] %d rows written", task.plugin.key, len(table))
    return table


def score_instances(
    plan: Plan, store: Store, task: TaskPlan, methods: Sequence[MethodPlan], *, workers: int = 1
) -> tuple[list[Scored], dict[str, int]]:
    """What the metrics say of `methods` and of the references on every instance; and how much of it was computed."""
    warm_up(closure(task.plugin.path))
    warm_up(closure(*(metric.path for metric in task.metrics)), trains=True)
    family_of(task.family)
    torch.set_num_threads(1)
    scored = [_prepare(plan, store, task, methods, instance) for instance in task.instances]
    wanted = {one.instance.label: one.missing() for one in scored if not one.problem}
    _measure_all(plan, store, task, scored, workers)
    computed = sum(map(len, wanted.values())) + measure_groups(plan, store, task, methods, scored, workers=workers)
    total = sum(len(one.keys) for one in scored)
    for one in scored:
        for name, shelf in one.shelves.items():
            shelf.save(keep=[metric for owner, metric in one.keys if owner == name])
    outcomes = [o for one in scored if not one.problem for name in one.shelves for o in one.outcomes(name).values()]
    statuses = Counter(outcome["status"] for outcome in outcomes)
    return scored, {
        "computed": computed,
        "reused": total - computed,
        "failed": statuses["failed"] + statuses["timeout"],
        "unsupported": statuses["unsupported"],
    }


def _prepare(plan: Plan, store: Store, task: TaskPlan, methods: Sequence[MethodPlan], instance: Instance) -> Scored:
    """Look up what is there of an instance, and the keys of what is to be known."""
    for name in instance.subjects.values():
        kept = trained(plan, store, name, instance.seed)
        if kept.content["status"] != "ok":
            reason = f"subject {name}, seed {instance.seed}, could not be trained: {kept.content['reason']}"
            return Scored(instance, problem=reason)
    truth = posed_keys(plan, store, task, instance).truth
    references = {plugin.name: plugin for plugin in plan.registry.of("reference", task.family) if not plugin.problem}
    scored = Scored(instance, truth, references)
    metrics = [metric for metric in task.metrics if metric.options.get("scope", "explanation") == "explanation"]
    for name, reference in references.items():
        scored.shelves[name] = store.shelf(plan.layout.values(task.id, name, instance.label))
        for metric in metrics:
            draws = _draws(plan, reference, metric)
            stands = reference_key(reference, truth, stream(task, instance, name), draws)
            scored.keys[name, metric.name] = value_key(metric, stands, truth)
    for method in methods:
        kept = _explanation(plan.layout, store, task, method, instance)
        scored.explanations[method.name] = kept
        if kept.content["status"] == "ok":
            scored.shelves[method.name] = store.shelf(plan.layout.values(task.id, method.name, instance.label))
            for metric in metrics:
                scored.keys[method.name, metric.name] = value_key(metric, content_key(kept), truth)
    return scored


def _draws(plan: Plan, reference: Plugin, metric: Plugin) -> int:
    """How many explanations of a reference a metric measures; 0 for a reference that is made once."""
    if not reference.options.get("draws"):
        return 0
    return min(plan.profile.draws, metric.options.get("draws") or plan.profile.draws)


def stream(task: TaskPlan, instance: Instance, name: str) -> str:
    """The name of the generators from which the draws of a reference come; each repetition has draws of its own."""
    return f"{task.id}/{instance.variant}/{name}" + (f"/{instance.repeat}" if instance.repeat else "")


def _explanation(layout: Layout, store: Store, task: TaskPlan, method: MethodPlan, instance: Instance) -> Kept:
    address = layout.explanation(task.id, method.name, instance.label)
    try:
        return store.read(address)
    except FileNotFoundError:
        raise DamagedArtifactError(f"{store.path(address)} is missing: no explanation was made") from None


def _measure_all(plan: Plan, store: Store, task: TaskPlan, scored: Sequence[Scored], workers: int) -> None:
    """Measure what is missing, instance by instance in children; a child that ends early is followed by another."""
    todo = [one for one in scored if not one.problem and one.missing()]
    jobs: list[Job] = [functools.partial(measure_instance, plan, store, task, one, one.missing()) for one in todo]
    limits, progress = task.limits, Progress(len(todo))
    for number, message in run_isolated(
        jobs, workers=workers, seconds=limits.seconds, memory_mb=limits.memory_mb, kept=secret_descriptors
    ):
        one = todo[number]
        if isinstance(message, Message):
            _book(one, message.header)
        elif message.status == "ok":
            spent = f"{one.instance.label} in {message.seconds:.1f} s"
            log.info("[score %s] %s%s", task.plugin.key, spent, progress.done())
        elif not message.during:
            one.problem = f"{task.plugin.key} could not be posed or its truth rebuilt: {message.reason}"
            what = f"{one.instance.label}: {one.problem}{progress.done()}"
            log.warning("[score %s] %s\n%s", task.plugin.key, what, message.trace)
        else:
            rest = _book_end(one, message)
            todo.append(one)
            jobs.append(functools.partial(measure_instance, plan, store, task, one, rest))


def _book(one: Scored, header: Mapping[str, Any]) -> None:
    if "damaged" in header:
        raise DamagedArtifactError(str(header["damaged"]))
    name, metric = str(header["name"]), str(header["metric"])
    one.shelves[name].put(metric, one.keys[name, metric], header["outcome"])


def _book_end(one: Scored, ending: Ending) -> list[tuple[str, str]]:
    """A row for what a child had begun when it ended, and what is left for another child.

    A metric that ran out of time is not tried on the instance's other explanations: each would take as long.
    """
    name, _, metric = ending.during.partition("/")
    one.shelves[name].put(metric, one.keys[name, metric], _lost(ending.status, ending.reason))
    rest = []
    for pair in one.missing():
        if pair == (name, metric):
            continue
        if ending.status == "timeout" and pair[1] == metric:
            reason = f"not tried: on {name} this metric {ending.reason}"
            one.shelves[pair[0]].put(metric, one.keys[pair], _lost("timeout", reason))
        elif not _tried(one, pair):
            rest.append(pair)
    return rest


def _tried(one: Scored, pair: tuple[str, str]) -> bool:
    return one.shelves[pair[0]].find(pair[1], one.keys[pair]) is not None


def _lost(status: str, reason: str) -> Outcome:
    return {"status": "timeout" if status == "timeout" else "failed", "reason": reason, "values": {}}


class _Metrics(dict[str, Metric]):
    """A task's metrics, each imported when it is first measured: one that hangs at that costs its own values alone."""

    def __init__(self, task: TaskPlan) -> None:
        super().__init__()
        self.plugins = {plugin.name: plugin for plugin in task.metrics}

    def __missing__(self, name: str) -> Metric:
        self[name] = Metric.of(self.plugins[name])
        return self[name]


def measure_instance(
    plan: Plan, store: Store, task: TaskPlan, one: Scored, pairs: Sequence[tuple[str, str]], send: Send
) -> None:
    """In a child: rebuild question and truth, then measure each (name, metric) and send it."""
    try:
        make_deterministic(one.instance.seed)
        concrete = make_concrete(plan, store, task, one.instance)
        question, truth = concrete.pose(), concrete.truth()
        metrics = _Metrics(task)
        for name in dict.fromkeys(name for name, _ in pairs):
            own = [metric for owner, metric in pairs if owner == name]
            send.began(f"{name}/{own[0]}")  # whatever goes wrong from here on is no earlier value's fault
            if name in one.references:
                found = _measure_reference(plan, task, one, name, own, metrics, question, truth, send)
                for metric, outcome in found.items():
                    send({"name": name, "metric": metric, "outcome": outcome})
                continue
            explanation = read_explanation(task, one.explanations[name])
            for metric in own:
                send.began(f"{name}/{metric}")
                outcome = measured(metrics[metric], explanation, truth, question)
                send({"name": name, "metric": metric, "outcome": outcome})
    except DamagedArtifactError as error:
        send({"damaged": str(error)})


def read_explanation(task: TaskPlan, kept: Kept) -> Any:
    """An explanation as it was checked and kept."""
    return whole(family_of(task.family).explanation, kept.content["plain"], dict(kept.tensors()))


def _measure_reference(
    plan: Plan,
    task: TaskPlan,
    one: Scored,
    name: str,
    wanted: Sequence[str],
    metrics: _Metrics,
    question: Any,
    truth: Any,
    send: Send,
) -> dict[str, Outcome]:
    """A reference measured once, or the mean over its draws."""
    plugin = one.references[name]
    counts = {metric: _draws(plan, plugin, metrics.plugins[metric]) for metric in wanted}
    outcomes: dict[str, list[Outcome]] = {metric: [] for metric in wanted}
    for draw in range(max(1, *counts.values())):
        due = [metric for metric in wanted if draw < max(1, counts[metric])]
        send.began(f"{name}/{due[0]}")
        explanation = make_reference(plugin, task, one.instance, draw, question, truth)
        for metric in due:
            send.began(f"{name}/{metric}")
            outcomes[metric].append(measured(metrics[metric], explanation, truth, question))
    return {metric: averaged(drawn) if counts[metric] else drawn[0] for metric, drawn in outcomes.items()}


def make_reference(plugin: Plugin, task: TaskPlan, instance: Instance, draw: int, question: Any, truth: Any) -> Any:
    """One explanation of a reference; each draw has a generator of its own."""
    generator = generator_for(instance.seed, f"{stream(task, instance, plugin.name)}/{draw}")
    return by_name(plugin.load(), question=question, truth=truth, generator=generator)
