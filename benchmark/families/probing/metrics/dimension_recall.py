"""How much of the planted subspace a method names."""

from __future__ import annotations

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.families.probing.metrics._subspaces import overlaps
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("subspaces",))
def dimension_recall(explanation: ProbingExplanation, truth: ProbingTruth) -> dict[str, float]:
    """tr(P_found P_planted) / dim(planted), in [0, 1], higher is better.

    For sets of coordinate axes this is the share of the planted dimensions that are named. Naming the whole space
    scores 1: read it beside `dimension_precision`.
    """
    scores = {o.concept: float(o.cosines.square().sum()) / o.planted for o in overlaps(explanation, truth)}
    return by_group(scores, truth)
