"""Two images of 28 x 28 pixels, one above the other: where each lies is drawn for every image."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

SIDE = 28
SHAPE = (1, 2 * SIDE, SIDE)


def compose(
    first: Float[Tensor, "n 28 28"], second: Float[Tensor, "#n 28 28"], tops: Bool[Tensor, " n"]
) -> Float[Tensor, "n 1 56 28"]:
    """Stack each first block above its second one where `tops`, below it elsewhere."""
    second = second.expand_as(first)
    upper = torch.where(tops[:, None, None], first, second)
    lower = torch.where(tops[:, None, None], second, first)
    return torch.cat([upper, lower], dim=1)[:, None]


def first_mask(tops: Bool[Tensor, " n"]) -> Bool[Tensor, "n 1 56 28"]:
    """The pixels of each image's first block."""
    return compose(torch.ones(len(tops), SIDE, SIDE), torch.zeros(1, SIDE, SIDE), tops).bool()
