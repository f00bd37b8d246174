"""From what was measured on an instance to rows of the long format, and rows to a table in the contract's columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.plan import Instance, MethodPlan, Plan, TaskPlan
from benchmark.scores import COLUMNS, TYPES, Scale, rows_of
from benchmark.stages.made import certified
from benchmark.store import Store

if TYPE_CHECKING:
    from benchmark.stages.score import Scored

Row = dict[str, Any]
KEY = ["family", "task", "variant", "seed", "method", "metric"]


def instance_rows(plan: Plan, store: Store, task: TaskPlan, methods: Sequence[MethodPlan], scored: Scored) -> list[Row]:
    """The rows of all methods and references on one instance; where nothing could be measured, a failure each."""
    instance = scored.instance
    sound = not scored.problem and certified(plan, store, instance)
    identity: Row = {
        "family": task.family,
        "task": task.plugin.name,
        "variant": instance.variant,
        "seed": instance.seed,
        "subject": plan.subject(instance.subject).plugin.name,
        "rival": instance.rival or "",
        "twin": _certified_twin(plan, store, task, instance),
        "certified": sound,
        "ranked": instance.ranked and sound,
    }
    described = frozenset(metric.name for metric in task.metrics if metric.options.get("direction") == "none")
    if scored.problem:
        lost = {"status": "failed", "reason": scored.problem}
        nothing = Scale({}, {}, {}, described)
        everyone = [{**identity, **_who(task, method)} for method in methods]
        return [row for named in everyone for row in rows_of(named, {}, nothing, task.primary, lost)]
    random, oracle = (scored.outcomes(name) if name in scored.references else {} for name in ("random", "oracle"))
    scale = Scale.of(random, oracle, described)
    rows: list[Row] = []
    for name in scored.references:
        named = {**identity, "method": name, "reference": True, "control": name in task.controls}
        rows += rows_of(named, scored.outcomes(name), scale, task.primary, {"status": "ok"})
    for method in methods:
        named = {**identity, **_who(task, method)}
        record = scored.explanations[method.name].content
        outcomes = scored.outcomes(method.name) if record["status"] == "ok" else {}
        rows += rows_of(named, outcomes, scale, task.primary, record)
    return rows


def _who(task: TaskPlan, method: MethodPlan) -> Row:
    budget = math.nan if method.budget is None else float(method.budget)
    control = method.name in task.controls
    return {"method": method.shown, "reference": method.reference, "control": control, "budget": budget}


def _certified_twin(plan: Plan, store: Store, task: TaskPlan, instance: Instance) -> str:
    """The variant with random weights to compare an instance with; none if its subject failed its certificate."""
    for other in task.instances:
        if (other.variant, other.seed) == (instance.twin, instance.seed) and certified(plan, store, other):
            return other.variant
    return ""


def to_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a table in the contract's columns and a fixed order; repetitions on one seed are one row, their mean."""
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    if table.duplicated(KEY).any():
        table = _over_repeats(table)
    return table.sort_values(KEY, kind="stable", ignore_index=True)


def _over_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over repetitions that have a value; a row whose repetitions all failed keeps the first reason."""
    numbers = [name for name, kind in TYPES.items() if kind == "float64"]
    answered = table["status"].eq("ok").groupby([table[name] for name in KEY]).transform("any")
    usable = table[table["status"].eq("ok") | ~answered]
    groups = usable.groupby(KEY, sort=False)
    means = groups[numbers].mean()
    first = groups.first()
    first[numbers] = means
    return first.reset_index()[list(COLUMNS)].astype(TYPES)
