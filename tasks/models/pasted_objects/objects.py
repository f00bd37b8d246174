"""Flat shapes in any turn: where each covers an image.

disc    cross    ring
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def _disc(u: Tensor, v: Tensor) -> Tensor:
    return torch.hypot(u, v) <= 0.85


def _cross(u: Tensor, v: Tensor) -> Tensor:
    across, along = torch.minimum(u.abs(), v.abs()), torch.maximum(u.abs(), v.abs())
    return (across <= 0.3) & (along <= 0.95)


def _ring(u: Tensor, v: Tensor) -> Tensor:
    radius = torch.hypot(u, v)
    return (radius >= 0.5) & (radius <= 1)


OBJECTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "disc": _disc,
    "cross": _cross,
    "ring": _ring,
}
"""By name, in the order in which they are numbered. Each is told from coordinates that are 0 in its middle, and within
a circle of radius 1."""


def covered(
    kinds: Int[Tensor, " n"],
    middles: Float[Tensor, "n 2"],
    sizes: Float[Tensor, " n"],
    turns: Float[Tensor, " n"],
    side: int,
) -> Bool[Tensor, "n h w"]:
    """Which pixels an object of each kind, by number, covers: its middle and its diameter in pixels, its turn in
    radians."""
    pixels = torch.arange(side) + 0.5
    down = (pixels[:, None] - middles[:, 0, None, None]) / (sizes[:, None, None] / 2)
    right = (pixels[None] - middles[:, 1, None, None]) / (sizes[:, None, None] / 2)
    cosine, sine = turns.cos()[:, None, None], turns.sin()[:, None, None]
    u, v = cosine * right + sine * down, cosine * down - sine * right
    found = torch.zeros(len(kinds), side, side, dtype=torch.bool)
    for number, shape in enumerate(OBJECTS.values()):
        own = kinds == number
        found[own] = shape(u[own], v[own])
    return found
