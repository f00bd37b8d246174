"""A dictionary with the codes that pursuit finds, in place of those of its own encoder.

explanation.pursued.on(question)        the same atoms and bias, other codes
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.learning.pursuit import pursue

if TYPE_CHECKING:
    from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion

DEPTH = 3
"""Codes that a row may have, as a multiple of the asked L0."""


@dataclass(frozen=True, eq=False)
class Pursued:
    """What pursuit makes of an explanation's atoms."""

    explanation: DictionaryExplanation
    found: list[tuple[DictionaryQuestion, DictionaryExplanation]] = field(default_factory=list)
    """The question that was answered last, with the answer: several metrics ask for the same one."""

    def on(self, question: DictionaryQuestion) -> DictionaryExplanation:
        """The same atoms and bias, coded by orthogonal matching pursuit at the asked L0.

        Rows stop at one tolerance, the one at which validation rows have the asked number of codes on average; the test
        rows get that tolerance.
        """
        if not (self.found and self.found[0][0] is question):
            self.found[:] = [(question, self._pursue(question))]
        return self.found[0][1]

    def _pursue(self, question: DictionaryQuestion) -> DictionaryExplanation:
        from benchmark.families.dictionary import DictionaryExplanation, sparse

        atoms, bias, depth = self.explanation.atoms, self.explanation.bias, DEPTH * question.sparsity
        validation, tolerance = pursue(question.validation - bias, atoms, depth=depth, mean_active=question.sparsity)
        test, _ = pursue(question.test - bias, atoms, depth=depth, tolerance=tolerance)
        return DictionaryExplanation(atoms, bias, *sparse(validation), *sparse(test))
