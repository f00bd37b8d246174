"""Accuracy on real concepts minus accuracy on their controls: what activations say, not what a probe learns by heart.

Source: Hewitt and Liang 2019, "Designing and Interpreting Probes with Control Tasks".
"""

from __future__ import annotations

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="higher", cites="arXiv:1909.03368", needs=("controls",))
def selectivity(explanation: ProbingExplanation, truth: ProbingTruth) -> dict[str, float]:
    """Mean over the concepts that have a control of (accuracy - accuracy on the control), in [-1, 1], higher is better.

    One sub-score per group of concepts.
    """
    right = (explanation.scores.argmax(2) == truth.labels).float().mean(0)
    gained = {
        truth.control_of[control]: float(right[truth.control_of[control]] - right[control])
        for control in truth.controls
    }
    return by_group(gained, truth)
