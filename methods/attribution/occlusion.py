"""Occlusion: how much the target's logit falls when a window is set to the baseline (Zeiler and Fergus 2013).

    A_i(x) = mean over the windows W that cover i of  f_t(x) - f_t(x with x_W = b_W)

Windows slide over the last two dimensions and cover all channels. The entries of vectors and the places of sequences
are occluded one by one, and so are several series, piece by piece.
"""

from __future__ import annotations

from captum.attr import Occlusion
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:1311.2901")
def occlusion(question: AttributionQuestion, *, window: int = 4, stride: int = 2) -> Tensor:
    """The mean fall of the logit over the windows of side `window` that cover an entry, every `stride` entries."""
    shape = tuple(question.inputs.shape[1:])
    sides: tuple[int, ...]
    strides: tuple[int, ...]
    if len(shape) == 1:
        sides, strides = (1,), (1,)
    elif question.sequential:
        sides, strides = (shape[0], 1), (shape[0], 1)
    else:
        channels = (*shape[:-2], 1) if question.series else shape[:-2]
        sides = (*channels, *(min(window, side) for side in shape[len(channels) :]))
        strides = (*channels, *(min(stride, side) for side in sides[len(channels) :]))
    attributions: Tensor = Occlusion(question.model).attribute(
        question.inputs,
        sliding_window_shapes=sides,
        strides=strides,
        baselines=question.baseline[None],
        target=question.targets,
        perturbations_per_eval=8,
    )
    return attributions
