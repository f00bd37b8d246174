"""References of the attribution family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import FINER, AttributionExplanation, AttributionQuestion, AttributionTruth
from benchmark.plugins import reference


@reference(draws=True)
def random(
    question: AttributionQuestion, truth: AttributionTruth, generator: torch.Generator
) -> AttributionExplanation:
    """Independent normal noise: what an explanation scores that knows nothing.

    Where groups are planted, it knows how many there are and of which sizes, and puts entries into them at random.
    """
    noise = torch.randn(question.inputs.shape, generator=generator)
    groups = None if truth.groups is None else _shuffled(truth.groups.cpu(), generator)
    return AttributionExplanation(noise, question.per_pixel, groups=groups)


@reference()
def oracle(truth: AttributionTruth) -> AttributionExplanation:
    """The planted truth as an attribution: 1 in the primary mask, far more in the finer ones, 0 elsewhere; and the
    planted groups."""
    masks = list(truth.masks.values())
    total = torch.zeros(masks[0].shape, device=masks[0].device)
    for depth, mask in enumerate(masks):
        total += mask * FINER**depth
    return AttributionExplanation(total.cpu(), groups=None if truth.groups is None else truth.groups.cpu())


@reference()
def inverted(truth: AttributionTruth) -> AttributionExplanation:
    """The complement of the primary truth: as wrong as an explanation can be."""
    return AttributionExplanation((~truth.masks[""]).float().cpu())


def _shuffled(groups: Int[Tensor, "n ..."], generator: torch.Generator) -> Int[Tensor, "n ..."]:
    """The groups of each input with their entries exchanged at random."""
    rows = groups.flatten(1)
    order = torch.rand(rows.shape, generator=generator).argsort(1)
    return rows.gather(1, order).view(groups.shape)
