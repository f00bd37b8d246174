"""Program success: the share of functions that the described program predicts at points that were never asked for.

A function counts as predicted where mean error^2 / scale^2 < 0.1 over the held-out points, exceptions included. Over
real numbers the error is the distance from the true value, the points are the midpoints of the whole domain, and the
scale is the standard deviation of the true values (for near constants a tenth of their root mean square); of texts,
labels and truth values the error is 0 or 1, and the scale what the most frequent answer gets. True values are free of
noise. A program that is refused or has no value somewhere predicts nothing.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import TOLERANCE, DescriptionExplanation, DescriptionTruth, errors
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2309.03886")
def program_success(explanation: DescriptionExplanation, truth: DescriptionTruth) -> dict[str, float]:
    """Share of the functions, 0 to 1, higher is better.

    Sub-scores: `global` leaves the exceptions' points out; `strict` asks for a tenth of the error; `published`, of
    numbers alone, is FIND's criterion, sum (said - true)^2 / sum true^2 < 0.1, which rewards getting the offset right.
    """
    with np.errstate(over="ignore"):
        squared = errors(explanation, truth) ** 2
    scale = np.array([truth.scale(i) for i in range(len(squared))])
    error = squared.mean(axis=1) / scale**2
    plain = np.mean(squared, axis=1, where=~truth.departs) / scale**2
    found = {
        "": float(np.mean(error < TOLERANCE)),
        "global": float(np.mean(plain < TOLERANCE)),
        "strict": float(np.mean(error < TOLERANCE / 10)),
    }
    if truth.numeric:
        found["published"] = float(np.mean(squared.sum(axis=1) < TOLERANCE * (truth.outputs**2).sum(axis=1)))
    return found
