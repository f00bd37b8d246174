"""Saliency: the magnitude of the input gradient (Simonyan et al. 2013).

    A(x) = | d f_t / d x |

What most libraries call saliency. Every metric that ranks by magnitude gives it the gradient's score; where signs
count, as against an analytic derivative, it loses them.
"""

from __future__ import annotations

from captum.attr import Saliency
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import quiet


@attribution_method(cites="arXiv:1312.6034")
def saliency_abs(question: AttributionQuestion) -> Tensor:
    """The magnitude of the gradient of the target's output."""
    with quiet():
        attributions: Tensor = Saliency(question.model).attribute(question.inputs, target=question.targets, abs=True)
        return attributions
