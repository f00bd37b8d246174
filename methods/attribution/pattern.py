"""Pattern: what varies with the output, in place of what it is computed from (Haufe et al. 2014).

    A_i = Cov(x_i, f_t) / Var(f_t)     over the background, the same for every input

A linear model reads a signal by weights that also cancel noise: a suppressor, which carries nothing about the label,
has weight. Its covariance with the output is zero, so that the pattern leaves it blank, up to the sampling of the
background.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="doi:10.1016/j.neuroimage.2013.10.067")
@torch.no_grad()
def pattern(question: AttributionQuestion) -> Tensor:
    """One map for each target: the regression of the background's entries on the target's output."""
    outputs = question.model(question.background)
    outputs = outputs.view(len(question.background), -1).double()
    entries = question.background.flatten(1).double()
    outputs, entries = outputs - outputs.mean(0), entries - entries.mean(0)
    variance = outputs.square().mean(0)
    maps = outputs.T @ entries / len(entries) / variance.clamp_min(torch.finfo(variance.dtype).tiny)[:, None]
    own = maps[question.targets] if question.targets is not None else maps.expand(len(question.inputs), -1)
    attributions: Tensor = own.view(question.inputs.shape).float()
    return attributions
