"""Gradient SHAP (expected gradients): integrated gradients with baselines from the training data (Erion et al. 2019).

    A(x) = mean over k of  (x - b_k) * d f_t / d x (b_k + a_k (x - b_k)),     b_k from the background,  a_k ~ U(0, 1)

An unbiased estimate of Aumann-Shapley values averaged over the background; no single baseline is privileged. Introduced
as GradientExplainer in the SHAP library (Lundberg and Lee 2017, arXiv:1705.07874).
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import gradient_at


@attribution_method(cites="arXiv:1906.10670")
def gradient_shap(question: AttributionQuestion, *, samples: int = 32) -> Tensor:
    """Expected gradients over `samples` pairs of a background input and a point on the way from it."""
    generator = torch.Generator().manual_seed(question.seed)
    count, device = len(question.inputs), question.inputs.device
    total = torch.zeros_like(question.inputs)
    for _ in range(samples):
        chosen = torch.randint(len(question.background), (count,), generator=generator).to(device)
        share = torch.rand(count, generator=generator).to(device).view(-1, *[1] * (question.inputs.dim() - 1))
        difference = question.inputs - question.background[chosen]
        total += difference * gradient_at(question, question.background[chosen] + share * difference)
    return total / samples
