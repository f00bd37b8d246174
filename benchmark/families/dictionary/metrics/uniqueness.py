"""Uniqueness: do different atoms stand for different features?

    distinct best matches / atoms,      the best match of an atom being the true direction of greatest |cosine|

as in SynthSAEBench (arXiv:2602.14687). It asks for no quality of the match, so chance is high: m random atoms among g
orthogonal directions have about g / m (1 - (1 - 1/g)^m), that is .63 for m = g. More atoms than features cannot all be
unique: at most g / m.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.metrics._cosines import cosines
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("directions",), cites="arXiv:2602.14687")
def uniqueness(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """The number of true directions that are some atom's best match, over the number of atoms, dead ones included."""
    return len(cosines(explanation, truth).abs().argmax(0).unique()) / len(explanation.atoms)
