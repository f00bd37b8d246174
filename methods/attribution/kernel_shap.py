"""Kernel SHAP: Shapley values of patches by regression on sampled coalitions (Lundberg and Lee 2017).

    minimise over w:  E over z of (f_t(x_z) - f_t(b) - w.z)^2     with  sum w = f_t(x) - f_t(b)
    z: of size k with probability ~ 1 / (k (p - k)), uniform among its size; each drawn with its complement

Drawn so, the Shapley kernel is in the sampling and the regression has no weights (Covert and Lee 2021,
arXiv:2012.01536). Interventional: an absent patch shows the baseline, whatever the others are. Complete.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._patches import cut, ends, values


@attribution_method(cites="arXiv:1705.07874")
def kernel_shap(question: AttributionQuestion, *, samples: int = 512, across: int = 8) -> Tensor:
    """Shapley values of the patches from `samples` coalitions that all inputs share."""
    patches = cut(question, across)
    empty, full = ends(question, patches).double()
    if patches.count == 1:
        return patches.spread((full - empty)[:, None]).float()
    present = coalitions(patches.count, samples // 2, torch.Generator().manual_seed(question.seed))
    present = present.to(patches.of.device)
    outputs, design = values(question, patches, present).double() - empty, present.double()
    gram = design.T @ design / len(design) + 1e-9 * torch.eye(patches.count, device=design.device).double()
    free = torch.linalg.solve(gram, design.T @ outputs / len(design))
    ones = torch.linalg.solve(gram, torch.ones(patches.count, 1, device=design.device).double())
    weights = free - ones * (free.sum(0) - (full - empty)) / ones.sum()
    return patches.spread(weights.T).float()


def coalitions(count: int, pairs: int, generator: torch.Generator) -> Bool[Tensor, "s p"]:
    """`pairs` coalitions of `count` patches by the Shapley kernel, and their complements."""
    sizes = torch.arange(1, count).double()
    drawn = 1 + torch.multinomial(1 / (sizes * (count - sizes)), pairs, replacement=True, generator=generator)
    ranks = torch.rand(pairs, count, generator=generator).argsort(1).argsort(1)
    chosen = ranks < drawn[:, None]
    return torch.cat([chosen, ~chosen])
