"""Coverage above what needs no explanation, where features come in groups that count alike.

A group is a property with one cell, or one with a cell for each square of a board. Without groups a property of 64
squares would outweigh a check 64 to 1.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.metrics.coverage_above_null import scored, shares_above_null
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("groups",), cites="arXiv:2408.00113")
def grouped_coverage(
    explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion
) -> dict[str, float]:
    """Mean over groups of the mean over a group's features of `coverage_above_null`'s score; sub-scores take each null.

    A group none of whose features occurs is left out; 0 where none does.
    """
    seen = scored(truth).tolist()
    groups = {
        name: [i for i, other in enumerate(truth.groups) if other == name and seen[i]]
        for name in dict.fromkeys(truth.groups)
    }
    kept = [members for members in groups.values() if members]
    return {
        name: sum(float(share[members].mean()) for members in kept) / max(1, len(kept))
        for name, share in shares_above_null(explanation, truth, question).items()
    }
