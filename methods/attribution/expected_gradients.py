"""Expected gradients: integrated gradients averaged over the whole background (Erion et al. 2019).

    A(x) = E over b of  integral over a in [0, 1] of  (x - b) * d f_t / d x (b + a (x - b)) da

`gradient_shap` estimates the same from pairs of a baseline and a point drawn at random. Here every baseline has its own
stretch of the path: the k-th of K, in an order drawn for each input, is asked at a point of [(k-1)/K, k/K]. The
estimate has the same mean and less noise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import gradient_at


@attribution_method(cites="arXiv:1906.10670")
def expected_gradients(question: AttributionQuestion, *, samples: int = 64) -> Tensor:
    """Expected gradients over `samples` baselines, each at a point of a stretch of its own."""
    generator = torch.Generator().manual_seed(question.seed)
    count, device = len(question.inputs), question.inputs.device
    order = torch.stack([torch.randperm(samples, generator=generator) for _ in range(count)])
    chosen = torch.randint(len(question.background), (count, samples), generator=generator).to(device)
    places = ((order + torch.rand(order.shape, generator=generator)) / samples).to(question.inputs)
    total = torch.zeros_like(question.inputs)
    for sample in range(samples):
        baselines = question.background[chosen[:, sample]]
        difference = question.inputs - baselines
        share = places[:, sample].view(-1, *[1] * (question.inputs.dim() - 1))
        total += difference * gradient_at(question, baselines + share * difference)
    return total / samples
