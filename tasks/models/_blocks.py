"""Images of two blocks: a digit that fixes the label (signal), and a block that says nothing about it (null).

    +--------+        +--------+
    | signal |        |  null  |         [1, 56, 28], pixels in [0, 1]; which block is on top is drawn for each image,
    +--------+   or   +--------+         or the signal is always there (position "top")
    |  null  |        | signal |
    +--------+        +--------+

Null blocks are either one fixed bright square, drawn once from the seed and the same in every image, or noise of the
digits' own resolution (8 x 8 uniform values, enlarged bilinearly), drawn anew for each image and independent of
everything else.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

Position = Literal["random", "top"]
Null = Literal["square", "noise"]
SIDE = 28
SHAPE = (1, 2 * SIDE, SIDE)


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


def noise(count: int, generator: torch.Generator) -> Float[Tensor, "count 28 28"]:
    """Blocks of noise: 8 x 8 independent uniform values, enlarged as the digits are."""
    small = torch.rand(count, 1, 8, 8, generator=generator)
    return F.interpolate(small, size=(SIDE, SIDE), mode="bilinear", align_corners=False)[:, 0]


def compose(
    signal: Float[Tensor, "n 28 28"], null: Float[Tensor, "#n 28 28"], tops: Bool[Tensor, " n"]
) -> Float[Tensor, "n 1 56 28"]:
    """Stack each signal block above its null block where `tops`, below it elsewhere."""
    null = null.expand_as(signal)
    upper = torch.where(tops[:, None, None], signal, null)
    lower = torch.where(tops[:, None, None], null, signal)
    return torch.cat([upper, lower], dim=1)[:, None]


def signal_mask(tops: Bool[Tensor, " n"]) -> Bool[Tensor, "n 1 56 28"]:
    """The pixels of each image's signal block."""
    return compose(torch.ones(len(tops), SIDE, SIDE), torch.zeros(1, SIDE, SIDE), tops).bool()
