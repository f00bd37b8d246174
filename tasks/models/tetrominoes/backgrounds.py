"""Backgrounds with a mean of 0 and a variance of 1: white, smooth, and with the spectrum of photographs."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Background = Literal["white", "correlated", "image"]
SMOOTH = 3 / 8
"""Width of the filter of a correlated background, as a share of the side."""


def draw(kind: Background, count: int, side: int, generator: torch.Generator) -> Float[Tensor, "n h w"]:
    """Independent backgrounds.

    white        normal, every pixel on its own
    correlated   white noise under a Gaussian filter
    image        white noise whose amplitude falls with 1 / frequency, as that of photographs does (Field 1987,
                 doi:10.1364/JOSAA.4.002379)
    """
    noise = torch.randn(count, side, side, generator=generator)
    if kind == "white":
        return noise
    frequencies = torch.fft.fftfreq(side)
    radius = (frequencies[:, None] ** 2 + frequencies[None] ** 2).sqrt()
    if kind == "correlated":
        gain = torch.exp(-2 * (torch.pi * SMOOTH * side * radius) ** 2)
    else:
        gain = 1 / radius.clamp(min=1 / side)
    gain = gain / (gain**2).mean().sqrt()
    return torch.as_tensor(torch.fft.ifft2(torch.fft.fft2(noise) * gain).real)
