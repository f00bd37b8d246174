"""Text to tokens. Only printable ASCII is accepted: a letter that merely looks like `x` is named and refused."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from benchmark.language.errors import ProgramLimitError, ProgramSyntaxError
from benchmark.language.limits import Limits

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9]*)"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/^<>(),])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it starts (characters from 0)."""

    kind: str
    """One of number, name, sign and end."""
    text: str
    position: int


def tokenize(source: str, limits: Limits) -> list[Token]:
    """The tokens of `source`, closed by an "end" token.

    Raises:
        ProgramLimitError: the text, a number or a name is too long.
        ProgramSyntaxError: a character outside the language.
    """
    if not isinstance(source, str):
        raise ProgramSyntaxError(f"got a program of type {type(source).__name__}, expected text")
    if len(source) > limits.characters:
        raise ProgramLimitError(f"got a program of {len(source)} characters, expected at most {limits.characters}")
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise ProgramSyntaxError(f"got {_named(source[position])} at character {position}, expected {_EXPECTED}")
        kind, text = match.lastgroup, match.group()
        if len(text) > limits.literal and kind in ("number", "name"):
            raise ProgramLimitError(
                f"got a {kind} of {len(text)} characters at character {position}, expected at most {limits.literal}"
            )
        if kind is not None and kind != "space":
            tokens.append(Token(kind, text, position))
        position = match.end()
    return [*tokens, Token("end", "", len(source))]


_EXPECTED = "numbers, names, brackets, commas and + - * / ** < <= > >= == !="


def _named(character: str) -> str:
    """A character as a person can recognise it, whatever it looks like."""
    if character.isascii() and character.isprintable():
        return repr(character)
    return f"U+{ord(character):04X} {unicodedata.name(character, 'CONTROL CHARACTER')}"
