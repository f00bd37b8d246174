"""Collages: 16 x 16 pixels in four cells, of which some hold a glyph.

    pixel = sum over filled cells of  contrast * (glyph, at one of nine places within its cell) + noise

Contrasts have either sign, and sizes from 0.7 to 1.3. A collage holds no glyph twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.collages.glyphs import SIDE

CELL, ACROSS = 8, 2
CELLS = ACROSS * ACROSS
NOISE = 0.3
CONTRASTS = (0.7, 1.3)


@dataclass(frozen=True, eq=False)
class Collages:
    """Collages in the parts that they are made of."""

    glyphs: Float[Tensor, "classes 6 6"]
    classes: Int[Tensor, "n objects"]
    """Of each object."""
    cells: Int[Tensor, "n objects"]
    """Where each object lies, by number of the cell."""
    shifts: Int[Tensor, "n objects 2"]
    """Rows and columns by which an object is moved from its cell's upper left corner."""
    contrasts: Float[Tensor, "n objects"]
    noise: Float[Tensor, "n 16 16"]

    def pixels(self) -> Float[Tensor, "n 1 16 16"]:
        """What a net sees."""
        canvas = self.noise.clone()
        rows = torch.arange(SIDE)
        for place in range(self.classes.shape[1]):
            cell, shift = self.cells[:, place], self.shifts[:, place]
            top = cell // ACROSS * CELL + shift[:, 0]
            left = cell % ACROSS * CELL + shift[:, 1]
            shown = self.contrasts[:, place, None, None] * self.glyphs[self.classes[:, place]]
            at = (
                torch.arange(len(canvas))[:, None, None],
                (top[:, None] + rows)[:, :, None],
                (left[:, None] + rows)[:, None],
            )
            canvas[at] += shown
        return canvas[:, None]

    def present(self) -> Bool[Tensor, "n classes"]:
        """Which glyphs are there."""
        empty = torch.zeros(len(self.classes), len(self.glyphs), dtype=torch.bool)
        return empty.scatter(1, self.classes, True)

    def exchanged(self, others: Int[Tensor, " n"]) -> Collages:
        """The first object of each collage exchanged for one of these classes; all else stays."""
        return replace(self, classes=torch.cat([others[:, None], self.classes[:, 1:]], 1))


def draw(glyphs: Float[Tensor, "classes 6 6"], objects: int, count: int, generator: torch.Generator) -> Collages:
    """`count` collages of `objects` different glyphs each, all equally likely."""
    classes = torch.rand(count, len(glyphs), generator=generator).argsort(1)[:, :objects]
    cells = torch.rand(count, CELLS, generator=generator).argsort(1)[:, :objects]
    shifts = torch.randint(CELL - SIDE + 1, (count, objects, 2), generator=generator)
    least, most = CONTRASTS
    sizes = least + (most - least) * torch.rand(count, objects, generator=generator)
    signs = 2 * torch.randint(2, (count, objects), generator=generator) - 1
    noise = NOISE * torch.randn(count, ACROSS * CELL, ACROSS * CELL, generator=generator)
    return Collages(glyphs, classes, cells, shifts, signs * sizes, noise)
