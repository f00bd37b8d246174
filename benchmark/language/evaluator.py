"""Run a program on an array of points: a loop over its instructions, a stack of values, a chunk of points at a time."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.typing import ArrayLike

from benchmark.language.errors import ProgramLimitError, ProgramValueError
from benchmark.language.limits import Limits
from benchmark.language.program import Program, Value, apply


def evaluate(program: Program, x: ArrayLike, limits: Limits | None = None) -> Float64[ndarray, "*shape"]:
    """The program's values at the points `x` (any shape), float64.

    Raises:
        ProgramLimitError: instructions times points exceed `limits.steps`; nothing has been computed then.
        ProgramValueError: a value is infinite or not a number; the message names the first such point. Parts that a
            condition discards may be so (`where(x > 0, log(x), 0)` is fine everywhere).
    """
    limits = limits or Limits()
    points = np.asarray(x, dtype=np.float64)
    steps = len(program) * points.size
    if steps > limits.steps:
        raise ProgramLimitError(
            f"got {len(program)} instructions at {points.size} points = {steps} steps, expected at most {limits.steps}"
        )
    flat = points.reshape(-1)
    values = np.empty_like(flat)
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, limits.chunk):
            values[start : start + limits.chunk] = _run(program, flat[start : start + limits.chunk])
    wrong = ~np.isfinite(values)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ProgramValueError(
            f"got {values[first]} at x = {flat[first]:.6g} ({int(wrong.sum())} of {flat.size} points), "
            f"expected finite numbers"
        )
    return values.reshape(points.shape)


def _run(program: Program, x: Float64[ndarray, " n"]) -> Value:
    stack: list[Value] = []
    for instruction in program.instructions:
        if instruction.operation == "number":
            stack.append(np.float64(instruction.value))
        elif instruction.operation == "x":
            stack.append(x)
        else:
            operands = stack[-instruction.arity :]
            del stack[-instruction.arity :]
            stack.append(apply(instruction.operation, operands))
    return stack[0]
