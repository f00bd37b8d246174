"""Conditional SHAP: Shapley values of E[f given the present features], features jointly Gaussian (Aas et al. 2019).

    v(S) = E [ f_t(x_S, X_rest) given X_S = x_S ],     X ~ N(mean, covariance) of the background

A feature that the model ignores gets what it tells of the others, and a suppressor what it tells of the signal once the
rest is known: conditional values say what is associated, marginal ones what is read. Exact where there are at most ten
features; beyond that coalitions are drawn as in `kernel_shap`.
"""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import select
from methods.attribution.kernel_shap import coalitions

EXACT = 10
MOST = 64


@attribution_method(cites="arXiv:1903.10464")
@torch.no_grad()
def conditional_shap(question: AttributionQuestion, *, samples: int = 64, pairs: int = 128) -> Tensor:
    """Shapley values by `samples` draws of the absent features a coalition; beyond ten features, by `pairs` of them."""
    count = question.inputs[0].numel()
    if question.inputs.dim() != 2 or count > MOST:
        raise Unsupported(
            f"conditional_shap fits a covariance to vectors of at most {MOST} features, got inputs of"
            f" {list(question.inputs.shape[1:])}"
        )
    generator = torch.Generator().manual_seed(question.seed)
    full = select(question.model(question.inputs), question.targets).double()
    empty = _value(question, torch.zeros(count, dtype=torch.bool), samples, generator)
    if count == 1:
        return (full - empty)[:, None].float()
    if count <= EXACT:
        present = torch.tensor(list(itertools.product([False, True], repeat=count)))[1:-1]
        sizes = present.sum(1).double()
        weight = (torch.lgamma(sizes) + torch.lgamma(count - sizes)).exp()[:, None]
    else:
        present = coalitions(count, pairs, generator)
        weight = torch.ones(len(present), 1).double()
    outputs = torch.stack([_value(question, one, samples, generator) for one in present]) - empty
    design, weight = present.to(outputs), weight.to(outputs)
    gram = design.T @ (weight * design) + 1e-9 * weight.sum() * torch.eye(count).to(outputs)
    free = torch.linalg.solve(gram, design.T @ (weight * outputs))
    ones = torch.linalg.solve(gram, torch.ones(count, 1).to(outputs))
    attributions: Tensor = (free - ones * (free.sum(0) - (full - empty)) / ones.sum()).T
    return attributions.float()


def _value(
    question: AttributionQuestion, present: Bool[Tensor, " d"], samples: int, generator: torch.Generator
) -> Float[Tensor, " n"]:
    """The mean output with the absent features drawn given the present ones."""
    points, seen = question.inputs.double(), question.background.double()
    mean, centred = seen.mean(0), seen - seen.mean(0)
    covariance = centred.T @ centred / len(seen) + 1e-6 * torch.eye(seen.shape[1]).to(seen)
    absent = ~present
    expected = mean[absent].expand(len(points), -1)
    left = covariance[absent][:, absent]
    if bool(present.any()):
        slope = torch.linalg.solve(covariance[present][:, present], covariance[present][:, absent])
        expected = expected + (points[:, present] - mean[present]) @ slope
        left = left - covariance[absent][:, present] @ slope
    root = torch.linalg.cholesky(left + 1e-9 * torch.eye(len(left)).to(left))
    noise = torch.randn(samples, int(absent.sum()), generator=generator).to(root) @ root.T
    noise = noise - noise.mean(0)  # the draws' own mean is no news
    total = torch.zeros(len(points)).to(points)
    for one in noise:
        drawn = points.clone()
        drawn[:, absent] = expected + one
        total += select(question.model(drawn.to(question.inputs.dtype)), question.targets)
    return total / samples
