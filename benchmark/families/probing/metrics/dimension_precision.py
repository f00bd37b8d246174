"""How much of the subspace that a method names lies in the planted one."""

from __future__ import annotations

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.families.probing.metrics._subspaces import overlaps
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("subspaces",))
def dimension_precision(explanation: ProbingExplanation, truth: ProbingTruth) -> dict[str, float]:
    """tr(P_found P_planted) / dim(found), in [0, 1], higher is better; 0 where nothing was found.

    For sets of coordinate axes this is the share of the named dimensions that are planted; for subspaces in general it
    does not depend on their bases. A random subspace scores dim(planted) / d.
    """
    scores = {
        o.concept: float(o.cosines.square().sum()) / o.found if o.found else 0.0 for o in overlaps(explanation, truth)
    }
    return by_group(scores, truth)
