"""Exception location: where, by its description, does a function depart from its own rule?

Both sets of points are told by comparison with the rule, which is the canonical program without its exception: where
the function departs from it by more than a tolerance, and where the described program does. Their overlap is the score.
A description that is wrong everywhere departs everywhere and overlaps by no more than the exception's share of the
domain; one that follows the rule departs nowhere and gets 0.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import EXACT, DescriptionExplanation, DescriptionTruth
from benchmark.families.description.truth import distance
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("exceptions",))
def exception_location(explanation: DescriptionExplanation, truth: DescriptionTruth) -> float:
    """Intersection over union of the points, mean over the functions with exceptions; 0 to 1, higher is better.

    The tolerance is a tenth of the function's scale (of texts and labels: any difference). A refused program locates
    nothing.
    """
    programs, found = explanation.programs.split("\n"), []
    for index in truth.exceptions:
        near = np.sqrt(EXACT) * truth.scale(index)
        said, rule = truth.answers(index, programs[index]), truth.answers(index, truth.plain[index])
        departs = truth.departs[index] & (truth.errors(index, truth.plain[index]) > near)
        if said is None or rule is None or not departs.any():
            found.append(0.0)
            continue
        claimed = distance(said, rule) > near
        found.append(float(np.sum(claimed & departs) / np.sum(claimed | departs)))
    return float(np.mean(found))
