"""DeepLIFT, rescale rule: contributions of differences from a baseline, layer by layer (Shrikumar et al. 2017).

    through an activation:  m = (s(z) - s(z_b)) / (z - z_b) in place of s'(z)
    A(x) = (x - b) * the multipliers, chained backwards as gradients are

Complete: the attributions sum to f_t(x) - f_t(b). That is checked here, since Captum treats an activation that it does
not know as linear without a word.
"""

from __future__ import annotations

import torch
from captum.attr import DeepLift
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import RESCALED, quiet, require_rewritable
from methods.attribution._exactness import TOLERANCE, doubled, relative_gap
from methods.attribution._gradients import select


@attribution_method(cites="arXiv:1704.02685")
def deep_lift(question: AttributionQuestion) -> Tensor:
    """DeepLIFT from the question's baseline; needs activations that it knows, each a module of its own."""
    require_rewritable(question, RESCALED, "deep_lift")
    exact = doubled(question)
    with quiet():
        attributions: Tensor = DeepLift(exact.model).attribute(
            exact.inputs, baselines=exact.baseline[None], target=exact.targets
        )
    attributions = attributions.detach()
    with torch.no_grad():
        baselines = exact.baseline.expand_as(exact.inputs)
        start, end = (select(exact.model(points), exact.targets) for points in (baselines, exact.inputs))
    gap = relative_gap(attributions, start, end)
    if gap > TOLERANCE:
        raise Unsupported(
            f"deep_lift is not complete on this model: the attributions miss f(x) - f(baseline) by {gap:.2g} of their"
            f" magnitude (at most {TOLERANCE:g}), so that it treats something as linear that is not"
        )
    return attributions.float()
