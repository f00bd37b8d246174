"""Correlated groups: columns or patches that vary together over the background are a group. It never asks the model.

    distance of P and Q = 1 - |corr over the background of mean (x - b) over P, mean (x - b) over Q|
    A(x) = |x - b|

A control for what is known of groups by the data alone, as of the feature extractors that FIX compares (Jin et al.
2024, arXiv:2409.13684): what belongs together in the inputs need not do so in the model.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, attribution_method
from methods.attribution._grouping import correlation_distances, grouped
from methods.attribution._patches import cut


@attribution_method(cites="arXiv:2409.13684", control=True)
def correlated_groups(question: AttributionQuestion, *, across: int = 8) -> AttributionExplanation:
    """Groups of correlated patches, and how far each entry is from the baseline; no model involved."""
    patches = cut(question, across)
    seen = (question.background - question.baseline).flatten(1)
    sums = torch.zeros(len(seen), patches.count, device=seen.device).index_add(1, patches.of.flatten(), seen)
    labels = grouped(correlation_distances(sums)).to(patches.of.device)
    numbers = labels[patches.of].expand(question.inputs.shape)
    attributions = (question.inputs - question.baseline).abs()
    if question.per_pixel:
        attributions, numbers = attributions.sum(1, keepdim=True), numbers[:, :1]
    return AttributionExplanation(attributions, groups=numbers.contiguous())
