"""Truth mass (relevance mass accuracy, Arras et al. 2022, arXiv:2003.07258): how much attribution lies in the truth.

    truth_mass = sum over the truth of |attribution| / sum over all entries of |attribution|

Unlike a ranking it sees how strongly an explanation insists. An all-zero map has no mass to share; it counts as an even
one.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import each_mask
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2003.07258")
def truth_mass(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The share of the absolute attribution that lies in the truth, for each mask."""
    strengths = explanation.magnitudes.double()
    total = strengths.sum(1, keepdim=True)
    shares = torch.where(total > 0, strengths / total, 1 / strengths.shape[1])
    return each_mask(explanation, truth, lambda mask: (shares * mask).sum(1))
