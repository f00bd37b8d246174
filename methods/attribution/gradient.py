"""Gradient: how the target's logit answers to a small change of each input entry (Simonyan et al. 2013).

    A(x) = d f_t(x) / d x

The sign is kept (Captum's default is the magnitude). In a ReLU net the gradient is the exact local linear model: it
says what matters for a small change, which need not be what the whole answer rests on.
"""

from __future__ import annotations

from captum.attr import Saliency
from torch import Tensor

from benchmark.families.attribution import AttributionSubject, attribution_method
from methods.attribution._captum import quiet


@attribution_method(cites="arXiv:1312.6034")
def gradient(subject: AttributionSubject) -> Tensor:
    """The gradient of the target's logit with respect to the input."""
    with quiet():
        attributions: Tensor = Saliency(subject.model).attribute(subject.inputs, target=subject.targets, abs=False)
        return attributions
