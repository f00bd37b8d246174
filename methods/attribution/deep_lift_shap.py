"""DeepLIFT SHAP: DeepLIFT from many baselines, averaged (Lundberg and Lee 2017).

    A(x) = mean over k of DeepLIFT(x; b_k),     b_k from the background

Complete on average: the attributions sum to f_t(x) less the mean of f_t over the baselines drawn.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution.deep_lift import deep_lift


@attribution_method(cites="arXiv:1705.07874")
def deep_lift_shap(question: AttributionQuestion, *, samples: int = 8) -> Tensor:
    """The mean of DeepLIFT over `samples` baselines from the background, the same for all inputs."""
    generator = torch.Generator().manual_seed(question.seed)
    chosen = torch.randperm(len(question.background), generator=generator)[:samples].tolist()
    found = [deep_lift(replace(question, baseline=question.background[one])) for one in chosen]
    return torch.stack(found).mean(0)
