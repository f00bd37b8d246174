"""Mean of maximal cosine similarity, from each atom to its nearest true direction: do the atoms stand for truths?

Copies of one true direction score full marks here, which is why it stands beside the opposite direction.
"""

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
def mmcs_atoms_to_truth(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Mean over atoms, dead ones included, of the greatest signed cosine with a true direction."""
    return float(cosines(explanation, truth).amax(0).mean())
