"""Stage 2, explain: for each posed question, for each method: explain, check, keep.

    explain(plan, store, "attribution.blockmnist", batch=0, workers=2)

A job runs each of its methods in a child, on all instances whose explanation is not there or no longer true. The child
gets posed questions from the poser, a process that alone knows subjects and seeds, and sends back plain numbers and
text; the poser checks these against the question, and this process writes them. Nothing that a method does ends more
than its own child: what is lost becomes a record with a status and a reason, and another child goes on behind a crash.
Failed ones are tried again when the job runs.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmark import standing
from benchmark.confinement import Confinement, protection
from benchmark.errors import TouchstoneError
from benchmark.isolation import Ending, Job, Message, run_isolated
from benchmark.keys import Posed, explanation_key, posed_keys, reading_key, taught_key
from benchmark.log import log
from benchmark.plan import Instance, MethodPlan, Plan, TaskPlan
from benchmark.posing import Poser, Session
from benchmark.progress import Progress
from benchmark.registry import PROJECT
from benchmark.seeds import forget_secret
from benchmark.sources import closure
from benchmark.stages.answering import Posing, Record, check, groups_of, lessons, run_method
from benchmark.stages.instances import family_of, posable
from benchmark.store import Kept, Key, Store, digest, write_index
from benchmark.warming import warm_up

STATUSES = ("ok", "failed", "timeout", "unsupported")
SETTLED = ("ok", "unsupported")
"""What is kept; anything else is tried again."""


@dataclass
class Cell:
    """One method of a task and the instances on which it is to run."""

    method: MethodPlan
    instances: list[Instance]
    keys: dict[str, Key]
    """By label."""
    session: Session | None = None
    done: dict[str, Record] = field(default_factory=dict)

    @property
    def sockets(self) -> list[int]:
        """The descriptors that its child needs."""
        return [] if self.session is None else self.session.descriptors


def explain(plan: Plan, store: Store, name: str, *, batch: int = 0, workers: int = 1) -> Mapping[str, int]:
    """Make the explanations of one job that are not there or no longer true; count computed, reused, failed ones."""
    task = plan.task(name)
    methods = task.batch(batch)
    _say_what_is_missing(plan)
    instances = _posable(plan, store, task)
    posed = {i.label: posed_keys(plan, store, task, i) for i in instances}
    addresses, cells, reused = _missing(plan, store, task, methods, instances, posed)
    wanted = sum(len(cell.instances) for cell in cells)
    label = f"[explain {task.plugin.key}]"
    log.info("%s %d explanations: %d to make, %d still true", label, wanted + reused, wanted, reused)
    _run(plan, store, task, cells, workers)
    kept = [store.read(address) for address in addresses]
    statuses = Counter(thing.content["status"] for thing in kept)
    counts = {
        "computed": wanted,
        "reused": reused,
        "failed": statuses["failed"] + statuses["timeout"],
        "unsupported": statuses["unsupported"],
    }
    files = {path: file for thing in kept for path, file in thing.files.items()}
    content = {"task": task.id, "counts": counts, "run": os.environ.get("TOUCHSTONE_RUN")}
    content[standing.MADE_FROM] = standing.of_explaining(task, batch)
    write_index(plan.layout.explain_index(task.id, batch), files, content)
    return counts


def _say_what_is_missing(plan: Plan) -> None:
    """Log what this system cannot keep a method from, in the first job of a run alone."""
    run, told = os.environ.get("TOUCHSTONE_RUN"), plan.layout.results / ".protection"
    if not protection() or (run and told.is_file() and told.read_text(encoding="utf-8") == run):
        return
    log.warning("%s", protection())
    with suppress(OSError):  # a read-only folder: said again
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text(str(run), encoding="utf-8")


def _poser(plan: Plan, store: Store, task: TaskPlan) -> Poser:
    """The process that poses a task's questions and checks what comes back, with the memory of a cell."""
    posing = Posing(plan, store, task)
    return Poser(posing, functools.partial(check, task), prepare=posing.prepare, memory_mb=task.limits.memory_mb)


def _posable(plan: Plan, store: Store, task: TaskPlan) -> list[Instance]:
    """The instances whose subjects could be trained."""
    return [instance for instance in task.instances if posable(plan, store, instance)]


def _missing(
    plan: Plan,
    store: Store,
    task: TaskPlan,
    methods: Sequence[MethodPlan],
    instances: Sequence[Instance],
    posed: Mapping[str, Posed],
) -> tuple[list[str], list[Cell], int]:
    """All addresses of a job, what of it is to be made, and how many are still true.

    What a method cannot apply to, or a plugin that cannot be loaded, is settled here without running anything.
    """
    addresses, cells, reused = [], [], 0
    for method in methods:
        cell = Cell(method, [], {})
        for group in groups_of(method, instances):
            keys = {i.label: explanation_key(method, posed[i.label].question, task.lacks(method)) for i in group}
            if method.taught:
                taught = {i.label: [posed[each.label] for each in lessons(plan, store, task, i)] for i in group}
                keys = {label: taught_key(task, key, taught[label]) for label, key in keys.items()}
            if method.reading:
                keys = {label: reading_key(task, key, method.reading) for label, key in keys.items()}
            if len(group) > 1:
                keys = {label: digest([key, sorted(keys.values())]) for label, key in keys.items()}
            cell.keys |= keys
            own = [plan.layout.explanation(task.id, method.name, instance.label) for instance in group]
            found = [store.find(address, key) for address, key in zip(own, keys.values(), strict=True)]
            addresses += own
            if all(kept is not None and kept.content["status"] in SETTLED for kept in found):
                reused += len(group)
            else:
                cell.instances += group
        if cell.instances:
            cells.append(cell)
    return addresses, cells, reused


def explained_before(plan: Plan, store: Store, task: TaskPlan, methods: Sequence[MethodPlan]) -> list[MethodPlan]:
    """Those of `methods` whose explanations of all instances are there and still true."""
    instances = _posable(plan, store, task)
    posed = {i.label: posed_keys(plan, store, task, i) for i in instances}
    _, cells, _ = _missing(plan, store, task, methods, instances, posed)
    unfinished = {cell.method.name for cell in cells}
    return [method for method in methods if method.name not in unfinished]


def make_explanations(
    plan: Plan, store: Store, task: TaskPlan, methods: Sequence[MethodPlan], workers: int = 1
) -> list[Kept]:
    """Some methods on all instances of a task, as `touchstone run` asks for them."""
    instances = _posable(plan, store, task)
    posed = {i.label: posed_keys(plan, store, task, i) for i in instances}
    addresses, cells, _ = _missing(plan, store, task, methods, instances, posed)
    _run(plan, store, task, cells, workers)
    return [store.read(address) for address in addresses]


def _run(plan: Plan, store: Store, task: TaskPlan, cells: list[Cell], workers: int) -> None:
    """Run cells in children beside a process that poses; what both need of libraries is imported once, here."""
    waiting = [cell for cell in cells if not _settled_without_running(plan, store, task, cell)]
    if not waiting:
        return
    warm_up(closure(task.plugin.path))
    warm_up(closure(*(cell.method.plugin.path for cell in waiting)), trains=True)
    family_of(task.family)
    importlib.import_module("methods")  # a child may not list the folder that holds it, where Python would look again
    torch.set_num_threads(1)
    with _poser(plan, store, task) as poser:
        forget_secret()
        _run_cells(plan, store, task, waiting, poser, workers)


def _run_cells(plan: Plan, store: Store, task: TaskPlan, waiting: list[Cell], poser: Poser, workers: int) -> None:
    """Run cells, so many at a time, and keep what comes back as it comes."""
    jobs: list[Job] = []

    def start(ended: int) -> None:
        """Open sessions for those that may begin now."""
        for cell in waiting[len(jobs) : ended + max(1, workers)]:
            labels, method = [instance.label for instance in cell.instances], cell.method
            request = {"instances": labels, "supervised": method.supervised, "taught": method.taught}
            cell.session = poser.session(request)
            devices = [plan.subject(instance.subject).device for instance in cell.instances]
            jobs.append(functools.partial(run_method, cell.method, task.family, cell.instances, devices, cell.session))

    start(ended := 0)
    progress = Progress(sum(len(cell.instances) for cell in waiting))
    limits = task.limits
    confinement = Confinement(hidden=hidden_from_methods(plan))
    for number, message in run_isolated(
        jobs,
        workers=workers,
        seconds=limits.seconds,
        memory_mb=limits.memory_mb,
        confinement=confinement,
        kept=lambda number: waiting[number].sockets,
    ):
        cell = waiting[number]
        if isinstance(message, Message):
            _keep_message(plan, store, task, cell, message)
            continue
        assert cell.session is not None
        cell.session.close()
        rest = _left(cell, message)
        waiting.extend(rest)
        _book_lost(plan, store, task, cell, message, {i.label for again in rest for i in again.instances})
        start(ended := ended + 1)
        log.info("[explain %s] %s%s", task.plugin.key, _summary(cell, message), progress.done(len(cell.done)))
        if message.trace:
            log.info("%s", message.trace.rstrip())


def hidden_from_methods(plan: Plan) -> tuple[Path, ...]:
    """All results and boards: this run's, and those of the project where the run is elsewhere, as when a board is
    reproduced."""
    run = (plan.layout.results.parent, plan.layout.leaderboard.parent)
    return tuple(dict.fromkeys(path.resolve() for path in (*run, PROJECT / "results", PROJECT / "leaderboard")))


def _settled_without_running(plan: Plan, store: Store, task: TaskPlan, cell: Cell) -> bool:
    plugin, lacking = cell.method.plugin, task.lacks(cell.method)
    if not plugin.problem and not lacking:
        return False
    requires = f"it requires {', '.join(lacking)}, which the task does not provide"
    record = {
        "status": "failed" if plugin.problem else "unsupported",
        "reason": plugin.problem or requires,
        "seconds": 0.0,
    }
    for instance in cell.instances:
        _keep(plan, store, task, cell, instance, record, {})
    log.info("[explain %s] %s: %s: %s", task.plugin.key, cell.method.name, record["status"], record["reason"])
    return True


def _keep_message(plan: Plan, store: Store, task: TaskPlan, cell: Cell, message: Message) -> None:
    """Check what a child sent against the question, and keep it: the first word on each instance counts."""
    header = message.header
    number = header.get("number")
    if type(number) is not int or not 0 <= number < len(cell.instances):
        return
    instance = cell.instances[number]
    if instance.label in cell.done:
        return
    record: Record = {
        "status": header["status"] if header.get("status") in STATUSES else "failed",
        "reason": str(header.get("reason", "")),
        **{name: _number(header.get(name)) for name in ("seconds", "model_calls", "peak_memory_mb")},
    }
    tensors: dict[str, torch.Tensor] = {}
    if record["status"] == "ok":
        assert cell.session is not None
        try:
            record["plain"], tensors = cell.session.check(number, header.get("plain", {}), message.tensors)
        except TouchstoneError as error:
            record |= {"status": "failed", "reason": str(error)}
    _keep(plan, store, task, cell, instance, record, tensors)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _keep(
    plan: Plan,
    store: Store,
    task: TaskPlan,
    cell: Cell,
    instance: Instance,
    record: Record,
    tensors: Mapping[str, torch.Tensor],
) -> None:
    cell.done[instance.label] = record
    address = plan.layout.explanation(task.id, cell.method.name, instance.label)
    store.put(address, cell.keys[instance.label], record, {"": tensors} if record["status"] == "ok" else {})


def _left(cell: Cell, ending: Ending) -> list[Cell]:
    """What is tried in other children after a crash: the instances behind the one that bears it; of those that a
    batched method was asked together, each alone. Nothing after a time-out, which each could cost again."""
    lost = [instance for instance in cell.instances if instance.label not in cell.done]
    if ending.status == "timeout" or len(lost) < 2:
        return []
    if cell.method.plugin.options.get("batched"):
        return [Cell(cell.method, [instance], cell.keys) for instance in lost]
    return [Cell(cell.method, lost[1:], cell.keys)]


def _book_lost(
    plan: Plan, store: Store, task: TaskPlan, cell: Cell, ending: Ending, tried_again: Collection[str]
) -> None:
    """Records for the instances of which nothing came: the one begun last bears the end and its cost, once."""
    lost = [i for i in cell.instances if i.label not in cell.done and i.label not in tried_again]
    status = ending.status if ending.status != "ok" else "failed"
    reason = ending.reason or "no result"
    for instance in lost:
        first = instance is lost[0]
        record = {
            "status": status,
            "reason": reason if first else f"not reached: on {lost[0].label} the method {reason}",
            "seconds": ending.seconds - sum(r["seconds"] or 0.0 for r in cell.done.values()) if first else 0.0,
            "peak_memory_mb": round(ending.peak_memory_mb, 1),
            "trace": ending.trace if first else "",
        }
        _keep(plan, store, task, cell, instance, record, {})


def _summary(cell: Cell, ending: Ending) -> str:
    counts = Counter(record["status"] for record in cell.done.values())
    shown = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    reasons = dict.fromkeys(record["reason"] for record in cell.done.values() if record["reason"])
    return f"{cell.method.name}: {shown} in {ending.seconds:.1f} s" + "".join(f" ({reason})" for reason in reasons)
