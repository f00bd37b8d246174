"""Rank accuracy (Arras et al. 2022, arXiv:2003.07258): of the |truth| strongest entries, how many lie in the truth.

    rank_accuracy = |top-K entries by |attribution|  intersected with  truth| / K,   K = |truth|

Chance is the truth's share of all entries (a half for a signal block); the planted truth scores 1.
"""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import each_mask, expected_share_of_top
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2003.07258")
def rank_accuracy(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The share of the strongest |truth| entries that lie in the truth, for each mask; ties count with their expected
    value."""
    strengths, descending = explanation.magnitudes, explanation.ranking.values

    def score(mask: Bool[Tensor, "n d"]) -> Float[Tensor, " n"]:
        count = mask.sum(1).clamp(min=1)  # an empty mask has no value, which is left out
        return expected_share_of_top(strengths, descending.gather(1, count[:, None] - 1)[:, 0], mask, count)

    return each_mask(explanation, truth, score)
