"""Rows whose features are known, and what a dictionary has found of them.

64 features in 32 dimensions, 4 on in a row, noise .05 before rows are brought to mean squared length 1
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.subjects import generator_for

FEATURES, DIMENSIONS, ACTIVE, NOISE, ROWS = 64, 32, 4, 0.05, 20000
FOUND = 0.9
"""The cosine above which an atom is a feature."""


@dataclass(frozen=True)
class Plant:
    """Rows to learn from, rows to be judged on, and the directions that they are sums of."""

    train: Float[Tensor, "n d"]
    test: Float[Tensor, "t d"]
    directions: Float[Tensor, "g d"]


@dataclass(frozen=True)
class Found:
    """What a dictionary has found: the share of features, the share of the test rows' variance, and its L0."""

    recall: float
    variance: float
    l0: float


def planted(seed: int) -> Plant:
    """Sparse features of random strength in random directions."""
    # not from the bare seed: a learner draws its first atoms from that, and they would be these very directions
    generator = generator_for(seed, "planted features")
    directions = torch.nn.functional.normalize(torch.randn(FEATURES, DIMENSIONS, generator=generator), dim=1)
    on = torch.rand(ROWS, FEATURES, generator=generator) < ACTIVE / FEATURES
    codes = on * (0.5 + torch.rand(ROWS, FEATURES, generator=generator))
    rows = codes @ directions + NOISE * torch.randn(ROWS, DIMENSIONS, generator=generator)
    rows = rows / rows.square().sum(1).mean().sqrt()
    return Plant(rows[: ROWS // 2], rows[ROWS // 2 :], directions)


def judged(
    atoms: Float[Tensor, "m d"], rebuilt: Float[Tensor, "t d"], codes: Float[Tensor, "t m"], plant: Plant
) -> Found:
    """Recall of the directions, explained variance and L0."""
    nearest = (plant.directions @ torch.nn.functional.normalize(atoms, dim=1).T).amax(1)
    left, spread = (rebuilt - plant.test).square().sum(), (plant.test - plant.test.mean(0)).square().sum()
    return Found(
        float((nearest > FOUND).float().mean()), float(1 - left / spread), float((codes > 0).sum(1).float().mean())
    )
