"""Grad-CAM: the last convolution's maps, weighed by their mean gradient, enlarged to the input (Selvaraju et al. 2016).

    A(x) = enlarge( relu( sum over channels c of  mean(d f_t / d h_c) h_c ) )

Needs a convolutional layer. The enlargement is bilinear; all channels of the input get the same map.
"""

from __future__ import annotations

from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._captum import quiet


@attribution_method(cites="arXiv:1610.02391")
def grad_cam(question: AttributionQuestion) -> Tensor:
    """Grad-CAM at the last convolution."""
    layer = last_convolution(question, "grad_cam")
    model = question.model
    with quiet():
        coarse: Tensor = LayerGradCam(model, layer).attribute(
            question.inputs.clone().requires_grad_(), target=question.targets, relu_attributions=True
        )
    shape = question.inputs.shape
    large: Tensor = LayerAttribution.interpolate(coarse.detach(), tuple(shape[2:]), interpolate_mode="bilinear")
    return large.expand(shape).contiguous()


def last_convolution(question: AttributionQuestion, method: str) -> nn.Conv2d:
    """The last convolution of a model of images.

    Raises:
        Unsupported: there is none.
    """
    layers = [module for module in question.model.modules() if isinstance(module, nn.Conv2d)]
    if not layers or question.inputs.dim() != 4:
        raise Unsupported(f"{method} needs a convolutional layer over images, and the model has none")
    return layers[-1]
