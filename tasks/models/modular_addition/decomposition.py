"""A hidden layer in parts: what of it follows each irreducible representation of the product.

    h(a, b) = mean + sum over representations r of  functions_r(ab) @ H_r + rest

On all pairs the functions are orthogonal, so the parts are exact and each can be taken out or kept alone. The rest
follows a or b alone, or both in other ways: it is in the activations, and no use to whoever wants the product.

Logits are linear in the hidden layer, so each part has a share in their variance. A representation is *key* where that
is above a hundredth; nets that generalise have shares far above it and far below it and nothing between (Nanda et al.
2023, arXiv:2301.05217, whose key frequencies these are; Chughtai et al. 2023, arXiv:2302.03025, for groups).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tasks.models.modular_addition.groups import Group
from tasks.models.modular_addition.network import Adder

KEY = 0.01


@dataclass(frozen=True, eq=False)
class Part:
    """What follows one representation."""

    name: str
    modes: Float[Tensor, "pairs k"]
    """Its functions of the product, at every pair."""
    written: Float[Tensor, "k d"]
    """What the hidden layer holds of each."""
    share: float
    """Of the variance of the logits."""

    @property
    def hidden(self) -> Float[Tensor, "pairs d"]:
        """The part itself."""
        return self.modes @ self.written

    @property
    def subspace(self) -> Float[Tensor, "k d"]:
        """Orthonormal axes of what it spans in the hidden layer."""
        return torch.linalg.svd(self.written, full_matrices=False).Vh

    @property
    def roundness(self) -> float:
        """Least by greatest extent in its subspace, from 0 (it is flat) to 1."""
        lengths = torch.linalg.svdvals(self.written)
        return float(lengths[-1] / lengths[0].clamp(min=1e-300))


def parts_of(net: Adder, group: Group) -> list[Part]:
    """The parts of all representations but the constant one, in double precision."""
    pairs = group.pairs
    product = group.table[pairs[:, 0], pairs[:, 1]]
    hidden, reads = net.hidden(pairs).double(), net.reads().double()
    whole = (hidden - hidden.mean(0)) @ reads.T
    found = []
    for name, functions in zip(group.names, group.functions, strict=True):
        modes = functions[:, product].T
        written = modes.T @ hidden / len(pairs)
        share = (written @ reads.T).square().sum() / whole.square().sum() * len(pairs)
        found.append(Part(name, modes, written, float(share)))
    return found


def key(parts: list[Part]) -> list[Part]:
    """Those that the logits are made of."""
    return [part for part in parts if part.share >= KEY]


def accuracy(
    net: Adder, group: Group, hidden: Float[Tensor, "pairs d"], rows: Int[Tensor, " n"] | None = None
) -> float:
    """The share of pairs, of all or of some, whose product is the greatest logit with this hidden layer."""
    pairs = group.pairs
    right = (hidden @ net.unembedding.double()).argmax(1) == group.table[pairs[:, 0], pairs[:, 1]]
    return float((right if rows is None else right[rows]).double().mean())
