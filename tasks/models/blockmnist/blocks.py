"""Images of two blocks: a digit that fixes the label (signal), and a block that says nothing about it (null).

    +--------+        +--------+
    | signal |        |  null  |         [1, 56, 28], pixels in [0, 1]; which block is on top is drawn for each image,
    +--------+   or   +--------+         or the signal is always there (position "top")
    |  null  |        | signal |
    +--------+        +--------+

Null blocks are of two kinds.

- "square": one white square, its place and size drawn once from the seed, the same in every image; the form in the
  paper's figures. It gives itself away to somebody who only looks at the image: the digit is the half with more edges,
  so that an edge detector "explains" a model it never asked.
- "noise": the jigsaw of another digit for each image, drawn independently of the label (7 x 7 tiles of 4 x 4 pixels in
  random order): the same pixel values and no digit. It gives itself away, too: strokes break off where tiles meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.shared.stacking import SIDE, compose

Position = Literal["random", "top"]
Null = Literal["square", "noise"]
TILE = 4


def draw_tops(count: int, position: Position, generator: torch.Generator) -> Bool[Tensor, " count"]:
    """For each image, whether its signal block is on top."""
    if position == "top":
        return torch.ones(count, dtype=torch.bool)
    return torch.rand(count, generator=generator) < 0.5


def square(generator: torch.Generator) -> Float[Tensor, "28 28"]:
    """A white square on black: side 10 to 14 pixels and place drawn, at least 3 pixels from the border."""
    side = int(torch.randint(10, 15, (), generator=generator))
    row, column = torch.randint(3, SIDE - 3 - side + 1, (2,), generator=generator).tolist()
    block = torch.zeros(SIDE, SIDE)
    block[row : row + side, column : column + side] = 1
    return block


def jigsaw(digits: Float[Tensor, "n 28 28"], generator: torch.Generator) -> Float[Tensor, "n 28 28"]:
    """Cut each digit into tiles and put them together in a random order of its own."""
    tiles = F.unfold(digits[:, None], TILE, stride=TILE)
    order = torch.rand(len(digits), tiles.shape[2], generator=generator).argsort(dim=1)
    mixed = tiles.gather(2, order[:, None].expand_as(tiles))
    return F.fold(mixed, (SIDE, SIDE), TILE, stride=TILE)[:, 0]


def noise(count: int, digits: Float[Tensor, "m 28 28"], generator: torch.Generator) -> Float[Tensor, "count 28 28"]:
    """`count` jigsaws, each of one of the `digits` drawn at random."""
    return jigsaw(digits[torch.randint(len(digits), (count,), generator=generator)], generator)


@dataclass(frozen=True)
class Plant:
    """What was planted in the test images, on the CPU."""

    digits: Float[Tensor, "n 28 28"]
    labels: Int[Tensor, " n"]
    tops: Bool[Tensor, " n"]
    null: Float[Tensor, "#n 28 28"]

    def images(self) -> Float[Tensor, "n 1 56 28"]:
        """The test images."""
        return compose(self.digits, self.null, self.tops)
