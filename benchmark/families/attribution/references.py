"""References of the attribution family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

import torch

from benchmark.families.attribution import FINER, AttributionExplanation, AttributionQuestion, AttributionTruth
from benchmark.plugins import reference


@reference(draws=True)
def random(question: AttributionQuestion, generator: torch.Generator) -> AttributionExplanation:
    """Independent normal noise: what an explanation scores that knows nothing."""
    return AttributionExplanation(torch.randn(question.inputs.shape, generator=generator), question.per_pixel)


@reference()
def oracle(truth: AttributionTruth) -> AttributionExplanation:
    """The planted truth as an attribution: 1 in the primary mask, far more in the finer ones, 0 elsewhere."""
    masks = list(truth.masks.values())
    total = torch.zeros(masks[0].shape, device=masks[0].device)
    for depth, mask in enumerate(masks):
        total += mask * FINER**depth
    return AttributionExplanation(total.cpu())


@reference()
def inverted(truth: AttributionTruth) -> AttributionExplanation:
    """The complement of the primary truth: as wrong as an explanation can be."""
    return AttributionExplanation((~truth.masks[""]).float().cpu())
