"""Images from shapes and backgrounds, at the size of a cell or larger."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.tetrominoes import backgrounds, shapes
from tasks.models.tetrominoes.backgrounds import Background
from tasks.models.tetrominoes.shapes import Halves, Scenario

BLUR = 1.5
"""Pixels by which enlarged shapes are smoothed."""
PART = 0.05
"""A pixel with so much of a smoothed shape belongs to it."""


@dataclass(frozen=True, eq=False)
class Images:
    """Images in the parts that they are made of."""

    halves: Halves
    background: Float[Tensor, "n h w"]
    scenario: Scenario
    strength: float

    @property
    def classes(self) -> Int[Tensor, "n halves"]:
        """Of both halves."""
        return self.halves.classes

    def pixels(self) -> Float[Tensor, "n 1 h w"]:
        """What a net sees."""
        signal = _enlarged(self.halves.signal, self.background.shape[1])
        if self.scenario == "multiplicative":
            return (self.background * (1 - self.strength * signal))[:, None]
        return (self.background + self.strength * signal)[:, None]

    def truth(self) -> Bool[Tensor, "n halves h w"]:
        """Where each half's class can be read, in the whole image."""
        side = self.background.shape[1]
        found = []
        for half in range(2):
            cells = torch.zeros_like(self.halves.signal)
            cells[:, half] = self.halves.truth[:, half].float()
            found.append(_enlarged(cells, side).abs() >= PART)
        return torch.stack(found, dim=1)

    def with_half(self, half: int, other: Images) -> Images:
        """One half's shapes exchanged for those of other images; the background stays."""
        mine, its = self.halves, other.halves
        parts = ((mine.signal, its.signal), (mine.truth, its.truth), (mine.classes, its.classes))
        signal, truth, classes = (a.clone().index_copy_(1, torch.tensor([half]), b[:, [half]]) for a, b in parts)
        return replace(self, halves=Halves(signal, truth, classes))


def draw(
    scenario: Scenario, background: Background, strength: float, scale: int, count: int, generator: torch.Generator
) -> Images:
    """`count` images of 8 `scale` pixels a side."""
    halves = shapes.draw(scenario, count, generator)
    return Images(halves, backgrounds.draw(background, count, shapes.SIDE * scale, generator), scenario, strength)


def _enlarged(cells: Float[Tensor, "n 2 4 8"], side: int) -> Float[Tensor, "n h w"]:
    """Both halves as one image; shapes larger than a pixel a cell have soft edges."""
    image = cells.flatten(1, 2)
    scale = side // shapes.SIDE
    if scale == 1:
        return image
    image = image.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    steps = torch.arange(-4, 5, dtype=torch.float32)
    line = torch.exp(-((steps / BLUR) ** 2) / 2)
    kernel = (line / line.sum()).view(1, 1, -1, 1)
    blurred = torch.nn.functional.conv2d(image[:, None], kernel, padding=(4, 0))
    return torch.nn.functional.conv2d(blurred, kernel.transpose(2, 3), padding=(0, 4))[:, 0]
