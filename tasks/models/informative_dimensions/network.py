"""The network above the activations: it answers the class of `used` and that of `xor`, and never reads `unused`."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tasks.models.informative_dimensions.plant import CLASSES

USED = (("used", 0, 0), ("xor", 2, 1))
"""What the network reads: name, number of the concept, column among its answers."""


def build(width: int) -> nn.Sequential:
    """The network from `width` activations to the 6 logits of `split`."""
    return nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, CLASSES[0] + CLASSES[2]))


def initialised(network: nn.Sequential, generator: torch.Generator) -> nn.Sequential:
    """Draw the weights: Gaussian of variance 1 / inputs, and no bias."""
    for layer in (network[0], network[2]):
        assert isinstance(layer, nn.Linear)
        nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=generator)
        nn.init.zeros_(layer.bias)
    return network


def split(outputs: Float[Tensor, "n 6"]) -> tuple[Float[Tensor, "n 4"], Float[Tensor, "n 2"]]:
    """Logits of `used` and of `xor`."""
    return outputs[:, : CLASSES[0]], outputs[:, CLASSES[0] :]


def answers(outputs: Float[Tensor, "n 6"]) -> Int[Tensor, "n 2"]:
    """What the network says: the class of `used` and the class of `xor`."""
    return torch.stack([logits.argmax(1) for logits in split(outputs)], 1)
