"""Guided backpropagation: the gradient, with negative signals removed at every ReLU (Springenberg et al. 2014).

    backward through a ReLU:  R_in = R_out * [R_out > 0] * [z > 0]

It reconstructs inputs more than it explains decisions: Nie et al. 2018 (arXiv:1805.07039) derive why it hardly depends
on the class.
"""

from __future__ import annotations

from captum.attr import GuidedBackprop
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import MAX_POOLING, RELU, quiet, require_rewritable
from methods.attribution._frozen import require_affine_between


@attribution_method(cites="arXiv:1412.6806")
def guided_backprop(question: AttributionQuestion) -> Tensor:
    """Guided backpropagation of the target's logit; needs a net whose only activations are nn.ReLU modules."""
    if not any(type(module) is nn.ReLU for module in question.model.modules()):
        raise Unsupported("guided_backprop changes what nn.ReLU modules do, and the model has none")
    require_rewritable(question, {**RELU, **MAX_POOLING}, "guided_backprop")
    require_affine_between(question, "guided_backprop")
    with quiet():
        attributions: Tensor = GuidedBackprop(question.model).attribute(question.inputs, target=question.targets)
        return attributions
