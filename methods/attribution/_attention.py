"""What a model attends to: the weights of its attention layers, and the slopes of the output along them.

The protocol: an attention layer passes its weights [n, heads, queries, keys], or [n, queries, keys] for one head,
through an nn.Softmax module; there they are found. Each layer attends from all places of the input to all of them, and
reads what the layers before it wrote. `torch.nn.MultiheadAttention` and fused kernels show no weights, and are not
seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion
from methods.attribution._gradients import select

ROUNDING = 1e-3
"""By how much a row of weights may miss 1."""


@dataclass(frozen=True, eq=False)
class Attended:
    """The attention of a model on each input, from the first layer to the last."""

    weights: list[Float[Tensor, "n heads t t"]]
    """Row q: how much place q takes from each place."""
    slopes: list[Float[Tensor, "n heads t t"]]
    """The gradient of the target's output with respect to the weights."""

    @property
    def read(self) -> Float[Tensor, "n t"]:
        """Of the places that the output is read from, equal shares: those whose last attention moves it."""
        moving = (self.slopes[-1] != 0).any(3).any(1).float()
        shares: Tensor = moving / moving.sum(1, keepdim=True).clamp(min=1)
        return shares


def attended(question: AttributionQuestion, method: str) -> Attended:
    """Run the model once and keep what its attention layers do.

    Raises:
        Unsupported: the question is not about places of sequences, or the model has no attention layer that follows the
            protocol, or layers that do not follow one another.
    """
    if not question.sequential:
        raise Unsupported(
            f"{method} ranks the places of sequences [n, c, t], got inputs of {list(question.inputs.shape[1:])}"
            + ("" if question.per_pixel else ", of which all entries are asked for")
        )
    places = question.inputs.shape[2]
    seen: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda _module, _arguments, output: seen.append(output))
        for module in question.model.modules()
        if isinstance(module, nn.Softmax)
    ]
    try:
        with torch.enable_grad():
            outputs = select(question.model(question.inputs.detach().clone().requires_grad_()), question.targets)
    finally:
        for handle in handles:
            handle.remove()
    layers = [weights for weights in seen if weights.dim() in (3, 4) and weights.shape[-2:] == (places, places)]
    if not layers:
        shapes = ", ".join(str(list(weights.shape[1:])) for weights in seen) or "none"
        raise Unsupported(
            f"{method} needs attention layers whose weights [heads, {places}, {places}] leave an nn.Softmax module; of"
            f" such modules the model shows {shapes}"
        )
    for weights in layers:
        if float((weights.detach().sum(-1) - 1).abs().max()) > ROUNDING:
            raise Unsupported(f"{method} needs weights that add up to 1 over the keys, in the last dimension")
    for number, (earlier, later) in enumerate(pairwise(layers), 1):
        if torch.autograd.grad(later.sum(), earlier, retain_graph=True, allow_unused=True)[0] is None:
            raise Unsupported(
                f"{method} needs attention layers one behind the other, and layer {number + 1} does not read {number}"
            )
    slopes = torch.autograd.grad(outputs.sum(), layers, allow_unused=True)
    if any(slope is None for slope in slopes):
        raise Unsupported(f"{method} needs an output that depends on all attention layers")
    heads = [weights.detach().view(len(weights), -1, places, places) for weights in layers]
    return Attended(heads, [slope.view_as(weights) for slope, weights in zip(slopes, heads, strict=True)])
