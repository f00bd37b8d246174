"""Tile roughness: marks the half of an image that was not put together from tiles. It never looks at the model.

    r(half) = mean jump between neighbouring pixels on either side of a tile's border - mean jump inside of tiles
    A(x) = 1 on the half with the smaller r, 0 on the other

A jigsaw has the pixel values of a drawing, but its strokes break off where tiles meet. Noise of that kind, made so that
nothing but the model could tell which half matters, is told from a drawing without the model: the null block of
BlockMNIST (Shah, Jain and Netrapalli 2021, arXiv:2102.12781) can be found so.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:2102.12781", control=True)
def tile_roughness(question: AttributionQuestion, *, tile: int = 4) -> Tensor:
    """One on the upper or the lower half, whichever breaks off less at the borders of tiles; no model involved."""
    shape = question.inputs.shape
    if len(shape) < 3 or question.sequential or shape[-2] % 2 or min(shape[-2] // 2, shape[-1]) <= tile:
        raise Unsupported(f"tile_roughness needs images of two halves with several tiles, got inputs of {list(shape)}")
    halves = question.inputs.reshape(len(question.inputs), -1, 2, shape[-2] // 2, shape[-1])
    roughness = (_excess(halves, tile) + _excess(halves.mT, tile)).mean(1)
    marked = torch.zeros_like(halves)
    marked[torch.arange(len(marked)), :, roughness.argmin(1)] = 1
    return marked.reshape(shape)


def _excess(halves: Float[Tensor, "n c 2 height width"], tile: int) -> Float[Tensor, "n c 2"]:
    """By how much the jumps from row to row are greater between tiles than inside of them."""
    jumps = halves.diff(dim=-2).abs().mean(-1)
    between = torch.arange(1, jumps.shape[-1] + 1, device=jumps.device) % tile == 0
    return jumps[..., between].mean(-1) - jumps[..., ~between].mean(-1)
