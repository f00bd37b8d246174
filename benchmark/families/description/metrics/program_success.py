"""Program success: the share of functions that the described program predicts at points that were never asked for.

A function counts as predicted where mean (said - true)^2 / scale^2 < 0.1 over 512 midpoints of its whole domain,
exceptions included; `scale` is the standard deviation of the true values (for near constants a tenth of their root
mean square), and true values are free of noise. A program that is refused or not finite somewhere predicts nothing.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import (
    TOLERANCE,
    DescriptionExplanation,
    DescriptionTruth,
    predictions,
)
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:2309.03886")
def program_success(explanation: DescriptionExplanation, truth: DescriptionTruth) -> dict[str, float]:
    """Share of the functions, 0 to 1, higher is better.

    Sub-scores: `global` leaves the exceptions' points out; `strict` asks for a tenth of the error; `published` is
    FIND's criterion, sum (said - true)^2 / sum true^2 < 0.1, which rewards getting the offset right.
    """
    said = predictions(explanation, truth)
    with np.errstate(over="ignore"):
        squared = (said - truth.outputs) ** 2
    outside = np.stack([~truth.inside(i) for i in range(len(said))])
    scale = np.array([truth.scale(i) for i in range(len(said))])
    error = squared.mean(axis=1) / scale**2
    plain = np.mean(squared, axis=1, where=outside) / scale**2
    return {
        "": float(np.mean(error < TOLERANCE)),
        "global": float(np.mean(plain < TOLERANCE)),
        "strict": float(np.mean(error < TOLERANCE / 10)),
        "published": float(np.mean(squared.sum(axis=1) < TOLERANCE * (truth.outputs**2).sum(axis=1))),
    }
