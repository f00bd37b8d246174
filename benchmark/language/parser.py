"""Text to program, by operator precedence (Pratt 1973, "Top down operator precedence").

The parser emits instructions in postfix order as it reads, checks that conditions and numbers stand where they belong,
counts depth and size before they grow, and refuses constants that are no finite numbers (`9**9**9`, `sqrt(-1)`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchmark.errors import unknown
from benchmark.language.errors import ProgramLimitError, ProgramSyntaxError, ProgramValueError
from benchmark.language.limits import Limits
from benchmark.language.program import (
    BETWEEN,
    CALLABLE,
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    Instruction,
    Program,
    Type,
    Value,
    apply,
)
from benchmark.language.tokens import Token, tokenize

PRECEDENCE = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6, "negate": 7, "**": 8}
"""Binding powers, also used by the formatter; `if` has 0."""

_KEYWORDS = ("if", "then", "else", "and", "or", "not")


def parse(source: str, limits: Limits | None = None) -> Program:
    """The program that `source` says.

    Raises:
        ProgramSyntaxError: not in the grammar; the message names the place.
        ProgramLimitError: too long, too deep or too large.
        ProgramValueError: a constant part that is not a finite number.
    """
    limits = limits or Limits()
    parser = _Parser(tokenize(source, limits), limits)
    _require(parser.expression(0), "number", "the program", 0)
    if parser.token.kind != "end":
        raise ProgramSyntaxError(f"{_place(parser.token)}, expected an operator or the end")
    _check_constants(parser.instructions)
    return Program(tuple(parser.instructions))


class _Parser:
    def __init__(self, tokens: Sequence[Token], limits: Limits) -> None:
        self.tokens, self.limits = tokens, limits
        self.place = 0
        self.depth = 0
        self.instructions: list[Instruction] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def advance(self) -> Token:
        token = self.token
        self.place += 1
        return token

    def expect(self, text: str) -> None:
        if self.token.text != text:
            raise ProgramSyntaxError(f"{_place(self.token)}, expected {text!r}")
        self.place += 1

    def emit(self, operation: str, arity: int = 0, value: float = 0.0) -> None:
        if len(self.instructions) >= self.limits.instructions:
            raise ProgramLimitError(
                f"got more than {self.limits.instructions} instructions, expected at most that many"
            )
        self.instructions.append(Instruction(operation, arity, value))

    def expression(self, power: int) -> Type:
        """Read one expression whose operators bind tighter than `power`."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise ProgramLimitError(
                f"got expressions nested more than {self.limits.depth} deep at character {self.token.position}, "
                f"expected at most {self.limits.depth}"
            )
        kind = self.prefix()
        while (sign := self.operator()) is not None:
            binding = PRECEDENCE["compare" if sign in COMPARISONS else sign]
            if binding <= power:
                break
            kind = self.infix(sign, kind, binding)
        self.depth -= 1
        return kind

    def operator(self) -> str | None:
        text = "**" if self.token.text == "^" else self.token.text
        return text if text in COMPARISONS or (text in PRECEDENCE and text not in ("not", "negate")) else None

    def infix(self, sign: str, left: Type, binding: int) -> Type:
        place = self.advance().position
        if sign in ("and", "or"):
            _require(left, "condition", f"the left of {sign!r}", place)
            _require(self.expression(binding), "condition", f"the right of {sign!r}", place)
            self.emit(sign, 2)
            return "condition"
        _require(left, "number", f"the left of {sign!r}", place)
        # An exponent binds to the right, and may begin with a minus.
        right = self.expression(PRECEDENCE["negate"] - 1 if sign == "**" else binding)
        _require(right, "number", f"the right of {sign!r}", place)
        if sign not in COMPARISONS:
            self.emit(sign, 2)
            return "number"
        if self.token.text in COMPARISONS:
            second = self.advance()
            if f"{sign} {second.text}" not in BETWEEN:
                raise ProgramSyntaxError(
                    f"{_place(second)}, expected a double inequality that ascends, as in 'a <= x < b'"
                )
            _require(self.expression(binding), "number", f"the right of {second.text!r}", second.position)
            self.emit(f"{sign} {second.text}", 3)
        else:
            self.emit(sign, 2)
        return "condition"

    def prefix(self) -> Type:
        token = self.advance()
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                raise ProgramValueError(f"{_place(token)}, expected a number that fits a float64")
            self.emit("number", value=value)
            return "number"
        if token.text == "(":
            kind = self.expression(0)
            self.expect(")")
            return kind
        if token.text in ("-", "+"):
            start = len(self.instructions)
            _require(self.expression(PRECEDENCE["negate"]), "number", f"what follows {token.text!r}", token.position)
            if token.text == "-":
                self.negate(start)
            return "number"
        if token.text == "not":
            _require(self.expression(PRECEDENCE["not"]), "condition", "what follows 'not'", token.position)
            self.emit("not", 1)
            return "condition"
        if token.text == "if":
            return self.conditional(token)
        if token.kind == "name":
            return self.name(token)
        raise ProgramSyntaxError(f"{_place(token)}, expected a number, x, a function or a bracket")

    def negate(self, start: int) -> None:
        """Negate the instructions from `start`; a lone number takes the sign itself, so that -3 is one instruction."""
        last = self.instructions[-1]
        if len(self.instructions) == start + 1 and last.operation == "number":
            self.instructions[-1] = Instruction("number", 0, -last.value)
        else:
            self.emit("negate", 1)

    def conditional(self, token: Token) -> Type:
        _require(self.expression(0), "condition", "what follows 'if'", token.position)
        self.expect("then")
        _require(self.expression(0), "number", "what follows 'then'", token.position)
        self.expect("else")
        _require(self.expression(0), "number", "what follows 'else'", token.position)
        self.emit("if", 3)
        return "number"

    def name(self, token: Token) -> Type:
        if token.text == "x":
            self.emit("x")
        elif token.text in CONSTANTS:
            self.emit("number", value=CONSTANTS[token.text])
        elif token.text not in CALLABLE:
            names = ["x", *CONSTANTS, *CALLABLE, *_KEYWORDS]
            raise ProgramSyntaxError(unknown("name", token.text, names, where=f"a program, character {token.position}"))
        else:
            self.call(token)
        return "number"

    def call(self, token: Token) -> None:
        self.expect("(")
        kinds = [self.expression(0)]
        while self.token.text == ",":
            self.advance()
            kinds.append(self.expression(0))
        self.expect(")")
        name, count = token.text, len(kinds)
        expected = {"mod": "2", "where": "3", "piecewise": "3, 5, 7, ..."} | dict.fromkeys(FUNCTIONS, "1")
        right = {"mod": count == 2, "where": count == 3, "piecewise": count >= 3 and count % 2 == 1}
        if not right.get(name, count == 1 if name in FUNCTIONS else True):
            raise ProgramSyntaxError(
                f"got {count} arguments of {name!r} at character {token.position}, expected {expected[name]}"
            )
        for index, kind in enumerate(kinds):
            conditional = name in ("where", "piecewise") and index % 2 == 0 and index < count - 1
            wanted: Type = "condition" if conditional else "number"
            _require(kind, wanted, f"argument {index + 1} of {name!r}", token.position)
        self.emit("if" if name == "where" else name, count)


def _require(got: Type, expected: Type, what: str, position: int) -> None:
    if got != expected:
        raise ProgramSyntaxError(f"got a {got} as {what} (character {position}), expected a {expected}")


def _place(token: Token) -> str:
    if token.kind == "end":
        return "got the end of the program"
    return f"got {token.text!r} at character {token.position}"


def _check_constants(instructions: Sequence[Instruction]) -> None:
    """Refuse parts without `x` whose value is infinite or not a number."""
    stack: list[Value] = []  # the value of a constant part, or None
    with np.errstate(all="ignore"):
        for instruction in instructions:
            if instruction.operation in ("number", "x"):
                stack.append(np.float64(instruction.value) if instruction.operation == "number" else None)
                continue
            operands = stack[-instruction.arity :]
            del stack[-instruction.arity :]
            value = None if any(operand is None for operand in operands) else apply(instruction.operation, operands)
            if value is not None and not np.isfinite(value):
                raise ProgramValueError(
                    f"got a constant part that is {value} ({instruction.operation!r} of "
                    f"{', '.join(f'{operand:.6g}' for operand in operands)}), expected a finite number"
                )
            stack.append(value)
