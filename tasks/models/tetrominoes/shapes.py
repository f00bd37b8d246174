"""T- and L-shapes of four cells in the two halves of an image, each half with a class of its own.

    linear          T on the left or L on the right           class: which
    multiplicative  the same, but shapes dim the background   class: which
    rigid           T or L, turned and shifted at random      class: which
    xor             both, each with a sign                    class: whether the signs are the same

What a half shows, and where it can show anything, is known to the cell. The shapes and scenarios are those of Clark et
al. 2023 (arXiv:2306.12816); the second half, which says nothing about the first, is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Scenario = Literal["linear", "multiplicative", "rigid", "xor"]
ROWS, SIDE = 4, 8
"""Of a half, and of the image, in cells."""
T = torch.tensor([[1, 1, 1], [0, 1, 0]], dtype=torch.bool)
L = torch.tensor([[1, 1, 1], [1, 0, 0]], dtype=torch.bool)
CLASSES = (T, L)
PLACES = ((1, 0), (1, 5))
"""Row and column of T and L within a half, where they stand still."""


@dataclass(frozen=True, eq=False)
class Halves:
    """What both halves of each image show, in cells."""

    signal: Float[Tensor, "n halves 4 8"]
    """1 or -1 where a shape is, 0 elsewhere."""
    truth: Bool[Tensor, "n halves 4 8"]
    """Where a shape of one class or the other could be, or where the one is that moves."""
    classes: Int[Tensor, "n halves"]


def draw(scenario: Scenario, count: int, generator: torch.Generator) -> Halves:
    """Independent halves with even classes."""
    classes = torch.randint(2, (count, 2), generator=generator)
    if scenario == "rigid":
        signal = _moved(classes, generator)
        return Halves(signal, signal != 0, classes)
    still = torch.stack([_placed(shape, *place) for shape, place in zip(CLASSES, PLACES, strict=True)]).float()
    truth = (still != 0).any(0).expand(count, 2, ROWS, SIDE)
    if scenario == "xor":
        first = 2 * torch.randint(2, (count, 2, 1, 1), generator=generator) - 1
        second = first * (1 - 2 * classes[:, :, None, None])
        return Halves(first * still[0] + second * still[1], truth, classes)
    return Halves(still[classes], truth, classes)


def _placed(shape: Bool[Tensor, "h w"], row: int, column: int) -> Bool[Tensor, "4 8"]:
    found = torch.zeros(ROWS, SIDE, dtype=torch.bool)
    found[row : row + shape.shape[0], column : column + shape.shape[1]] = shape
    return found


def _moved(classes: Int[Tensor, "n halves"], generator: torch.Generator) -> Float[Tensor, "n halves 4 8"]:
    """Each shape in one of all its turns and places, which are equally likely."""
    found = torch.zeros(*classes.shape, ROWS, SIDE)
    for number, shape in enumerate(CLASSES):
        turns = [torch.rot90(shape, turn, (0, 1)) for turn in range(4)]
        places = torch.stack(
            [
                _placed(turned, row, column)
                for turned in turns
                for row in range(ROWS - turned.shape[0] + 1)
                for column in range(SIDE - turned.shape[1] + 1)
            ]
        ).float()
        here = classes == number
        found[here] = places[torch.randint(len(places), (int(here.sum()),), generator=generator)]
    return found
