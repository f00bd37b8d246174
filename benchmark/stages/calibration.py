"""Floor and ceiling of an instance: many random explanations, and the references, measured by every metric.

Nothing of it depends on the methods, so that it is kept beside the scores: whoever adds a method does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from benchmark import __version__
from benchmark.artifacts import still_true, write_index
from benchmark.layout import Layout
from benchmark.plan import Instance, Plan, TaskPlan
from benchmark.scores import Metric, Scale, Values, by_name, for_draw, measure, scale_of
from benchmark.sources import fingerprint
from benchmark.stages.instances import identities
from benchmark.subjects import generator_for


@dataclass(frozen=True)
class Yardstick:
    """What an instance is calibrated with: reference explanations and metrics, on a subject and its truth."""

    references: dict[str, Callable[..., Any]]
    metrics: list[Metric]
    described: frozenset[str]
    """Metrics without better or worse."""
    posed: Any
    truth: Any


def references_of(plan: Plan, family: str) -> dict[str, Callable[..., Any]]:
    """The reference explanations of a family by name."""
    return {plugin.name: plugin.load() for plugin in plan.registry.of("reference", family)}


def calibrated(
    plan: Plan, layout: Layout, task: TaskPlan, instance: Instance, by: Yardstick
) -> tuple[dict[str, Values], Scale]:
    """Scores of the references, and the scale that random draws and the oracle span; kept while they are true."""
    path = layout.calibration(task.id, instance.label)
    key = {
        "task": task.id,
        "parameters": dict(instance.parameters),
        "subject": identities(layout, task)[instance.label],
        "metrics": [[metric.name, metric.draws] for metric in by.metrics],
        "references": sorted(by.references),
        "draws": plan.profile.draws,
        "sources": fingerprint(task.calibration_sources),
        "engine": __version__,
    }
    if (kept := still_true(path, key, "it is measured again")) is not None:
        return kept["measured"], Scale(**{**kept["scale"], "described": by.described})
    measured, scale = _calibrate(plan, task, instance, by)
    numbers = asdict(scale) | {"described": sorted(by.described)}
    write_index(path, {}, {"key": key, "measured": measured, "scale": numbers})
    return measured, scale


def _calibrate(plan: Plan, task: TaskPlan, instance: Instance, by: Yardstick) -> tuple[dict[str, Values], Scale]:
    def make(name: str, draw: int) -> Values:
        generator = generator_for(instance.seed, f"{task.id}/{instance.variant}/{name}/{draw}")
        wanted = for_draw(by.metrics, draw) if name in drawn else by.metrics
        return measure(
            wanted,
            by_name(by.references[name], posed=by.posed, truth=by.truth, generator=generator),
            by.truth,
            by.posed,
        )

    drawn = {p.name for p in plan.registry.of("reference", task.family) if p.options.get("draws")}
    draws = {name: [make(name, number) for number in range(plan.profile.draws)] for name in drawn}
    measured = {name: make(name, 0) for name in by.references if name not in drawn}
    scale = scale_of(draws["random"], measured["oracle"], by.described)
    for name, values in draws.items():
        measured[name] = dict(scale_of(values, measured["oracle"], by.described).floor)
    return measured, scale
