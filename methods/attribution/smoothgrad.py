"""SmoothGrad: the input gradient, averaged over noisy copies of the input (Smilkov et al. 2017).

A(x) = mean over k of  d f_t / d x (x + e_k),     e_k ~ N(0, (noise * (max x - min x))^2)
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import noisy_gradients


@attribution_method(cites="arXiv:1706.03825")
def smoothgrad(question: AttributionQuestion, *, samples: int = 32, noise: float = 0.15) -> Tensor:
    """The mean gradient over `samples` copies with noise of `noise` times the input's range."""
    total = torch.zeros_like(question.inputs)
    for gradient in noisy_gradients(question, samples, noise):
        total += gradient
    return total / samples
