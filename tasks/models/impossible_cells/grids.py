"""Images of four cells, each with a plus or a diagonal cross somewhere in it, on noise.

    +---+---+
    | + | x |        [1, 16, 16];  a cell has 8 x 8 pixels, its sign 5 x 5, of nine pixels either way
    +---+---+        class of a cell: 0 for a plus, 1 for a cross;  all cells independent
    | x | x |
    +---+---+

Grids of images with a class each, of which some cells cannot matter, are those of Rao, Boehle and Schiele 2022
(arXiv:2205.10435); the signs are ours.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Sees = Literal["top", "bottom", "left", "right", "falling", "rising"]
CELLS, CELL, SIGN = 2, 8, 5
"""Cells a side of the grid, pixels a side of a cell, and of a sign."""
SEEN: dict[Sees, tuple[tuple[bool, bool], tuple[bool, bool]]] = {
    "top": ((True, True), (False, False)),
    "bottom": ((False, False), (True, True)),
    "left": ((True, False), (True, False)),
    "right": ((False, True), (False, True)),
    "falling": ((True, False), (False, True)),
    "rising": ((False, True), (True, False)),
}
"""Which cells reach the output; the others are cut off."""
NOISE = 0.3


@dataclass(frozen=True, eq=False)
class Grids:
    """Images in the parts that they are made of."""

    classes: Int[Tensor, "n 2 2"]
    ink: Bool[Tensor, "n 2 2 8 8"]
    """Where each cell's sign is."""
    ground: Float[Tensor, "n 2 2 8 8"]

    def pixels(self) -> Float[Tensor, "n 1 16 16"]:
        """What a net sees."""
        return assembled(self.ground + self.ink)

    def figure(self) -> Bool[Tensor, "n 1 16 16"]:
        """The signs of all cells."""
        return assembled(self.ink)

    def count(self, seen: Bool[Tensor, "2 2"]) -> Int[Tensor, " n"]:
        """How many of the seen cells show a cross."""
        return (self.classes * seen).sum((1, 2))

    def with_cells(self, chosen: Bool[Tensor, "2 2"], other: Grids) -> Grids:
        """The chosen cells exchanged for those of other images, noise and all."""
        wide = chosen[:, :, None, None]
        return Grids(
            torch.where(chosen, other.classes, self.classes),
            torch.where(wide, other.ink, self.ink),
            torch.where(wide, other.ground, self.ground),
        )


def draw(count: int, generator: torch.Generator) -> Grids:
    """Images whose cells are independent, their signs at places of their own."""
    classes = torch.randint(2, (count, CELLS, CELLS), generator=generator)
    placed = _placed()
    where = torch.randint(placed.shape[1], classes.shape, generator=generator)
    ground = NOISE * torch.randn(*classes.shape, CELL, CELL, generator=generator)
    return Grids(classes, placed[classes, where], ground)


def assembled(cells: Tensor) -> Tensor:
    """Cells [n, 2, 2, h, w] as images [n, 1, 2 h, 2 w]."""
    count, rows, columns, height, width = cells.shape
    return cells.transpose(2, 3).reshape(count, 1, rows * height, columns * width)


def cells_of(sees: Sees) -> Bool[Tensor, "2 2"]:
    """Which cells reach the output."""
    return torch.tensor(SEEN[sees])


@functools.cache
def _placed() -> Bool[Tensor, "2 places 8 8"]:
    """Both signs at all places of a cell."""
    lines = torch.arange(SIGN)
    plus = (lines == SIGN // 2) | (lines[:, None] == SIGN // 2)
    cross = (lines == lines[:, None]) | (lines + lines[:, None] == SIGN - 1)
    places = CELL - SIGN + 1
    found = torch.zeros(2, places**2, CELL, CELL, dtype=torch.bool)
    for place in range(places**2):
        row, column = divmod(place, places)
        found[:, place, row : row + SIGN, column : column + SIGN] = torch.stack([plus, cross])
    return found
