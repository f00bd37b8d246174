"""Shapley value sampling: the mean contribution of a patch to those before it in random orders (Strumbelj and Kononenko
2010).

    A_P(x) = mean over orders of  f_t(x with all up to P present) - f_t(x with all before P present)

Absent patches show the baseline. Each order is used forwards and backwards. Complete in every order.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._patches import cut, values


@attribution_method(cites="doi:10.5555/1756006.1756007")
def shapley_sampling(question: AttributionQuestion, *, orders: int = 6, across: int = 8) -> Tensor:
    """Shapley values of the patches from `orders` random orders and their reverses, the same for all inputs."""
    generator = torch.Generator().manual_seed(question.seed)
    patches = cut(question, across)
    total = torch.zeros(patches.count, len(question.inputs), device=patches.of.device)
    for _ in range(orders):
        forwards = torch.randperm(patches.count, generator=generator)
        for order in (forwards, forwards.flip(0)):
            places = order.argsort().to(patches.of.device)
            steps = torch.arange(patches.count + 1, device=patches.of.device)
            outputs = values(question, patches, places < steps[:, None])
            total[order.to(total.device)] += outputs.diff(dim=0)
    return patches.spread((total / (2 * orders)).T)
