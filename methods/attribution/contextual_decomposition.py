"""Contextual decomposition: what of the output is due to one patch alone (Murdoch et al. 2018; Singh et al. 2018).

    h = beta + gamma:  beta from the patch, gamma from the rest
    linear:  beta' = W beta + share of the bias by |W beta| / (|W beta| + |W gamma|);   ReLU:  beta' = relu(beta)

A patch's value is beta at the target. The two parts always sum to the network's own activations.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import select
from methods.attribution._patches import cut

KNOWN = (nn.Flatten, nn.Linear, nn.Conv2d, nn.ReLU, nn.Identity)


@attribution_method(cites="arXiv:1806.05337")
@torch.no_grad()
def contextual_decomposition(question: AttributionQuestion, *, across: int = 8) -> Tensor:
    """Each patch's part of the target's output; needs a chain of linear layers, convolutions and ReLUs."""
    layers = list(question.model) if isinstance(question.model, nn.Sequential) else []
    if not layers or not all(type(layer) in KNOWN for layer in layers):
        raise Unsupported("contextual_decomposition needs a chain of nn.Flatten, nn.Linear, nn.Conv2d and nn.ReLU")
    patches = cut(question, across)
    parts = []
    for patch in range(patches.count):
        inside = patches.of == patch
        relevant = torch.where(inside, question.inputs, 0)
        rest = question.inputs - relevant
        for layer in layers:
            relevant, rest = _through(layer, relevant, rest)
        parts.append(select(relevant, question.targets))
    return patches.spread(torch.stack(parts, 1))


def _through(
    layer: nn.Module, relevant: Float[Tensor, "n ..."], rest: Float[Tensor, "n ..."]
) -> tuple[Float[Tensor, "n ..."], Float[Tensor, "n ..."]]:
    """Both parts behind a layer."""
    if isinstance(layer, nn.ReLU):
        kept = relevant.relu()
        return kept, (relevant + rest).relu() - kept
    if not isinstance(layer, nn.Linear | nn.Conv2d):
        return layer(relevant), layer(rest)
    whole = layer(relevant + rest)
    if isinstance(layer, nn.Linear):
        one, other = F.linear(relevant, layer.weight), F.linear(rest, layer.weight)
    else:
        zero = layer(torch.zeros_like(relevant))
        one, other = layer(relevant) - zero, layer(rest) - zero
    bias = whole - one - other
    share = one.abs() / (one.abs() + other.abs()).clamp_min(torch.finfo(one.dtype).tiny)
    kept = one + share * bias
    return kept, whole - kept
