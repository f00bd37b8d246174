"""How many of the features that a dictionary of two models declares one model's alone does the other have, too?

The share of the atoms declared exclusive (`exclusive`) whose planted feature, the one to which they point most in the
model that they are said to belong to, is shared or only weakened in the other. Complete shrinkage (an atom's weaker
half driven to zero by a penalty) and latent decoupling (a shared feature as two atoms, one for each model) make such
atoms (Minder et al. 2025, arXiv:2504.02922). 0 where nothing is declared, so read it beside `exclusive_feature_f1`.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.exclusive import declared
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="lower", perfect=0.0, needs=("directions",), cites="arXiv:2504.02922")
def false_exclusive_rate(
    explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion
) -> float:
    """The share of false ones among those declared. Raises `Unsupported` where rows are not of two models."""
    said = declared(explanation, truth, question)
    return float((~said.right).float().mean()) if len(said.right) else 0.0
