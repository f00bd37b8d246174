"""Queries used: how many points a method asked of a box, on the average, as the box counted them."""

from __future__ import annotations

from benchmark.families.description import DescriptionExplanation, DescriptionSubject, DescriptionTruth
from benchmark.plugins import metric


@metric(range=(0.0, 1e999), direction="none")
def queries_used(explanation: DescriptionExplanation, truth: DescriptionTruth, posed: DescriptionSubject) -> float:
    """Points per function. A description of cost: what matters is what was found within the budget, so no direction
    is better."""
    del truth, posed
    return float(explanation.queries.double().mean())
