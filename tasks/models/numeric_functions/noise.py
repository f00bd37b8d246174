"""Noise that belongs to the point, not to the call: a hash of the point and a key, turned into a random number.

So the answers of a box do not depend on the order or the grouping of questions, and asking twice at one point does
not average the noise away; asking beside it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import gammaincinv, ndtri

NoiseKind = Literal["none", "normal", "uniform", "one-sided"]


@dataclass(frozen=True)
class Noise:
    """What is added to a function's value."""

    kind: NoiseKind = "none"
    size: float = 0.0
    """Standard deviation of centred noise; mean of one-sided noise, whose standard deviation is a third of it."""

    @property
    def mean(self) -> float:
        """What the noise adds on the average."""
        return self.size if self.kind == "one-sided" else 0.0

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.size / 3 if self.kind == "one-sided" else self.size

    def at(self, x: Float64[ndarray, " n"], key: int) -> Float64[ndarray, " n"]:
        """The noise at the points `x`."""
        if self.kind == "none":
            return np.zeros_like(x)
        u = hashed_uniform(x, key)
        drawn: Float64[ndarray, " n"]
        if self.kind == "normal":
            drawn = self.size * ndtri(u)
        elif self.kind == "uniform":
            drawn = self.size * np.sqrt(12.0) * (u - 0.5)
        else:
            drawn = self.size * gammaincinv(9.0, u) / 9.0  # Gamma(9): skewed, never negative
        return drawn


def hashed_uniform(x: Float64[ndarray, " n"], key: int) -> Float64[ndarray, " n"]:
    """A number in (0, 1) for each point, by the finaliser of SplitMix64 (Steele et al. 2014) on the point's bits."""
    bits = (np.asarray(x, dtype=np.float64) + 0.0).view(np.uint64)  # + 0.0 makes one zero of two
    with np.errstate(over="ignore"):
        z = bits ^ np.uint64(key)
        for _ in range(2):
            z = z + np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
