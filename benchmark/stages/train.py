"""Stage 1, train: one subject, a share of its seeds.

    train(plan, store, "blockmnist-training-robust", batch=0)

For each seed that is not there or no longer true, a child trains, and writes the weights, the arrays that methods may
see, and the certificate. A subject whose code fails is a record that says so; what is asked about it is listed as
failed.
"""

from __future__ import annotations

import functools
import math
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch

from benchmark import standing
from benchmark.artifacts import FileRecord
from benchmark.errors import TouchstoneError
from benchmark.isolation import Ending, Send, run_isolated
from benchmark.keys import subject_key
from benchmark.log import log, progress_lines
from benchmark.plan import Plan, SubjectPlan
from benchmark.progress import Progress
from benchmark.runtime import device_of, make_deterministic
from benchmark.seeds import plant_seed, seal, secret_descriptors
from benchmark.sources import closure
from benchmark.store import Store, damaged, read_entry, write_index
from benchmark.subjects import Run, Trained
from benchmark.timing import clock_of
from benchmark.warming import warm_up


def train(plan: Plan, store: Store, name: str, *, batch: int = 0) -> Mapping[str, int]:
    """Train the seeds of one job that are not there or no longer true; count those computed, reused and failed."""
    subject = plan.subject(name)
    counts: Counter[str] = Counter(computed=0, reused=0, failed=0)
    files: dict[Path, FileRecord] = {}
    seeds = subject.batch(batch)
    keys = {seed: subject_key(subject, seed) for seed in seeds}
    found = {seed: store.find(plan.layout.subject(name, seed), keys[seed]) for seed in seeds}
    true = {seed for seed, kept in found.items() if kept is not None and kept.content["status"] == "ok"}
    progress = Progress(len(seeds) - len(true))
    for number, seed in enumerate(seeds, start=1):
        label = f"[train {name}] seed {seed} ({number} of {len(seeds)})"
        if seed in true:
            counts["reused"] += 1
            log.info("%s: still true, kept", label)
        else:
            warm_up(closure(subject.plugin.path), trains=True)
            _train_apart(plan, store, subject, seed, label)
            log.info("[train %s] seed %d%s", name, seed, progress.done())
            counts["computed"] += 1
        kept = store.read(plan.layout.subject(name, seed))
        counts["failed"] += kept.content["status"] != "ok"
        files |= kept.files
    index = plan.layout.train_index(name, batch)
    made_from, time = standing.of_training(plan.subject(name)), None
    if not counts["computed"] and not damaged(index):
        if read_entry(index).content.get(standing.MADE_FROM) == made_from:
            return counts
        time = index.stat().st_mtime_ns  # the index of what is still true keeps its time, from which later jobs count
    run = os.environ.get("TOUCHSTONE_RUN")
    content = {"subject": name, "counts": dict(counts), "run": run, standing.MADE_FROM: made_from}
    write_index(index, files, content)
    if time is not None:
        os.utime(index, ns=(time, time))
    return counts


def _train_apart(plan: Plan, store: Store, subject: SubjectPlan, seed: int, label: str) -> None:
    """Train in a child; what ends it otherwise than well becomes a record of failure."""
    job = functools.partial(_train_seed, plan, store, subject, seed, label)
    for _, message in run_isolated([job], log_bytes=math.inf, kept=secret_descriptors):
        if not isinstance(message, Ending):
            raise TouchstoneError(str(message.header["refused"]))
        if message.status != "ok":
            content = {"status": "failed", "reason": message.reason, "trace": message.trace, "seconds": message.seconds}
            store.put(plan.layout.subject(subject.name, seed), subject_key(subject, seed), content)
            log.warning("%s: FAILED: %s\n%s", label, message.reason, message.trace.rstrip())


def _train_seed(plan: Plan, store: Store, subject: SubjectPlan, seed: int, label: str, send: Send) -> None:
    """In the child: train one seed and write it."""
    make_deterministic(seed, subject.threads)
    try:
        device = device_of(subject.device)
    except TouchstoneError as error:  # a machine without the device that the profile asks for
        send({"refused": str(error)})
        return
    builder = subject.plugin.load()(**subject.parameters)
    clock = clock_of(gpu=device.type == "cuda")
    began = clock()
    log.info("%s: training (%s)", label, ", ".join(f"{k}={v}" for k, v in subject.parameters.items()))
    trained: Trained = builder.train(Run(plant_seed(seed, sealed=subject.sealed), device, progress_lines(label)))
    seconds = clock() - began
    _refuse_bad_numbers(trained, subject.name, seed)
    certificate = [
        {"check": c.name, "value": c.value, "threshold": c.threshold, "at_least": c.at_least, "passed": c.passed}
        for c in trained.checks
    ]
    content = {"status": "ok", "certificate": certificate, "facts": trained.facts, "seconds": seconds}
    if subject.sealed:
        content["seal"] = seal()
    parts = {"weights": trained.weights, "public": trained.public}
    try:
        store.put(plan.layout.subject(subject.name, seed), subject_key(subject, seed), content, parts)
    except TouchstoneError as error:  # a full disk or a read-only folder is no fault of the subject's
        send({"refused": str(error)})
        return
    for check in trained.checks:
        sign = ">=" if check.at_least else "<="
        state = "passed" if check.passed else "FAILED"
        log.info("%s: %s %.4g (%s %.4g) %s", label, check.name, check.value, sign, check.threshold, state)
    log.info("%s: done in %.1f s", label, seconds)


def _refuse_bad_numbers(trained: Trained, name: str, seed: int) -> None:
    for group, tensors in (("weights", trained.weights), ("public arrays", trained.public)):
        for key, tensor in tensors.items():
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                bad = int((~torch.isfinite(tensor)).sum())
                raise TouchstoneError(
                    f"subject {name}, seed {seed}: {bad} values of {group} {key!r} are NaN or infinite"
                )
