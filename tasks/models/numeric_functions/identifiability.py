"""Can the truth be told from the answers that the budget allows? Measured for every function before it is used.

Published functions fail this in ways that then count against whoever describes them: waves faster than the sampling,
networks that did not learn the function they stand for, exceptions too small to see. A function is admitted if the
answers determine it, whether or not it is smooth: that straight lines between the answers are far from it is what makes
it worth describing. All numbers here are relative to the function's scale.

    spread         standard deviation (a constant is exempt)                     is there anything to describe
    sampling       questions for each stretch between turns                      can no slower wave have said the same
    independence   least singular value of the parameters' normalised effects    can no parameter stand in for others
    effect         least effect of moving a parameter a tenth of its range       in standard errors of the noise
    estimable      expected error of whoever knows the formula, not its numbers  do the answers fix it, beyond them too
    components     error of the best affine copy of one component alone          do both components count
    signal         scale over the noise's standard deviation                     can the function be seen at all
    exception_*    even questions in the interval; departure over noise; error that missing it costs

`estimable` is the Cramér-Rao bound (Rao 1945) carried to the predictions: with the derivatives J of the answers and K
of the values to predict with respect to the numbers of the formula, the least variance of an unbiased estimate averages
to sd^2 |K J^+|^2 / m. Positions of jumps have no derivative; they are found by bisection, to any precision, as long as
the jump stands out of the noise, which `effect` asks.

Left out are, therefore: waves that turn more than once in two questions; formulas with a number that the others can
replace; nestings so sensitive that their values beyond the domain do not follow from the answers; components and
exceptions that cost less than twice the tolerance; noise that hides what it is added to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from benchmark.families.description import EXACT, grid, scale_of
from benchmark.language import evaluate, parse
from tasks.models.numeric_functions.functions import Measures, NumericFunction

FLOORS: Mapping[str, float] = {
    "spread": 0.5,
    "sampling": 2.0,
    "independence": 0.02,
    "effect": 5.0,
    "components": 2 * EXACT,
    "signal": 2.5,
    "exception_queries": 5.0,
    "exception_departure": 4.0,
    "exception_cost": 2 * EXACT,
}
CEILINGS: Mapping[str, float] = {"estimable": EXACT / 4, "fit": EXACT / 10}
"""`estimable`: an error that is expected to be a quarter of the tolerance stays below it in all but few draws of the
noise. `fit`: what a network that stands for a function may add."""
POINTS = 512
"""Even points of the domain on which a function is measured."""
_FINEST = 0.02
"""Where there is no noise, effects are measured against this share of the scale."""
_PRECISION = 1e-3
"""Where there is no noise, the answers are taken to fix a formula to this share of the scale."""
_DENSE = 8
"""Points among which turns are counted, for each question."""

Moved = Callable[[float], Sequence[str]]
"""For a share of the range, the programs in which one parameter each is moved by it."""


def identifiable(measures: Measures) -> bool:
    """Whether every measure is on the right side of its bound."""
    return all(
        value <= CEILINGS[name] if name in CEILINGS else value >= FLOORS[name] for name, value in measures.items()
    )


def measure(function: NumericFunction, moved: Moved, components: Sequence[str], budget: int) -> Measures:
    """All measures that apply to a function. Raises ProgramError where it has no value on its extended domain."""
    x, asked = grid(*function.domain, POINTS), grid(*function.domain, budget)
    y = function.respond(x)
    scale = scale_of(y)
    rule = evaluate(parse(function.plain), grid(*function.domain, _DENSE * budget))
    found = {"sampling": budget / (1 + turns(rule))}
    found["effect"], independence = _parameters(function, moved(0.1), asked, scale)
    if np.ptp(y) > 0:
        found |= {"spread": float(y.std()) if y.std() >= scale else 0.0, "independence": independence}
    if function.noise.sd > 0:
        found["signal"] = scale / function.noise.sd
    if components:
        found["components"] = min(_unexplained(y, evaluate(parse(text), x)) for text in components)
    if function.interval is not None:
        found |= _exception(function, x, y, scale, budget)
    if identifiable(found):  # the dearest measure, for those that it may yet exclude
        found["estimable"] = _estimable(function, moved(1e-4), asked, max(function.noise.sd, _PRECISION * scale))
    return found


def turns(y: Float64[ndarray, " m"]) -> int:
    """How often a function changes between rising and falling; a level stretch between the two is one turn."""
    steps = np.diff(y)
    direction = np.sign(steps[np.abs(steps) > 1e-9 * max(float(np.ptp(y)), 1e-300)])
    return int(np.sum(direction[1:] != direction[:-1]))


def _parameters(
    function: NumericFunction, moved: Sequence[str], asked: Float64[ndarray, " q"], scale: float
) -> tuple[float, float]:
    """Least effect of a parameter over the noise, and how independent the effects are."""
    effects = _effects(function, moved, asked)
    sizes = np.linalg.norm(effects, axis=1)
    least = float(sizes.min()) / max(function.noise.sd, _FINEST * scale)
    if sizes.min() == 0:
        return 0.0, 0.0
    return least, float(np.linalg.svd(effects / sizes[:, None], compute_uv=False)[-1])


def _effects(function: NumericFunction, moved: Sequence[str], x: Float64[ndarray, " q"]) -> Float64[ndarray, "p q"]:
    plain = evaluate(parse(function.plain), x)
    return np.stack([evaluate(parse(text), x) - plain for text in moved])


def _estimable(function: NumericFunction, moved: Sequence[str], asked: Float64[ndarray, " q"], sd: float) -> float:
    """The larger of the expected errors on the domain and on the extended one."""
    seen, worst = _effects(function, moved, asked), 0.0
    sizes = np.linalg.norm(seen, axis=1)
    smooth = sizes > 0  # the others are positions of jumps
    inverse = np.linalg.pinv((seen[smooth] / sizes[smooth, None]).T, rcond=1e-9)
    for domain in (function.domain, function.extended):
        x = grid(*domain, POINTS)
        predicted = _effects(function, moved, x)[smooth] / sizes[smooth, None]
        variance = sd**2 * float(np.sum((predicted.T @ inverse) ** 2)) / POINTS
        worst = max(worst, variance / scale_of(function.respond(x)) ** 2)
    return worst


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
