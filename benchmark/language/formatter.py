"""Program to text, with as few brackets as the grammar needs: `parse(to_text(program)) == program`."""

from __future__ import annotations

from benchmark.language.parser import PRECEDENCE
from benchmark.language.program import BETWEEN, COMPARISONS, Program

_ATOM = 9


def to_text(program: Program) -> str:
    """The program as one line of text."""
    stack: list[tuple[str, int]] = []  # text, and how tightly its outermost operator binds
    for instruction in program.instructions:
        operation = instruction.operation
        if operation == "x":
            stack.append(("x", _ATOM))
        elif operation == "number":
            text = number_text(instruction.value)
            stack.append((text, PRECEDENCE["negate"] if text.startswith("-") else _ATOM))
        else:
            operands = stack[-instruction.arity :]
            del stack[-instruction.arity :]
            stack.append(_joined(operation, operands))
    return stack[0][0]


def number_text(value: float, digits: int | None = None) -> str:
    """A number as the language writes it: in the shortest form that reads back, or to `digits` significant digits."""
    rounded = float(value) if digits is None else float(f"{value:.{digits}g}")
    text = repr(rounded)
    return text.removesuffix(".0")


def _joined(operation: str, operands: list[tuple[str, int]]) -> tuple[str, int]:
    if operation == "if":
        condition, then, otherwise = (text for text, _ in operands)
        return f"if {condition} then {then} else {otherwise}", 0
    if operation in ("negate", "not"):
        binding = PRECEDENCE[operation]
        return ("-" if operation == "negate" else "not ") + _bracketed(operands[0], binding), binding
    if operation in BETWEEN:
        first, second = operation.split()
        low, middle, high = (_bracketed(operand, PRECEDENCE["compare"] + 1) for operand in operands)
        return f"{low} {first} {middle} {second} {high}", PRECEDENCE["compare"]
    if operation in COMPARISONS:
        left, right = (_bracketed(operand, PRECEDENCE["compare"] + 1) for operand in operands)
        return f"{left} {operation} {right}", PRECEDENCE["compare"]
    if operation == "**":
        return f"{_bracketed(operands[0], _ATOM)}**{_bracketed(operands[1], PRECEDENCE['negate'])}", PRECEDENCE["**"]
    if operation in PRECEDENCE:
        binding = PRECEDENCE[operation]
        return f"{_bracketed(operands[0], binding)} {operation} {_bracketed(operands[1], binding + 1)}", binding
    return f"{operation}({', '.join(text for text, _ in operands)})", _ATOM


def _bracketed(operand: tuple[str, int], least: int) -> str:
    """The operand's text, in brackets where its own operator binds less tightly than `least`."""
    text, binding = operand
    return text if binding >= least else f"({text})"
