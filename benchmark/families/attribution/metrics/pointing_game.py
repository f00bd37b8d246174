"""Pointing game (Zhang et al. 2018, doi:10.1007/s11263-017-1059-x): does the strongest entry lie in the truth?

    pointing_game = share of inputs whose strongest entry by |attribution| is in the truth

Chance is the truth's share of all entries; the planted truth scores 1. It asks for one hit and for no more: a map that
marks one entry of the truth and misses the rest has 1, too.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import each_mask, expected_share_of_top
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="doi:10.1007/s11263-017-1059-x")
def pointing_game(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """How often the strongest entry lies in the truth, for each mask; ties count with their expected value."""
    strengths = explanation.magnitudes
    one = torch.ones(len(strengths), dtype=torch.int64)
    return each_mask(explanation, truth, lambda mask: expected_share_of_top(strengths, strengths.amax(1), mask, one))
