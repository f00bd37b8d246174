"""Share of test inputs whose class a method predicts, averaged over the real concepts."""

from __future__ import annotations

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:1610.01644")
def test_accuracy(explanation: ProbingExplanation, truth: ProbingTruth) -> dict[str, float]:
    """Accuracy in [0, 1], higher is better; controls do not count. One sub-score per group of concepts."""
    right = (explanation.scores.argmax(2) == truth.labels).float().mean(0)
    return by_group({concept: float(right[concept]) for concept in truth.real}, truth)
