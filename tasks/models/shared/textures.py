"""Textures: regular patterns and noise, drawn with a random phase, angle and size; mean 0 and variance 1 each.

    stripes    a wave along one direction
    rings      a wave around a centre in the picture
    dots       bumps on a square grid
    blobs      smooth noise, cut at its mean
    grain      white noise

Waves and bumps have steep flanks: pixels are either high or low, and the pattern is told from the shapes alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

STEEP = 3.0
LENGTHS = (5.0, 7.0)
"""The least and the greatest wavelength, in pixels."""
SMOOTH = 1.5
"""Standard deviation, in pixels, of the filter that makes blobs."""

Grid = tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"]]


def _stripes(rows: Tensor, _columns: Tensor, _generator: torch.Generator) -> Float[Tensor, "n h w"]:
    return torch.tanh(STEEP * rows.sin())


def _dots(rows: Tensor, columns: Tensor, _generator: torch.Generator) -> Float[Tensor, "n h w"]:
    return torch.tanh(STEEP * (rows.sin() + columns.sin() - 0.8))


def _rings(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Float[Tensor, "n h w"]:
    middle = [(values.amax((1, 2)) + values.amin((1, 2))) / 2 for values in (rows, columns)]
    spread = [(values.amax((1, 2)) - values.amin((1, 2))) / 4 for values in (rows, columns)]
    places = [
        at + width * (2 * torch.rand(len(rows), generator=generator) - 1)
        for at, width in zip(middle, spread, strict=True)
    ]
    return torch.tanh(STEEP * torch.hypot(rows - _wide(places[0]), columns - _wide(places[1])).sin())


def _blobs(rows: Tensor, _columns: Tensor, generator: torch.Generator) -> Float[Tensor, "n h w"]:
    side = rows.shape[-1]
    frequencies = torch.fft.fftfreq(side)
    radius = torch.hypot(frequencies[:, None], frequencies[None])
    gain = torch.exp(-2 * (math.pi * SMOOTH * radius) ** 2)
    gain[0, 0] = 0
    noise = torch.fft.fft2(torch.randn(rows.shape, generator=generator))
    return torch.tanh(STEEP * _standard(torch.fft.ifft2(noise * gain).real))


def _grain(rows: Tensor, _columns: Tensor, generator: torch.Generator) -> Float[Tensor, "n h w"]:
    return torch.randn(rows.shape, generator=generator)


TEXTURES: dict[str, Callable[[Tensor, Tensor, torch.Generator], Float[Tensor, "n h w"]]] = {
    "stripes": _stripes,
    "rings": _rings,
    "dots": _dots,
    "blobs": _blobs,
    "grain": _grain,
}
"""By name, in the order in which they are numbered."""


def textures(kinds: Int[Tensor, " n"], side: int, generator: torch.Generator) -> Float[Tensor, "n h w"]:
    """A texture of each of these kinds, by number."""
    rows, columns = _phases(len(kinds), side, generator)
    found = torch.empty(len(kinds), side, side)
    for number, draw in enumerate(TEXTURES.values()):
        own = kinds == number
        if bool(own.any()):
            found[own] = _standard(draw(rows[own], columns[own], generator))
    return found


def _phases(count: int, side: int, generator: torch.Generator) -> Sequence[Float[Tensor, "n h w"]]:
    """Two phases, at a right angle to each other, that grow by 2 pi a wavelength in a random direction."""
    least, greatest = LENGTHS
    angle, size, first, second = torch.rand(4, count, generator=generator)
    wave = _wide(2 * math.pi / (least + (greatest - least) * size))
    sine, cosine = (_wide(of(2 * math.pi * angle)) for of in (torch.sin, torch.cos))
    rows, columns = torch.meshgrid(*(torch.arange(side, dtype=torch.float32),) * 2, indexing="ij")
    along, across = cosine * rows + sine * columns, cosine * columns - sine * rows
    return wave * along + _wide(2 * math.pi * first), wave * across + _wide(2 * math.pi * second)


def _standard(values: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    centred = values - values.mean((1, 2), keepdim=True)
    return centred / centred.square().mean((1, 2), keepdim=True).sqrt()


def _wide(values: Float[Tensor, " n"]) -> Float[Tensor, "n 1 1"]:
    return values[:, None, None]
