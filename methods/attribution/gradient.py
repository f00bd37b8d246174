"""Gradient: how the target's logit answers to a small change of each input entry (Simonyan et al. 2013).

    A(x) = d f_t(x) / d x

The sign is kept (Captum's default is the magnitude). In a ReLU net the gradient is the exact local linear model: it
says what matters for a small change, which need not be what the whole answer rests on.
"""

from __future__ import annotations

from captum.attr import Saliency
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import quiet


@attribution_method(cites="arXiv:1312.6034")
def gradient(question: AttributionQuestion) -> Tensor:
    """The gradient of the target's logit with respect to the input."""
    with quiet():
        attributions: Tensor = Saliency(question.model).attribute(question.inputs, target=question.targets, abs=False)
        return attributions
