"""Normalised error: mean squared error of the described program in units of what the best constant gets, capped at 1.

1 is what the function's mean (of texts and labels: the most frequent answer) would get, and what a refused program
gets. The sub-score `uncentred`, of numbers alone, divides by the second moment instead, as FIND does: there, a large
offset makes every program look good.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import DescriptionExplanation, DescriptionTruth, errors
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="lower", perfect=0.0, cites="arXiv:2309.03886")
def normalised_error(explanation: DescriptionExplanation, truth: DescriptionTruth) -> dict[str, float]:
    """Mean over the functions, 0 to 1, lower is better; `global` leaves the exceptions' points out."""
    with np.errstate(over="ignore"):
        squared = errors(explanation, truth) ** 2
    variance = np.array([truth.scale(i) for i in range(len(squared))]) ** 2
    found = {
        "": _mean(squared.mean(axis=1) / variance),
        "global": _mean(np.mean(squared, axis=1, where=~truth.departs) / variance),
    }
    if truth.numeric:
        found["uncentred"] = _mean(squared.mean(axis=1) / np.mean(truth.outputs**2, axis=1))
    return found


def _mean(errors: np.ndarray) -> float:
    return float(np.mean(np.minimum(np.nan_to_num(errors, nan=1.0, posinf=1.0), 1.0)))
