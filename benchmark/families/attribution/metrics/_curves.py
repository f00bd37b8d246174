"""Insertion and deletion: the target's probability as entries appear or vanish in the order of an explanation.

    mixed(question, ranks, k)     the inputs with their k strongest entries on the baseline (insertion), or without them

Ties fall in one random order that all explanations share (`_retraining.ranked`), so that a constant map inserts at
random. Twenty steps stand for the curve; its area is the mean of the trapezoids.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.metrics._outputs import probabilities
from benchmark.families.attribution.metrics._retraining import ranked

STEPS = 20


def area(explanation: AttributionExplanation, question: AttributionQuestion, *, insert: bool) -> float:
    """The area under the curve of the mean probability, the strongest entries first."""
    places = ranked(explanation.magnitudes).to(question.inputs.device)
    count = places.shape[1]
    curve = []
    for step in range(STEPS + 1):
        strongest = _as_inputs(places < round(step / STEPS * count), question)
        kept = strongest if insert else ~strongest
        mixed = torch.where(kept, question.inputs, question.baseline.expand_as(question.inputs))
        curve.append(float(probabilities(question, mixed).double().mean()))
    return (sum(curve) - (curve[0] + curve[-1]) / 2) / STEPS


def _as_inputs(chosen: Bool[Tensor, "n d"], question: AttributionQuestion) -> Bool[Tensor, "n ..."]:
    """Rows of entries, or of pixels, in the shape of the inputs."""
    shape: Float[Tensor, "n ..."] = question.inputs
    if chosen.shape[1] == shape[0].numel():
        return chosen.view(shape.shape)
    return chosen.view(len(shape), 1, *shape.shape[2:]).expand_as(shape)
