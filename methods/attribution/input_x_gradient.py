"""Input x gradient: the gradient, weighted by the input (Shrikumar et al. 2016).

    A(x) = x * d f_t(x) / d x

For a ReLU net without biases it is complete: its sum is the logit. Entries that are 0 get 0 whatever the model does
with them.
"""

from __future__ import annotations

from captum.attr import InputXGradient
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import quiet


@attribution_method(cites="arXiv:1605.01713")
def input_x_gradient(question: AttributionQuestion) -> Tensor:
    """The input times the gradient of the target's logit."""
    with quiet():
        attributions: Tensor = InputXGradient(question.model).attribute(question.inputs, target=question.targets)
        return attributions
