"""AUROC: the chance that an entry of the truth is ranked above one outside of it (ties count a half; Fawcett 2006).

    auroc = (R - P (P + 1) / 2) / (P N)

with R the sum of the ranks, from below, of the P entries in the truth (equal values share their mean rank), N the
number of the others.

Chance is 1/2 whatever the size of the truth, so that it compares tasks. doi:10.1016/j.patrec.2005.10.010
"""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import each_mask
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="doi:10.1016/j.patrec.2005.10.010")
def auroc(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The area under the ROC curve of |attribution| as a score for lying in the truth, for each mask."""
    ranked = explanation.ranking
    size = ranked.values.shape[1]
    from_below = size - (ranked.starts + ranked.ends).double() / 2

    def score(mask: Bool[Tensor, "n d"]) -> Float[Tensor, " n"]:
        positives = mask.sum(1).double()
        ranks = (from_below * mask.gather(1, ranked.order)).sum(1)
        return (ranks - positives * (positives + 1) / 2) / (positives * (size - positives))

    return each_mask(explanation, truth, score)
