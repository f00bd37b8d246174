"""RISE: the mean of random soft masks, weighed by the target's probability under them (Petsiuk et al. 2018).

    A_i(x) = sum over masks m of  p_t(b + m * (x - b)) m_i  /  (samples * E m)

Masks are coarse grids of zeros and ones, each cell present with probability one half, enlarged without hard edges and
shifted at random; of several series each has cells of its own. The entries of vectors and the places of sequences are
present or absent.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import select

PRESENT = 0.5


@attribution_method(cites="arXiv:1806.07421")
@torch.no_grad()
def rise(question: AttributionQuestion, *, samples: int = 256, cells: int = 8) -> Tensor:
    """The weighed mean of `samples` masks that all inputs share, of `cells` cells along the longer side."""
    if question.targets is None:
        raise Unsupported("rise weighs masks by the probability of a class, and the model has a single output")
    generator = torch.Generator().manual_seed(question.seed)
    total = torch.zeros_like(question.inputs)
    shape = tuple(question.inputs.shape[1:])
    masked = shape[1:] if question.sequential else shape
    masks = _masks(masked, samples, cells, generator, rows_apart=question.series)
    for mask in masks.to(question.inputs):
        shown = question.baseline + mask * (question.inputs - question.baseline)
        probability = select(question.model(shown).softmax(1), question.targets)
        total += probability.view(-1, *[1] * len(shape)) * mask
    return total / (samples * PRESENT)


def _masks(
    shape: tuple[int, ...], samples: int, cells: int, generator: torch.Generator, *, rows_apart: bool = False
) -> Float[Tensor, "samples ..."]:
    """Masks in [0, 1], the same for all channels; of rows that are no neighbours each has its own."""
    if len(shape) == 1:
        return (torch.rand(samples, *shape, generator=generator) < PRESENT).float()
    height, width = shape[-2:]
    side = -(-(width if rows_apart else max(height, width)) // cells)
    tall = 1 if rows_apart else side
    rows, columns = -(-height // tall) + 1, -(-width // side) + 1
    grids = (torch.rand(samples, 1, rows, columns, generator=generator) < PRESENT).float()
    large = F.interpolate(grids, size=(rows * tall, columns * side), mode="bilinear", align_corners=False)
    downs, rights = (torch.randint(step, (samples, 1), generator=generator) for step in (tall, side))
    shifts = torch.cat([downs, rights], 1).tolist()
    masks = [
        one[0, down : down + height, right : right + width] for one, (down, right) in zip(large, shifts, strict=True)
    ]
    return torch.stack(masks).view(samples, *[1] * (len(shape) - 2), height, width).expand(samples, *shape)
