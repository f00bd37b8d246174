"""Entries alone: each entry is a group of its own. It never asks the model.

    A(x) = |x - b|

What a map without groups says of groups: the identity among the baselines of FIX (Jin et al. 2024, arXiv:2409.13684).
Where groups are small, an entry alone overlaps with its own by much (1 / size), and a method that groups must do better
to have found anything.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:2409.13684", control=True)
def entries_alone(question: AttributionQuestion) -> AttributionExplanation:
    """A group for each entry, and how far it is from the baseline; no model involved."""
    attributions = (question.inputs - question.baseline).abs()
    if question.per_pixel:
        attributions = attributions.sum(1, keepdim=True)
    numbers = torch.arange(attributions[0].numel(), device=attributions.device).view(attributions.shape[1:])
    return AttributionExplanation(attributions, groups=numbers.expand(attributions.shape).contiguous())
