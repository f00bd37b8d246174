"""Deconvnet: the target's logit projected back through the net, a ReLU on the way back (Zeiler and Fergus 2013).

backward through a ReLU:  R_in = R_out * [R_out > 0]          (whether the unit was active does not count)
"""

from __future__ import annotations

from captum.attr import Deconvolution
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import MAX_POOLING, RELU, quiet, require_rewritable
from methods.attribution._frozen import require_affine_between


@attribution_method(cites="arXiv:1311.2901")
def deconvnet(question: AttributionQuestion) -> Tensor:
    """Deconvolution of the target's logit; needs a net whose only activations are nn.ReLU modules."""
    if not any(type(module) is nn.ReLU for module in question.model.modules()):
        raise Unsupported("deconvnet changes what nn.ReLU modules do, and the model has none")
    require_rewritable(question, {**RELU, **MAX_POOLING}, "deconvnet")
    require_affine_between(question, "deconvnet")
    with quiet():
        attributions: Tensor = Deconvolution(question.model).attribute(question.inputs, target=question.targets)
        return attributions
