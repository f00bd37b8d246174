"""Equivariance (Crabbe and van der Schaar 2023, arXiv:2304.06715): does the map move as the input moves?

    equivariance = mean over moved copies of  corr(a(g x), g a(x))

For a model that no move of the group concerns, where what is used moves, the map should move with it: the planted
truth has 1, unrelated maps 0. `cosine` is the published similarity, `rank` is Spearman's of the magnitudes. A map that
depends on the input alone (its magnitude) is equivariant and explains nothing, so that the metric is necessary and not
sufficient; one that is the same everywhere scores as chance does.

`model` is the same of the model's own answer, the part of its variance that a move leaves: where it is below 1, a map
that follows the model cannot be equivariant, and should not be blamed.
"""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, AttributionTruth
from benchmark.families.attribution.metrics._copies import Likeness, chosen, maps, model_share
from benchmark.plugins import metric


@metric(
    range=(-1.0, 1.0), direction="higher", perfect=1.0, truth_free=True, cites="arXiv:2304.06715", needs=("copies",)
)
def equivariance(
    explanation: AttributionExplanation, truth: AttributionTruth, question: AttributionQuestion
) -> dict[str, float]:
    """How alike the map of a moved input and the moved map of the input are, mean over moved copies.

    Raises:
        Unsupported: no input is a moved copy.
    """
    assert truth.copies is not None, "declared in `needs`"
    rows, told = chosen(truth.copies, near=False), maps(explanation)
    alike = Likeness(told[rows], truth.copies.carried(told)[rows])
    return {**alike.scores(), "model": model_share(question, truth.copies)}
