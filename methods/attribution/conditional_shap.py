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
ROWS = 4096
"""So many points pass through the model at a time."""
RIDGE = 1e-6
"""On the diagonal of the covariance."""


@attribution_method(cites="arXiv:1903.10464", small={"samples": 8, "pairs": 24})
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
    seen = question.background.double()
    normal = seen.mean(0), seen.T.cov(correction=0) + RIDGE * torch.eye(count).to(seen)
    empty = _value(question, normal, torch.zeros(count, dtype=torch.bool), samples, generator)
    if count == 1:
        return (full - empty)[:, None].float()
    if count <= EXACT:
        present = torch.tensor(list(itertools.product([False, True], repeat=count)))[1:-1]
        sizes = present.sum(1).double()
        weight = (torch.lgamma(sizes) + torch.lgamma(count - sizes)).exp()[:, None]
    else:
        present = coalitions(count, pairs, generator)
        weight = torch.ones(len(present), 1).double()
    outputs = torch.stack([_value(question, normal, one, samples, generator) for one in present]) - empty
    design, weight = present.to(outputs), weight.to(outputs)
    gram = design.T @ (weight * design) + 1e-9 * weight.sum() * torch.eye(count).to(outputs)
    free = torch.linalg.solve(gram, design.T @ (weight * outputs))
    ones = torch.linalg.solve(gram, torch.ones(count, 1).to(outputs))
    attributions: Tensor = (free - ones * (free.sum(0) - (full - empty)) / ones.sum()).T
    return attributions.float()


def _value(
    question: AttributionQuestion,
    normal: tuple[Float[Tensor, " d"], Float[Tensor, "d d"]],
    present: Bool[Tensor, " d"],
    samples: int,
    generator: torch.Generator,
) -> Float[Tensor, " n"]:
    """The mean output with the absent features drawn given the present ones; `normal` is a mean and a covariance."""
    points, (mean, covariance) = question.inputs.double(), normal
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
    for some in noise.split(max(1, ROWS // len(points))):
        drawn = points.repeat(len(some), 1, 1)  # [draws, n, d]
        drawn[:, :, absent] = expected + some[:, None]
        targets = None if question.targets is None else question.targets.repeat(len(some))
        outputs = select(question.model(drawn.flatten(0, 1).to(question.inputs.dtype)), targets)
        total += outputs.double().view(len(some), -1).sum(0)
    return total / samples
