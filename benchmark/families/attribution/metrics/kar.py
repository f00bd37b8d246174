"""KAR, keep and retrain (Hooker et al. 2019, arXiv:1806.10758): what a net can do with nothing but what was marked.

    kar = mean over 10, 30, 50, 70, 90 % of
              accuracy of a net trained and tested on so many of the strongest entries
              - accuracy of a net trained and tested on the masks without the inputs

Higher is better: the entries that were kept hold what the label can be learned from. The second term, `mask_control`,
takes away what their positions alone tell (at least what the most frequent class gets): a map in the shape of a barcode
of the label reaches an accuracy of 1 and a kar of 0. It is strict: of a mask in the shape of the digit that it marks,
the content adds little to the shape, and kar is small although the explanation is right; `accuracy` shows it.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.attribution import AttributionQuestion
from benchmark.families.attribution.metrics._retraining import retrained
from benchmark.families.family import Labelled
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="higher", truth_free=True, cites="arXiv:1806.10758", scope="methods", draws=3)
def kar(explanations: Sequence[Labelled], question: AttributionQuestion) -> list[dict[str, float]]:
    """The accuracy on kept entries beyond that on their positions; `accuracy` and `mask_control` beside it.

    Raises:
        Unsupported: no targets, too few inputs, or too few to learn from (see `_retraining.retrained`).
    """
    found = retrained(explanations, question, keep=True)
    control = found.mask.clamp(min=found.constant)
    return [
        {"": content - mask, "accuracy": content, "mask_control": mask}
        for content, mask in zip(found.content.mean(1).tolist(), control.mean(1).tolist(), strict=True)
    ]
