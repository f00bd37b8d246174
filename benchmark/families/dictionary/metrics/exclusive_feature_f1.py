"""Exclusive features found without inventing any: of two models' features, those that one model has alone.

    precision   of the atoms declared exclusive, those along a feature that is indeed that model's alone
    recall      of the planted exclusive features, those with such an atom
    F1 = 2 precision recall / (precision + recall)

An atom is declared exclusive by its relative norm (`exclusive`); it is along a feature where their cosine exceeds 0.9
in that model. Whoever declares everything exclusive, as two dictionaries learned apart do, has recall 1, and as its
precision the share p of such atoms that are right: F1 = 2p / (1 + p). Whoever declares nothing has 0.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.exclusive import FOUND, declared
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("directions",), cites="arXiv:2504.02922")
def exclusive_feature_f1(
    explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion
) -> float:
    """F1 of the exclusive features. Raises `Unsupported` where rows are not those of two models."""
    said = declared(explanation, truth, question)
    found = said.right & (said.cosine > FOUND)
    if not bool(found.any()):
        return 0.0
    precision = float(found.float().mean())
    recall = len(said.feature[found].unique()) / len(said.exclusive)
    return 2 * precision * recall / (precision + recall)
