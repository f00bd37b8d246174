"""Worst-case similarity: how unlike can the map of an input become that nobody, nor the model, tells from it?

    worst_case_similarity = mean over inputs of  min over near copies x' of  corr(a(x'), a(x))

over the near copies of which the model says the same: |f(x') - f(x)| at most LIMIT standard deviations of f. The
copies are those that a search found to turn the *gradient* most (`families.attribution.near`; Ghorbani, Abid and Zou
2019, arXiv:1710.10547; Dombrowski et al. 2019, arXiv:1906.07983): a maximum for gradients, and for other maps an
attack that was made for another method. 1 is a map that stays. The least of a few unrelated maps lies below 0, and so
does a map that says nothing. `rank` is Spearman's correlation of the magnitudes.
"""

from __future__ import annotations

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, AttributionTruth
from benchmark.families.attribution.metrics._copies import Likeness, chosen, least, maps
from benchmark.families.attribution.metrics._outputs import outputs
from benchmark.plugins import metric

LIMIT = 0.05
"""The most that the explained output of a copy may be off, in standard deviations over the originals."""


@metric(
    range=(-1.0, 1.0), direction="higher", perfect=1.0, truth_free=True, cites="arXiv:1710.10547", needs=("copies",)
)
def worst_case_similarity(
    explanation: AttributionExplanation, truth: AttributionTruth, question: AttributionQuestion
) -> dict[str, float]:
    """The least likeness of the maps of an input and of a near copy with the same output, mean over inputs.

    Raises:
        Unsupported: no input has a near copy with the same output.
    """
    assert truth.copies is not None, "declared in `needs`"
    rows, told = chosen(truth.copies, near=True), maps(explanation)
    of = truth.copies.of.cpu()
    said = outputs(question, question.inputs).double().cpu()
    spread = said[of.unique()].std(correction=0)
    kept = (said[rows] - said[of[rows]]).abs() <= LIMIT * spread
    if not bool(kept.any()):
        raise Unsupported("the model tells every near copy from its original")
    alike = Likeness(told[rows], told[of[rows]])
    named = {"": alike.correlation(), "rank": alike.rank_correlation()}
    return {name: float(least(values, of[rows], kept).mean()) for name, values in named.items()}
