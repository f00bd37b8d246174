"""What the attribution metrics share: a score for each mask, and expectations over the order of ties.

Conventions of all five metrics: an entry's strength is the magnitude |attribution|, channels are ranked as entries of
their own, the score is computed for each input and averaged. Maps with many equal values (zeros, above all) are common;
where a metric cuts the ranking, tied entries count with the **expected value under a random order of the ties**, in
closed form. So a map that says nothing (all zero, or constant) scores exactly what chance does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.attribution import AttributionTruth


def each_mask(truth: AttributionTruth, score: Callable[[Bool[Tensor, "n d"]], Float[Tensor, " n"]]) -> dict[str, float]:
    """Evaluate `score` for every mask and average over the inputs: {"": 0.8, "digit": 0.4}."""
    return {name: float(score(mask.flatten(1).cpu()).mean()) for name, mask in truth.masks.items()}


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
