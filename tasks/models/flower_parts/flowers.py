"""Flowers: outlines, filled with colours, on a grey ground with noise.

    image [3, side, side] in red, green and blue;   each part has a colour, red (0) or blue (1), and a shape (0 or 1)

All colours and shapes are even and independent, and every part has a shade of its own. A part can be given the colour
or the shape that it has in another flower, and everything else stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.flower_parts.outlines import LAYERS, PARTS, outlines

Attribute = Literal["colour", "shape"]
COLOURS = torch.tensor([[0.8, 0.35, 0.25], [0.25, 0.35, 0.8]])
GROUND = 0.5
SHADE = 0.12
"""The greatest change of a part's red, green and blue."""
NOISE = 0.05


@dataclass(frozen=True, eq=False)
class Flowers:
    """Flowers in the parts that they are made of."""

    outlines: Bool[Tensor, "n parts 2 h w"]
    """Of both shapes of each part."""
    colour: Int[Tensor, "n parts"]
    shape: Int[Tensor, "n parts"]
    shade: Float[Tensor, "n parts 3"]
    ground: Float[Tensor, "n 3 h w"]

    def classes(self, by: Attribute) -> Int[Tensor, "n parts"]:
        """The colours or the shapes of all parts."""
        return self.colour if by == "colour" else self.shape

    def pixels(self) -> Float[Tensor, "n 3 h w"]:
        """What a net sees."""
        fill = COLOURS[self.colour] + self.shade
        image = GROUND + self.ground
        for part, mask in enumerate(self.masks().unbind(1)):
            image = torch.where(mask[:, None], fill[:, part, :, None, None] + self.ground, image)
        return image

    def masks(self) -> Bool[Tensor, "n parts h w"]:
        """What can be seen of each part: no pixel is of two."""
        rows, columns = torch.arange(len(self.shape))[:, None], torch.arange(self.shape.shape[1])
        found = self.outlines[rows, columns, self.shape]
        covered = torch.zeros_like(found[:, 0])
        for part in _from_the_front(found.shape[1]):
            found[:, part] &= ~covered
            covered |= found[:, part]
        return found

    def where(self, part: int, by: Attribute) -> tuple[Bool[Tensor, "n h w"], Bool[Tensor, "n h w"]]:
        """Where the class of a part can be read, and the part of it where it is most plain.

        A colour is read on the part. A shape is read where the part is or would be, if it had the other shape; its
        outline is what is not the same in both.
        """
        seen = self.masks()[:, part]
        if by == "colour":
            return seen, seen
        other = self.shape.clone()
        other[:, part] = 1 - other[:, part]
        would = replace(self, shape=other).masks()[:, part]
        return seen | would, seen ^ would

    def exchanged(self, parts: Sequence[int], by: Attribute, other: Flowers) -> Flowers:
        """Some parts with the colours, or the shapes, that they have in other flowers."""

        def mixed(mine: Tensor, its: Tensor) -> Tensor:
            found = mine.clone()
            found[:, list(parts)] = its[:, list(parts)]
            return found

        if by == "shape":
            return replace(self, shape=mixed(self.shape, other.shape))
        return replace(self, colour=mixed(self.colour, other.colour), shade=mixed(self.shade, other.shade))

    def chosen(self, rows: Int[Tensor, " m"]) -> Flowers:
        """Some of the flowers."""
        return Flowers(self.outlines[rows], self.colour[rows], self.shape[rows], self.shade[rows], self.ground[rows])


def draw(count: int, parts: int, side: int, generator: torch.Generator) -> Flowers:
    """Flowers with the first `parts` parts, in poses, colours and shapes of their own."""
    return filled(outlines(count, parts, side, generator), generator)


def filled(given: Bool[Tensor, "n parts 2 h w"], generator: torch.Generator) -> Flowers:
    """Outlines with random colours and shapes, on a random ground."""
    count, parts, _, height, width = given.shape
    colour, shape = torch.randint(2, (2, count, parts), generator=generator)
    shade = SHADE * (2 * torch.rand(count, parts, 3, generator=generator) - 1)
    return Flowers(given, colour, shape, shade, NOISE * torch.randn(count, 3, height, width, generator=generator))


def _from_the_front(parts: int) -> list[int]:
    """The numbers of the parts that there are, those first that lie over others."""
    numbers = [PARTS.index(part) for part in reversed(LAYERS)]
    return [number for number in numbers if number < parts]
