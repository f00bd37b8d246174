"""Can the planted directions be told from the activations at all? Dictionary learning is started beside the truth.

    cosine_regained(x, directions, bias, active=4.0, generator=...)      0.9: stays where it started; 1: finds the truth

Every direction is turned until its cosine with the true one is 0.9; then pursuit with the directions, least squares for
the directions given its codes (Engan, Aase and Husoy 1999), and again. Where sparsity holds the true directions in
place, learning comes back to them. Where it does not (too dense: any directions rebuild the rows, too noisy), it stays
or walks away, and no learner can be blamed for not arriving. That it comes back does not say that a learner arrives
from far off; that is what the task asks.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.learning.pursuit import pursue

START = 0.9
ROUNDS, ROWS, DEPTH = 8, 5000, 3


def cosine_regained(
    activations: Float[Tensor, "rows d"],
    directions: Float[Tensor, "n d"],
    bias: Float[Tensor, d],
    *,
    active: float,
    generator: torch.Generator,
) -> float:
    """The mean cosine of the true directions with what they have become, from -1 to 1."""
    centred = (activations - bias)[:ROWS]
    learned = turned(directions, generator)
    for _ in range(ROUNDS):
        codes, _ = pursue(centred, learned, depth=max(1, round(DEPTH * active)), mean_active=active)
        gram = codes.T @ codes
        gram.diagonal().add_(1e-3 * gram.diagonal().mean() + 1e-12)
        learned = nn.functional.normalize(torch.linalg.solve(gram, codes.T @ centred), dim=1)
    return float((learned * directions).sum(1).mean())


def turned(directions: Float[Tensor, "n d"], generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Unit directions of cosine `START` with the given ones, each turned its own way."""
    aside = torch.randn(directions.shape, generator=generator)
    aside = nn.functional.normalize(aside - (aside * directions).sum(1, keepdim=True) * directions, dim=1)
    return START * directions + math.sqrt(1 - START**2) * aside
