"""Exception recall: does the description know where and how the function departs from its own rule?

Counted at the telling points: those inside the exception where true and plain value differ by more than two
tolerances, so that following the rule is wrong there. One tolerance is sqrt(0.1) of the function's scale (texts and
labels are right or wrong). Functions without exceptions have no rows.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import TOLERANCE, DescriptionExplanation, DescriptionTruth, errors
from benchmark.families.description.truth import distance
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("exceptions",))
def exception_recall(explanation: DescriptionExplanation, truth: DescriptionTruth) -> dict[str, float]:
    """Share of the telling points predicted within one tolerance, mean over the functions with exceptions; 0 to 1,
    higher is better.

    Sub-score `located`: overlap (intersection over union) of the exception with the points where the program departs
    from the plain rule by more than one tolerance; a program that is wrong everywhere locates nothing.
    """
    programs, off = explanation.programs.split("\n"), errors(explanation, truth)
    recalled, located = [], []
    for index in truth.exceptions:
        near, inside = np.sqrt(TOLERANCE) * truth.scale(index), truth.departs[index]
        telling = inside & (truth.errors(index, truth.plain[index]) > 2 * near)
        recalled.append(np.mean(off[index][telling] <= near) if telling.any() else 0.0)
        said, plain = truth.answers(index, programs[index]), truth.answers(index, truth.plain[index])
        departs = np.ones_like(inside) if said is None or plain is None else ~(distance(said, plain) <= near)
        located.append(np.sum(departs & inside) / np.sum(departs | inside))
    return {"": float(np.mean(recalled)), "located": float(np.mean(located))}
