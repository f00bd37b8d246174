"""Images of a low and a high digit on a ground.

    pixels [1, 24, 24] = ground + low digit + high digit

Low are 0 and 1, high are 6 and 7; both are coded 0 and 1, and 2 where there is none: so that either digit is told by
what it has, and none by what it lacks. Each digit is drawn by itself, and lies in a quarter of its own that is drawn
for every image. Noise and textures as grounds, and fixed and random places, are those of Shi et al.
2024 (arXiv:2406.12150); the second digit, which says nothing of the first, is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.shared.textures import TEXTURES, textures

Ground = Literal["noise", "texture"]
Places = Literal["random", "fixed"]
SIDE, QUARTER, DIGIT = 24, 12, 10
"""Of an image, of a quarter of it, and of a digit, in pixels."""
GROUPS = ((0, 1), (6, 7))
"""The low and the high digits, in the order of their codes."""
MISSING = 2
"""The code where there is no digit."""
INK = 0.25
"""A pixel of a digit that is at least so bright belongs to its strokes."""


@dataclass(frozen=True, eq=False)
class Group:
    """The low or the high digits, as they are laid on a ground."""

    strokes: Float[Tensor, "m 10 10"]
    codes: Int[Tensor, " m"]


Groups = tuple[Group, Group]
"""The low and the high digits."""


@dataclass(frozen=True, eq=False)
class Images:
    """Images in the parts that they are made of; the low digit stands before the high one."""

    strokes: Float[Tensor, "n 2 10 10"]
    codes: Int[Tensor, "n 2"]
    corners: Int[Tensor, "n 2 2"]
    """Row and column of the upper left pixel of each digit's box."""
    ground: Float[Tensor, "n 24 24"]

    def pixels(self) -> Float[Tensor, "n 1 24 24"]:
        """What a net sees."""
        return self.ground[:, None] + self._placed(self.strokes).sum(1, keepdim=True)

    def boxes(self) -> Bool[Tensor, "n 2 24 24"]:
        """Where each digit has strokes, or could have some."""
        return self._placed(torch.ones_like(self.strokes)) > 0

    def ink(self) -> Bool[Tensor, "n 2 24 24"]:
        """Where each digit has strokes."""
        return self._placed(self.strokes) >= INK

    def with_digit(self, which: int, other: Images) -> Images:
        """One digit exchanged for that of other images, in its old place."""
        strokes, codes = self.strokes.clone(), self.codes.clone()
        strokes[:, which], codes[:, which] = other.strokes[:, which], other.codes[:, which]
        return replace(self, strokes=strokes, codes=codes)

    def without(self, which: int) -> Images:
        """One digit taken out of every image."""
        strokes, codes = self.strokes.clone(), self.codes.clone()
        strokes[:, which], codes[:, which] = 0, MISSING
        return replace(self, strokes=strokes, codes=codes)

    def with_ground(self, other: Images) -> Images:
        """The same digits on the grounds of other images."""
        return replace(self, ground=other.ground)

    def _placed(self, patches: Float[Tensor, "n 2 10 10"]) -> Float[Tensor, "n 2 24 24"]:
        count = len(patches)
        canvas, steps = torch.zeros(count, 2, SIDE, SIDE), torch.arange(DIGIT)
        rows, columns = (self.corners[:, :, axis, None] + steps for axis in range(2))
        images, digits = torch.arange(count)[:, None, None, None], torch.arange(2)[:, None, None]
        canvas[images, digits, rows[:, :, :, None], columns[:, :, None, :]] = patches
        return canvas


def groups(images: Float[Tensor, "m 28 28"], labels: Int[Tensor, " m"]) -> Groups:
    """The low and the high digits, at the size in which they are laid on a ground."""
    small = F.interpolate(images[:, None], size=DIGIT, mode="area")[:, 0]
    low, high = (_group(small, labels, named) for named in GROUPS)
    return low, high


def _group(digits: Float[Tensor, "m 10 10"], labels: Int[Tensor, " m"], named: tuple[int, int]) -> Group:
    zero, one = (labels == digit for digit in named)
    return Group(digits[zero | one], one[zero | one].long())


def draw(
    digits: Groups, ground: Ground, strength: float, places: Places, count: int, generator: torch.Generator
) -> Images:
    """`count` images; `strength` is the ground's standard deviation, where a stroke's height is 1."""
    drawn = [_drawn(group, count, generator) for group in digits]
    return Images(
        torch.stack([strokes for strokes, _ in drawn], 1),
        torch.stack([codes for _, codes in drawn], 1),
        _corners(places, count, generator),
        strength * _ground(ground, count, generator),
    )


def _drawn(group: Group, count: int, generator: torch.Generator) -> tuple[Float[Tensor, "n 10 10"], Int[Tensor, " n"]]:
    """Digits of a group, or none in every third case, and their codes."""
    chosen = torch.randint(len(group.codes), (count,), generator=generator)
    missing = torch.randint(3, (count,), generator=generator) == 0
    strokes = group.strokes[chosen].masked_fill(missing[:, None, None], 0)
    return strokes, group.codes[chosen].masked_fill(missing, MISSING)


def _ground(kind: Ground, count: int, generator: torch.Generator) -> Float[Tensor, "n 24 24"]:
    if kind == "noise":
        return torch.randn(count, SIDE, SIDE, generator=generator)
    return textures(torch.randint(len(TEXTURES), (count,), generator=generator), SIDE, generator)


def _corners(places: Places, count: int, generator: torch.Generator) -> Int[Tensor, "n 2 2"]:
    """Each digit in a quarter of its own, with room for some pixels; in `fixed` places the low one always stands in the
    middle of the upper left quarter, the high one in that of the lower right one."""
    room = QUARTER - DIGIT
    if places == "fixed":
        return torch.tensor([[room // 2] * 2, [QUARTER + room // 2] * 2]).expand(count, 2, 2)
    quarters = torch.rand(count, 4, generator=generator).argsort(1)[:, :2]
    shifts = torch.randint(room + 1, (count, 2, 2), generator=generator)
    return QUARTER * torch.stack([quarters // 2, quarters % 2], 2) + shifts
