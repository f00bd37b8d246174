"""What the attribution metrics share: magnitudes as rows, and expectations over the order of ties.

Conventions of all five metrics: an entry's strength is the magnitude |attribution|, channels are ranked as entries of
their own, the score is computed for each input and averaged. Maps with many equal values (zeros, above all) are common;
where a metric cuts the ranking, tied entries count with the **expected value under a random order of the ties**, in
closed form. So a map that says nothing (all zero, or constant) scores exactly what chance does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionTruth


def rows(explanation: AttributionExplanation) -> Float[Tensor, "n d"]:
    """The magnitudes of the attributions, one row an input."""
    return explanation.attributions.flatten(1).abs()


def each_mask(truth: AttributionTruth, score: Callable[[Bool[Tensor, "n d"]], Float[Tensor, " n"]]) -> dict[str, float]:
    """Evaluate `score` for every mask and average over the inputs: {"": 0.8, "digit": 0.4}."""
    return {name: float(score(mask.flatten(1).cpu()).mean()) for name, mask in truth.masks.items()}


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


_rankings: WeakKeyDictionary[AttributionExplanation, Ranking] = WeakKeyDictionary()


def ranking(explanation: AttributionExplanation) -> Ranking:
    """Sort the magnitudes of each input, greatest first (with numpy, whose vectorised sorting is several times faster
    than torch's on a CPU)."""
    if explanation not in _rankings:
        values = rows(explanation)
        order = torch.from_numpy(np.argsort(-values.numpy(), axis=1))
        _rankings[explanation] = Ranking(values.gather(1, order), order)
    return _rankings[explanation]


def expected_share_of_top(
    values: Float[Tensor, "n d"],
    threshold: Float[Tensor, " n"],
    mask: Bool[Tensor, "n d"],
    count: Int[Tensor, " n"],
) -> Float[Tensor, " n"]:
    """The expected share of the `count` greatest values that lie in `mask`, ties in random order.

    With the count-th greatest value as `threshold`, a entries above it (h of them in the mask) and g entries equal to
    it (m of them in the mask), the expected number of hits is h + (count - a) m / g.
    """
    reached, above = values >= threshold[:, None], values > threshold[:, None]
    h, a = size(above & mask), size(above)
    m, g = size(reached & mask) - h, size(reached) - a
    return (h + (count - a) * m / g) / count


def size(chosen: Bool[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """How many entries of each row are chosen, as float64."""
    return torch.from_numpy(np.count_nonzero(chosen.numpy(), axis=1)).double()
