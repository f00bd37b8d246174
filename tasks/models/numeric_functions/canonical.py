"""Canonical programs: the shortest of the ways to say a function that the templates offer, since descriptions may be
only so much longer.

    canonical("1*(x - -3)**2 + 0") -> "(x + 3)**2"        no brackets, signs, zeros or ones that change nothing
    shortest(texts) -> str                                the one of fewest instructions
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.language import Instruction, Program, parse, to_text
from tasks.models.numeric_functions.shapes import tidy

_NEUTRAL = {"+": 0.0, "-": 0.0, "*": 1.0, "/": 1.0}
_EITHER = ("+", "*")
"""Operations whose first operand may be the neutral one too."""
_SIGNS = {"+": 1.0, "-": -1.0}


def canonical(program: str) -> str:
    """A program's text with as few brackets, signs and instructions as the template allows."""
    return plain_signs(to_text(_without_neutral(parse(program))))


def shortest(texts: Sequence[str]) -> str:
    """The canonical program of fewest instructions, the first of equals."""
    return min((canonical(text) for text in texts), key=lambda text: len(parse(text)))


def plain_signs(text: str) -> str:
    """`a - -b` as `a + b`, and `a + -b` as `a - b`."""
    return text.replace(" - -", " + ").replace(" + -", " - ")


def _without_neutral(program: Program) -> Program:
    """Sums with 0 and products with 1 are their other operand; two numbers added to the same are one."""
    stack: list[tuple[Instruction, ...]] = []
    for instruction in program.instructions:
        operands = stack[len(stack) - instruction.arity :]
        del stack[len(stack) - instruction.arity :]
        neutral = (Instruction("number", 0, _NEUTRAL.get(instruction.operation, 0.0)),)
        if instruction.operation in _NEUTRAL and operands[1] == neutral:
            stack.append(operands[0])
        elif instruction.operation in _EITHER and operands[0] == neutral:
            stack.append(operands[1])
        elif (
            instruction.operation in _SIGNS and operands[1][-1].operation == "number" and _ends_in_a_number(operands[0])
        ):
            *inner, level, sign = operands[0]
            total = _SIGNS[sign.operation] * level.value + _SIGNS[instruction.operation] * operands[1][0].value
            stack.append((*inner, Instruction("number", 0, tidy(total)), Instruction("+", 2)))
        else:
            stack.append((*(one for operand in operands for one in operand), instruction))
    return Program(stack[0])


def _ends_in_a_number(program: Sequence[Instruction]) -> bool:
    return len(program) > 2 and program[-1].operation in _SIGNS and program[-2].operation == "number"
