"""Clustered groups: patches whose contributions rise and fall together over the background are a group.

    c_P(x) = sum over the entries i of patch P of  (x_i - b_i) d f_t / d x_i
    distance of P and Q = 1 - |corr over the background of c_P(x), c_Q(x)|
    A_i(x) = sum of c_P(x) over the patches of i's group, divided among their entries

The groups are the same for all inputs with one target. To cluster features before they are explained is what the
baselines of FIX do (Jin et al. 2024, arXiv:2409.13684), by what the inputs look like; here it is done by what the model
makes of them. Patches whose contributions do not vary stay alone. How far to merge, the silhouette says (`_grouping`).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, attribution_method
from methods.attribution._gradients import gradient_at
from methods.attribution._grouping import correlation_distances, grouped
from methods.attribution._patches import Patches, cut


@attribution_method(cites="arXiv:2409.13684")
def clustered_groups(question: AttributionQuestion, *, across: int = 8) -> AttributionExplanation:
    """Groups of patches, `across` of them along the longer side of an image, and the contribution of each group."""
    patches = cut(question, across)
    contributions = _contributions(question, patches)
    groups = torch.zeros(contributions.shape, dtype=torch.int64, device=contributions.device)
    totals = torch.zeros_like(contributions)
    for target in [None] if question.targets is None else question.targets.unique():
        rows = torch.ones_like(groups[:, 0], dtype=torch.bool) if target is None else question.targets == target
        seen = replace(
            question,
            inputs=question.background,
            targets=None if target is None else target.expand(len(question.background)),
        )
        labels = grouped(correlation_distances(_contributions(seen, patches))).to(groups.device)
        together = (labels[:, None] == labels).to(contributions)
        totals[rows] = contributions[rows] @ (together / together.sum(1))
        groups[rows] = labels
    attributions, numbers = patches.spread(totals), groups[:, patches.of.flatten()].view(question.inputs.shape)
    if question.per_pixel:
        attributions, numbers = attributions.sum(1, keepdim=True), numbers[:, :1]
    return AttributionExplanation(attributions, groups=numbers.contiguous())


def _contributions(question: AttributionQuestion, patches: Patches) -> Float[Tensor, "n p"]:
    """Input times gradient, seen from the baseline, summed over each patch."""
    found = gradient_at(question, question.inputs) * (question.inputs - question.baseline)
    sums = torch.zeros(len(found), patches.count, device=found.device)
    return sums.index_add(1, patches.of.flatten(), found.flatten(1))
