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
    """Independent normal noise, and its positive half as a selection: what an explanation scores that knows nothing.

    Where groups are planted, it knows how many there are and of which sizes, and puts entries into them at random.
    """
    noise = torch.randn(question.inputs.shape, generator=generator)
    groups = None if truth.groups is None else _shuffled(truth.groups.cpu(), generator)
    return AttributionExplanation(noise, question.per_pixel, selected=noise > 0, groups=groups)


@reference()
def oracle(truth: AttributionTruth) -> AttributionExplanation:
    """The planted truth as an attribution: 1 in the primary mask, far more in the finer ones, 0 elsewhere, with the
    sign of what the output does where that is asked; the primary mask is selected, and the planted groups are given."""
    masks = list(truth.masks.values())
    total = torch.zeros(masks[0].shape, device=masks[0].device)
    for depth, mask in enumerate(masks):
        total += mask * FINER**depth
    groups = None if truth.groups is None else truth.groups.cpu()
    values = (total * _signs(truth)).cpu()
    return AttributionExplanation(values, selected=truth.masks[""].cpu(), groups=groups)


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


def _shuffled(groups: Int[Tensor, "n ..."], generator: torch.Generator) -> Int[Tensor, "n ..."]:
    """The groups of each input with their entries exchanged at random."""
    rows = groups.flatten(1)
    order = torch.rand(rows.shape, generator=generator).argsort(1)
    return rows.gather(1, order).view(groups.shape)
