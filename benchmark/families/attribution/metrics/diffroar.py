"""DiffROAR (Shah, Jain and Netrapalli 2021, arXiv:2102.12781): is more to be learned from the top than from the bottom?

    diffroar = mean over 5, 10, 30, 50, 70, 90 % of
                   accuracy of a net trained and tested on so many of the strongest entries
                   - accuracy of a net trained and tested on so many of the weakest

Above 0 the marked entries hold more of the label than the others; a random ranking has 0. `top` and `bottom` are the
two accuracies. All nets of an instance are trained as one job (`benchmark.learning.retraining`), from the same weights
and on the same rows. What holds of ROAR holds here: the shape of a mask can tell the label, on both sides of the
difference.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.attribution import AttributionQuestion
from benchmark.families.attribution.metrics._retraining import retrained_ends
from benchmark.families.family import Labelled
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="higher", truth_free=True, cites="arXiv:2102.12781", scope="methods", draws=3)
def diffroar(explanations: Sequence[Labelled], question: AttributionQuestion) -> list[dict[str, float]]:
    """Accuracy on the strongest entries minus that on the weakest.

    Raises:
        Unsupported: no targets, too few inputs, or too few to learn from (see `_retraining.retrained`).
    """
    top, bottom = retrained_ends(explanations, question)
    return [
        {"": high - low, "top": high, "bottom": low}
        for high, low in zip(top.mean(1).tolist(), bottom.mean(1).tolist(), strict=True)
    ]
