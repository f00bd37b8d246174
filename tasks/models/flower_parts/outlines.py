"""The parts of a flower as outlines in the plane, each in two shapes.

    part      shape 0              shape 1             coordinates: x to the right, y down, the image from -1 to 1
    petals    five round lobes     five points
    leaves    two broad ovals      two slim diamonds
    stem      straight             bent
    centre    a disc               a square
    pot       slanted sides        a bowl
    sun       a disc               a diamond

A flower stands a little aside, is larger or smaller, its petals and leaves are turned: a pose of its own, by which both
shapes of a part would stand in one place. Flowers with a class that one part's colour decides are those of an8Flower
(Oramas, Wang and Tuytelaars 2019, arXiv:1712.06302); that parts are exchanged one by one is the idea of FunnyBirds
(Hesse, Schaub-Meyer and Roth 2023, arXiv:2308.06248). The outlines are ours.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Part = Literal["petals", "leaves", "stem", "centre", "pot", "sun"]
PARTS: tuple[Part, ...] = ("petals", "leaves", "stem", "centre", "pot", "sun")
"""In the order in which a flower with few parts has them."""
LAYERS: tuple[Part, ...] = ("pot", "stem", "leaves", "petals", "centre", "sun")
"""From back to front."""
HEAD = -0.36
"""Where the middle of the petals is."""

Plane = Float[Tensor, "n h w"]


def outlines(count: int, parts: int, side: int, generator: torch.Generator) -> Bool[Tensor, "n parts 2 h w"]:
    """The first `parts` parts of `count` flowers in poses of their own, each in both shapes, as if nothing lay over
    them."""

    def drawn(low: float, high: float) -> Float[Tensor, "n 1 1"]:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    line = (torch.arange(side) + 0.5) * 2 / side - 1
    size = drawn(0.9, 1.05)
    x, y = ((axis - drawn(-0.08, 0.08)) / size for axis in (line[None, None, :], line[None, :, None]))
    x, y = x.expand(count, side, side), y.expand(count, side, side)
    petals = _petals(x, y - HEAD, drawn(0, 2 * math.pi))
    leaves = _leaves(x, y - 0.34, drawn(0.2, 0.6))
    stem = torch.stack([_stem(x, y), _stem(x - 0.14 * torch.sin(math.pi * (y + 0.3)), y)], 1)
    centre = torch.stack([x.hypot(y - HEAD) < 0.16, torch.maximum(x.abs(), (y - HEAD).abs()) < 0.14], 1)
    pot = torch.stack([x.abs() < 0.5 - 0.5 * (y - 0.62), x.hypot(y - 0.62) < 0.38], 1)
    pot &= ((y > 0.62) & (y < 0.94))[:, None]
    right, up = x - 0.74 * drawn(-1, 1).sign(), y + 0.74
    sun = torch.stack([right.hypot(up) < 0.17, right.abs() + up.abs() < 0.22], 1)
    return torch.stack([petals, leaves, stem, centre, pot, sun][:parts], 1)


def _petals(x: Plane, y: Plane, turn: Float[Tensor, "n 1 1"]) -> Bool[Tensor, "n 2 h w"]:
    radius, angle = x.hypot(y), torch.atan2(y, x) + turn
    lobe = torch.cos(2.5 * angle).abs()
    point = 2 * ((angle * 5 / (2 * math.pi)) % 1 - 0.5).abs()
    return torch.stack([radius < 0.32 + 0.16 * lobe, radius < 0.18 + 0.36 * point], 1)


def _leaves(x: Plane, y: Plane, tilt: Float[Tensor, "n 1 1"]) -> Bool[Tensor, "n 2 h w"]:
    aside = x.abs() - 0.38
    along, across = aside * tilt.cos() - y * tilt.sin(), aside * tilt.sin() + y * tilt.cos()
    oval = (along / 0.28) ** 2 + (across / 0.2) ** 2 < 1
    return torch.stack([oval, along.abs() / 0.42 + across.abs() / 0.15 < 1], 1)


def _stem(x: Plane, y: Plane) -> Bool[Tensor, "n h w"]:
    return (x.abs() < 0.07) & (y > HEAD) & (y < 0.66)
