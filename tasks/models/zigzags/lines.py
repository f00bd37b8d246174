"""Broken lines on [0, 1]: every way up to here is followed by every way from here.

    f(x) = sum over ten columns j of g_j(x_j),    g_j(0) = 0,    slopes over five cells of equal width:

    a in {-1, 1}    (b, c) in {(1, 1), (1, -1), (-1, 1), (-1, -1), (0, 0)}    0    e in {-1, 0, 1}, drawn

Each column has one of the ten combinations of a with (b, c), in an order that is drawn. Asked is in the second cell,
where a is past and b and c are to come. A line there is on one side of its start, and of its mean over all inputs, too:
on the side of a. In an input two thirds of the columns are 0, which is to say that nothing is there; the others are
even on [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CELLS = 5
BEFORE = (1, -1)
AFTER = ((1, 1), (1, -1), (-1, 1), (-1, -1), (0, 0))
COLUMNS = len(BEFORE) * len(AFTER)
PRESENT = 1 / 3
"""The probability that a column shows something."""
STATION = (1.0, 1.6)
"""Where it is asked, in cells."""


def draw(count: int, generator: torch.Generator, low: float = 0, high: float = CELLS) -> Float[Tensor, "n d"]:
    """Inputs; what shows something lies between two places, in cells."""
    present = torch.rand(count, COLUMNS, generator=generator) < PRESENT
    places = low + (high - low) * torch.rand(count, COLUMNS, generator=generator)
    return present * places / CELLS


@dataclass(frozen=True, eq=False)
class Lines:
    """A line for each column."""

    slopes: Int[Tensor, "d cells"]
    """In units of a cell's width: by so much a line rises over a cell."""

    @classmethod
    def draw(cls, generator: torch.Generator) -> Lines:
        """The order of the columns, and how their lines end."""
        ends = (torch.randint(3, (COLUMNS,), generator=generator) - 1).tolist()
        ways = [(a, b, c) for a in BEFORE for b, c in AFTER]
        slopes = torch.tensor([[*way, 0, end] for way, end in zip(ways, ends, strict=True)])
        return cls(slopes[torch.randperm(COLUMNS, generator=generator)])

    def heights(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Each column's line at its value: what integrated gradients, Shapley values and ablation from 0 give."""
        passed = (inputs[..., None] * CELLS - torch.arange(CELLS)).clamp(0, 1)
        return (passed * self.slopes).sum(-1)

    def means(self) -> Float[Tensor, " d"]:
        """The mean of each line over inputs: what removal by other inputs puts in the place of its height."""
        return PRESENT * (self.slopes * (1 - (torch.arange(CELLS) + 0.5) / CELLS)).sum(-1)

    def values(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """What the net is to say."""
        return self.heights(inputs).sum(1)

    def moves(self, inputs: Float[Tensor, "n d"], reach: float) -> Float[Tensor, "n d"]:
        """By how much the value rises when one column is moved up by `reach`."""
        return self.heights(inputs + reach) - self.heights(inputs)

    def still(self, inputs: Float[Tensor, "n d"], reach: float) -> Bool[Tensor, "n d"]:
        """Whether the value stays where it is on the whole way."""
        first, last = ((inputs + step) * CELLS for step in (0.0, reach))
        cells = torch.arange(CELLS)
        crossed = (cells + 1 > first[..., None]) & (cells < last[..., None])
        return ~(crossed & (self.slopes != 0)).any(-1)
