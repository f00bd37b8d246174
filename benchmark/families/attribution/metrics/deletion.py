"""Deletion (Petsiuk, Das and Saenko 2018, arXiv:1806.07421): how soon does the answer go as entries vanish?

    deletion = area under  E p(target | all but the strongest k of d entries),  k / d from 0 to 1

The vanished entries take the baseline's values. Lower is better by its own account; like `insertion` it needs no truth
and asks about inputs that the model has never seen.
"""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.metrics._curves import area
from benchmark.plugins import metric


@metric(range=(-1e999, 1e999), direction="lower", truth_free=True, cites="arXiv:1806.07421", draws=8)
def deletion(explanation: AttributionExplanation, question: AttributionQuestion) -> float:
    """The area under the deletion curve of the target's probability (of the output, where there is no target)."""
    return area(explanation, question, insert=False)
