"""Completeness gap (Sundararajan, Taly and Yan 2017, arXiv:1703.01365): do attributions add up to what they explain?

    completeness_gap = mean |sum a - (f(x) - f(baseline))| / mean |f(x) - f(baseline)|

0 where the attributions of each input add up to the difference of the outputs, as path integrals promise; a map of
zeros has 1. It needs no truth and says nothing about which entries matter: all of the sum may lie on one that does not.
Gradients, squares and ranks do not mean to add up. A rule of a library that silently does not hold (a rescale rule for
a layer it does not know) shows here.
"""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.metrics._outputs import outputs
from benchmark.plugins import metric


@metric(range=(0.0, 1e999), direction="lower", truth_free=True, cites="arXiv:1703.01365")
def completeness_gap(explanation: AttributionExplanation, question: AttributionQuestion) -> float:
    """The mean absolute gap, as a share of the mean absolute difference of the outputs."""
    baseline = question.baseline.expand_as(question.inputs)
    moved = (outputs(question, question.inputs) - outputs(question, baseline)).double().cpu()
    total = explanation.attributions.double().flatten(1).sum(1)
    return float((total - moved).abs().mean() / moved.abs().mean().clamp(min=1e-12))
