"""Insertion (Petsiuk, Das and Saenko 2018, arXiv:1806.07421): how soon does the answer return as entries appear?

    insertion = area under  E p(target | the strongest k of d entries on the baseline),  k / d from 0 to 1

It needs no truth: it asks the model what the marked entries do without the others, on inputs that the model has never
seen (a few pixels on an empty ground). Higher is better by its own account; how far that account is right, the planted
truths tell (see the board's section on metrics without a truth).
"""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.metrics._curves import area
from benchmark.plugins import metric


@metric(range=(-1e999, 1e999), direction="higher", truth_free=True, cites="arXiv:1806.07421", draws=8)
def insertion(explanation: AttributionExplanation, question: AttributionQuestion) -> float:
    """The area under the insertion curve of the target's probability (of the output, where there is no target)."""
    return area(explanation, question, insert=True)
