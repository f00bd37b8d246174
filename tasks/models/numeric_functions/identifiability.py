"""Can the truth be told from the answers that the budget allows? Measured for every function before it is used.

Published functions fail this in ways that then count against whoever describes them: waves faster than the sampling,
networks that did not learn the function they stand for, exceptions too small to see. All numbers here are relative to
the function's scale.

    spread         standard deviation (a constant is exempt)                     is there anything to describe
    resolution     error of straight lines between `budget` even answers         is it slow enough for the budget
    independence   least singular value of the parameters' normalised effects    can no parameter stand in for others
    effect         least effect of moving a parameter a tenth of its range       in standard errors of the noise
    components     error of the best affine copy of one component alone          do both components count
    signal         scale over the noise's standard deviation                     can the function be seen at all
    exception_*    even queries in the interval; departure over noise; error that missing it costs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from benchmark.families.description import TOLERANCE, grid, scale_of
from benchmark.language import evaluate, parse
from tasks.models.numeric_functions.functions import Measures, NumericFunction

FLOORS: Mapping[str, float] = {
    "spread": 0.5,
    "independence": 0.02,
    "effect": 5.0,
    "components": 2 * TOLERANCE,
    "signal": 2.5,
    "exception_queries": 5.0,
    "exception_departure": 4.0,
    "exception_cost": 2 * TOLERANCE,
}
"""Each measure must be at least this; `resolution` must be at most the tolerance."""
CEILINGS: Mapping[str, float] = {"resolution": TOLERANCE, "fit": TOLERANCE / 10}
POINTS = 512
"""Even points of the domain on which a function is measured."""
_FINEST = 0.02
"""Where there is no noise, effects are measured against this share of the scale."""


def identifiable(measures: Measures) -> bool:
    """Whether every measure is on the right side of its bound."""
    return all(
        value <= CEILINGS[name] if name in CEILINGS else value >= FLOORS[name] for name, value in measures.items()
    )


def measure(function: NumericFunction, varied: Mapping[str, str], components: Sequence[str], budget: int) -> Measures:
    """All measures that apply to a function."""
    x, asked = grid(*function.domain, POINTS), grid(*function.domain, budget)
    y = function.respond(x)
    scale = scale_of(y)
    found = {"resolution": float(np.mean((np.interp(x, asked, function.respond(asked)) - y) ** 2)) / scale**2}
    found["effect"], independence = _parameters(function, varied, asked, scale)
    if np.ptp(y) > 0:
        found |= {"spread": float(y.std()) if y.std() >= scale else 0.0, "independence": independence}
    if function.noise.sd > 0:
        found["signal"] = scale / function.noise.sd
    if components:
        found["components"] = min(_unexplained(y, evaluate(parse(text), x)) for text in components)
    if function.interval is not None:
        found |= _exception(function, x, y, scale, budget)
    return found


def _parameters(
    function: NumericFunction, varied: Mapping[str, str], asked: Float64[ndarray, " q"], scale: float
) -> tuple[float, float]:
    """Least effect of a parameter over the noise, and how independent the effects are."""
    plain = evaluate(parse(function.plain), asked) - function.noise.mean
    moved = np.stack([evaluate(parse(text), asked) - plain for text in varied.values()])
    sizes = np.linalg.norm(moved, axis=1)
    least = float(sizes.min()) / max(function.noise.sd, _FINEST * scale)
    if sizes.min() == 0:
        return 0.0, 0.0
    return least, float(np.linalg.svd(moved / sizes[:, None], compute_uv=False)[-1])


def _unexplained(y: Float64[ndarray, " m"], component: Float64[ndarray, " m"]) -> float:
    """Share of the variance of `y` that the best affine function of `component` leaves."""
    if component.std() < 1e-9 * max(1.0, float(np.abs(component).max())) or y.std() == 0:
        return 0.0  # a component that is constant here does nothing
    return float(1 - np.corrcoef(y, component)[0, 1] ** 2)


def _exception(
    function: NumericFunction, x: Float64[ndarray, " m"], y: Float64[ndarray, " m"], scale: float, budget: int
) -> Measures:
    assert function.interval is not None
    low, high = function.interval
    departure = y - evaluate(parse(function.plain), x)
    inside = (x >= low) & (x <= high)
    size = float(np.sqrt(np.mean(departure[inside] ** 2)))
    return {
        "exception_queries": budget * (high - low) / (function.domain[1] - function.domain[0]),
        "exception_departure": size / max(function.noise.sd, _FINEST * scale),
        "exception_cost": float(np.mean(departure**2)) / scale**2,
    }
