"""Where to ask: points spread over a box's domain, and how to write numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from benchmark.families.description import BlackBox
from benchmark.language import number_text


def spread(box: BlackBox, count: int, seed: int) -> Float64[ndarray, " count"]:
    """`count` ascending points, one at random in each of `count` equal cells: even, but in step with no wave."""
    place = np.random.default_rng(seed).random(count)
    return box.low + (np.arange(count) + place) * ((box.high - box.low) / count)


def number(value: float) -> str:
    """A constant of a program, five significant digits, in brackets if negative."""
    text = number_text(value, 5)
    return f"({text})" if text.startswith("-") else text
