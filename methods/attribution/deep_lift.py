"""DeepLIFT, rescale rule: contributions of differences from a baseline, layer by layer (Shrikumar et al. 2017).

    through an activation:  m = (s(z) - s(z_b)) / (z - z_b) in place of s'(z)
    A(x) = (x - b) * the multipliers, chained backwards as gradients are

Complete: the attributions sum to f_t(x) - f_t(b). That is checked here, since Captum treats an activation that it does
not know as linear without a word.
"""

from __future__ import annotations

from captum.attr import DeepLift
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import RESCALED, quiet, require_rewritable

TOLERANCE = 1e-3


@attribution_method(cites="arXiv:1704.02685")
def deep_lift(question: AttributionQuestion) -> Tensor:
    """DeepLIFT from the question's baseline; needs activations that it knows, each a module of its own."""
    require_rewritable(question, RESCALED, "deep_lift")
    with quiet():
        attributions, delta = DeepLift(question.model).attribute(
            question.inputs, baselines=question.baseline[None], target=question.targets, return_convergence_delta=True
        )
    scale = 1 + attributions.detach().flatten(1).abs().sum(1)
    worst = float((delta.detach().abs() / scale).max())
    if worst > TOLERANCE:
        raise Unsupported(
            f"deep_lift is not complete on this model: the attributions miss f(x) - f(baseline) by {worst:.2g} of their"
            f" magnitude (at most {TOLERANCE:g}), so that it treats something as linear that is not"
        )
    detached: Tensor = attributions.detach()
    return detached
