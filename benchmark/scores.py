"""The long format: one row per (family, task, variant, method, seed, metric), and how an explanation becomes rows.

    value     what the metric measured            chance_skill   (value - floor) / (ceiling - floor)
    floor     mean over random explanations       blind, skill   see `benchmark.marks`: they need all seeds of a variant
    ceiling   the metric of the planted truth

Failures and time-outs are rows too, with a status and a reason; their chance skill is 0, the floor.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.family import Labelled
from benchmark.marks import skill
from benchmark.registry import Plugin

COLUMNS = (
    "family", "task", "variant", "method", "seed", "metric", "primary", "value", "floor", "blind", "ceiling",
    "skill", "chance_skill", "status", "reason", "seconds", "model_calls", "peak_memory_mb", "floor_sd", "certified",
    "ranked", "reference", "control", "subject", "twin", "rival", "budget",
)  # fmt: skip
TYPES = {
    **dict.fromkeys(("family", "task", "variant", "method", "metric", "status", "reason"), "string"),
    **dict.fromkeys(("subject", "twin", "rival"), "string"),
    **dict.fromkeys(("primary", "certified", "ranked", "reference", "control"), "bool"),
    **dict.fromkeys(("value", "floor", "blind", "ceiling", "skill", "chance_skill", "floor_sd"), "float64"),
    **dict.fromkeys(("seconds", "model_calls", "peak_memory_mb", "budget"), "float64"),
    "seed": "int64",
}


Values = dict[str, float]
Outcome = dict[str, Any]
"""`status`, `reason`, and `values`: sub-score to number, "" for the metric itself."""


@dataclass(frozen=True)
class Metric:
    """A metric as the score stage uses it."""

    name: str
    function: Callable[..., Any]
    draws: int | None = None
    """How many random explanations are enough for its floor; None for as many as the profile says."""
    needs: Sequence[str] = ()
    """Parts of the truth without which it cannot be measured."""

    @classmethod
    def of(cls, plugin: Plugin) -> Metric:
        """The metric that a plugin declares; one that cannot be loaded fails wherever it is asked."""
        try:
            function = plugin.load()
        except TouchstoneError as error:
            function = functools.partial(_refuse, str(error))
        except (Exception, SystemExit) as error:  # what its file does when it is imported
            function = functools.partial(_refuse, f"it cannot be imported: {type(error).__name__}: {error}")
        return cls(plugin.name, function, plugin.options.get("draws"), plugin.options.get("needs", ()))


def _refuse(reason: str) -> None:
    raise TouchstoneError(reason)


def by_name(function: Callable[..., Any], **available: Any) -> Any:
    """Call a function with those of the arguments that it names."""
    named = inspect.signature(function).parameters
    return function(**{name: value for name, value in available.items() if name in named})


def measured(metric: Metric, explanation: Any, truth: Any, question: Any) -> Outcome:
    """What a metric says of one explanation; whatever it raises is the reason of a failed outcome, its own alone."""
    lacking = [need for need in metric.needs if _absent(getattr(truth, need, None))]
    if lacking:
        return _lacking(lacking)
    try:
        result = by_name(metric.function, explanation=explanation, truth=truth, question=question)
        values = {sub: float(value) for sub, value in as_values(result).items()}
    except Unsupported as error:
        return _outcome("unsupported", str(error))
    except TouchstoneError as error:
        return _outcome("failed", str(error))
    except Exception as error:  # a metric's own error is that metric's row
        return _outcome("failed", f"{type(error).__name__}: {error}")
    return {"status": "ok", "reason": "", "values": values} if values else _outcome("unsupported", NOTHING)


def measured_together(metric: Metric, scope: str, explanations: Sequence[Labelled]) -> list[Outcome]:
    """What a metric says of a group of explanations: an outcome for each.

    It takes `explanations`, and, where all stand on one instance (scope "methods"), `truth` and `question`. Those whose
    truth lacks what it needs are left out and have no value.
    """
    lacking = [[need for need in metric.needs if _absent(getattr(one.truth, need, None))] for one in explanations]
    if any(lacking):
        asked = [one for one, none in zip(explanations, lacking, strict=True) if not none]
        outcomes = iter(measured_together(metric, scope, asked) if asked else ())
        return [_lacking(none) if none else next(outcomes) for none in lacking]
    shared = {"truth": explanations[0].truth, "question": explanations[0].question} if scope == "methods" else {}
    try:
        result = by_name(metric.function, explanations=explanations, **shared)
        each = list(result) if isinstance(result, list | tuple) else [result] * len(explanations)
        if len(each) != len(explanations):
            raise TouchstoneError(f"got {len(each)} values, expected one for each of {len(explanations)} explanations")
        values = [{sub: float(value) for sub, value in as_values(one).items()} for one in each]
    except Unsupported as error:
        return [_outcome("unsupported", str(error))] * len(explanations)
    except TouchstoneError as error:
        return [_outcome("failed", str(error))] * len(explanations)
    except Exception as error:  # a metric's own error is that metric's rows
        return [_outcome("failed", f"{type(error).__name__}: {error}")] * len(explanations)
    return [{"status": "ok", "reason": "", "values": v} if v else _outcome("unsupported", NOTHING) for v in values]


NOTHING = "the metric returned nothing for this explanation"


def as_values(result: Any) -> Mapping[str, Any]:
    """What a metric returned as sub-scores: a number is the metric itself."""
    return result if isinstance(result, Mapping) else {} if result is None else {"": result}


def _lacking(needs: Sequence[str]) -> Outcome:
    return _outcome("unsupported", f"this task's truth has no {' and no '.join(needs)}")


def _outcome(status: str, reason: str) -> Outcome:
    return {"status": status, "reason": reason, "values": {}}


def _absent(part: Any) -> bool:
    """Whether a truth does not hold what a metric needs: None, or nothing in it."""
    return part is None or (isinstance(part, list | tuple | dict) and not part)


def averaged(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean over draws of every sub-score, with the standard deviation of one draw as `sd`."""
    bad = next((outcome for outcome in outcomes if outcome["status"] != "ok"), None)
    if bad is not None or not outcomes:
        return bad or _outcome("unsupported", "no draw was made")
    drawn: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, value in outcome["values"].items():
            drawn.setdefault(name, []).append(value)
    return {
        "status": "ok",
        "reason": "",
        "values": {name: float(np.mean(values)) for name, values in drawn.items()},
        "sd": {name: float(np.std(v, ddof=1)) if len(v) > 1 else math.nan for name, v in drawn.items()},
    }


@dataclass(frozen=True)
class Scale:
    """Floor and ceiling of every metric on one instance, measured in the same run; sub-scores are `metric@sub`."""

    floor: Mapping[str, float]
    floor_sd: Mapping[str, float]
    ceiling: Mapping[str, float]
    described: frozenset[str] = field(default=frozenset())
    """Metrics without better or worse: they get no skill."""

    @classmethod
    def of(cls, random: Mapping[str, Outcome], oracle: Mapping[str, Outcome], described: frozenset[str]) -> Scale:
        """The scale that random draws and the planted truth span, from what was measured of both."""
        spread = {metric: {"values": outcome.get("sd", {})} for metric, outcome in random.items()}
        return cls(flat(random), flat(spread), flat(oracle), described)

    def skill(self, metric: str, value: float) -> float:
        """(value - floor) / (ceiling - floor): 0 is chance, 1 the planted truth; NaN where the two coincide."""
        if metric.partition("@")[0] in self.described:
            return math.nan
        return float(skill(value, self.floor.get(metric, math.nan), self.ceiling.get(metric, math.nan)))


def flat(outcomes: Mapping[str, Outcome]) -> Values:
    """All numbers by their full name, `metric` or `metric@sub`."""
    return {
        f"{metric}@{sub}" if sub else metric: value
        for metric, outcome in outcomes.items()
        for sub, value in outcome["values"].items()
    }


def rows_of(
    identity: Mapping[str, Any], outcomes: Mapping[str, Outcome], scale: Scale, primary: str, record: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The rows of one explanation on one instance: its values, and a row for every metric without one.

    A failed explanation has a row for every number that the planted truth has; a failed metric, one for itself. Their
    values are NaN and their chance skill is that of the floor, 0.
    """
    if record["status"] != "ok":
        empty = _outcome(record["status"], record.get("reason") or "")
        rows = [(name, math.nan, empty) for name in scale.ceiling or {primary: math.nan}]
    else:
        rows = [(name, value, outcomes[name.partition("@")[0]]) for name, value in flat(outcomes).items()]
        rows += [(name, math.nan, outcome) for name, outcome in outcomes.items() if not outcome["values"]]
    return [_row(identity, name, value, outcome, scale, primary, record) for name, value, outcome in rows]


def _row(
    identity: Mapping[str, Any],
    name: str,
    value: float,
    outcome: Outcome,
    scale: Scale,
    primary: str,
    record: Mapping[str, Any],
) -> dict[str, Any]:
    earned = scale.skill(name, value)
    if outcome["status"] in ("failed", "timeout") and math.isfinite(scale.skill(name, 0.0)):
        earned = 0.0
    return {
        **identity,
        "metric": name,
        "primary": name == primary,
        "value": value,
        "floor": scale.floor.get(name, math.nan),
        "blind": math.nan,
        "ceiling": scale.ceiling.get(name, math.nan),
        "skill": math.nan,
        "chance_skill": earned,
        "status": outcome["status"],
        "reason": outcome["reason"],
        "seconds": _number(record.get("seconds")),
        "model_calls": _number(record.get("model_calls")),
        "peak_memory_mb": _number(record.get("peak_memory_mb")),
        "floor_sd": scale.floor_sd.get(name, math.nan),
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
