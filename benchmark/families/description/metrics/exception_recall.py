"""Exception recall: does the description know where and how the function departs from its own rule?

Counted at the telling points: those inside the exception where true and plain value differ by more than two
tolerances, so that following the rule is wrong there. One tolerance is sqrt(0.1) of the function's scale (texts and
labels are right or wrong). Functions without exceptions have no rows.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import TOLERANCE, DescriptionExplanation, DescriptionTruth, errors
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("exceptions",))
def exception_recall(explanation: DescriptionExplanation, truth: DescriptionTruth) -> float:
    """Share of the telling points predicted within one tolerance, mean over the functions with exceptions; 0 to 1,
    higher is better."""
    off, recalled = errors(explanation, truth), []
    for index in truth.exceptions:
        near, inside = np.sqrt(TOLERANCE) * truth.scale(index), truth.departs[index]
        telling = inside & (truth.errors(index, truth.plain[index]) > 2 * near)
        recalled.append(float(np.mean(off[index][telling] <= near)) if telling.any() else 0.0)
    return float(np.mean(recalled))
