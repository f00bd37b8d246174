"""Stage 1, train: one subject, all its seeds.

    train(plan, layout, "blockmnist-training-robust")

Writes for each seed the weights, the arrays that methods may see, and the certificate; keeps the seeds that are still
true.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

from benchmark.artifacts import TensorFile, read_json, record, still_true, write_index, write_tensors
from benchmark.errors import DamagedArtifactError, TouchstoneError
from benchmark.layout import Layout
from benchmark.plan import Plan, SubjectPlan, digest
from benchmark.runtime import device_of, log, make_deterministic, progress_lines
from benchmark.subjects import Run, Saved, Trained

FILES = ("weights.safetensors", "public.safetensors")


def train(plan: Plan, layout: Layout, name: str) -> dict[str, int]:
    """Train the seeds of a subject that are not there or no longer true. Returns how many were computed and reused."""
    subject = plan.subject(name)
    counts = {"computed": 0, "reused": 0}
    files = {}
    for number, seed in enumerate(subject.seeds, start=1):
        folder = layout.subject(name, seed)
        label = f"[train {name}] seed {seed} ({number} of {len(subject.seeds)})"
        if still_true(folder / "subject.json", subject.key, "it is trained again"):
            counts["reused"] += 1
            log.info("%s: still true, kept", label)
        else:
            _train_seed(subject, seed, folder, label)
            counts["computed"] += 1
        for file in (*FILES, "subject.json"):
            files[f"{seed}/{file}"] = record(folder / file)
    state = {str(seed): read_json(layout.subject(name, seed) / "subject.json")["identity"] for seed in subject.seeds}
    write_index(
        layout.subject_index(name),
        files,
        {"subject": name, "identities": state, "certified": _certified(layout, subject)},
    )
    return counts


def _certified(layout: Layout, subject: SubjectPlan) -> dict[str, bool]:
    records = {seed: read_json(layout.subject(subject.name, seed) / "subject.json") for seed in subject.seeds}
    return {str(seed): all(check["passed"] for check in content["certificate"]) for seed, content in records.items()}


def _train_seed(subject: SubjectPlan, seed: int, folder: Path, label: str) -> None:
    make_deterministic(seed, subject.threads)
    device = device_of(subject.device)
    builder = subject.plugin.load()(**subject.parameters)
    began = time.perf_counter()
    log.info("%s: training (%s)", label, ", ".join(f"{k}={v}" for k, v in subject.parameters.items()))
    trained: Trained = builder.train(Run(seed, device, progress_lines(label)))
    seconds = time.perf_counter() - began
    _refuse_bad_numbers(trained, subject.name, seed)
    files = {
        FILES[0]: write_tensors(folder / FILES[0], trained.weights),
        FILES[1]: write_tensors(folder / FILES[1], trained.public),
    }
    certificate = [
        {"check": c.name, "value": c.value, "threshold": c.threshold, "at_least": c.at_least, "passed": c.passed}
        for c in trained.checks
    ]
    content = {
        "key": subject.key,
        "identity": digest([subject.key, seed, {name: file["sha256"] for name, file in files.items()}]),
        "seed": seed,
        "certificate": certificate,
        "facts": trained.facts,
        "seconds": seconds,
    }
    write_index(folder / "subject.json", files, content)
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


def load_subject(plan: Plan, layout: Layout, name: str, seed: int, device: str | None = None) -> Saved:
    """Read a trained subject; its files must be what was written for the present settings."""
    subject = plan.subject(name)
    folder = layout.subject(name, seed)
    index = folder / "subject.json"
    if not index.is_file():
        raise DamagedArtifactError(
            f"{index} is missing: train it with `touchstone train --profile {plan.source} --subject {name}`"
        )
    content: dict[str, Any] = read_json(index)
    if content["key"] != json.loads(json.dumps(subject.key, default=str)):
        raise DamagedArtifactError(
            f"{folder} was made from other settings or sources than the present ones; train it again"
        )
    weights, public = (TensorFile(folder / file, content["files"][file]) for file in FILES)
    builder = subject.plugin.load()(**subject.parameters)
    return Saved(builder, seed, device_of(device or subject.device), weights, public)
