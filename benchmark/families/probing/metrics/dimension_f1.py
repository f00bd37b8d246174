"""How far the subspace that a method names is the planted one: precision and recall in one number."""

from __future__ import annotations

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.families.probing.metrics._subspaces import overlaps
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("subspaces",))
def dimension_f1(explanation: ProbingExplanation, truth: ProbingTruth) -> dict[str, float]:
    """2 tr(P_found P_planted) / (dim(found) + dim(planted)), in [0, 1], higher is better; 0 where nothing was found.

    The harmonic mean of `dimension_precision` and `dimension_recall` of each concept; 1 only for the planted subspace
    itself, and independent of bases. It asks where a concept is *written*. A method may exchange a concept well along
    the directions in which it is *read*, which differ where noise is shared, and so have less here than in
    `interchange_accuracy`.
    """
    scores = {
        o.concept: 2 * float(o.cosines.square().sum()) / (o.found + o.planted) for o in overlaps(explanation, truth)
    }
    return by_group(scores, truth)
