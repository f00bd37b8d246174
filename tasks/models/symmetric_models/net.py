"""A perceptron whose weights are so tied that no move of a group changes its answer, and a pair of them in training.

    units that move as the entries do  ->  ReLU  ->  sums over all places  ->  ReLU  ->  two logits

Ties are indices: weight = free[index]. So the trained net is a plain chain of linear layers and ReLUs, which holds no
trace of how it was made, and the same code trains a net without ties, where every weight is a number of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from tasks.models.symmetric_models.groups import Group

CLASSES = 2
ENTRY = 1
"""A channel has a unit at each place to which moves bring this entry. Only those that move no pattern leave it where it
is, so that each place of a pattern has a unit of its own."""
Index = Mapping[str, Int[Tensor, "..."]]


def net(group: Group, channels: int, width: int) -> nn.Sequential:
    """The architecture."""
    entries, units = group.generators.shape[1], channels * len(group.orbit(ENTRY))
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(entries, units),
        nn.ReLU(),
        nn.Linear(units, width),
        nn.ReLU(),
        nn.Linear(width, CLASSES),
    )


def ties(group: Group, channels: int, width: int, *, tied: bool) -> Index:
    """For each parameter of `net`, which of its weights are one number."""
    if not tied:
        named = net(group, channels, width).named_parameters()
        return {name: torch.arange(weight.numel()).view(weight.shape) for name, weight in named}
    one = group.tied(group.orbit(ENTRY))
    kinds = int(one.max()) + 1
    channel = torch.arange(channels).repeat_interleave(len(one))
    return {
        "1.weight": (torch.arange(channels)[:, None, None] * kinds + one).flatten(0, 1),
        "1.bias": channel,
        "3.weight": torch.arange(width)[:, None] * channels + channel,
        "3.bias": torch.arange(width),
        "5.weight": torch.arange(CLASSES * width).view(CLASSES, width),
        "5.bias": torch.arange(CLASSES),
    }


class Pair:
    """The free numbers of two nets with the same ties, side by side."""

    def __init__(self, index: Index, generator: torch.Generator) -> None:
        """Weights are drawn as linear layers draw theirs, within 1 / sqrt(inputs)."""
        self.index = index
        self.free = {}
        for name, of in index.items():
            reach = 1 / math.sqrt(index[f"{name[0]}.weight"].shape[1])
            drawn = (2 * torch.rand(2, int(of.max()) + 1, generator=generator) - 1) * reach
            self.free[name] = drawn

    def to(self, device: torch.device) -> Pair:
        """Move all numbers; they are to be learned from here on."""
        self.index = {name: of.to(device) for name, of in self.index.items()}
        self.free = {name: free.to(device).requires_grad_() for name, free in self.free.items()}
        return self

    def logits(self, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, "2 n classes"]:
        """What both nets say of the same inputs."""
        found = inputs.flatten(1).expand(2, -1, -1)
        for layer in "135":
            weight, bias = (self.free[name][:, self.index[name]] for name in (f"{layer}.weight", f"{layer}.bias"))
            found = torch.baddbmm(bias[:, None], found if layer == "1" else F.relu(found), weight.mT)
        return found

    def weights(self, which: int) -> dict[str, Tensor]:
        """The parameters of one net, as `net` names them."""
        return {name: free[which].detach()[self.index[name]].cpu() for name, free in self.free.items()}
