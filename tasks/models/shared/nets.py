"""Two small classifiers in which every activation is a module of its own, as attribution libraries require.

The convolutional net ends in a linear layer over all positions instead of global average pooling: a pooled net did not
learn the task to be certified, and position is part of what is planted.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Architecture = Literal["mlp", "cnn"]


def build(architecture: Architecture, shape: tuple[int, int, int], classes: int, seed: int) -> nn.Module:
    """An untrained net on images of `shape` (channels, height, width), its initial weights drawn from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return mlp(shape, classes) if architecture == "mlp" else cnn(shape, classes)


def mlp(shape: tuple[int, int, int], classes: int, width: int = 256) -> nn.Module:
    """Two hidden layers of ReLU units."""
    inputs = shape[0] * shape[1] * shape[2]
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(inputs, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, classes),
    )


class Residual(nn.Module):
    """x + conv(relu(conv(x))), then ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.inner = nn.ReLU()
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.outer = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map `[n, channels, h, w]` to the same shape."""
        y: Tensor = self.outer(x + self.second(self.inner(self.first(x))))
        return y


def cnn(shape: tuple[int, int, int], classes: int, channels: int = 16) -> nn.Module:
    """Patches of 4 x 4 pixels, two residual blocks on the grid of patches, and a linear layer over all positions."""
    channels_in, height, width = shape
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 4, stride=4),
        nn.ReLU(),
        Residual(channels),
        Residual(channels),
        nn.Flatten(),
        nn.Linear(channels * (height // 4) * (width // 4), classes),
    )
