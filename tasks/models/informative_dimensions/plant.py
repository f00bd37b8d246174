"""Where concepts are written into activations, and the inputs that are drawn with them.

`used` and `unused` are four-way concepts, each written with the corners of a tetrahedron in three dimensions of its
own; `xor` is the exclusive or of two bits, each written along one dimension. Types tell inputs apart, so that labels
can be memorised.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

NAMES = ("used", "unused", "xor")
CLASSES = (4, 4, 2)
CODE = 3
"""Dimensions of a four-way concept: its codes are the corners of a tetrahedron."""
TYPE_DIMENSIONS = 16


@dataclass(frozen=True)
class Plant:
    """Where everything is written; each code is a row."""

    used: Float[Tensor, "4 d"]
    unused: Float[Tensor, "4 d"]
    bits: Float[Tensor, "2 d"]
    types: Float[Tensor, "types d"]
    factors: Float[Tensor, "factors d"]

    def subspaces(self) -> Float[Tensor, "3 3 d"]:
        """Orthonormal rows spanning where `used`, `unused` and `xor` are written; `xor` has two and one of zeros."""
        spans = torch.zeros(3, CODE, self.used.shape[1])
        for concept, codes in enumerate((self.used, self.unused, self.bits)):
            rank = CODE if concept < 2 else 2
            rows = codes - codes.mean(0) if concept < 2 else codes
            spans[concept, :rank] = torch.linalg.svd(rows, full_matrices=False).Vh[:rank]
        return spans


@dataclass(frozen=True)
class Sample:
    """Inputs: concept labels, types and activations."""

    labels: Int[Tensor, "n 3"]
    types: Int[Tensor, " n"]
    hidden: Float[Tensor, "n d"]
