"""One function of one real number, and what is true of it: its canonical description, its exception, its noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from benchmark.language import evaluate, parse
from tasks.models.numeric_functions.noise import Noise
from tasks.models.numeric_functions.shapes import EXTENDED

Measures = dict[str, float]
"""Measured evidence that a function can be told from others, by the names of `identifiability`."""


@dataclass(frozen=True)
class NumericFunction:
    """One function: its canonical sentence and program, its exception, its noise."""

    sentence: str
    program: str
    plain: str
    """The program without its exception."""
    domain: tuple[float, float]
    interval: tuple[float, float] | None = None
    noise: Noise = field(default_factory=Noise)
    key: int = 0
    """Seeds the noise."""
    measures: Measures = field(default_factory=dict)
    """Measured evidence that the function can be told from others within the budget."""

    @property
    def extended(self) -> tuple[float, float]:
        """The larger domain, where the rule is judged too. An exception is local: it ends with its interval, so that
        out there the rule holds; the mean of one-sided noise belongs to the rule."""
        return EXTENDED[self.domain]

    def respond(self, x: Float64[ndarray, " n"]) -> Float64[ndarray, " n"]:
        """The mean answer at `x`: the canonical program's value."""
        return evaluate(parse(self.program), x)

    def excepted(self, x: Float64[ndarray, " n"]) -> Bool[ndarray, " n"]:
        """Which of the points lie in the exception."""
        low, high = self.interval or (np.inf, -np.inf)
        return (x >= low) & (x <= high)

    def answer(self, x: Float64[ndarray, " n"]) -> Float64[ndarray, " n"]:
        """One answer at `x`, noise included."""
        answers: Float64[ndarray, " n"] = self.respond(x) + self.noise.at(x, self.key) - self.noise.mean
        return answers
