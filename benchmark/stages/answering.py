"""The other side of the explain stage: how the poser poses and checks, and how a method's child answers.

    run_method(method, "attribution", instances, devices, session, send)      in the child

A batched method answers all variants of one seed together; where that fails, each alone.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.explanations import parts, whole
from benchmark.isolation import Send
from benchmark.log import log
from benchmark.plan import Instance, MethodPlan, Plan, TaskPlan
from benchmark.posing import PosingError, Session
from benchmark.runtime import make_deterministic, on_device
from benchmark.seeds import method_seed
from benchmark.stages.instances import Concrete, family_of, make_concrete, posable
from benchmark.store import Store
from benchmark.timing import clock_of

Record = dict[str, Any]
LESSONS = 3
"""From so many other seeds a taught method learns."""
PREPARING = 20.0
"""So many seconds the poser may spend before its first desk on what all desks would pose again."""


class Posing:
    """In the poser: the question of one instance, without the labels that only supervised methods see, and with the
    truths of other seeds that only taught ones see.

    Each desk poses afresh, or has by its fork, as a copy of its own, what the poser has posed before.
    """

    def __init__(self, plan: Plan, store: Store, task: TaskPlan) -> None:
        self.plan, self.store, self.task = plan, store, task
        self._posed: dict[str, Any] = {}

    def prepare(self) -> None:
        """Import what poses, and pose what can be posed soon; the desks tell what cannot."""
        deadline = time.monotonic() + PREPARING
        for instance in self.task.instances:
            if time.monotonic() > deadline:
                return
            with suppress(Exception):
                self._posed[instance.label] = self._question(instance)

    def __call__(self, request: Mapping[str, Any], number: int) -> Any:
        """Question `number` of a session."""
        label, family = request["instances"][number], family_of(self.task.family)
        instance = next(instance for instance in self.task.instances if instance.label == label)
        question = self._question(instance)
        if request["taught"]:
            others = lessons(self.plan, self.store, self.task, instance)
            taught = [(self._question(each), self._concrete(each).truth()) for each in others]
            question = family.taught(question, taught)
        return question if request["supervised"] else family.blinded(question)

    def _question(self, instance: Instance) -> Any:
        make_deterministic(instance.seed)
        if instance.label in self._posed:
            return self._posed[instance.label]
        return self._concrete(instance).pose()

    def _concrete(self, instance: Instance) -> Concrete:
        return make_concrete(self.plan, self.store, self.task, instance, device="cpu")


def lessons(plan: Plan, store: Store, task: TaskPlan, instance: Instance) -> list[Instance]:
    """What a taught method learns from: the instance's variant and its rival, on the `LESSONS` seeds that follow its
    own (behind the last comes the first). Both rivals, or the name of the variant would tell what is asked."""
    seeds = sorted({each.seed for each in task.instances})
    place = seeds.index(instance.seed)
    following = (seeds[place + 1 :] + seeds[:place])[:LESSONS]
    asked = [i for i in task.instances if i.variant in (instance.variant, instance.rival) and not i.repeat]
    return [each for seed in following for each in asked if each.seed == seed and posable(plan, store, each)]


def check(
    task: TaskPlan, question: Any, plain: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """In the poser: whether what a method's child sent is an explanation of the question."""
    family = family_of(task.family)
    try:
        explanation = whole(family.explanation, plain, tensors)
    except TypeError as error:
        raise TouchstoneError(f"got no explanation of {family.name}: {error}") from None
    return parts(family.check(explanation, question))


def groups_of(method: MethodPlan, instances: Sequence[Instance]) -> list[list[Instance]]:
    """The instances that a method answers together, and whose answers are kept together: all of one seed for a batched
    one, since its sums may depend on what is stacked beside them; else each alone."""
    if not method.plugin.options.get("batched"):
        return [[instance] for instance in instances]
    seeds = dict.fromkeys(instance.seed for instance in instances)
    return [[instance for instance in instances if instance.seed == seed] for seed in seeds]


def run_method(
    method: MethodPlan,
    family_name: str,
    instances: Sequence[Instance],
    devices: Sequence[str],
    session: Session,
    send: Send,
) -> None:
    """In the child: run a method on its posed questions and send an explanation, or a reason, for each."""
    function, family = method.plugin.load(), family_of(family_name)
    if method.reading:
        function = family.read(function, *method.reading)
    place = {instance.label: number for number, instance in enumerate(instances)}
    for group in groups_of(method, instances):
        posed: dict[int, Any] = {}
        for number in (place[instance.label] for instance in group):
            try:
                posed[number] = on_device(session.questions[number], devices[number])
            except PosingError as error:
                send({"number": number, "status": "failed", "reason": f"the task could not be posed: {error}"})
        if posed:
            _answer_group(method, family, function, instances, posed, send)


def _answer_group(
    method: MethodPlan,
    family: Any,
    function: Any,
    instances: Sequence[Instance],
    posed: Mapping[int, Any],
    send: Send,
) -> None:
    """Answer questions together; where that fails, each alone, so that one does not condemn the others."""
    answers = list(_answers(method, family, function, instances, posed))
    if len(posed) > 1 and any(record["status"] != "ok" for _, record, _ in answers):
        answers = [
            answer
            for number, question in posed.items()
            for answer in _answers(method, family, function, instances, {number: question})
        ]
    for number, record, tensors in answers:
        send({"number": number, **record}, tensors)


def _answers(
    method: MethodPlan, family: Any, function: Any, instances: Sequence[Instance], posed: Mapping[int, Any]
) -> Iterator[tuple[int, Record, dict[str, torch.Tensor]]]:
    batched = bool(method.plugin.options.get("batched"))
    first = instances[next(iter(posed))]
    make_deterministic(0 if batched else method_seed(first.seed, first.repeat))
    questions = list(posed.values())
    count = family.count_calls(questions)
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    clock = clock_of(gpu=torch.cuda.is_initialized())
    began = clock()
    raw: list[Any] | None = None
    outcome: Record = {"status": "ok", "reason": ""}
    try:
        raw = _called(function, questions, batched, method.parameters)
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
    except Unsupported as error:
        outcome = {"status": "unsupported", "reason": str(error)}
    except TouchstoneError as error:
        outcome = {"status": "failed", "reason": str(error)}
    except Exception as error:  # a method's own error: this instance fails, the next one has its chance
        outcome = {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
        log.info("%s", traceback.format_exc().rstrip())
    cost: Record = {
        "seconds": (clock() - began) / len(questions),
        "model_calls": None if count is None else count() / len(questions),
        "peak_memory_mb": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_initialized() else None,
    }
    for place, number in enumerate(posed):
        record: Record = {**cost, **outcome}
        tensors: dict[str, torch.Tensor] = {}
        if raw is not None:
            try:
                record["plain"], tensors = parts(family.check(raw[place], questions[place]))
            except TouchstoneError as error:
                record |= {"status": "failed", "reason": str(error)}
        yield number, record, tensors


def _called(function: Any, questions: list[Any], batched: bool, parameters: Mapping[str, Any]) -> list[Any]:
    if not batched:
        return [function(questions[0], **parameters)]
    answers = list(function(questions, **parameters))
    if len(answers) != len(questions):
        raise TouchstoneError(
            f"expected a list of {len(questions)} explanations, one for each question, got {len(answers)}"
        )
    return answers
