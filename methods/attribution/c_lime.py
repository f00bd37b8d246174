"""C-LIME: a linear model of the output over Gaussian neighbours of the input (Agarwal et al. 2021).

    A(x) = argmin over w of  E (f_t(x + e) - c - w.e)^2,     e ~ N(0, (noise * range(x))^2)
         = E [ e f_t(x + e) ] / var e

In expectation this is SmoothGrad with the same noise (the same paper), without a gradient. The estimate uses pairs
x + e, x - e, so that the constant drops out exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import noisy_copies, select


@attribution_method(cites="arXiv:2102.10618")
@torch.no_grad()
def c_lime(question: AttributionQuestion, *, samples: int = 256, noise: float = 0.15) -> Tensor:
    """The slope over `samples` pairs of neighbours; the noise is `noise` times each input's range."""
    total, square = torch.zeros_like(question.inputs), torch.zeros_like(question.inputs)
    ones = [1] * (question.inputs.dim() - 1)
    for copy in noisy_copies(question, samples, noise):
        step = copy - question.inputs
        ahead, behind = (select(question.model(question.inputs + s), question.targets) for s in (step, -step))
        total += step * ((ahead - behind) / 2).view(-1, *ones)
        square += step**2
    spread = square.flatten(1).mean(1).view(-1, *ones)
    return torch.where(spread > 0, total / spread.clamp_min(torch.finfo(spread.dtype).tiny), 0)
