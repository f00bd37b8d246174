"""Two small classifiers of series, as images [1, channels, steps]: a convolution over time and a recurrent net."""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Architecture = Literal["cnn", "rnn"]


def cnn(channels: int, steps: int, width: int, kernel: int = 5) -> nn.Module:
    """A filter over time and all channels, a layer at each step, and the mean over steps."""
    half = kernel // 2
    return nn.Sequential(
        *(nn.Conv2d(1, width, (channels, kernel), padding=(0, half)), nn.ReLU()),
        *(nn.Conv2d(width, width, 1), nn.ReLU()),
        *(nn.AvgPool2d((1, steps)), nn.Flatten(), nn.Linear(width, 2)),
    )


class Gated(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), step by step, of plain modules.

    z, r = sigmoid(W x + U h);   c = tanh(W x + U (r h));   h' = z h + (1 - z) c

    At first it remembers about as long as the series is (Tallec and Ollivier 2018, arXiv:1804.11188).
    """

    def __init__(self, channels: int, steps: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.seen = nn.Linear(channels, 3 * width)
        self.gates = nn.Linear(width, 2 * width, bias=False)
        self.candidate = nn.Linear(width, width, bias=False)
        self.sigmoid, self.tanh = nn.Sigmoid(), nn.Tanh()
        self.answer = nn.Linear(width, 2)
        with torch.no_grad():
            self.seen.bias[:width] += math.log(max(steps - 1, 1))

    def forward(self, x: Float[Tensor, "n 1 c t"]) -> Float[Tensor, "n classes"]:
        """The logits after the last step."""
        width = self.width
        seen = self.seen(x[:, 0].transpose(1, 2))
        state = seen.new_zeros(len(x), width)
        for step in seen.unbind(1):
            keep, reset = self.sigmoid(step[:, : 2 * width] + self.gates(state)).split(width, 1)
            fresh = self.tanh(step[:, 2 * width :] + self.candidate(reset * state))
            state = fresh + keep * (state - fresh)
        logits: Tensor = self.answer(state)
        return logits
