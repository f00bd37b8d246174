"""Figure choice: on how many inputs does an explanation say more about what is used than about what is not?

    figure_choice = share of inputs on which the mean |a| over the figure in the truth exceeds that over its rest

The coarsest reading of a map, and the one that a glance takes: which of the two things was it? Even halves count one
half. It hardly tells good methods apart, since the noise of single entries averages out.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import fitting
from benchmark.plugins import metric

ROUNDING = 1e-6
"""Means that differ by less, as a share of their sum, are even (maps are float32)."""


@metric(range=(0.0, 1.0), direction="higher", needs=("figure",))
def figure_choice(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """The share of inputs on which the used part of the figure is marked more strongly on average; 0.5 is chance."""
    assert truth.figure is not None, "declared in `needs`"
    figure, used = fitting(explanation, truth.figure), fitting(explanation, truth.masks[""])
    strengths = explanation.magnitudes.double()
    first, second = ((strengths * part).sum(1) / part.sum(1) for part in (figure & used, figure & ~used))
    even = (first - second).abs() <= ROUNDING * (first + second)
    return float(torch.where(even, 0.5, (first > second).double()).mean())
