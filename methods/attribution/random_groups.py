"""Random groups: entries are put into a few groups at random. It never asks the model.

    A(x) = |x - b|

Where groups are large, large groups of any entries overlap with them by much, and a method that groups must do better
to have found anything. Small groups are matched by `entries_alone`; the score is that of the FIX benchmark (Jin et al.
2024, arXiv:2409.13684), which has random groups among its baselines.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:2409.13684", control=True)
def random_groups(question: AttributionQuestion, *, groups: int = 2) -> AttributionExplanation:
    """`groups` groups of nearly one size for each input, and how far each entry is from the baseline; no model
    involved."""
    attributions = (question.inputs - question.baseline).abs()
    if question.per_pixel:
        attributions = attributions.sum(1, keepdim=True)
    generator = torch.Generator().manual_seed(question.seed)
    order = torch.rand(attributions.flatten(1).shape, generator=generator).argsort(1)
    numbers = (order % groups).view(attributions.shape).to(attributions.device)
    return AttributionExplanation(attributions, groups=numbers)
