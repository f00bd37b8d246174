"""Accuracy on the control concepts: what a probe can learn by heart (Hewitt and Liang 2019)."""

from __future__ import annotations

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="none", cites="arXiv:1909.03368", needs=("controls",))
def control_accuracy(explanation: ProbingExplanation, truth: ProbingTruth) -> dict[str, float]:
    """Mean accuracy over all controls, in [0, 1]. It describes a probe's capacity; `selectivity` takes it off."""
    right = (explanation.scores.argmax(2) == truth.labels).float().mean(0)
    return {"": float(right[truth.controls].mean())}
