"""Layer-wise relevance propagation by Captum, where it is right.

Captum propagates through modules by their rules and through everything else by autograd, without a word: a sum of two
branches hands its whole relevance to each of them. So a model must be a chain of layers that have a rule.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule, PropagationRule
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion
from methods.attribution._captum import MAX_POOLING, RELU, operations, quiet, require_rewritable
from methods.attribution._frozen import require_affine_between

WEIGHTED = (nn.Linear, nn.Conv2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
SHAPING = (nn.Flatten, nn.Unflatten)


def relevance(question: AttributionQuestion, rule: Callable[[int, nn.Module], PropagationRule], method: str) -> Tensor:
    """Relevance of the inputs [n, *shape]; `rule(depth, layer)` is that of each layer with weights.

    Raises:
        Unsupported: the model is no chain of linear layers, convolutions, poolings and ReLUs.
    """
    require_rewritable(question, {**RELU, **MAX_POOLING}, method)
    require_affine_between(question, method)
    model = copy.deepcopy(question.model)
    model.requires_grad_(False)
    with torch.enable_grad():
        _, joining = operations(model(question.inputs[:1].clone().requires_grad_()))
    if joining:
        raise Unsupported(
            f"{method} needs a chain of layers, and this model joins branches ({', '.join(sorted(joining))})"
        )
    depth = 0
    for module in model.modules():
        if any(module.children()):
            continue
        if isinstance(module, WEIGHTED):
            module.rule = rule(depth, module)
            depth += 1
        elif isinstance(module, SHAPING):
            module.rule = EpsilonRule()
        elif not isinstance(module, (nn.ReLU, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.Dropout, nn.Identity)):
            raise Unsupported(f"{method} has no rule for {type(module).__name__}")
    with quiet():
        attributions: Tensor = LRP(model).attribute(question.inputs.clone(), target=question.targets)
    return attributions.detach()
