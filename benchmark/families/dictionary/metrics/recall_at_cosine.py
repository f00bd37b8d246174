"""How many true directions have an atom of cosine above 0.9, that is within 26 degrees?

A share of features found, as Cunningham et al. 2023 (arXiv:2309.08600) compare dictionaries. Unlike mean cosines it
gives nothing for pointing at several features at once: the sum of two features of equal length has cosine 0.71 with
each. The cut is a convention; `mcc` beside it has none.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.metrics._cosines import cosines
from benchmark.plugins import metric


@metric(
    range=(0.0, 1.0),
    direction="higher",
    perfect=1.0,
    needs=("directions",),
    cites="arXiv:2309.08600",
    name="recall_at_cosine_0.9",
)
def recall_at_cosine(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Share of true directions whose greatest signed cosine with an atom exceeds 0.9."""
    return float((cosines(explanation, truth).amax(1) > 0.9).float().mean())
