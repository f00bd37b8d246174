"""Average precision: the precision at each entry of the truth, averaged, reading from the strongest.

    average_precision = sum over thresholds of (recall - recall before) * precision

Equal values form one threshold, as in scikit-learn's `average_precision_score`. Unlike AUROC it asks whether the
*strongest* entries are right. Chance is the truth's share of all entries.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import each_mask
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0)
def average_precision(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The area under the precision-recall curve (as a step function) of |attribution|, for each mask."""
    ranked = explanation.ranking
    counts = torch.arange(1, ranked.values.shape[1] + 1)

    def score(mask: Bool[Tensor, "n d"]) -> Float[Tensor, " n"]:
        hits = ranked.hits(mask)
        precision = (hits.double() / counts).gather(1, ranked.ends)
        return (precision * mask.gather(1, ranked.order)).sum(1) / hits[:, -1]

    return each_mask(explanation, truth, score)
