"""Atoms without an encoder: codes are what a row's residual has along them, taken one after the other.

repeat:      the atoms most along the residual r take their part,      f_i += r.a_i / |a_i|^2,      r -= f_i a_i
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.rules import STATE, Autoencoder, tied


@dataclass(frozen=True)
class Codebook(Autoencoder):
    """Atoms and a bias: codes follow from them, and the encoder is empty."""

    encoder: Float[Tensor, "*k 0 d"] = field(metadata=STATE)
    encoder_bias: Float[Tensor, "*k 0"] = field(metadata=STATE)

    @classmethod
    def drawn(cls, generator: torch.Generator, size: int, d: int, asked: int) -> Codebook:
        """Random unit atoms."""
        p = tied(generator, size, d, asked)
        return cls(torch.empty(0, d), p.atoms, torch.empty(0), p.bias, p.asked)


def pursued(
    p: Codebook, residual: Float[Tensor, "n d"], *, rounds: int, each: int
) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n d"]]:
    """Codes after `rounds` in which the `each` atoms most along the residual take their part, and what is left."""
    codes = residual.new_zeros(len(residual), len(p.atoms))
    square = p.atoms.square().sum(1).clamp(min=1e-12)
    for _ in range(rounds):
        along = (residual @ p.atoms.T / square.sqrt()).clamp(min=0)
        best = along.topk(min(each, len(p.atoms)), dim=1)
        taken = best.values / square.sqrt()[best.indices]
        codes = codes.scatter_add(1, best.indices, taken)
        residual = residual - torch.einsum("nk,nkd->nd", taken, p.atoms[best.indices])
    return codes, residual
