"""References of the attribution family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import FINER, AttributionExplanation, AttributionQuestion, AttributionTruth
from benchmark.plugins import reference


@reference(draws=True)
def random(question: AttributionQuestion, generator: torch.Generator) -> AttributionExplanation:
    """Independent normal noise, and its positive half as a selection: what an explanation scores that knows nothing."""
    noise = torch.randn(question.inputs.shape, generator=generator)
    return AttributionExplanation(noise, question.per_pixel, selected=noise > 0)


@reference()
def oracle(truth: AttributionTruth) -> AttributionExplanation:
    """The planted truth as an attribution: 1 in the primary mask, far more in the finer ones, 0 elsewhere, with the
    sign of what the output does where that is asked; the primary mask is selected."""
    masks = list(truth.masks.values())
    total = torch.zeros(masks[0].shape, device=masks[0].device)
    for depth, mask in enumerate(masks):
        total += mask * FINER**depth
    return AttributionExplanation((total * _signs(truth)).cpu(), selected=truth.masks[""].cpu())


@reference()
def inverted(truth: AttributionTruth) -> AttributionExplanation:
    """The complement of the primary truth, with the wrong signs: as wrong as an explanation can be."""
    outside = ~truth.masks[""]
    values = outside.float()
    if truth.behaviours is not None:
        values = torch.where(outside, 1, 1 / FINER) * -_signs(truth)
    return AttributionExplanation(values.cpu(), selected=outside.cpu())


def _signs(truth: AttributionTruth) -> Tensor:
    """-1 where the output falls when an entry is moved, else 1."""
    if truth.behaviours is None:
        return torch.ones(())
    return torch.where(truth.behaviours.direction < 0, -1.0, 1.0)
