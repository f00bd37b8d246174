"""Inputs in which one coordinate of a part carries a sign, and all others nothing.

part:  s e_j in d dimensions,  s = +-1,  j uniform;   an input has two parts, with signs and places of their own
(+ noise in every coordinate)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Points:
    """Inputs, part by part."""

    signs: Int[Tensor, "n parts"]
    """-1 or 1."""
    places: Int[Tensor, "n parts"]
    """Which coordinate of its part carries the sign."""
    noise: Float[Tensor, "n parts d"]

    def inputs(self) -> Float[Tensor, "n parts*d"]:
        """The vectors that a net sees."""
        values = self.noise.scatter_add(2, self.places[:, :, None], self.signs[:, :, None].to(self.noise))
        return values.flatten(1)

    def labels(self, part: int) -> Int[Tensor, " n"]:
        """0 or 1: the sign of a part."""
        return (self.signs[:, part] + 1) // 2

    def turned(self, part: int) -> Points:
        """The sign of a part exchanged for the other."""
        signs = self.signs.clone()
        signs[:, part] *= -1
        return replace(self, signs=signs)

    def moved(self, part: int, generator: torch.Generator) -> Points:
        """The sign of a part at another coordinate, drawn among the others."""
        count = self.noise.shape[2]
        places = self.places.clone()
        places[:, part] = (places[:, part] + torch.randint(1, count, (len(places),), generator=generator)) % count
        return replace(self, places=places)

    def redrawn(self, part: int, generator: torch.Generator) -> Points:
        """A part exchanged for that of a fresh draw, noise and all."""
        other = draw(len(self.signs), self.signs.shape[1], self.noise.shape[2], float(self.noise.std()), generator)
        pairs = ((self.signs, other.signs), (self.places, other.places), (self.noise, other.noise))
        signs, places, noise = (
            mine.clone().index_copy_(1, torch.tensor([part]), its[:, [part]]) for mine, its in pairs
        )
        return Points(signs, places, noise)


def draw(count: int, parts: int, dimension: int, noise: float, generator: torch.Generator) -> Points:
    """`count` inputs of `parts` parts."""
    signs = 2 * torch.randint(2, (count, parts), generator=generator) - 1
    places = torch.randint(dimension, (count, parts), generator=generator)
    return Points(signs, places, noise * torch.randn(count, parts, dimension, generator=generator))
