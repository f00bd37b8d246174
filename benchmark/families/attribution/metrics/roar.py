"""ROAR, remove and retrain (Hooker et al. 2019, arXiv:1806.10758): what a net loses that never sees what was marked.

    roar = accuracy of a net trained on whole inputs
           - mean over 10, 30, 50, 70, 90 % of the accuracy of a net trained and tested without so many of the
             strongest entries

Higher is better here (the paper plots the accuracy, where lower is better): the explanation found what the label can
be learned from. 0 is no loss. The shape of a mask can tell the label, and a net then needs no content; this only ever
*raises* the accuracy behind it, so it cannot be gained by, and roar is a lower bound of what the content was worth.
`mask_control` says how much there was to read from the shapes alone (see `_retraining`): near `accuracy` it means that
roar is no more than that bound.

What is measured is the data as much as the model: a net retrained on the rest may learn from what the explained model
ignores. All explanations of an instance are retrained as one job, and stand on the same nets.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.attribution import AttributionQuestion
from benchmark.families.attribution.metrics._retraining import retrained
from benchmark.families.family import Labelled
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="higher", truth_free=True, cites="arXiv:1806.10758", scope="methods", draws=3)
def roar(explanations: Sequence[Labelled], question: AttributionQuestion) -> list[dict[str, float]]:
    """The accuracy that is lost with the strongest entries; `accuracy` and `mask_control` beside it.

    Raises:
        Unsupported: no targets, too few inputs, or too few to learn from (see `_retraining.retrained`).
    """
    found = retrained(explanations, question, keep=False)
    return [
        {"": found.intact - content, "accuracy": content, "mask_control": mask}
        for content, mask in zip(found.content.mean(1).tolist(), found.mask.mean(1).tolist(), strict=True)
    ]
