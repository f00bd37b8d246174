"""SmoothGrad-Squared: the mean of the squared gradients at noisy copies of the input (Hooker et al. 2019, ROAR).

    A(x) = mean over k of  (d f_t / d x (x + e_k))^2,     e_k ~ N(0, (noise * (max x - min x))^2)

It has no sign. In ROAR it and VarGrad were the two that beat a random ranking by far.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import noisy_gradients


@attribution_method(cites="arXiv:1806.10758")
def smoothgrad_squared(question: AttributionQuestion, *, samples: int = 32, noise: float = 0.15) -> Tensor:
    """The mean squared gradient over `samples` copies with noise of `noise` times the input's range."""
    total = torch.zeros_like(question.inputs)
    for gradient in noisy_gradients(question, samples, noise):
        total += gradient.square()
    return total / samples
