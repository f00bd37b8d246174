"""Feature precision (Shi et al. 2024, arXiv:2406.12150): of the m strongest features, how many are relevant?

    feature_precision = mean over inputs of  |m strongest by |attribution|  intersected with  truth| / m,   m = |truth|
    feature_precision@all = the same, once, by the mean of |attribution| over all inputs

The first is the paper's functional precision, which equals the rank accuracy of the primary truth. The second is what
feature selection goes by: features that matter now and then add up, and what was noise on single inputs averages out.
It needs a truth that is the same for all inputs. Chance is the truth's share of all features; the planted truth has 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import each_mask, expected_share_of_top, fitting
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2406.12150")
def feature_precision(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The share of the |truth| strongest features that are relevant: input by input, and of all inputs together."""
    primary = fitting(explanation, truth.masks[""])
    found = {"": each_mask(explanation, truth, lambda mask: _precision(explanation.magnitudes, mask))[""]}
    if bool((primary == primary[:1]).all()):
        found["all"] = float(_precision(explanation.magnitudes.double().mean(0, keepdim=True), primary[:1]))
    return found


def _precision(strengths: Float[Tensor, "n d"], mask: Bool[Tensor, "n d"]) -> Float[Tensor, " n"]:
    count = mask.sum(1).clamp(min=1)
    last = strengths.sort(dim=1, descending=True).values.gather(1, count[:, None] - 1)[:, 0]
    return expected_share_of_top(strengths, torch.as_tensor(last), mask, count)
