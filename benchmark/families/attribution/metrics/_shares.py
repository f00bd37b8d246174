"""What the attribution metrics share: a score for each mask, and expectations over the order of ties.

Conventions of all five metrics: an entry's strength is the magnitude |attribution|, channels are ranked as entries of
their own (unless the question is asked per pixel), the score is computed for each input and averaged over those on
which the mask is not empty. Maps with many equal values (zeros, above all) are common;
where a metric cuts the ranking, tied entries count with the **expected value under a random order of the ties**, in
closed form. So a map that says nothing (all zero, or constant) scores exactly what chance does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth


def each_mask(
    explanation: AttributionExplanation,
    truth: AttributionTruth,
    score: Callable[[Bool[Tensor, "n d"]], Float[Tensor, " n"]],
) -> dict[str, float]:
    """Evaluate `score` for every mask and average over the inputs on which it is not empty: {"": 0.8, "digit": 0.4}.

    A finer mask that is empty on all inputs has no value.

    Raises:
        Unsupported: the primary mask is empty on all inputs.
        TouchstoneError: the truth is about pixels and the explanation about entries, or the other way round.
    """
    found = {}
    for name, mask in truth.masks.items():
        entries = fitting(explanation, mask)
        defined = entries.any(1)
        if bool(defined.any()):
            found[name] = float(score(entries)[defined].mean())
    if "" not in found:
        raise Unsupported("the truth is empty on every input: nothing is to be found there")
    return found


def fitting(explanation: AttributionExplanation, mask: Bool[Tensor, "n ..."]) -> Bool[Tensor, "n d"]:
    """A mask as rows of entries, in the order of the explanation's magnitudes. Raises `TouchstoneError`."""
    entries = mask.flatten(1).cpu()
    if entries.shape != explanation.magnitudes.shape:
        raise TouchstoneError(
            f"got a truth of {entries.shape[1]} entries an input, expected {explanation.magnitudes.shape[1]} as in the "
            f"explanation: a question that is asked per pixel has a truth of [n, 1, h, w]"
        )
    return entries


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
