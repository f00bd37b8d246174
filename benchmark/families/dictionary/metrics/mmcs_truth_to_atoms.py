"""Mean of maximal cosine similarity, from each true direction to its nearest atom: are the truths represented?"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.metrics._cosines import cosines
from benchmark.plugins import metric


@metric(
    range=(-1.0, 1.0),
    direction="higher",
    perfect=1.0,
    needs=("directions",),
    cites="Sharkey, Braun and Millidge 2022, Taking features out of superposition",
)
def mmcs_truth_to_atoms(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Mean over true directions of the greatest signed cosine with an atom."""
    return float(cosines(explanation, truth).amax(1).mean())
