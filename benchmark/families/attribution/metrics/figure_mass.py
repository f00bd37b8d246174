"""Figure mass: of what an explanation says about the figure, the share that it says about the used part.

    figure_mass = sum over the figure in the truth of |a| / sum over the figure of |a|

As `truth_mass` (relevance mass accuracy, Arras et al. 2022, arXiv:2003.07258), without the empty ground. The parts of a
figure differ in size, so that chance is the used part's share of the figure.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import fitting
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:2003.07258", needs=("figure",))
def figure_mass(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """The used part's share of the absolute attribution on the figure, mean over inputs; a map that is zero there
    counts as an even one."""
    assert truth.figure is not None, "declared in `needs`"
    figure, used = fitting(explanation, truth.figure), fitting(explanation, truth.masks[""])
    strengths = explanation.magnitudes.double() * figure
    total = strengths.sum(1, keepdim=True)
    strengths = torch.where(total > 0, strengths, figure.double())
    return float(((strengths * used).sum(1) / strengths.sum(1)).mean())
