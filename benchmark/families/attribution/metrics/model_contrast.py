"""Model contrast score (Yang and Kim 2019, arXiv:1907.09701): does an object matter more to the model that reads it?

    model_contrast = mean over inputs of  a(model that uses the region, x) - a(model that does not, x)

The same pictures of objects on scenes are given to two classifiers: the label of one is the object, of the other the
scene. Within the object's pixels, an explanation of the first should mark more than one of the second; one that never
looks at the model marks the same for both and gets 0. Region attribution a(x) is that of the paper: positive parts are
summed over channels, clipped at the 99th percentile of the picture, scaled to [0, 1] by its least and greatest value,
and averaged over the region. A map that is the same everywhere marks nothing: a(x) = 0.

A task declares both classifiers as `subjects` by role, and has a variant for each whose `pose` hands over one model and
the same inputs; the two truths share a `Contrast`. The paper counts inputs that both models classify correctly; to
choose them is the task's part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.family import Labelled
from benchmark.plugins import metric

CLIPPED = 0.99
"""The quantile of a map above which all values count as the greatest."""


@metric(range=(-1.0, 1.0), direction="higher", cites="arXiv:1907.09701", needs=("contrast",), scope="variants")
def model_contrast(explanations: Sequence[Labelled]) -> list[dict[str, float] | None]:
    """How much more is marked in the region for the model that uses it; one value for both variants of a pair.

    Sub-scores: `used` and `unused`, the region attribution of either model; skills of the latter rise as it falls.

    Raises:
        Unsupported: no pair is complete, as where the method failed on one of its variants.
        TouchstoneError: the variants of a pair do not share inputs and region, or are more than two.
    """
    pairs: dict[str, dict[bool, Labelled]] = {}
    for one in explanations:
        models = pairs.setdefault(one.truth.contrast.pair, {})
        if one.truth.contrast.used in models:
            raise TouchstoneError(f"got two variants for one side of pair {one.truth.contrast.pair!r}: {one.variant}")
        models[one.truth.contrast.used] = one
    values = {pair: _contrast(models[True], models[False]) for pair, models in pairs.items() if len(models) == 2}
    if not values:
        raise Unsupported("no pair of variants is complete: explanations of both models are needed")
    return [values.get(one.truth.contrast.pair) for one in explanations]


def _contrast(user: Labelled, other: Labelled) -> dict[str, float]:
    if not torch.equal(user.question.inputs, other.question.inputs):
        raise TouchstoneError(f"variants {user.variant} and {other.variant} do not explain the same inputs")
    if not torch.equal(_region(user), _region(other)):
        raise TouchstoneError(f"variants {user.variant} and {other.variant} do not share a region")
    used, unused = (region_attribution(one.explanation, _region(one)) for one in (user, other))
    return {"": float((used - unused).mean()), "used": float(used.mean()), "unused": float(unused.mean())}


def _region(one: Labelled) -> Bool[Tensor, "n ..."]:
    truth: AttributionTruth = one.truth
    assert truth.contrast is not None, "declared in `needs`"
    return truth.contrast.region.cpu()


def region_attribution(explanation: AttributionExplanation, region: Bool[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """a(x) of each input, from 0 to 1: how strongly its region is marked on the scale of its own map."""
    positive = explanation.attributions.double().clamp(min=0)
    if positive.ndim == 4:
        positive, region = positive.sum(1), region.any(1)
    strengths, inside = positive.flatten(1), region.flatten(1)
    least, most = strengths.amin(1, keepdim=True), strengths.quantile(CLIPPED, dim=1, keepdim=True)
    scaled = ((strengths - least) / (most - least).clamp(min=1e-300)).clamp(max=1)
    return (scaled * inside).sum(1) / inside.sum(1)
