"""More unit directions than dimensions, spread so that they overlap little."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


def coherence(directions: Float[Tensor, "n d"]) -> float:
    """The greatest absolute cosine between two of the unit directions."""
    overlaps = (directions @ directions.T).fill_diagonal_(0)
    return float(overlaps.abs().max())


def spread(count: int, dimensions: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Unit directions, moved apart: steps down the sum of the sixth powers of their cosines."""
    directions = nn.functional.normalize(torch.randn(count, dimensions, generator=generator), dim=1)
    for step in range(300):
        overlaps = (directions @ directions.T).fill_diagonal_(0)
        slope = overlaps.pow(5) @ directions
        slope -= (slope * directions).sum(1, keepdim=True) * directions
        length = slope.norm(dim=1, keepdim=True).amax().clamp(min=1e-12)
        directions = nn.functional.normalize(directions - 0.2 * (1 - step / 300) * slope / length, dim=1)
    return directions
