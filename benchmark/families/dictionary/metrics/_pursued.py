"""A dictionary with the codes that pursuit finds, in place of those of its own encoder."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, sparse
from benchmark.learning.pursuit import pursue

DEPTH = 3
"""Codes that a row may have, as a multiple of the asked L0."""

_FOUND: WeakKeyDictionary[DictionaryExplanation, tuple[DictionaryQuestion, DictionaryExplanation]] = WeakKeyDictionary()


def pursued(explanation: DictionaryExplanation, question: DictionaryQuestion) -> DictionaryExplanation:
    """The same atoms and bias, coded by orthogonal matching pursuit at the asked L0.

    Rows stop at one tolerance, the one at which validation rows have the asked number of codes on average; the test
    rows get that tolerance. Several metrics ask for the same one, so the last answer for an explanation is kept.
    """
    kept = _FOUND.get(explanation)
    if kept is None or kept[0] is not question:
        depth, bias = DEPTH * question.sparsity, explanation.bias
        validation, tolerance = pursue(
            question.validation - bias, explanation.atoms, depth=depth, mean_active=question.sparsity
        )
        test, _ = pursue(question.test - bias, explanation.atoms, depth=depth, tolerance=tolerance)
        kept = question, DictionaryExplanation(explanation.atoms, bias, *sparse(validation), *sparse(test))
        _FOUND[explanation] = kept
    return kept[1]
