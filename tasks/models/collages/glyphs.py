"""Glyphs: square bitmaps of 6 x 6 pixels, each its own mirror image, half of the pixels 1 and half -1.

Every glyph is drawn as often in negative as in positive, so that the mean of each pixel is the same whatever glyph is
there: nothing linear in the pixels tells it. Any two glyphs differ: of all shifts of one across the other, in either
polarity, none has a correlation above `ALIKE`. They have no parts in common by design; shapes in textures would, and a
dictionary that finds "striped" would be right and count as wrong.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

SIDE = 6
ALIKE = 0.6
"""Of 36 pixels 7 differ, at least."""
MIRRORED = SIDE * SIDE // 2


def glyphs(count: int, generator: torch.Generator) -> Float[Tensor, "count 6 6"]:
    """So many glyphs, each drawn again until it is unlike those before it."""
    found = torch.empty(0, SIDE, SIDE)
    while len(found) < count:
        new = _drawn(generator)
        if not len(found) or float(likeness(new, found).max()) <= ALIKE:
            found = torch.cat([found, new[None]])
    return found


def likeness(one: Float[Tensor, "6 6"], others: Float[Tensor, "n 6 6"]) -> Float[Tensor, " n"]:
    """The greatest correlation, in size, of a glyph with each of the others, over all shifts; 1 for itself."""
    return conv2d(one[None, None], others[:, None], padding=SIDE - 1).abs().amax((0, 2, 3)) / SIDE**2


def _drawn(generator: torch.Generator) -> Float[Tensor, "6 6"]:
    half = torch.ones(MIRRORED)
    half[torch.randperm(MIRRORED, generator=generator)[: MIRRORED // 2]] = -1
    half = half.view(SIDE, SIDE // 2)
    return torch.cat([half, half.flip(1)], 1)
