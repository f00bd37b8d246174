"""A net that looks at patches which never cross a cell's border, and cuts cells off somewhere on the way.

    image -> [2 x 2 patches, ReLU] -> [2 x 2 patches, ReLU] -> [2 x 2 patches, ReLU] -> both layers of a perceptron
            ^ depth 0             ^ depth 1               ^ depth 2                ^ depth 3

Behind the third block, a cell is one position of a 2 x 2 map. Until they are cut off, the features of all cells are
computed alike. There are two ways to cut them off, which make one and the same function of the input:

    erased       h is multiplied by 1 where a cell is seen, by 0 where it is not
    cancelled    relu(h) - relu(m h), from two ReLU modules, with m = 1 where a cell is not seen and 0 elsewhere

In both the output is the same to the last bit whatever the cells show that are cut off, and its gradient there is 0. A
rule that treats the two ReLUs differently because the gradient that arrives has another sign makes something of
nothing: methods should not depend on how a function is implemented (Sundararajan, Taly and Yan 2017, arXiv:1703.01365).
"""

from __future__ import annotations

from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor, nn

Cut = Literal["erased", "cancelled"]
BLOCKS = 3
CHANNELS = (1, 16, 16, 24)
CLASSES = 3


class Erased(nn.Module):
    """The features of some cells set to 0."""

    kept: Tensor

    def __init__(self, seen: Bool[Tensor, "2 2"], side: int) -> None:
        super().__init__()
        self.register_buffer("kept", _enlarged(seen, side))

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Multiply by 0 or 1."""
        return features * self.kept


class Cancelled(nn.Module):
    """ReLU, and the same subtracted again from some cells."""

    hidden: Tensor

    def __init__(self, seen: Bool[Tensor, "2 2"], side: int) -> None:
        super().__init__()
        self.first, self.second = nn.ReLU(), nn.ReLU()
        self.register_buffer("hidden", _enlarged(~seen, side))

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The difference of two equal activations, where a cell is not seen.

        Each ReLU gets a tensor of its own: hooks on what comes in would see the gradients of both.
        """
        difference: Tensor = self.first(features.clone()) - self.second(self.hidden * features)
        return difference


def build(seen: Bool[Tensor, "2 2"], depth: int, cut: Cut, pixels: int) -> nn.Sequential:
    """An untrained net on images of `pixels` a side."""
    layers: list[nn.Module] = []
    side = pixels
    if depth == 0:
        layers.append(Erased(seen, side))
    for block in range(1, BLOCKS + 1):
        side //= 2
        layers.append(nn.Conv2d(CHANNELS[block - 1], CHANNELS[block], 2, stride=2))
        if block == depth and cut == "cancelled":
            layers.append(Cancelled(seen, side))
        else:
            layers.append(nn.ReLU())
            if block == depth:
                layers.append(Erased(seen, side))
    width = CHANNELS[-1] * side * side
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, CLASSES))


def _enlarged(cells: Bool[Tensor, "2 2"], side: int) -> Float[Tensor, "1 1 h w"]:
    size = side // len(cells)
    return cells.float().repeat_interleave(size, 0).repeat_interleave(size, 1)[None, None]
