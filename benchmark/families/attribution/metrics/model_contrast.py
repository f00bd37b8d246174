"""Model contrast score (Yang and Kim 2019, arXiv:1907.09701): does an object matter more to the model that reads it?

    model_contrast = mean over inputs of  a(model that uses the region, x) - a(model that does not, x)

The same pictures of objects on scenes are given to two classifiers: the label of one is the object, of the other the
scene. Within the object's pixels, an explanation of the first should mark more than one of the second; one that never
looks at the model marks the same for both and gets 0. The region attribution a(x) stands in `_pairs.py`.

A task declares both classifiers as `subjects` by role, and has a variant for each whose `pose` hands over one model and
the same inputs; the two truths share a `Contrast`. The paper counts inputs that both models classify correctly; to
choose them is the task's part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.attribution.metrics._pairs import each_pair, region_attribution
from benchmark.families.family import Labelled
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="higher", cites="arXiv:1907.09701", needs=("contrast",), scope="variants")
def model_contrast(explanations: Sequence[Labelled]) -> list[dict[str, float] | None]:
    """How much more is marked in the region for the model that uses it; one value for both variants of a pair.

    Sub-scores: `used` and `unused`, the region attribution of either model; skills of the latter rise as it falls.

    Raises:
        Unsupported: no pair is complete, as where the method failed on one of its variants.
        TouchstoneError: the variants of a pair do not share inputs and region, or are more than two.
    """
    return each_pair(explanations, "contrast", "used", _contrast, "models")


def _contrast(user: Labelled, other: Labelled, region: Bool[Tensor, "n ..."]) -> dict[str, float]:
    if not torch.equal(user.question.inputs, other.question.inputs):
        raise TouchstoneError(f"variants {user.variant} and {other.variant} do not explain the same inputs")
    used, unused = (region_attribution(one.explanation, region) for one in (user, other))
    return {"": float((used - unused).mean()), "used": float(used.mean()), "unused": float(unused.mean())}
