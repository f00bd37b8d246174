"""Queries used: how many points a method asked of a box, on the average, as the box counted them."""

from __future__ import annotations

from benchmark.families.description import DescriptionExplanation
from benchmark.plugins import metric


@metric(range=(0.0, 1e999), direction="none")
def queries_used(explanation: DescriptionExplanation) -> float:
    """Points per function. A description of cost: what matters is what was found within the budget, so no direction
    is better."""
    return float(explanation.queries.double().mean())
