"""The instructions of the language: what each takes, what it gives, and how numpy computes it.

A `Program` is a tuple of instructions in postfix order: `2*x + 1` is `2 x * 1 +`. It is plain data, and equality is
equality of tuples.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np

Type = Literal["number", "condition"]
Value = Any  # a numpy float or boolean, scalar or [n]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation: "number" pushes `value`, "x" the input; all others take `arity` operands from the stack."""

    operation: str
    arity: int = 0
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Program:
    """A parsed program; `len(program)` is its description length in instructions."""

    instructions: tuple[Instruction, ...]

    def __len__(self) -> int:
        return len(self.instructions)


def _sigmoid(value: Value) -> Value:
    return 1.0 / (1.0 + np.exp(-value))


def _relu(value: Value) -> Value:
    return np.maximum(value, 0.0)


def _mod(a: Value, b: Value) -> Value:
    """a - b floor(a / b), with the sign of `b`; NaN where |a / b| > 2^53, where no digit of it would be right and the
    division takes as many steps as the quotient has bits."""
    return np.mod(np.where(np.abs(a) <= _WHOLE * np.abs(b), a, np.nan), b)


def _piecewise(*operands: Value) -> Value:
    """(condition, value, ..., otherwise): the value of the first condition that holds."""
    result = operands[-1]
    for place in range(len(operands) - 3, -1, -2):
        result = np.where(operands[place], operands[place + 1], result)
    return result


_WHOLE = 2.0**53
"""Up to here every whole number is a float64."""

CONSTANTS: dict[str, float] = {"pi": float(np.pi), "e": float(np.e)}

FUNCTIONS: dict[str, Callable[..., Value]] = {
    "abs": np.abs,
    "sign": np.sign,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": _relu,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
}
"""Functions of one number."""

FOLDS: dict[str, Callable[[Value, Value], Value]] = {"min": np.minimum, "max": np.maximum}
"""Functions of one or more numbers, applied from the left."""

BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "mod": _mod,
}

COMPARISONS: dict[str, Callable[[Value, Value], Value]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

BETWEEN = ("< <", "< <=", "<= <", "<= <=")
"""Double inequalities `a <= x < b`, named by their two signs."""

CALLABLE = (*FUNCTIONS, *FOLDS, "mod", "where", "piecewise")
"""What may stand before a bracket."""


def apply(operation: str, operands: list[Value]) -> Value:
    """The value of one instruction on its operands (conditions are numpy booleans)."""
    if operation in FUNCTIONS:
        return FUNCTIONS[operation](operands[0])
    if operation in BINARY:
        return BINARY[operation](operands[0], operands[1])
    if operation in COMPARISONS:
        return COMPARISONS[operation](operands[0], operands[1])
    if operation in FOLDS:
        return reduce(FOLDS[operation], operands)
    if operation in BETWEEN:
        first, second = operation.split()
        lower = COMPARISONS[first](operands[0], operands[1])
        return np.logical_and(lower, COMPARISONS[second](operands[1], operands[2]))
    match operation:
        case "negate":
            return np.negative(operands[0])
        case "not":
            return np.logical_not(operands[0])
        case "and":
            return np.logical_and(operands[0], operands[1])
        case "or":
            return np.logical_or(operands[0], operands[1])
        case "if" | "piecewise":
            return _piecewise(*operands)
    raise AssertionError(f"no instruction {operation!r}")
