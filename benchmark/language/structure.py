"""The structure of a formula, numbers aside: which functions of which are added and multiplied.

    structure(parse("3*sin(2*x + 1) - 4")) == structure(parse("1 + 7*cos(x)")) == "sin(x)"

A program is expanded into a sum of products of *cores* (`x`, or a function of a sum), each product with a number before
it: a polynomial normal form (Moses 1971, "Algebraic simplification: a guide for the perplexed", Communications of the
ACM 14(8)). Functions that differ by numbers alone become one:

    cos(a) = sin(a + pi/2), sigmoid(a) = (1 + tanh(a/2)) / 2, relu(a) = (a + |a|) / 2,
    max(a, b) = (a + b + |a - b|) / 2, exp(a + number), log(number * a), sqrt(number * a), |number * a|,
    and `if c then a else b` = b + [c] (a - b)

Then the numbers are dropped, and with them every product that divides another (in `x**2 + 3*x + 1` the powers below the
highest): they are what other numbers in the same formula leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmark.language.program import BETWEEN, Instruction, Program, apply

TERMS, DEGREE = 64, 12
"""Largest normal form: products in a sum, cores in a product."""
_ODD = ("sin", "tanh", "sign", "asin", "atan", "sinh", "tan")
_NEGLIGIBLE = 1e-12
"""A number smaller than this, relative to the largest beside it, is what rounding left of 0."""


@dataclass(frozen=True, order=True)
class _Core:
    """`x` or a function; equal if the numbers in it are."""

    key: str
    shape: str = field(compare=False)


_Monomial = tuple[_Core, ...]  # in ascending order, with repetition
_Sum = dict[_Monomial, float]


class _TooLargeError(Exception):
    pass


def structure(program: Program) -> str | None:
    """The structure as text, the same for programs that differ by numbers alone; None where the expanded formula would
    have more than `TERMS` products or one of more than `DEGREE` cores, or numbers that are not finite."""
    stack: list[_Sum] = []
    try:
        for instruction in program.instructions:
            operands = stack[len(stack) - instruction.arity :]
            del stack[len(stack) - instruction.arity :]
            stack.append(_applied(instruction, operands))
        return _shape(stack[0])
    except (_TooLargeError, OverflowError):
        return None


def _number(value: float) -> _Sum:
    return {(): value} if value else {}


def _constant(a: _Sum) -> float | None:
    return a.get((), 0.0) if not a.keys() - {()} else None


def _sum(a: _Sum, b: _Sum, factor: float = 1.0) -> _Sum:
    """a + factor * b."""
    found = dict(a)
    for monomial, number in b.items():
        before = found.pop(monomial, 0.0)
        after = before + factor * number
        if not math.isfinite(after):
            raise OverflowError
        if abs(after) > _NEGLIGIBLE * max(abs(before), abs(factor * number)):
            found[monomial] = after
    if len(found) > TERMS:
        raise _TooLargeError
    return found


def _scaled(a: _Sum, factor: float) -> _Sum:
    return _sum({}, a, factor)


def _product(a: _Sum, b: _Sum) -> _Sum:
    found: _Sum = {}
    for left, number in a.items():
        for right, other in b.items():
            once = {core for core in left if core.key.startswith("below(")}  # 0 or 1, and so its own square
            monomial = tuple(sorted((*left, *(core for core in right if core not in once))))
            if len(monomial) > DEGREE:
                raise _TooLargeError
            found = _sum(found, {monomial: number * other})
    return found


def _shape(a: _Sum) -> str:
    kept = [one for one in a if not any(one != other and _divides(one, other) for other in a)]
    return " + ".join(sorted(" * ".join(sorted(core.shape for core in one)) for one in kept if one)) or "number"


def _divides(one: _Monomial, other: _Monomial) -> bool:
    return all(one.count(core) <= other.count(core) for core in set(one))


def _key(a: _Sum) -> str:
    return " + ".join(f"{number:.9g} {[core.key for core in one]}" for one, number in sorted(a.items()))


def _core(name: str, *operands: _Sum) -> _Sum:
    core = _Core(f"{name}({', '.join(map(_key, operands))})", f"{name}({', '.join(map(_shape, operands))})")
    return {(core,): 1.0}


def _leading(a: _Sum) -> float:
    return a[max(a)]


def _of_unit(name: str, a: _Sum, outside: Callable[[float], _Sum | float]) -> _Sum:
    """A function of a multiple: `outside(factor)` is what a factor adds (a sum) or multiplies with (a number)."""
    factor = abs(_leading(a))
    inside, moved = _core(name, _scaled(a, 1 / factor)), outside(factor)
    return _scaled(inside, moved) if isinstance(moved, float) else _sum(inside, moved)


def _function(name: str, a: _Sum) -> _Sum:
    known = _constant(a)
    if known is not None:
        return _number(float(apply(name, [np.float64(known)])))
    if name == "cos":
        return _function("sin", _sum(a, _number(math.pi / 2)))
    if name == "sigmoid":
        return _sum(_number(0.5), _function("tanh", _scaled(a, 0.5)), 0.5)
    if name == "relu":
        return _scaled(_sum(a, _function("abs", a)), 0.5)
    if name == "exp":
        outer = math.exp(a.get((), 0.0))
        return _scaled(_core("exp", {one: number for one, number in a.items() if one}), outer)
    if name == "log":
        return _of_unit("log", a, lambda factor: _number(math.log(factor)))
    if name == "sqrt":
        return _of_unit("sqrt", a, math.sqrt)
    if name == "abs":
        return _of_unit("abs", _scaled(a, math.copysign(1, _leading(a))), float)
    if name in _ODD and _leading(a) < 0:
        return _scaled(_function(name, _scaled(a, -1)), -1)
    return _core(name, a)


def _largest(a: _Sum, b: _Sum, sign: float) -> _Sum:
    apart = _sum(a, b, -1)
    known = _constant(apart)
    size = _function("abs", apart) if known is None else _number(abs(known))
    return _scaled(_sum(_sum(a, b), size, sign), 0.5)


def _below(a: _Sum, b: _Sum) -> _Sum:
    """1 where a < b and 0 elsewhere; that a boundary belongs to one side or the other is not told apart."""
    apart = _sum(a, b, -1)
    known = _constant(apart)
    if known is not None:
        return _number(float(known < 0))
    found = _core("below", _scaled(apart, 1 / abs(_leading(apart))))
    return found if _leading(apart) > 0 else _sum(_number(1), _below(b, a), -1)


def _between(low: _Sum, a: _Sum, high: _Sum) -> _Sum:
    first, last = _constant(low), _constant(high)
    if first is None or last is None:
        return _product(_below(low, a), _below(a, high))
    middle, half = (first + last) / 2, (last - first) / 2
    return _below(_function("abs", _sum(a, _number(-middle))), _number(half))


def _chosen(*operands: _Sum) -> _Sum:
    found = operands[-1]
    for place in range(len(operands) - 3, -1, -2):
        condition, value = operands[place], operands[place + 1]
        found = _sum(found, _product(condition, _sum(value, found, -1)))
    return found


def _power(a: _Sum, b: _Sum) -> _Sum:
    exponent = _constant(b)
    if exponent is not None and exponent == int(exponent) and 0 <= exponent <= DEGREE:
        found = _number(1)
        for _ in range(int(exponent)):
            found = _product(found, a)
        return found
    if exponent == -1:
        return _quotient(_number(1), a)
    return _function("sqrt", a) if exponent == 0.5 else _core("power", a, b)


def _quotient(a: _Sum, b: _Sum) -> _Sum:
    divisor = _constant(b)
    if divisor is None:
        factor = _leading(b)
        return _scaled(_product(a, _core("inverse", _scaled(b, 1 / factor))), 1 / factor)
    if divisor == 0:
        raise OverflowError
    return _scaled(a, 1 / divisor)


def _applied(instruction: Instruction, operands: list[_Sum]) -> _Sum:
    operation = instruction.operation
    match operation:
        case "number":
            return _number(instruction.value)
        case "x":
            return {(_Core("x", "x"),): 1.0}
        case "+":
            return _sum(operands[0], operands[1])
        case "-":
            return _sum(operands[0], operands[1], -1.0)
        case "negate":
            return _scaled(operands[0], -1.0)
        case "*" | "and":
            return _product(*operands)
        case "/":
            return _quotient(*operands)
        case "**":
            return _power(*operands)
        case "min" | "max":
            found = operands[0]
            for other in operands[1:]:
                found = _largest(found, other, 1.0 if operation == "max" else -1.0)
            return found
        case "not":
            return _sum(_number(1), operands[0], -1.0)
        case "or":
            return _sum(_sum(operands[0], operands[1]), _product(*operands), -1.0)
        case "<" | "<=":
            return _below(*operands)
        case ">" | ">=":
            return _below(operands[1], operands[0])
        case "if" | "piecewise":
            return _chosen(*operands)
        case _ if operation in BETWEEN:
            return _between(*operands)
        case "mod" | "==" | "!=":
            return _core(operation, *operands)
        case _:
            return _function(operation, operands[0])
