"""SmoothGrad of integrated gradients: their mean over noisy copies of the input (Smilkov et al. 2017).

A(x) = mean over k of IG(x + e_k),     e_k ~ N(0, (noise * range(x))^2)
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import noisy_integrals


@attribution_method(cites="arXiv:1706.03825")
def smoothgrad_ig(question: AttributionQuestion, *, samples: int = 16, noise: float = 0.15, steps: int = 16) -> Tensor:
    """The mean of integrated gradients over `samples` copies with noise of `noise` times the input's range."""
    return torch.stack(list(noisy_integrals(question, samples, noise, steps))).mean(0)
