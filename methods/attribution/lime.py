"""LIME: a linear model of the output over patches that are present or absent (Ribeiro et al. 2016).

    minimise over w, c:   sum over coalitions z of  k(z) (f_t(x_z) - c - w.z)^2 + ridge |w|^2
    k(z) = exp(-D(z)^2 / width^2),     D the cosine distance of z from "all present"

Each patch is present with probability one half. Without ridge, and on a model that is linear, w is what each patch
contributes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._patches import cut, values


@attribution_method(cites="arXiv:1602.04938")
def lime(
    question: AttributionQuestion, *, samples: int = 256, across: int = 8, width: float = 0.25, ridge: float = 1.0
) -> Tensor:
    """The weights of the linear model, fitted to `samples` coalitions that all inputs share."""
    generator = torch.Generator().manual_seed(question.seed)
    patches = cut(question, across)
    present = (torch.rand(samples, patches.count, generator=generator) < 0.5).to(patches.of.device)
    outputs = values(question, patches, present).double()
    coalitions = present.double()
    distance = 1 - (coalitions.mean(1)).sqrt()
    weight = (-((distance / width) ** 2)).exp()[:, None]
    centre, mean = ((weight * these).sum(0) / weight.sum() for these in (coalitions, outputs))
    design = coalitions - centre
    gram = design.T @ (weight * design) + ridge * torch.eye(patches.count, device=design.device).double()
    weights = torch.linalg.solve(gram, design.T @ (weight * (outputs - mean)))
    return patches.spread(weights.T).float()
