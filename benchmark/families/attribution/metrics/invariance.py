"""Invariance (Crabbe and van der Schaar 2023, arXiv:2304.06715): does the map stay where it is as the input moves?

    invariance = mean over moved copies of  corr(a(g x), a(x))

1 is a map that no move changes, 0 is chance. What is used moves with the input, so that a map of places should move
and not stay (`equivariance`): neither high nor low is better. What has 1 here is a fixed map of the layout, as a prior
of positions is. `cosine`, `rank` and `model` are as there.
"""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, AttributionTruth
from benchmark.families.attribution.metrics._copies import Likeness, chosen, maps, model_share
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="none", truth_free=True, cites="arXiv:2304.06715", needs=("copies",))
def invariance(
    explanation: AttributionExplanation, truth: AttributionTruth, question: AttributionQuestion
) -> dict[str, float]:
    """How alike the maps of a moved input and of the input are, entry by entry, mean over moved copies.

    Raises:
        Unsupported: no input is a moved copy.
    """
    assert truth.copies is not None, "declared in `needs`"
    rows, told = chosen(truth.copies, near=False), maps(explanation)
    alike = Likeness(told[rows], told[truth.copies.of.cpu()[rows]])
    return {**alike.scores(), "model": model_share(question, truth.copies)}
