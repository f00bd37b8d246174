"""What of a method may be tuned, and the candidates that are tried: the same allowance for everybody.

    @dictionary_method(tunable={"learning_rate": {"low": 1e-4, "high": 1e-2}, "updates": (5, 10, 20)}, ...)

A range is tried evenly on a logarithmic scale (in whole numbers where the parameter is one), a tuple holds all the
values there are. Candidate k is the point k of a Kronecker sequence whose slopes are the powers of 1 / g, g being the
root of g^(d + 1) = g + 1 for d parameters (the golden section for one): however many are tried, they lie evenly, more
trials begin with the fewer ones, and nothing is drawn by lot.

The seeds on which candidates are compared are kept for it: no profile may score them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from benchmark.config.values import shown, value_problem
from benchmark.errors import unknown
from benchmark.registry import Plugin

TUNING_SEEDS = range(9_000, 9_100)
"""Never scored. They lie above the most seeds that a profile can count off, so that only a list can name them."""
TRIALS = 12
"""How many parameter settings a method may try, the one that it has included."""
SEEDS = 2
"""On how many seeds each is tried."""
DIGITS = 3
"""Significant digits of a candidate: what is printed is what was tried."""


class Dimension(Protocol):
    """The values that one parameter may take."""

    def at(self, place: float) -> Any:
        """The value at a place in [0, 1)."""


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]

    def at(self, place: float) -> Any:
        """Each value gets an equal part of [0, 1)."""
        return self.values[int(place * len(self.values))]


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, both greater than 0, evenly on a logarithmic scale."""

    low: float
    high: float
    whole: bool = False

    def at(self, place: float) -> float:
        """low (high / low)^place, rounded; never outside."""
        value = self.low * math.pow(self.high / self.low, place)
        if self.whole:
            return round(value)
        return min(max(float(f"{value:.{DIGITS - 1}e}"), self.low), self.high)


def space(plugin: Plugin) -> dict[str, Dimension]:
    """What a method declares as `tunable`, by parameter; `space_problems` says what is wrong with it."""
    found: dict[str, Dimension] = {}
    for name, given in sorted((plugin.options.get("tunable") or {}).items()):
        if isinstance(given, Mapping):
            found[name] = Range(given["low"], given["high"], isinstance(plugin.defaults[name], int))
        else:
            found[name] = Choice(tuple(given))
    return found


def candidates(dimensions: Mapping[str, Dimension], count: int, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """At most `count` different settings that depart from `known`; fewer where the space holds fewer."""
    found: list[dict[str, Any]] = []
    seen = {_written({name: known[name] for name in dimensions})}
    for number in range(1, 1 + 50 * count if dimensions else 1):
        places = _places(number, len(dimensions))
        one = {name: each.at(place) for (name, each), place in zip(dimensions.items(), places, strict=True)}
        if len(found) < count and _written(one) not in seen:
            seen.add(_written(one))
            found.append(one)
    return found


def _places(number: int, dimensions: int) -> Iterator[float]:
    """Point `number` of the Kronecker sequence in [0, 1)^dimensions."""
    root = 2.0
    for _ in range(64):  # g = (1 + g)^(1 / (d + 1)) contracts
        root = (1 + root) ** (1 / (dimensions + 1))
    for power in range(1, dimensions + 1):
        yield (0.5 + number * root**-power) % 1.0


def _written(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def space_problems(plugin: Plugin) -> Iterator[str]:
    """What is wrong with what a method declares as `tunable`."""
    given, where = plugin.options.get("tunable") or {}, f"tunable of {plugin.kind} {plugin.key}"
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        yield f"{where}: expected a mapping from parameters to ranges or choices, got {shown(given)}"
        return
    for name, values in given.items():
        if name not in plugin.defaults:
            yield unknown("parameter", name, plugin.defaults, where=where)
        elif name == plugin.options.get("budget"):
            yield f"{where}: {name!r} is the budget, expected parameters that buy nothing"
        else:
            yield from (f"{where}.{name}: {problem}" for problem in _dimension_problems(values, plugin, name))


def _dimension_problems(given: Any, plugin: Plugin, name: str) -> Iterator[str]:
    expected = "expected {'low': ..., 'high': ...} or a tuple of at least two different choices"
    default = plugin.defaults[name]
    if isinstance(given, Mapping):
        low, high = given.get("low"), given.get("high")
        if set(given) != {"low", "high"} or not all(map(_is_number, (low, high, default))):
            yield f"{expected} for a parameter that is {shown(default)}, got {shown(given)}"
        elif not 0 < low < high < math.inf:  # type: ignore[operator]
            yield f"expected a range with 0 < low < high, got {shown(given)}"
        else:
            yield from _value_problems((low, high), plugin, name)
    elif not isinstance(given, list | tuple) or len({_written({"": value}) for value in given}) != max(2, len(given)):
        yield f"{expected}, got {shown(given)}"
    else:
        yield from _value_problems(given, plugin, name)


def _value_problems(values: Iterable[Any], plugin: Plugin, name: str) -> Iterator[str]:
    for value in values:
        if problem := value_problem(value, plugin.defaults[name], plugin.choices.get(name, ())):
            yield problem


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
