"""Stage 2, explain: every method of a task on every variant and seed, each method in a forked child of its own.

    explain(plan, layout, "attribution.blockmnist", batch=0, workers=2)

A *cell* is one method on one task, all variants and seeds. Its `cell.json` records what it was made from; cells that
are still true are kept, so adding or editing one method computes that method's cells alone. A method that fails,
hangs or is killed becomes a record with a status and a reason. Failed cells are tried again whenever the job runs.
"""

from __future__ import annotations

import functools
import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark import __version__
from benchmark.artifacts import read_json, record, still_true, write_index
from benchmark.errors import TouchstoneError, Unsupported
from benchmark.explanations import write_explanation
from benchmark.isolation import Ending, run_isolated
from benchmark.layout import Layout
from benchmark.plan import Instance, MethodPlan, Plan, TaskPlan
from benchmark.runtime import log, make_deterministic, warm_up
from benchmark.sources import closure, fingerprint
from benchmark.stages.instances import family_of, identities, make_concrete

Record = dict[str, Any]
STATUSES = ("ok", "failed", "timeout", "unsupported")
RUN_VARIABLE = "TOUCHSTONE_RUN"


@dataclass(frozen=True)
class Cells:
    """What an explain job did, in cells."""

    computed: int = 0
    reused: int = 0
    failed: int = 0
    unsupported: int = 0


def explain(plan: Plan, layout: Layout, name: str, *, batch: int = 0, workers: int = 1) -> Cells:
    """Compute the cells of one batch that are not there or no longer true, and write the batch's index."""
    task = plan.task(name)
    methods = task.batch(batch)
    keys = {method.name: cell_key(layout, task, method) for method in methods}
    stale = [method for method in methods if not cell_still_true(layout.cell(task.id, method.name), keys[method.name])]
    label = f"[explain {task.plugin.key}]"
    log.info("%s %d cells: %d to compute, %d still true", label, len(methods), len(stale), len(methods) - len(stale))
    compute_cells(plan, layout, task, stale, keys, workers)
    cells = {method.name: read_json(layout.cell(task.id, method.name) / "cell.json") for method in methods}
    counts = Cells(
        computed=len(stale),
        reused=len(methods) - len(stale),
        failed=sum(any(r["status"] in ("failed", "timeout") for r in cell["records"]) for cell in cells.values()),
        unsupported=sum(all(r["status"] == "unsupported" for r in cell["records"]) for cell in cells.values()),
    )
    files = {}
    for method in cells:
        folder = layout.cell(task.id, method)
        for path in sorted(
            [folder / "cell.json", *(folder / r["file"] for r in cells[method]["records"] if "file" in r)]
        ):
            files[f"{method}/{path.name}"] = record(path)
    content = {
        "task": task.id,
        "batch": batch,
        "cells": list(cells),
        "needs": task.subjects,
        "counts": vars(counts),
        "run": os.environ.get(RUN_VARIABLE),
    }
    write_index(layout.explain_index(task.id, batch), files, content)
    return counts


def cell_key(layout: Layout, task: TaskPlan, method: MethodPlan) -> Record:
    """What a cell is made from; it is kept as long as this stays the same."""
    return {
        **method.key,
        "engine": __version__,
        "task": {
            "sources": fingerprint(task.sources),
            "instances": [[i.label, dict(i.parameters)] for i in task.instances],
        },
        "subjects": identities(layout, task),
    }


def cell_still_true(folder: Path, key: Record) -> bool:
    """Whether a cell was made from the same things, is whole, and did not fail."""
    cell = still_true(folder / "cell.json", key, "the cell is computed again")
    return cell is not None and all(r["status"] in ("ok", "unsupported") for r in cell["records"])


def compute_cells(
    plan: Plan, layout: Layout, task: TaskPlan, methods: Sequence[MethodPlan], keys: Mapping[str, Record], workers: int
) -> None:
    """Run methods in forked children and write their cells as they end."""
    warm_up(closure(*(m.plugin.path for m in methods), task.plugin.path))
    family_of(task.family)
    torch.set_num_threads(1)
    jobs = [functools.partial(compute_cell, plan, layout, task, method) for method in methods]
    records: dict[int, list[Record]] = {number: [] for number in range(len(jobs))}
    done = 0
    limits = task.limits
    for number, message in run_isolated(jobs, workers=workers, seconds=limits.seconds, memory_mb=limits.memory_mb):
        if not isinstance(message, Ending):
            records[number].append(message)
            continue
        method = methods[number]
        complete = _complete(task.instances, records[number], message)
        folder = layout.cell(task.id, method.name)
        files = {r["file"]: r["record"] for r in complete if "file" in r}
        write_index(
            folder / "cell.json", files, {"key": keys[method.name], "records": complete, "trace": message.trace}
        )
        done += 1
        log.info(
            "[explain %s] %d of %d: %s: %s", task.plugin.key, done, len(jobs), method.name, _summary(complete, message)
        )
        if message.trace:
            log.info("%s", message.trace.rstrip())


def _complete(instances: Iterable[Instance], records: list[Record], ending: Ending) -> list[Record]:
    """One record for each instance: those the child sent, and the reason of its end for the others."""
    sent = {(r["variant"], r["seed"]): r for r in records}
    lost = (
        {"status": ending.status, "reason": ending.reason}
        if ending.status != "ok"
        else {"status": "failed", "reason": "no result"}
    )
    complete = []
    for instance in instances:
        default = {
            "variant": instance.variant,
            "seed": instance.seed,
            "seconds": ending.seconds,
            "model_calls": None,
            **lost,
        }
        entry = sent.get((instance.variant, instance.seed), default)
        complete.append(entry | {"peak_memory_mb": entry.get("peak_memory_mb") or round(ending.peak_memory_mb, 1)})
    return complete


def _summary(records: list[Record], ending: Ending) -> str:
    counts = {status: sum(r["status"] == status for r in records) for status in STATUSES}
    parts = [f"{count} {status}" for status, count in counts.items() if count]
    reasons = dict.fromkeys(r["reason"] for r in records if r.get("reason"))
    return f"{', '.join(parts)} in {ending.seconds:.1f} s" + "".join(f" ({reason})" for reason in reasons)


def compute_cell(
    plan: Plan, layout: Layout, task: TaskPlan, method: MethodPlan, send: Callable[[Record], None]
) -> None:
    """In the child: run a method on the instances of its task, write its explanations, and send a record for each."""
    function = method.plugin.load()
    family = family_of(task.family)
    folder = layout.cell(task.id, method.name)
    concrete = [make_concrete(plan, layout, task, instance) for instance in task.instances]
    groups = [concrete] if method.plugin.options.get("batched") else [[one] for one in concrete]
    for group in groups:
        make_deterministic(group[0].instance.seed)
        posed = [one.pose() for one in group]
        if not method.plugin.options.get("supervised"):
            posed = [family.blinded(subject) for subject in posed]
        count = family.count_calls(posed)
        _reset_peak()
        began = time.perf_counter()
        raw: Sequence[Any] | None = None
        outcome: Record = {}
        try:
            if method.plugin.options.get("batched"):
                answers = list(function(posed, **method.parameters))
                if len(answers) != len(posed):
                    raise TouchstoneError(
                        f"expected a list of {len(posed)} explanations, one for each subject, got {len(answers)}"
                    )
                raw = answers
            else:
                raw = [function(posed[0], **method.parameters)]
        except Unsupported as error:
            outcome = {"status": "unsupported", "reason": str(error)}
        except TouchstoneError as error:
            outcome = {"status": "failed", "reason": str(error)}
        except Exception as error:  # a method's own error: this instance fails, the next one has its chance
            outcome = {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
            log.info("%s", traceback.format_exc().rstrip())
        if raw is not None and torch.cuda.is_initialized():
            torch.cuda.synchronize()
        cost = {
            "seconds": (time.perf_counter() - began) / len(group),
            "model_calls": None if count is None else count() / len(group),
        }
        for position, one in enumerate(group):
            entry = {"variant": one.instance.variant, "seed": one.instance.seed, **cost, **outcome}
            if raw is not None:
                entry |= _checked(family, raw[position], posed[position], folder / f"{one.instance.label}.safetensors")
            if peak := _cuda_peak_mb():
                entry["peak_memory_mb"] = peak
            send(entry)


def _checked(family: Any, raw: Any, posed: Any, path: Path) -> Record:
    """Validate what a method returned and write it; what is no explanation becomes a failure with the reason."""
    try:
        explanation = family.check(raw, posed)
    except TouchstoneError as error:
        return {"status": "failed", "reason": str(error)}
    return {"status": "ok", "reason": "", **write_explanation(path, explanation)}


def _reset_peak() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()


def _cuda_peak_mb() -> float:
    return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_initialized() else 0.0
