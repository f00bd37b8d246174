"""Metrics that look at several explanations at once: of all methods, all variants, or all seeds.

    @metric(range=(0, 1), direction="higher", scope="seeds")
    def stability(explanations: Sequence[Labelled]) -> float | dict[str, float] | list[...]

They are called once for each group and return a value for the group or one for each member in order. Groups of the same
instances share a child; where it ends early, the group it was at bears that, and another child goes on behind it. What
stands in a group:

    methods    all methods and references on one instance
    variants   one method's explanations of all variants, on one seed (and one seed of the method)
    seeds      one method's explanations of one variant: of one subject by several seeds of the method, where the task
               declares `method_seeds`; else of the subjects of all seeds

The family's references stand in every group of methods, and form groups of their own otherwise, so that such a metric
has a floor and a ceiling. Those that are drawn stand `draws` times among methods (once unless the metric says more);
their groups of variants or seeds are measured anew for each draw. A member whose explanation failed is left out.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.errors import DamagedArtifactError
from benchmark.families.family import Labelled
from benchmark.isolation import Job, Message, Send, run_isolated
from benchmark.keys import content_key, group_key, reference_key
from benchmark.log import log, progress_lines
from benchmark.plan import MethodPlan, Plan, TaskPlan
from benchmark.registry import Plugin
from benchmark.runtime import make_deterministic
from benchmark.scores import Metric, Outcome, averaged, measured_together
from benchmark.seeds import secret_descriptors
from benchmark.stages.instances import make_concrete
from benchmark.store import Key, Store

if TYPE_CHECKING:
    from benchmark.stages.score import Scored


@dataclass(frozen=True)
class Member:
    """One explanation of a group."""

    name: str
    scored: Scored
    draw: int = 0

    @property
    def label(self) -> str:
        """What tells it from the other members."""
        return f"{self.name}/{self.scored.instance.label}/{self.draw}"


@dataclass(frozen=True)
class Group:
    """Explanations that a metric looks at together."""

    metric: Plugin
    rounds: tuple[tuple[Member, ...], ...]
    """Measured one by one: the same members once for each draw of a reference, or once."""
    key: Key

    @property
    def members(self) -> list[Member]:
        """Of all rounds."""
        return [member for members in self.rounds for member in members]

    @property
    def known(self) -> bool:
        """Whether all members have a value that was measured from these explanations."""
        found = [m.scored.shelves[m.name].find(self.metric.name, self.key) for m in self.members]
        return all(outcome is not None and outcome["status"] in ("ok", "unsupported") for outcome in found)

    def book(self, outcomes: Sequence[Outcome]) -> None:
        """Give every member its outcome; the draws of a reference share their mean."""
        drawn: dict[tuple[str, str], list[Outcome]] = {}
        for member, outcome in zip(self.members, outcomes, strict=True):
            drawn.setdefault((member.name, member.scored.instance.label), []).append(outcome)
        for member in self.members:
            own = drawn[member.name, member.scored.instance.label]
            outcome = averaged(own) if len(own) > 1 else own[0]
            member.scored.shelves[member.name].put(self.metric.name, self.key, outcome)


def measure_groups(
    plan: Plan, store: Store, task: TaskPlan, methods: Sequence[MethodPlan], scored: Sequence[Scored], *, workers: int
) -> int:
    """Measure all groups of a task that are not known. Returns how many values were computed."""
    usable = [one for one in scored if not one.problem]
    groups = [
        group
        for metric in task.metrics
        if metric.options.get("scope", "explanation") != "explanation"
        for group in _groups(plan, task, metric, [method.name for method in methods], usable)
    ]
    for group in groups:
        for member in group.members:
            member.scored.keys[member.name, group.metric.name] = group.key
    todo = [group for group in groups if not group.known]
    batches = _batches(todo)
    jobs: list[Job] = [functools.partial(_measure_batch, plan, store, task, batch) for batch in batches]
    limits, ended = task.limits, 0
    progress = progress_lines(f"[score {task.plugin.key}] metrics of several explanations at once")
    for number, message in run_isolated(
        jobs, workers=workers, seconds=limits.seconds, memory_mb=limits.memory_mb, kept=secret_descriptors
    ):
        batch = batches[number]
        if isinstance(message, Message):
            if "damaged" in message.header:
                raise DamagedArtifactError(str(message.header["damaged"]))
            batch.pop(0).book(message.header["outcomes"])
        elif message.status == "ok":
            continue
        else:
            group = batch.pop(0)
            lost = {"status": message.status, "reason": message.reason, "values": {}}
            group.book([lost] * len(group.members))
            log.warning("[score %s] %s: %s\n%s", task.plugin.key, group.metric.name, message.reason, message.trace)
            if batch:
                batches.append(list(batch))
                jobs.append(functools.partial(_measure_batch, plan, store, task, batches[-1]))
        progress(ended := ended + 1, len(todo))
    return sum(len({(m.name, m.scored.instance.label) for m in group.members}) for group in todo)


def _groups(
    plan: Plan, task: TaskPlan, metric: Plugin, methods: Sequence[str], scored: Sequence[Scored]
) -> Iterator[Group]:
    scope = metric.options["scope"]
    repeated = any(instance.repeat for instance in task.instances)
    gathered: dict[Any, list[tuple[str, Scored]]] = {}
    for one in scored:
        instance = one.instance
        answered = [name for name in methods if one.explanations[name].content["status"] == "ok"]
        for name in [*one.references, *answered]:
            place = {
                "methods": instance.label,
                "variants": (name, instance.seed, instance.repeat),
                "seeds": (name, instance.variant, instance.seed if repeated else None),
            }[scope]
            gathered.setdefault(place, []).append((name, one))
    for named in gathered.values():
        if scope == "methods":
            draws = metric.options.get("draws") or 1
            rounds = [[Member(name, one, n) for name, one in named for n in range(draws if _drawn(one, name) else 1)]]
        else:
            name, one = named[0]
            draws = min(plan.profile.draws, metric.options.get("draws") or plan.profile.draws)
            rounds = [[Member(name, one, n) for name, one in named] for n in range(draws if _drawn(one, name) else 1)]
        contents = {m.label: [_stands_for(task, m), m.scored.truth] for members in rounds for m in members}
        yield Group(metric, tuple(map(tuple, rounds)), group_key(metric, contents))


def _drawn(one: Scored, name: str) -> bool:
    return name in one.references and bool(one.references[name].options.get("draws"))


def _stands_for(task: TaskPlan, member: Member) -> Key:
    """What the explanation of a member says, or the reference that makes it."""
    from benchmark.stages.score import stream

    one, name = member.scored, member.name
    if name in one.references:
        return reference_key(one.references[name], one.truth, stream(task, one.instance, name), member.draw)
    return content_key(one.explanations[name])


def _batches(groups: Iterable[Group]) -> list[list[Group]]:
    """The groups by the instances whose questions and truths they need."""
    found: dict[frozenset[str], list[Group]] = {}
    for group in groups:
        found.setdefault(frozenset(m.scored.instance.label for m in group.members), []).append(group)
    return list(found.values())


def _measure_batch(plan: Plan, store: Store, task: TaskPlan, batch: Iterable[Group], send: Send) -> None:
    """In a child: rebuild the questions and truths of the groups, and measure one group after the other."""
    concrete: dict[str, tuple[Any, Any]] = {}
    try:
        for group in tuple(batch):
            send.began(group.metric.name)
            make_deterministic(0)
            metric, scope = Metric.of(group.metric), group.metric.options["scope"]
            outcomes: list[Outcome] = []
            for members in group.rounds:
                outcomes += measured_together(metric, scope, list(_labelled(plan, store, task, members, concrete)))
            send({"outcomes": outcomes})
    except DamagedArtifactError as error:
        send({"damaged": str(error)})


def _labelled(
    plan: Plan, store: Store, task: TaskPlan, members: Iterable[Member], concrete: dict[str, tuple[Any, Any]]
) -> Iterator[Labelled]:
    """The members with their questions and truths, which are made once and kept in `concrete`."""
    from benchmark.stages.score import make_reference, read_explanation

    for member in members:
        one, instance = member.scored, member.scored.instance
        if instance.label not in concrete:
            made = make_concrete(plan, store, task, instance)
            concrete[instance.label] = made.pose(), made.truth()
        question, truth = concrete[instance.label]
        if member.name in one.references:
            plugin = one.references[member.name]
            explanation = make_reference(plugin, task, instance, member.draw, question, truth)
        else:
            explanation = read_explanation(task, one.explanations[member.name])
        yield Labelled(member.name, instance.variant, instance.seed, explanation, truth, question)
