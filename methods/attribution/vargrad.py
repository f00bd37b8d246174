"""VarGrad: the variance of the gradients at noisy copies of the input (Adebayo et al. 2018).

    A(x) = mean over k of  (g_k - mean g)^2,     g_k = d f_t / d x (x + e_k),  e_k ~ N(0, (noise * (max x - min x))^2)

It has no sign and is 0 for a linear model: it marks where the model's answer to an entry depends on the rest.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import noisy_gradients


@attribution_method(cites="arXiv:1810.03292")
def vargrad(question: AttributionQuestion, *, samples: int = 32, noise: float = 0.15) -> Tensor:
    """The variance of the gradient over `samples` copies with noise of `noise` times the input's range."""
    mean, spread = torch.zeros_like(question.inputs), torch.zeros_like(question.inputs)
    for count, gradient in enumerate(noisy_gradients(question, samples, noise), start=1):
        # Welford's update: no difference of large squares
        change = gradient - mean
        mean += change / count
        spread += change * (gradient - mean)
    return spread / samples
