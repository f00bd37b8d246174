"""Dead atoms: those that fire in no validation and no test row."""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="lower", perfect=0.0, truth_free=True)
def dead_fraction(explanation: DictionaryExplanation) -> float:
    """Share of atoms without a positive code."""
    alive = (explanation.validation_codes > 0).any(0) | (explanation.test_codes > 0).any(0)
    return 1 - float(alive.float().mean())
