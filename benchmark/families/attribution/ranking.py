"""Rows of numbers sorted once, with the groups of equal values: what every ranking metric asks of an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows of values, sorted once and used by every metric and mask."""

    values: Float[Tensor, "n d"]
    """Descending."""
    order: Int[Tensor, "n d"]
    """Where each sorted value stood."""

    def hits(self, mask: Bool[Tensor, "n d"]) -> Int[Tensor, "n d"]:
        """How many entries of `mask` are among the first 1, 2, ..., d of each row."""
        return mask.gather(1, self.order).cumsum(1)

    @cached_property
    def ends(self) -> Int[Tensor, "n d"]:
        """For each sorted place, the last place of its group of equal values."""
        last = torch.ones_like(self.values, dtype=torch.bool)
        last[:, :-1] = self.values[:, :-1] != self.values[:, 1:]
        places = torch.arange(self.values.shape[1]).expand_as(self.values)
        bounded = torch.where(last, places, self.values.shape[1])
        return bounded.flip(1).cummin(1).values.flip(1)

    @cached_property
    def starts(self) -> Int[Tensor, "n d"]:
        """For each sorted place, the first place of its group of equal values."""
        first = torch.ones_like(self.values, dtype=torch.bool)
        first[:, 1:] = self.values[:, 1:] != self.values[:, :-1]
        places = torch.arange(self.values.shape[1]).expand_as(self.values)
        return torch.where(first, places, 0).cummax(1).values


def ranking(values: Float[Tensor, "n d"]) -> Ranking:
    """Sort each row, greatest first (with numpy, whose vectorised sorting is several times faster than torch's on a
    CPU)."""
    order = torch.from_numpy(np.argsort(-values.numpy(), axis=1))
    return Ranking(values.gather(1, order), order)
