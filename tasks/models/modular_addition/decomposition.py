"""A layer in parts: what of it follows each irreducible representation of the product, or of one element.

    hidden(a, b) = mean + sum over representations r of  functions_r(ab) @ H_r  + rest
    summed(a, b) = mean + sum over representations r of  functions_r(a) @ A_r + functions_r(b) @ B_r

On all pairs the functions are orthogonal, so the parts are exact and each can be taken out or kept alone. The rest of
the hidden layer follows a or b alone, or both in other ways: no use to whoever wants the product.

Logits are linear in the hidden layer, so each of its parts has a share in their variance. A representation is *key*
where that is above a hundredth; nets that generalise have shares far above it and far below it and nothing between
(Nanda et al. 2023, arXiv:2301.05217, whose key frequencies these are; Chughtai et al. 2023, arXiv:2302.03025, for
groups).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

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
    """Its functions, at every pair."""
    written: Float[Tensor, "k d"]
    """What the layer holds of each."""

    @property
    def content(self) -> Float[Tensor, "pairs d"]:
        """The part itself."""
        return self.modes @ self.written

    @cached_property
    def subspace(self) -> Float[Tensor, "k d"]:
        """Orthonormal axes of what it spans in the layer."""
        axes: Tensor = torch.linalg.svd(self.written, full_matrices=False).Vh
        return axes

    @property
    def roundness(self) -> float:
        """Least by greatest extent in its subspace, from 0 (it is flat) to 1."""
        lengths = torch.linalg.svdvals(self.written)
        return float(lengths[-1] / lengths[0].clamp(min=1e-300))


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A net's two layers on all pairs, in double precision, and the parts of its representations."""

    net: Adder
    group: Group

    @cached_property
    def summed(self) -> Float[Tensor, "pairs d"]:
        """The layer that is squared."""
        return self.net.summed(self.group.pairs).double()

    @cached_property
    def hidden(self) -> Float[Tensor, "pairs d"]:
        """The layer that the logits are read from."""
        return self.net.hidden(self.group.pairs).double()

    @cached_property
    def product(self) -> Int[Tensor, " pairs"]:
        """What the net is to say."""
        return self.group.table[self.group.pairs[:, 0], self.group.pairs[:, 1]]

    @cached_property
    def of_product(self) -> list[Part]:
        """The hidden layer's part of each representation but the constant one."""
        named = zip(self.group.names, self.group.functions, strict=True)
        return [self._part(name, functions[:, self.product], self.hidden) for name, functions in named]

    @cached_property
    def shares(self) -> list[float]:
        """The share of each of these parts in the variance of the logits."""
        reads = self.net.reads().double()
        whole = ((self.hidden - self.hidden.mean(0)) @ reads.T).square().mean(0).sum()
        return [float((part.written @ reads.T).square().sum() / whole) for part in self.of_product]

    @cached_property
    def key(self) -> list[int]:
        """Which representations the logits are made of."""
        return [number for number, share in enumerate(self.shares) if share >= KEY]

    def of_elements(self, chosen: Sequence[int]) -> list[Part]:
        """Of the layer that is squared, the parts of chosen representations of the first and of the second element."""
        return [
            self._part(
                f"{self.group.names[number]} of {which}",
                self.group.functions[number][:, self.group.pairs[:, place]],
                self.summed,
            )
            for number in chosen
            for place, which in enumerate(("a", "b"))
        ]

    def accuracy(self, hidden: Float[Tensor, "pairs d"], rows: Int[Tensor, " n"] | None = None) -> float:
        """The share of pairs, of all or of some, whose product has the greatest logit with this hidden layer."""
        right = (hidden @ self.net.unembedding.double()).argmax(1) == self.product
        return float((right if rows is None else right[rows]).double().mean())

    def right_logit(self, hidden: Float[Tensor, "pairs d"]) -> float:
        """How far this hidden layer lifts the product's logit above the mean of all, on average."""
        logits = hidden @ self.net.reads().double().T
        return float(logits.gather(1, self.product[:, None]).mean())

    def _part(self, name: str, functions: Float[Tensor, "k pairs"], layer: Float[Tensor, "pairs d"]) -> Part:
        return Part(name, functions.T, functions @ layer / len(layer))


def together(parts: Sequence[Part], layer: Float[Tensor, "pairs d"]) -> Float[Tensor, "pairs d"]:
    """The sum of parts of a layer."""
    found = torch.zeros_like(layer)
    for part in parts:
        found += part.content
    return found


def greatest_overlap(parts: Sequence[Part]) -> float:
    """The greatest cosine between directions of two parts' subspaces; 0 where there is one part."""
    found = [float(torch.linalg.svdvals(one.subspace @ two.subspace.T)[0]) for one, two in combinations(parts, 2)]
    return max(found, default=0.0)
