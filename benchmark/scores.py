"""The long format: one row per (family, task, variant, method, seed, metric), and how an explanation becomes rows.

    value     what the metric measured                      floor     mean of the metric over random explanations
    ceiling   the metric of the planted truth               skill     (value - floor) / (ceiling - floor)

Failures and time-outs are rows too, with a status and a reason; their skill is 0, the floor.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.errors import Unsupported
from benchmark.statistics import skill

COLUMNS = (
    "family", "task", "variant", "method", "seed", "metric", "primary", "value", "floor", "ceiling", "skill",
    "status", "reason", "seconds", "model_calls", "peak_memory_mb", "floor_sd", "ranked", "reference", "subject",
    "twin",
)  # fmt: skip
TYPES = {
    **dict.fromkeys(("family", "task", "variant", "method", "metric", "status", "reason", "subject", "twin"), "string"),
    **dict.fromkeys(("primary", "ranked", "reference"), "bool"),
    **dict.fromkeys(
        ("value", "floor", "ceiling", "skill", "seconds", "model_calls", "peak_memory_mb", "floor_sd"), "float64"
    ),
    "seed": "int64",
}


@dataclass(frozen=True)
class Metric:
    """A metric as the score stage uses it."""

    name: str
    function: Callable[..., Any]
    draws: int | None = None
    """How many random explanations are enough for its floor; None for as many as the profile says."""
    needs: Sequence[str] = ()
    """Parts of the truth without which it cannot be measured."""


def by_name(function: Callable[..., Any], **available: Any) -> Any:
    """Call a function with those of the arguments that it names."""
    named = inspect.signature(function).parameters
    return function(**{name: value for name, value in available.items() if name in named})


Values = dict[str, float]


@dataclass(frozen=True)
class Scale:
    """Floor and ceiling of every metric on one instance, measured in the same run."""

    floor: Mapping[str, float]
    floor_sd: Mapping[str, float]
    ceiling: Mapping[str, float]
    described: frozenset[str] = field(default=frozenset())
    """Metrics without better or worse: they get no skill."""

    def skill(self, metric: str, value: float) -> float:
        """(value - floor) / (ceiling - floor): 0 is chance, 1 the planted truth; NaN where the two coincide."""
        if metric.partition("@")[0] in self.described:
            return math.nan
        return float(skill(value, self.floor.get(metric, math.nan), self.ceiling.get(metric, math.nan)))


def measure(metrics: Sequence[Metric], explanation: Any, truth: Any, posed: Any) -> Values:
    """Every metric of one explanation; sub-scores are named `metric@sub`."""
    values: Values = {}
    for metric in metrics:
        if any(_absent(getattr(truth, need)) for need in metric.needs):
            continue
        try:
            result = by_name(metric.function, explanation=explanation, truth=truth, posed=posed)
        except Unsupported:
            continue
        parts = result if isinstance(result, Mapping) else {"": result}
        for sub, value in parts.items():
            values[f"{metric.name}@{sub}" if sub else metric.name] = float(value)
    return values


def _absent(part: Any) -> bool:
    """Whether a truth does not hold what a metric needs: None, or nothing in it."""
    return part is None or (isinstance(part, list | tuple) and not part)


def for_draw(metrics: Sequence[Metric], number: int) -> list[Metric]:
    """The metrics that want the draw with this number."""
    return [metric for metric in metrics if metric.draws is None or number < metric.draws]


def scale_of(draws: Sequence[Values], oracle: Values, described: frozenset[str]) -> Scale:
    """The scale that random draws and the oracle span; each metric uses the draws that it was measured on."""
    drawn: dict[str, list[float]] = {}
    for draw in draws:
        for name, value in draw.items():
            drawn.setdefault(name, []).append(value)
    floor = {name: float(np.mean(values)) for name, values in drawn.items()}
    spread = {name: float(np.std(values, ddof=1)) if len(values) > 1 else math.nan for name, values in drawn.items()}
    return Scale(floor, spread, oracle, described)


def rows_of(
    identity: Mapping[str, Any], values: Values, scale: Scale, primary: str, record: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The rows of one explanation on one instance; a failure has NaN values and the floor's skill, 0."""
    failed = record["status"] in ("failed", "timeout")
    names = values or dict.fromkeys(scale.ceiling, math.nan)
    rows = []
    for metric, value in names.items():
        earned = scale.skill(metric, value)
        if failed and math.isfinite(scale.skill(metric, 0.0)):
            earned = 0.0
        rows.append(
            {
                **identity,
                "metric": metric,
                "primary": metric == primary,
                "value": value,
                "floor": scale.floor.get(metric, math.nan),
                "ceiling": scale.ceiling.get(metric, math.nan),
                "skill": earned,
                "status": record["status"],
                "reason": record.get("reason") or "",
                "seconds": _number(record.get("seconds")),
                "model_calls": _number(record.get("model_calls")),
                "peak_memory_mb": _number(record.get("peak_memory_mb")),
                "floor_sd": scale.floor_sd.get(metric, math.nan),
            }
        )
    return rows


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
