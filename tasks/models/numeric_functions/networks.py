"""Networks that stand for functions: one hidden layer of ReLUs, whose kinks lie where the function bends, fitted by
least squares.

The published networks (1-64-1, Adam at 0.01 on inputs up to 1000) often missed their functions by orders of
magnitude, and descriptions were then judged against the function instead of the network. Here the fit is convex given
the kinks, its error is measured and belongs to the certificate, and the truth is what the network says. Shapes with
jumps have no network: whatever is made of ramps is continuous.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Float64
from torch import Generator, Tensor, nn

Target = Callable[[Float64[Tensor, "n m"]], Float64[Tensor, "n m"]]
_SAMPLES = 8192
_RIDGE = 1e-9


class Networks(nn.Module):
    """`n` separate networks 1-h-1 as stacked tensors, [n, m] -> [n, m], from inputs in [-1, 1] to outputs of unit
    scale."""

    slope: Float64[Tensor, "n h"]
    kink: Float64[Tensor, "n h"]
    out: Float64[Tensor, "n h"]
    offset: Float64[Tensor, "n 1"]

    def __init__(self, count: int, hidden: int) -> None:
        super().__init__()
        for name, width in (("slope", hidden), ("kink", hidden), ("out", hidden), ("offset", 1)):
            self.register_buffer(name, torch.zeros(count, width, dtype=torch.float64))

    def hidden(self, index: int, x: Float64[Tensor, " m"]) -> Float64[Tensor, "m h"]:
        """The hidden layer of one network."""
        return torch.relu(self.slope[index] * (x[:, None] - self.kink[index]))

    def answer(self, index: int, x: Float64[Tensor, " m"]) -> Float64[Tensor, " m"]:
        """The outputs of one network. Sums over the hidden layer alone, so that an answer does not depend on its
        company."""
        return (self.hidden(index, x) * self.out[index]).sum(dim=1) + self.offset[index]

    def forward(self, x: Float64[Tensor, "n m"]) -> Float64[Tensor, "n m"]:
        """The outputs of all networks, a row of points each."""
        return torch.stack([self.answer(index, row) for index, row in enumerate(x)])


def fit_networks(target: Target, count: int, hidden: int, generator: Generator) -> Networks:
    """`count` networks fitted to `target`, deterministic given the generator."""
    networks = Networks(count, hidden)
    x = torch.linspace(-1, 1, _SAMPLES, dtype=torch.float64).expand(count, _SAMPLES).contiguous()
    y = target(x)
    networks.kink += _kinks(x, y, hidden, generator)
    networks.slope += 1 - 2 * torch.randint(2, (count, hidden), generator=generator).double()
    ridge = _RIDGE * torch.eye(hidden + 1, dtype=torch.float64)
    for index in range(count):  # one at a time, for memory
        features = torch.cat([networks.hidden(index, x[index]), torch.ones(_SAMPLES, 1, dtype=torch.float64)], dim=1)
        solved = torch.linalg.solve(features.mT @ features + ridge, features.mT @ y[index])
        networks.out[index] += solved[:-1]
        networks.offset[index] += solved[-1]
    return networks


def _kinks(
    x: Float64[Tensor, "n m"], y: Float64[Tensor, "n m"], hidden: int, generator: Generator
) -> Float[Tensor, "n h"]:
    """Quantiles of a density a third even, two thirds where the function bends (root of its second difference)."""
    bend = torch.zeros_like(y)
    bend[:, 1:-1] = y.diff(n=2, dim=1).abs().sqrt()
    density = 0.5 / _SAMPLES + bend / bend.sum(dim=1, keepdim=True).clamp_min(1e-12)
    total = density.cumsum(dim=1)
    share = (torch.arange(hidden) + torch.rand(len(x), hidden, generator=generator, dtype=torch.float64)) / hidden
    place = torch.searchsorted(total, share * total[:, -1:]).clamp_max(_SAMPLES - 1)
    return x.gather(1, place) - 1.0 / _SAMPLES
