"""Figure AUROC: a stroke of what is used against a stroke of what is not: how often is the former marked more?

    figure_auroc = P(|a| of an entry of the figure in the truth  >  |a| of an entry of the figure outside of it)

Only entries are compared where the input shows something, in what the model uses and in what it does not. That makes
the number the same for all kinds of maps, as two others are not:

- It is one of order: a map and its square score the same. A share of the mass rises when a map is squared, whatever it
  explains, so that units (a slope, its square, a contribution) would decide between methods.
- It leaves out the empty ground, on which whatever multiplies by the input says nothing and a gradient says something.
  Over whole regions, ties of such zeros pull an order towards chance.

Ties count one half. Chance is 0.5 and the planted truth 1. Of one map that is held against two truths, of which one
uses the part of the figure that the other does not, the two scores add up to 1: whoever does not look at the model gets
0.5 on average. It is the Mann-Whitney statistic of the two parts, doi:10.1214/aoms/1177730491.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import fitting
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="doi:10.1214/aoms/1177730491", needs=("figure",))
def figure_auroc(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """The area under the ROC curve of |attribution| on the figure, as a score for lying in the truth; mean over
    inputs."""
    assert truth.figure is not None, "declared in `needs`"
    figure, used = fitting(explanation, truth.figure), fitting(explanation, truth.masks[""])
    return float(superiority(explanation, figure & used, figure & ~used).mean())


def superiority(
    explanation: AttributionExplanation, first: Bool[Tensor, "n d"], second: Bool[Tensor, "n d"]
) -> Float[Tensor, " n"]:
    """For each input, how often an entry of `first` is marked more than one of `second`, ties as one half."""
    ranked = explanation.ranking
    hits = torch.nn.functional.pad(ranked.hits(second), (1, 0))
    stronger, tied = hits.gather(1, ranked.starts), hits.gather(1, ranked.ends + 1)
    losses = (stronger + tied).double() / 2
    count = first.sum(1).double()
    return 1 - (losses * first.gather(1, ranked.order)).sum(1) / (count * second.sum(1))
