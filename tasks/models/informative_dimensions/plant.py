"""Where concepts are written into activations, and the inputs that are drawn with them.

`used` and `unused` are four-way concepts, each written with the corners of a tetrahedron in three dimensions of its
own; `xor` is the exclusive or of two bits, each written along one dimension. All these dimensions have the same
variance, so that size tells nothing. `used` may be written in a second place as well, of which the network reads one.
Types tell inputs apart, so that labels can be memorised.
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
RANKS = (CODE, CODE, 2)
"""Dimensions in which each concept is written."""
TYPE_DIMENSIONS = 16


@dataclass(frozen=True)
class Plant:
    """Where everything is written; each code is a row."""

    places: Float[Tensor, "places 4 d"]
    """Codes of `used`, in one place or two."""
    reads: int
    """The place from which the network has `used`."""
    unused: Float[Tensor, "4 d"]
    bits: Float[Tensor, "2 d"]
    types: Float[Tensor, "types d"]
    factors: Float[Tensor, "factors d"]
    noise: float
    """Standard deviation of the independent noise."""

    @property
    def used(self) -> Float[Tensor, "4 d"]:
        """Codes of `used` where the network reads it."""
        return self.places[self.reads]

    @property
    def spares(self) -> list[Float[Tensor, "4 d"]]:
        """Codes of `used` where the network does not read it."""
        return [codes for place, codes in enumerate(self.places) if place != self.reads]

    def subspaces(self) -> Float[Tensor, "3 3 d"]:
        """Orthonormal rows spanning where `used`, `unused` and `xor` are written; `xor` has two and one of zeros."""
        spans = torch.zeros(3, CODE, self.used.shape[1])
        for concept, codes in enumerate((self.used, self.unused, self.bits)):
            spans[concept, : RANKS[concept]] = span_of(codes, RANKS[concept])
        return spans

    def readers(self) -> Float[Tensor, "3 3 d"]:
        """Rows that read each concept's component with the least error: (S C^-1 S^T)^-1 S C^-1, S its subspace.

        C is the covariance of everything else that is written, noise among it: generalised least squares. Its reading
        directions are not those of writing where noise is shared (Haufe et al. 2014).
        """
        spans, d = self.subspaces(), self.used.shape[1]
        written = [_covariance(self.used), _covariance(self.unused), self.bits.T @ self.bits]
        centred = self.types - self.types.mean(0)
        rest = self.noise**2 * torch.eye(d) + self.factors.T @ self.factors + centred.T @ centred / len(centred)
        rest = rest + sum(written) + sum(_covariance(codes) for codes in self.spares)
        readers = torch.zeros_like(spans)
        for concept, rank in enumerate(RANKS):
            rows = spans[concept, :rank].double()
            weighted = torch.linalg.solve((rest - written[concept]).double(), rows.T).T
            readers[concept, :rank] = torch.linalg.solve(weighted @ rows.T, weighted).float()
        return readers


def span_of(codes: Float[Tensor, "k d"], rank: int) -> Float[Tensor, "rank d"]:
    """Orthonormal rows that span codes: those of a four-way concept about their mean, bits as they are."""
    rows = codes - codes.mean(0) if len(codes) > rank else codes
    basis: Tensor = torch.linalg.svd(rows, full_matrices=False).Vh[:rank]
    return basis


def _covariance(codes: Float[Tensor, "4 d"]) -> Float[Tensor, "d d"]:
    """Of a code drawn with equal chances."""
    centred = codes - codes.mean(0)
    return centred.T @ centred / len(codes)


@dataclass(frozen=True)
class Sample:
    """Inputs: concept labels, types and activations."""

    labels: Int[Tensor, "n 3"]
    written: Int[Tensor, "places n"]
    """The class of `used` that each of its places holds."""
    signs: Float[Tensor, "n 2"]
    """The two bits, -1 or 1."""
    types: Int[Tensor, " n"]
    hidden: Float[Tensor, "n d"]
