"""Networks that stand for functions, all of an instance trained as one stack: one hidden layer of ReLUs from [-1, 1] to the line.

They start with kinks spread over the domain and the least-squares output layer, and are then trained by Adam on fresh points. The
published networks (1-64-1, Adam at 0.01 on inputs up to 1000) often missed their functions by orders of magnitude; here the error is
measured, belongs to the certificate, and what a box answers is the network, whatever it stands for.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.subjects import Run


class Networks(nn.Module):
    """`n` separate networks 1-h-1 as stacked tensors, [n, m] -> [n, m]."""

    def __init__(self, count: int, hidden: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(count, hidden))
        self.kink = nn.Parameter(torch.zeros(count, hidden))
        self.out = nn.Parameter(torch.zeros(count, hidden))
        self.offset = nn.Parameter(torch.zeros(count, 1))

    def hidden(self, x: Float[Tensor, "n m"]) -> Float[Tensor, "n m h"]:
        """The hidden layer's activations."""
        return torch.relu(self.slope[:, None] * (x[..., None] - self.kink[:, None]))

    def forward(self, x: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        """The networks' values at points scaled to [-1, 1]."""
        return torch.einsum("nmh,nh->nm", self.hidden(x), self.out) + self.offset


def fit_networks(
    target: Callable[[Float[Tensor, "n m"]], Float[Tensor, "n m"]], count: int, hidden: int, steps: int, run: Run
) -> Networks:
    """Train `count` networks on `target` (inputs in [-1, 1], outputs of unit scale); deterministic given the run's seed."""
    generator = run.generator("networks")
    networks = Networks(count, hidden)
    with torch.no_grad():
        spread = torch.linspace(-1.02, 1.0, hidden).expand(count, hidden)
        networks.kink += spread + torch.rand(count, hidden, generator=generator) / hidden
        networks.slope += torch.where(torch.rand(count, hidden, generator=generator) < 0.5, -1.0, 1.0) * 4.0
        x = torch.linspace(-1, 1, 2048).expand(count, 2048)
        features = torch.cat([networks.hidden(x), torch.ones(count, 2048, 1)], dim=2).double()
        gram = features.mT @ features + 1e-3 * torch.eye(hidden + 1, dtype=torch.float64)
        solved = torch.linalg.solve(gram, features.mT @ target(x).double()[..., None])[..., 0].float()
        networks.out += solved[:, :-1]
        networks.offset += solved[:, -1:]
    optimiser = torch.optim.Adam(networks.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        x = torch.rand(count, 512, generator=generator) * 2 - 1
        loss = (networks(x) - target(x)).square().mean(dim=1).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        run.progress(step + 1, steps, loss=float(loss.detach()) / count)
    return networks.eval().requires_grad_(False)
