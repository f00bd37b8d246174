"""Images of an object pasted on a scene.

    image [3, 24, 24] = colour of the object where it lies, elsewhere a pattern in two colours

Both may be missing: an image may show a scene alone, and a plain ground. The object, its turn, size, quarter and
colour, the pattern and its colours are drawn for every image; which scene it is may have to do with the object
(`scenes`). Objects on scenes with two labels are the idea of Yang and Kim 2019 (arXiv:1907.09701), who paste
photographs; here everything is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.pasted_objects.objects import OBJECTS, covered
from tasks.models.shared.textures import TEXTURES, textures

SCENES = ("stripes", "blobs", "grain")
KINDS = len(OBJECTS)
MISSING = KINDS
"""The code of no object, and of a plain ground; there are as many scenes as objects."""
SIDE, QUARTER = 24, 12
SIZES = (10.0, 12.0)
"""The least and the greatest diameter of an object, in pixels."""
CONTRAST = 0.3
"""Length of the step in colour between the middle of a pattern and one standard deviation of it."""
TYPICAL = 0.9
"""Of the objects on a pattern, so many lie on one of the scenes where they are usually found."""


@dataclass(frozen=True, eq=False)
class Composites:
    """Images in the parts that they are made of."""

    objects: Int[Tensor, " n"]
    scenes: Int[Tensor, " n"]
    masks: Bool[Tensor, "n 2 h w"]
    """Where the object lies, and another place of the same image where it could lie; they share no pixel."""
    colours: Float[Tensor, "n 2 3"]
    """The object's colour, and another one that it could have."""
    grounds: Float[Tensor, "n 3 1 1"]
    patterns: Float[Tensor, "n 3 h w"]

    def pixels(self) -> Float[Tensor, "n 3 h w"]:
        """What a net sees."""
        scene = (self.grounds + self.patterns).clamp(0, 1)
        return torch.where(self.masks[:, :1], self.colours[:, 0, :, None, None], scene)

    def with_objects(self, other: Composites) -> Composites:
        """The objects of other images, in the places and colours that they have there."""
        return replace(self, objects=other.objects, masks=other.masks, colours=other.colours)

    def with_scenes(self, other: Composites) -> Composites:
        """The same objects on the scenes of other images."""
        return replace(self, scenes=other.scenes, grounds=other.grounds, patterns=other.patterns)

    def without_objects(self) -> Composites:
        """The scenes alone."""
        masks, none = torch.zeros_like(self.masks), torch.full_like(self.objects, MISSING)
        return replace(self, objects=none, masks=masks)

    def without_scenes(self) -> Composites:
        """The objects on a plain ground, which has the patterns' mean colour."""
        patterns, none = torch.zeros_like(self.patterns), torch.full_like(self.scenes, MISSING)
        return replace(self, scenes=none, patterns=patterns)

    def moved(self) -> Composites:
        """The objects in their other places."""
        return replace(self, masks=self.masks.flip(1))

    def recoloured(self) -> Composites:
        """The objects in their other colours."""
        return replace(self, colours=self.colours.flip(1))


def draw(scenes: int, count: int, generator: torch.Generator) -> Composites:
    """`count` images; object number i is usually found in `scenes` of the scenes: i, i + 1, ..., round the clock."""
    objects = torch.randint(KINDS + 1, (count,), generator=generator)
    found = _scenes(objects, scenes, generator)
    numbers = torch.tensor([list(TEXTURES).index(name) for name in SCENES])
    pattern = textures(numbers[found % KINDS], SIDE, generator) * (found != MISSING)[:, None, None]
    tints = torch.randn(count, 3, generator=generator)
    tints = CONTRAST * tints / tints.norm(dim=1, keepdim=True)
    grounds = 0.3 + 0.4 * torch.rand(count, 3, generator=generator)
    return Composites(
        objects,
        found,
        _masks(objects, generator),
        _colours(count, generator),
        grounds[:, :, None, None],
        tints[:, :, None, None] * pattern[:, None],
    )


def _scenes(objects: Int[Tensor, " n"], scenes: int, generator: torch.Generator) -> Int[Tensor, " n"]:
    """A scene for each object; none of them in every fifth case."""
    anywhere = torch.randint(KINDS, objects.shape, generator=generator)
    usual = (objects + torch.randint(scenes, objects.shape, generator=generator)) % KINDS
    typical = (torch.rand(objects.shape, generator=generator) < TYPICAL) & (objects != MISSING)
    plain = torch.randint(KINDS + 1, objects.shape, generator=generator) == 0
    return torch.where(plain, MISSING, torch.where(typical, usual, anywhere))


def _masks(objects: Int[Tensor, " n"], generator: torch.Generator) -> Bool[Tensor, "n 2 h w"]:
    """Each object, in one turn and size, in two quarters of its image."""
    count, (least, greatest) = len(objects), SIZES
    sizes = least + (greatest - least) * torch.rand(count, generator=generator)
    turns = 2 * math.pi * torch.rand(count, generator=generator)
    quarters = torch.rand(count, 4, generator=generator).argsort(1)[:, :2]
    corners = QUARTER * torch.stack([quarters // 2, quarters % 2], 2)
    room = (QUARTER - sizes)[:, None, None] * torch.rand(count, 2, 2, generator=generator)
    middles = corners + sizes[:, None, None] / 2 + room
    return torch.stack([covered(objects, middles[:, place], sizes, turns, SIDE) for place in range(2)], 1)


def _colours(count: int, generator: torch.Generator) -> Float[Tensor, "n 2 3"]:
    """Two colours far from every ground: each of red, green and blue is nearly off or nearly on."""
    on = torch.randint(2, (count, 2, 3), generator=generator)
    return 0.8 * on + 0.2 * torch.rand(count, 2, 3, generator=generator)
