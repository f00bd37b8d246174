"""L0: how many atoms are active in a test row, on average."""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion
from benchmark.plugins import metric


@metric(range=(0.0, 1e999), direction="none")
def l0(explanation: DictionaryExplanation, question: DictionaryQuestion) -> dict[str, float]:
    """Mean number of positive codes a test row; `l0@asked` is the number that was asked for."""
    return {"": float((explanation.test_codes > 0).float().sum(1).mean()), "asked": float(question.sparsity)}
