"""Stage 3, score: explanations meet the truth, which is rebuilt from the task and the seed.

    score(plan, layout, "attribution.blockmnist", workers=2)

For each instance the family's random reference is drawn many times (the floor and its spread), the oracle gives the
ceiling, and every explanation becomes rows in the long format. Instances are scored in parallel children; the result
does not depend on how many.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from matplotlib.figure import Figure
from PIL import Image

from benchmark import __version__
from benchmark.artifacts import FileRecord, read_json, write_atomically, write_bytes, write_index
from benchmark.errors import DamagedArtifactError, TouchstoneError
from benchmark.explanations import read_explanation
from benchmark.families.family import Case
from benchmark.isolation import Ending, run_isolated
from benchmark.layout import Layout
from benchmark.plan import Instance, Plan, TaskPlan
from benchmark.runtime import log, make_deterministic, warm_up
from benchmark.scores import COLUMNS, TYPES, Metric, Values, by_name, measure, rows_of
from benchmark.sources import fingerprint
from benchmark.stages.calibration import Yardstick, calibrated, references_of
from benchmark.stages.instances import certified, family_of, identities, make_concrete
from benchmark.subjects import generator_for

Row = dict[str, Any]
COLOURS = 128


def score(plan: Plan, layout: Layout, name: str, *, workers: int = 1) -> pd.DataFrame:
    """Score every cell of a task; write its rows, its pictures, and the index that vouches for them."""
    task = plan.task(name)
    rows = score_rows(plan, layout, task, [method.name for method in task.methods], workers=workers)
    table = to_table(rows)
    path = layout.scores(task.id)
    files = {path.name: write_atomically(path, lambda temporary: table.to_parquet(temporary, index=False))}
    files |= _draw_pictures(plan, layout, task)
    state = {
        "task": task.id,
        "engine": __version__,
        "sources": fingerprint(task.score_sources),
        "subjects": identities(layout, task),
        "needs": task.subjects,
    }
    write_index(layout.score_index(task.id), files, state)
    log.info("[score %s] %d rows written", task.plugin.key, len(table))
    return table


def to_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a table in the contract's columns and a fixed order."""
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    return table.sort_values(
        ["family", "task", "variant", "seed", "method", "metric"], kind="stable", ignore_index=True
    )


def score_rows(plan: Plan, layout: Layout, task: TaskPlan, methods: Sequence[str], *, workers: int = 1) -> list[Row]:
    """The rows of `methods` and of the references on every instance of a task."""
    warm_up([*task.score_sources])
    family_of(task.family)
    torch.set_num_threads(1)
    jobs = [functools.partial(_score_instance, plan, layout, task, instance, methods) for instance in task.instances]
    rows: list[Row] = []
    done = 0
    for number, message in run_isolated(jobs, workers=workers):
        if not isinstance(message, Ending):
            rows.extend(message)
            continue
        label = task.instances[number].label
        if message.status != "ok":
            text = f"scoring {task.plugin.key} on {label} failed: {message.reason}"
            if " is damaged" in message.reason or " is missing" in message.reason:
                raise DamagedArtifactError(text)
            raise TouchstoneError(f"{text}\n{message.trace}".rstrip())
        done += 1
        log.info("[score %s] %d of %d: %s in %.1f s", task.plugin.key, done, len(jobs), label, message.seconds)
    return rows


def _metrics(task: TaskPlan) -> tuple[list[Metric], frozenset[str]]:
    loaded = [
        Metric(metric.name, metric.load(), metric.options.get("draws"), metric.options.get("needs", ()))
        for metric in task.metrics
    ]
    described = frozenset(metric.name for metric in task.metrics if metric.options.get("direction") == "none")
    return loaded, described


def _score_instance(
    plan: Plan,
    layout: Layout,
    task: TaskPlan,
    instance: Instance,
    methods: Sequence[str],
    send: Callable[[list[Row]], None],
) -> None:
    """In a child: rows of all methods and references on one instance."""
    make_deterministic(instance.seed)
    family = family_of(task.family)
    concrete = make_concrete(plan, layout, task, instance)
    posed, truth = concrete.pose(), concrete.truth()
    metrics, described = _metrics(task)
    by = Yardstick(references_of(plan, task.family), metrics, described, posed, truth)
    measured, scale = calibrated(plan, layout, task, instance, by)
    identity: Row = {
        "family": task.family,
        "task": task.plugin.name,
        "variant": instance.variant,
        "seed": instance.seed,
    }
    identity |= {
        "ranked": instance.ranked and certified(layout, instance),
        "twin": _certified_twin(layout, task, instance),
        "subject": plan.subject(instance.subject).plugin.name,
    }
    for name, values in measured.items():
        row = {**identity, "method": name, "reference": True}
        send(rows_of(row, values, scale, task.primary, {"status": "ok"}))
    cls = family.explanation
    supervised = {method.name for method in task.methods if method.plugin.options.get("supervised")}
    for name in methods:
        record = _record(layout, task, name, instance)
        values, record = _evaluate(metrics, record, layout.cell(task.id, name), cls, truth, posed)
        row = {**identity, "method": name, "reference": name in supervised}
        send(rows_of(row, values, scale, task.primary, record))


def _certified_twin(layout: Layout, task: TaskPlan, instance: Instance) -> str:
    """The variant with random weights to compare an instance with; none if its subject failed its certificate."""
    for other in task.instances:
        if (other.variant, other.seed) == (instance.twin, instance.seed) and certified(layout, other):
            return other.variant
    return ""


def _record(layout: Layout, task: TaskPlan, method: str, instance: Instance) -> Row:
    cell = read_json(layout.cell(task.id, method) / "cell.json")
    for record in cell["records"]:
        if (record["variant"], record["seed"]) == (instance.variant, instance.seed):
            return dict(record)
    raise DamagedArtifactError(f"{layout.cell(task.id, method)} is damaged: it has no record of {instance.label}")


def _evaluate(
    metrics: list[Metric], record: Row, folder: Path, cls: type[Any], truth: Any, posed: Any
) -> tuple[Values, Row]:
    """Measure an explanation; a metric that cannot be measured on it makes the row a failure with the reason."""
    if record["status"] != "ok":
        return {}, record
    explanation = read_explanation(folder, record, cls)
    try:
        return measure(metrics, explanation, truth, posed), record
    except TouchstoneError as error:
        return {}, record | {"status": "failed", "reason": str(error)}


def _draw_pictures(plan: Plan, layout: Layout, task: TaskPlan) -> dict[str, FileRecord]:
    """Let the family draw its pictures of the first seed, in a child, and save them as PNG."""
    folder = layout.pictures(task.id)
    pictures: list[dict[str, Any]] = []
    for _, message in run_isolated([functools.partial(_picture_job, plan, layout, task)]):
        if isinstance(message, Ending):
            if message.status != "ok":  # a picture that cannot be drawn must not cost the scores
                log.warning("[score %s] no pictures: %s\n%s", task.plugin.key, message.reason, message.trace.rstrip())
        else:
            pictures.append(message)
    base = layout.score_index(task.id).parent
    files = {}
    for picture in pictures:
        path = folder / f"{picture['name']}.png"
        files[Path("..", *path.relative_to(base.parent).parts).as_posix()] = write_bytes(path, picture.pop("png"))
    listing = write_bytes(folder / "pictures.json", json.dumps(pictures, indent=1).encode())
    files[Path("..", *(folder / "pictures.json").relative_to(base.parent).parts).as_posix()] = listing
    return files


def _picture_job(plan: Plan, layout: Layout, task: TaskPlan, send: Callable[[dict[str, Any]], None]) -> None:
    family = family_of(task.family)
    cls = family.explanation
    references = references_of(plan, task.family)
    cases: list[Case] = []
    scores = pd.read_parquet(layout.scores(task.id))
    first = min(instance.seed for instance in task.instances)
    for instance in (i for i in task.instances if i.seed == first):
        make_deterministic(instance.seed)
        concrete = make_concrete(plan, layout, task, instance)
        posed, truth = concrete.pose(), concrete.truth()
        here = scores[(scores.variant == instance.variant) & (scores.seed == instance.seed)]
        shown: dict[str, Any] = {
            name: by_name(make, posed=posed, truth=truth, generator=generator_for(instance.seed, f"picture/{name}"))
            for name, make in references.items()
        }
        for method in task.methods:
            record = _record(layout, task, method.name, instance)
            if record["status"] == "ok":
                shown[method.name] = read_explanation(layout.cell(task.id, method.name), record, cls)
        for name, explanation in shown.items():
            own = here[here.method == name].sort_values("primary", ascending=False, kind="stable")
            values = dict(zip(own.metric, own.value, strict=True))
            cases.append(
                Case(task.plugin.name, instance.variant, instance.seed, name, posed, truth, explanation, values)
            )
    for picture in family.pictures(cases):
        send({"name": picture.name, "title": picture.title, "caption": picture.caption, "png": _png(picture.figure)})


def _png(figure: Figure) -> bytes:
    """A figure as a PNG with a palette, a third of the size of true colour: the page holds every picture."""
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(small, format="png", optimize=True)
    return small.getvalue()
