"""Blurred noise: random maps as smooth as explanations often are. It never looks at model or input.

A control for what smoothness alone earns: under retraining metrics a blurred map removes whole regions where noise
removes scattered pixels ("On Pitfalls of RemOve-And-Retrain", arXiv:2304.13836).
"""

from __future__ import annotations

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:2304.13836", control=True)
def blurred_random(question: AttributionQuestion, *, sigma: float = 2.0) -> Tensor:
    """Normal noise, blurred over the last two dimensions of images (the last one of others); no model involved."""
    shape = question.inputs.shape
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(question.seed))
    widths = [0.0] * len(shape)
    widths[-1] = sigma
    if len(shape) > 2 and not question.sequential:
        widths[-2] = sigma
    return torch.from_numpy(gaussian_filter(noise.numpy(), widths))
