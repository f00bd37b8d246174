"""Gradient of random weights: the gradient of the same architecture before anything was learned (Adebayo et al. 2018).

A control: of the model it takes the layers and not their weights. What it marks, the architecture and the input mark.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import gradient_at


@attribution_method(cites="arXiv:1810.03292", control=True)
def random_weights_gradient(question: AttributionQuestion) -> Tensor:
    """The gradient of the target's output in a copy whose layers have drawn their weights anew."""
    model: Any = copy.deepcopy(question.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(question.seed)
        for module in model.modules():
            if hasattr(module, "reset_parameters"):
                module.cpu().reset_parameters()
            else:
                _draw_own(module)
    return gradient_at(replace(question, model=model.to(question.inputs.device)), question.inputs)


def _draw_own(module: nn.Module) -> None:
    """Weights that a module holds itself: normal, with the spread that they had."""
    with torch.no_grad():
        for weights in module.parameters(recurse=False):
            spread = float(weights.std()) if weights.numel() > 1 else 1.0
            weights.copy_(spread * torch.randn(weights.shape))
