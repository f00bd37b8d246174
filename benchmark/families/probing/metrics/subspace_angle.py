"""Angle between the subspace that a method names and the planted one (Bjoerck and Golub 1973)."""

from __future__ import annotations

import math

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.families.probing.metrics._subspaces import Overlap, overlaps
from benchmark.plugins import metric


@metric(range=(0.0, 90.0), direction="lower", perfect=0.0, needs=("subspaces",), cites="doi:10.2307/2005662")
def subspace_angle(explanation: ProbingExplanation, truth: ProbingTruth) -> dict[str, float]:
    """Mean principal angle in degrees, in [0, 90], lower is better; a planted dimension without a partner counts 90."""
    return by_group({overlap.concept: _angle(overlap) for overlap in overlaps(explanation, truth)}, truth)


def _angle(overlap: Overlap) -> float:
    angles = [math.degrees(math.acos(cosine)) for cosine in overlap.cosines.tolist()]
    return sum(angles + [90.0] * (overlap.planted - len(angles))) / overlap.planted
