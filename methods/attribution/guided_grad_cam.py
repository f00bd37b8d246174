"""Guided Grad-CAM: guided backpropagation times Grad-CAM, entry by entry (Selvaraju et al. 2016)."""

from __future__ import annotations

from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution.grad_cam import grad_cam, last_convolution
from methods.attribution.guided_backprop import guided_backprop


@attribution_method(cites="arXiv:1610.02391")
def guided_grad_cam(question: AttributionQuestion) -> Tensor:
    """The product of both maps; needs a convolution, and nn.ReLU modules for all activations."""
    last_convolution(question, "guided_grad_cam")
    return guided_backprop(question) * grad_cam(question)
