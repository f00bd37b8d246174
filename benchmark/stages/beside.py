"""The picture at the end of `touchstone run`: a method beside the truth, the best control and the best method so far.

    shown = draw_beside(plan, store, task, method, table)      shown.path, shown.control, shown.best

One variant is shown, the first that is ranked and answered, with its rival; of the profile's methods the best one on it
whose explanations and values are all there and still true. The family draws as it draws for the page; of its pictures
the one is taken that shows most of the four. A child draws, so that a picture that cannot be drawn costs nothing else.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd
import torch

from benchmark.artifacts import write_bytes
from benchmark.families.family import Case, Picture
from benchmark.isolation import Ending, Message, Send, run_isolated
from benchmark.keys import content_key, posed_keys, value_key
from benchmark.log import log
from benchmark.marks import blind_marks, skill
from benchmark.plan import Instance, MethodPlan, Plan, TaskPlan
from benchmark.scores import flat
from benchmark.seeds import secret_descriptors
from benchmark.stages.explain import explained_before
from benchmark.stages.instances import family_of
from benchmark.stages.made import PNG
from benchmark.stages.pictures import cases_of
from benchmark.store import Store

TRUTH = "oracle"


@dataclass(frozen=True)
class Beside:
    """A picture that was drawn, and who is on it beside the method and the truth."""

    path: Path
    control: str
    """The best control; empty where there is none, or none that such a picture can show."""
    best: str
    """The best other method; empty where none is computed."""


def draw_beside(plan: Plan, store: Store, task: TaskPlan, method: MethodPlan, table: pd.DataFrame) -> Beside | None:
    """Draw the picture of a method's cell, whose rows are `table`, into `results/<profile>/runs/<task>/<method>.png`.

    None where the method answered nothing, or nothing could be drawn; the reason is logged.
    """
    instances = _shown(task, table[table.method == method.shown])
    if not instances:
        return None
    variant = instances[0].variant
    control, _ = blind_marks(table).get((task.family, task.plugin.name, variant, task.primary), ("", 0.0))
    control = "" if control == method.shown else control
    best, scores = _best_before(plan, store, task, method, table, variant)
    methods = [method, *(m for m in task.methods if m.shown == control and m.name != method.name), *best]
    names = {TRUTH, control, *(each.shown for each in methods)}
    rows = pd.concat([table, scores]) if len(scores) else table
    job = functools.partial(_drawn, plan, store, task, methods, instances, rows, names, method.shown)
    path = plan.layout.results / "runs" / task.id / f"{method.shown}.png"
    found: set[str] = set()
    for _, message in run_isolated([job], kept=secret_descriptors):
        if isinstance(message, Message):
            write_bytes(path, message.tensors[PNG].numpy().tobytes())
            found = set(message.header["shown"])
        elif isinstance(message, Ending) and message.status != "ok":
            log.warning("[run %s] no picture: %s\n%s", task.plugin.key, message.reason, message.trace.rstrip())
            return None
    if not found:
        return None
    other = best[0].shown if best else ""
    return Beside(path, control if control in found else "", other if other in found else "")


def _shown(task: TaskPlan, rows: pd.DataFrame) -> list[Instance]:
    """The first instance that is ranked and answered, or else answered, with its rival on the same seed."""
    good = rows[rows.primary & (rows.status == "ok")]
    answered = dict(zip(zip(good.variant, good.seed, strict=True), good.ranked, strict=True))
    here = [i for i in task.instances if not i.repeat and (i.variant, i.seed) in answered]
    ranked = [i for i in here if answered[i.variant, i.seed]]
    chosen = (ranked or here)[:1]
    return chosen + [i for i in here for one in chosen if (i.variant, i.seed) == (one.rival, one.seed)]


def _best_before(
    plan: Plan, store: Store, task: TaskPlan, method: MethodPlan, table: pd.DataFrame, variant: str
) -> tuple[list[MethodPlan], pd.DataFrame]:
    """The contestant of the profile that is nearest to the truth on a variant, if any is computed, and its scores."""
    others = [m for m in task.methods if m.ranked and not m.reference and m.name != method.name]
    others = [m for m in others if m.name not in task.controls]
    marks = table[(table.variant == variant) & table.primary].groupby("seed")[["floor", "ceiling"]].mean()
    best: tuple[float, MethodPlan, pd.DataFrame] | None = None
    truths = {i.label: posed_keys(plan, store, task, i).truth for i in task.instances if i.seed in marks.index}
    for other in explained_before(plan, store, task, others):
        rows = _values(plan, store, task, other, truths)
        own = rows[rows.primary & (rows.variant == variant)].groupby("seed").value.mean()
        if set(own.index) != set(marks.index):
            continue
        reached = float(skill(own, marks.floor.loc[own.index], marks.ceiling.loc[own.index]).mean())
        if math.isfinite(reached) and (best is None or reached > best[0]):
            best = reached, other, rows
    return ([best[1]], best[2]) if best else ([], pd.DataFrame())


def _values(plan: Plan, store: Store, task: TaskPlan, method: MethodPlan, truths: dict[str, str]) -> pd.DataFrame:
    """What is known of a method's explanations, in the columns that a picture reads."""
    rows = []
    for instance in task.instances:
        kept = (
            store.read(plan.layout.explanation(task.id, method.name, instance.label))
            if instance.label in truths
            else None
        )
        if kept is None or kept.content["status"] != "ok":
            continue
        shelf = store.shelf(plan.layout.values(task.id, method.name, instance.label))
        keys = {metric.name: value_key(metric, content_key(kept), truths[instance.label]) for metric in task.metrics}
        known = {name: shelf.find(name, key) for name, key in keys.items()}
        for name, value in flat({name: outcome for name, outcome in known.items() if outcome}).items():
            place = {"variant": instance.variant, "seed": instance.seed, "method": method.shown}
            rows.append({**place, "metric": name, "primary": name == task.primary, "value": value})
    return pd.DataFrame(rows, columns=["variant", "seed", "method", "metric", "primary", "value"])


def _drawn(
    plan: Plan,
    store: Store,
    task: TaskPlan,
    methods: Sequence[MethodPlan],
    instances: Sequence[Instance],
    scores: pd.DataFrame,
    names: set[str],
    own: str,
    send: Send,
) -> None:
    """In the child: the cases of these names, and the picture that shows most of them."""
    cases: list[Case] = []
    for instance in instances:
        rows = scores[scores.seed == instance.seed]
        found = cases_of(plan, store, task, methods, instance, rows, set())
        cases += [case for case, _ in found if case.method in names]
    if picture := chosen(family_of(task.family).pictures(cases), cases, own):
        drawn = BytesIO()
        picture.draw().savefig(drawn, format="png", metadata={"Software": None})
        pixels = torch.frombuffer(bytearray(drawn.getvalue()), dtype=torch.uint8)
        send({"shown": [case.method for case in picture.shows or cases]}, {PNG: pixels})


def chosen(pictures: Sequence[Picture], cases: Sequence[Case], method: str) -> Picture | None:
    """Of the pictures that show a method the one that shows most cases; of equal ones the last, the most particular."""
    shown = {number: picture.shows or cases for number, picture in enumerate(pictures)}
    fitting = [n for n, seen in shown.items() if any(case.method == method for case in seen)]
    return pictures[max(fitting, key=lambda n: (len(shown[n]), n))] if fitting else None
