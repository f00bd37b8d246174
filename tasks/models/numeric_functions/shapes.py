"""The atomic shapes: each is a program template, a sentence template and the ranges its parameters come from.

The program is the definition: a shape's values are those of its program, so a canonical description is exact. `{x}`
stands for the input or for an inner function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Generator, rand

Range = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """One family of functions."""

    name: str
    program: str
    sentence: str
    ranges: Mapping[str, Range]
    signed: frozenset[str] = field(default=frozenset())
    """Parameters whose sign is drawn too."""
    domain: Literal["line", "positive"] = "line"
    """The whole line or its positive half; the domains are in `DOMAINS`."""
    jumps: bool = False
    """Whether it is discontinuous."""
    levels: tuple[str, ...] = ("b",)
    """Parameters that add to the value."""
    factors: tuple[str, ...] = ("a", "b")
    """Parameters that the value is proportional to, all together."""


@dataclass(frozen=True)
class Atom:
    """A shape with its parameters."""

    shape: Shape
    parameters: Mapping[str, float]

    def program(self, x: str = "x") -> str:
        """Text of the program, of `x` or of an inner program's text."""
        values = {name: f"({value!r})" if value < 0 else repr(value) for name, value in self.parameters.items()}
        return self.shape.program.format(x="x" if x == "x" else f"({x})", **values)

    def raised(self, by: float) -> Atom:
        """The atom plus a number, where it has a level to put it in."""
        return self._with({name: self.parameters[name] + by for name in self.shape.levels})

    def multiplied(self, by: float) -> Atom:
        """The atom times a number."""
        return self._with({name: self.parameters[name] * by for name in self.shape.factors})

    def _with(self, changed: Mapping[str, float]) -> Atom:
        return replace(self, parameters={**self.parameters, **{name: tidy(v) for name, v in changed.items()}})

    @property
    def sentence(self) -> str:
        """What the atom is, as a noun phrase."""
        return self.shape.sentence.format(**{name: f"{value:g}" for name, value in self.parameters.items()})


DOMAINS: dict[str, Range] = {"line": (-10.0, 10.0), "positive": (0.2, 20.0)}
EXTENDED: dict[Range, Range] = {(-10.0, 10.0): (-20.0, 20.0), (0.2, 20.0): (0.2, 39.8)}
"""For each domain one twice as long that holds it: the line on both sides, its positive half to the right alone, since
roots and logarithms end at 0. Far enough for any polynomial, table or interpolant of the answers to be wrong there
unless it is the rule; near enough for the rule's values to follow from what the answers fix (`estimable`)."""

_A = frozenset("a")
SHAPES = (
    Shape("constant", "{b}", "the constant {b}", {"b": (1, 20)}, frozenset("b"), factors=("b",)),
    Shape("linear", "{a}*{x} + {b}", "a straight line of slope {a} through {b} at 0",
          {"a": (0.5, 5), "b": (-10, 10)}, _A),
    Shape("quadratic", "{a}*({x} - {m})**2 + {b}", "a parabola {a} (x - {m})^2 + {b}",
          {"a": (0.1, 1), "m": (-5, 5), "b": (-10, 10)}, _A),
    Shape("cubic", "{a}*({x} - {m})**3 + {c}*({x} - {m}) + {b}", "a cubic {a} (x - {m})^3 + {c} (x - {m}) + {b}",
          {"a": (0.02, 0.2), "m": (-3, 3), "c": (-8, 8), "b": (-10, 10)}, _A, factors=("a", "b", "c")),
    Shape("absolute", "{a}*abs({x} - {m}) + {b}", "an absolute value {a} |x - {m}| + {b}",
          {"a": (0.5, 4), "m": (-6, 6), "b": (-10, 10)}, _A),
    Shape("leaky_ramp", "{a}*max({x} - {m}, {k}*({x} - {m})) + {b}",
          "a ramp of slope {a} right of {m} and {k} times that left of it, {b} at the kink",
          {"a": (0.5, 4), "m": (-5, 5), "k": (0.01, 0.4), "b": (-10, 10)}, _A),
    Shape("root", "{a}*sqrt({x}) + {b}", "a square root {a} sqrt(x) + {b}",
          {"a": (1, 5), "b": (-10, 10)}, _A, "positive"),
    Shape("logarithm", "{a}*log({x}) + {b}", "a logarithm {a} log(x) + {b}",
          {"a": (1, 5), "b": (-10, 10)}, _A, "positive"),
    Shape("reciprocal", "{a}/({x} + {c}) + {b}", "a reciprocal {a} / (x + {c}) + {b}",
          {"a": (2, 10), "c": (0.5, 3), "b": (-10, 10)}, _A, "positive"),
    Shape("exponential", "{a}*exp({k}*{x}) + {b}", "an exponential {a} exp({k} x) + {b}",
          {"a": (0.2, 2), "k": (0.1, 0.4), "b": (-10, 10)}, frozenset("ak")),
    Shape("step", "if {x} < {m} then {b} else {c}", "a step from {b} to {c} at {m}",
          {"m": (-6, 6), "b": (-10, 10), "c": (-10, 10)}, jumps=True, levels=("b", "c"), factors=("b", "c")),
    Shape("rectangle", "if abs({x} - {m}) < {s} then {c} else {b}", "{b}, but {c} within {s} of {m}",
          {"m": (-6, 6), "s": (0.5, 4), "b": (-10, 10), "c": (-10, 10)}, jumps=True, levels=("b", "c"),
          factors=("b", "c")),
    Shape("tanh", "{a}*tanh({k}*({x} - {m})) + {b}", "a smooth step {a} tanh({k} (x - {m})) + {b}",
          {"a": (1, 8), "k": (0.2, 8), "m": (-5, 5), "b": (-10, 10)}, _A),
    Shape("sine", "{a}*sin({w}*{x} + {p}) + {b}", "a sine wave {a} sin({w} x + {p}) + {b}",
          {"a": (1, 8), "w": (0.4, 5), "p": (-3, 3), "b": (-10, 10)}),
    Shape("damped_wave", "{a}*exp(-abs({x})/{s})*sin({w}*{x} + {p})",
          "a sine wave {a} sin({w} x + {p}) that fades from 0 on with length {s}",
          {"a": (2, 9), "s": (2, 6), "w": (0.6, 5), "p": (-3, 3)}, levels=(), factors=("a",)),
    Shape("gaussian", "{a}*exp(-(({x} - {m})/{s})**2) + {b}", "a bell {a} exp(-((x - {m}) / {s})^2) + {b}",
          {"a": (2, 12), "m": (-6, 6), "s": (0.4, 4), "b": (-10, 10)}, _A),
    Shape("rational", "{a}*({x} - {m})/(1 + (({x} - {m})/{s})**2) + {b}",
          "a fraction {a} (x - {m}) / (1 + ((x - {m}) / {s})^2) + {b}",
          {"a": (0.5, 4), "m": (-5, 5), "s": (0.4, 4), "b": (-10, 10)}, _A),
    Shape("square_wave", "{a}*sign(sin({w}*{x} + {p})) + {b}",
          "a square wave {b} +- {a}, with the sign of sin({w} x + {p})",
          {"a": (1, 8), "w": (0.35, 2), "p": (-3, 3), "b": (-10, 10)}, jumps=True),
    Shape("sawtooth", "{a}*mod({x} - {p}, {t}) + {b}", "a sawtooth of slope {a} that falls to {b} at {p} and every {t}",
          {"a": (0.5, 3), "p": (-3, 3), "t": (2, 10), "b": (-10, 10)}, _A, jumps=True),
)  # fmt: skip
BY_NAME = {shape.name: shape for shape in SHAPES}


def uniform(generator: Generator, low: float, high: float, digits: int = 2) -> float:
    """A uniform number with few digits, so that its text says all of it."""
    return round(low + (high - low) * float(rand((), generator=generator)), digits)


def tidy(value: float) -> float:
    """Five significant digits, for the same reason."""
    return float(f"{value:.5g}")


def draw_atom(shape: Shape, generator: Generator) -> Atom:
    """A shape with parameters drawn from its ranges."""
    parameters = {}
    for name, (low, high) in shape.ranges.items():
        sign = -1.0 if name in shape.signed and float(rand((), generator=generator)) < 0.5 else 1.0
        parameters[name] = sign * uniform(generator, low, high)
    return Atom(shape, parameters)
