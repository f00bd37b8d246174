"""A column that carries a class, and one that carries nothing but part of the first one's noise.

    x1 = y + e1,    x2 = e2,    y = -1 or 1,    (e1, e2) normal with spreads s1, s2 and correlation c

The best linear score is f = alpha (x1 - k x2) with k = c s1 / s2 and alpha = 1 / sqrt(1 + k^2): the suppressor x2 has a
weight wherever c is not 0, though it is independent of the class (Haufe et al. 2014, doi:10.1016/j.neuroimage.
2013.10.067; Wilming et al. 2023, arXiv:2306.01464). An input has two such pairs with classes of their own, and columns
of mere noise, in an order that a seed draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

PAIRS = 2
CLASS, SUPPRESSOR = 0, 1


@dataclass(frozen=True)
class Pair:
    """The law of a pair."""

    s1: float = 0.8
    s2: float = 0.5
    c: float = 0.8

    @property
    def k(self) -> float:
        """How much of the suppressor is taken from the class column."""
        return self.c * self.s1 / self.s2

    @property
    def weights(self) -> tuple[float, float]:
        """Of the best linear score, with a norm of 1."""
        alpha = 1 / math.sqrt(1 + self.k**2)
        return alpha, -alpha * self.k

    @property
    def accuracy(self) -> float:
        """Of the sign of that score."""
        return float(torch.special.ndtr(torch.tensor(1 / (self.s1 * math.sqrt(1 - self.c**2)), dtype=torch.float64)))


@dataclass(frozen=True, eq=False)
class Drawn:
    """Inputs and their classes."""

    inputs: Float[Tensor, "n d"]
    classes: Int[Tensor, "n pairs"]
    """0 or 1."""


@dataclass(frozen=True, eq=False)
class Plant:
    """Where each pair's columns stand."""

    pair: Pair
    columns: Int[Tensor, "pairs 2"]
    width: int

    @classmethod
    def draw(cls, pair: Pair, noise: int, generator: torch.Generator) -> Plant:
        """Two pairs and `noise` columns in random order."""
        order = torch.randperm(2 * PAIRS + noise, generator=generator)
        return cls(pair, order[: 2 * PAIRS].view(PAIRS, 2), len(order))

    def inputs(self, count: int, generator: torch.Generator) -> Drawn:
        """Draw inputs. Columns of noise have the suppressor's spread."""
        classes = torch.randint(2, (count, PAIRS), generator=generator)
        found = self.pair.s2 * torch.randn(count, self.width, generator=generator)
        own = torch.randn(count, PAIRS, generator=generator)
        shared = found[:, self.columns[:, SUPPRESSOR]] / self.pair.s2
        noise = self.pair.s1 * (self.pair.c * shared + math.sqrt(1 - self.pair.c**2) * own)
        found[:, self.columns[:, CLASS]] = 2.0 * classes - 1 + noise
        return Drawn(found, classes)

    def best(self, inputs: Float[Tensor, "n d"], which: int) -> Int[Tensor, " n"]:
        """The class that the best linear score of a pair says."""
        pair = inputs[:, self.columns[which]].double()
        return (pair @ torch.tensor(self.pair.weights, dtype=torch.float64) > 0).long()
