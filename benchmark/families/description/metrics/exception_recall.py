"""Exception recall: does the description know where and how the function departs from its own rule?

Counted at the telling points: those inside the exception where true and plain value differ by more than two
tolerances, so that following the rule is wrong there. One tolerance is sqrt(0.1) of the function's scale. Functions
without exceptions have no rows.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import (
    TOLERANCE,
    DescriptionExplanation,
    DescriptionTruth,
    predictions,
    values,
)
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", needs=("exceptions",))
def exception_recall(explanation: DescriptionExplanation, truth: DescriptionTruth) -> dict[str, float]:
    """Share of the telling points predicted within one tolerance, mean over the functions with exceptions; 0 to 1,
    higher is better.

    Sub-score `located`: overlap (intersection over union) of the exception with the points where the program departs
    from the plain rule by more than one tolerance; a program that is wrong everywhere locates nothing.
    """
    said = predictions(explanation, truth)
    recalled, located = [], []
    for index in truth.exceptions:
        near = np.sqrt(TOLERANCE) * truth.scale(index)
        plain = values(truth.plain[index], *truth.domains[index], truth.points)
        inside = truth.inside(index)
        telling = inside & (np.abs(truth.outputs[index] - plain) > 2 * near)
        recalled.append(np.mean(np.abs(said[index] - truth.outputs[index])[telling] <= near) if telling.any() else 0.0)
        departs = ~(np.abs(said[index] - plain) <= near)
        located.append(np.sum(departs & inside) / np.sum(departs | inside))
    return {"": float(np.mean(recalled)), "located": float(np.mean(located))}
