"""Functional Fisher information: how much a feature can move the target's probability around the input (Gat et al.
2022).

    A_i(x) = E over z ~ N(x, S) of  S_ii (d p_t / d x_i (z))^2 / p_t(z),     S: the variances of the background

By the logarithmic Sobolev inequality twice the functional entropy of p_t under this noise is at most the sum of all
A_i: a feature without information gets nothing. Never negative. The covariance is taken to be diagonal here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import select


@attribution_method(cites="arXiv:2206.05700")
def functional_information(question: AttributionQuestion, *, samples: int = 32, scale: float = 0.1) -> Tensor:
    """The information of each entry over `samples` draws; the noise has `scale` times the background's variance."""
    if question.targets is None:
        raise Unsupported("functional_information is about the probability of a class, and the model has none")
    generator = torch.Generator().manual_seed(question.seed)
    variance = scale * question.background.var(0, correction=0)
    total = torch.zeros_like(question.inputs)
    for _ in range(samples):
        draw = torch.randn(question.inputs.shape, generator=generator).to(question.inputs)
        points = (question.inputs + variance.sqrt() * draw).requires_grad_()
        # (dp)^2 / p = p (d log p)^2, which is exact where p is tiny
        logarithm = select(question.model(points).log_softmax(1), question.targets)
        (slope,) = torch.autograd.grad(logarithm.sum(), points)
        probability = logarithm.detach().exp().view(-1, *[1] * (points.dim() - 1))
        total += variance * probability * slope**2
    return total / samples
