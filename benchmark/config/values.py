"""Whether a value fits the parameter it is given for, and how a value is shown in a message.

    value_problem(-3, default=100, choices=()) -> "expected int that is not negative, got -3"

A parameter's default says what it takes: its type and, for numbers, whether negative ones have a meaning. A default of
None takes anything.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any

from benchmark.errors import unknown

LARGEST_INTEGER = 10**12


class _Short(reprlib.Repr):
    """`repr` in at most about 80 characters, whatever the value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxlong, self.maxother = 2, 80, 40, 80

    def repr_int(self, x: int, level: int) -> str:
        """Its digits, or for one that Python refuses to write out its length in bits."""
        return super().repr_int(x, level) if x.bit_length() < 10_000 else f"an integer of {x.bit_length()} bits"


shown = _Short().repr


def shortened(name: Any) -> str:
    """A name for a message, cut if it is no name but a text."""
    text = name if isinstance(name, str) else shown(name)
    return text if len(text) <= 100 else f"{text[:97]}..."


def value_problem(value: Any, default: Any, choices: Sequence[Any] = ()) -> str:
    """What is wrong with a value for a parameter with this default; empty if nothing is."""
    if not _same_type(value, default):
        return f"expected {type(default).__name__}, got {shown(value)}"
    if choices and value not in choices:
        return unknown("choice", shortened(str(value)), map(str, choices))
    if default is None:
        return ""
    least = -math.inf if any(number < 0 for number in _numbers(default)) else 0
    for number in _numbers(value):
        if not _fits(number, least):
            wanted = f"finite{'' if least else ', not negative'}, integers of at most 10**12"
            return f"expected {type(default).__name__} ({wanted}), got {shown(value)}"
    return ""


def _fits(number: float, least: float) -> bool:
    if isinstance(number, int):
        return least <= number and abs(number) <= LARGEST_INTEGER
    return math.isfinite(number) and number >= least


def _numbers(value: Any) -> Iterator[float]:
    """The numbers in a value, those in its lists and mappings included."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _numbers(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _numbers(entry)


def _same_type(value: Any, default: Any) -> bool:
    """Whether a profile's value fits a default: integers pass for floats, anything passes for None."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple | list):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))
