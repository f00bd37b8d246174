"""Gates of dictionary methods: an encoder that says apart whether an atom is on and how strongly.

    pi = E (x - b) + c,      f = 1[pi > 0] relu(exp(r) * E (x - b) + c')

A penalty acts on relu(pi) alone, so that it does not shrink f. So that relu(pi) stays a code, it has to rebuild the
input as well, by atoms that do not learn from that (`auxiliary`). `GateEntries` says the same for a fast backend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.learning.dictionary_entrywise import At, Entries
from benchmark.learning.dictionary_sparse import EPSILON
from benchmark.learning.rules import Seen


class Gates(Protocol):
    """The parameters of a gated autoencoder; `encoder_bias` is that of the gates."""

    @property
    def encoder(self) -> Float[Tensor, "*k m d"]: ...
    @property
    def encoder_bias(self) -> Float[Tensor, "*k m"]: ...
    @property
    def atoms(self) -> Float[Tensor, "*k m d"]: ...
    @property
    def bias(self) -> Float[Tensor, "*k d"]: ...
    @property
    def stretch(self) -> Float[Tensor, "*k m"]:
        """r."""

    @property
    def magnitude_bias(self) -> Float[Tensor, "*k m"]:
        """c'."""


@dataclass(frozen=True)
class Magnitudes:
    """What a gated autoencoder has besides a plain one; zero before the first step."""

    stretch: Float[Tensor, "*k m"]
    magnitude_bias: Float[Tensor, "*k m"]

    @classmethod
    def zero(cls, size: int) -> Magnitudes:
        """Those of `size` atoms."""
        return cls(torch.zeros(size), torch.zeros(size))


def opened(p: Gates, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
    """relu(pi): how far each gate is open."""
    return linear(x - p.bias, p.encoder, p.encoder_bias).relu()


def gated(p: Gates, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
    """f: the codes."""
    product = linear(x - p.bias, p.encoder)
    return (product * p.stretch.exp() + p.magnitude_bias).relu() * (product + p.encoder_bias > 0)


def auxiliary(p: Gates, seen: Seen, gates: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    """Mean squared distance of what open gates alone rebuild; atoms and bias learn nothing from it."""
    rebuilt = gates @ p.atoms.detach() + p.bias.detach()
    return (rebuilt - seen.targets).square().sum(-1).mean()


G = TypeVar("G", bound=Gates)


@dataclass(frozen=True)
class GateEntries(Generic[G]):
    """The formulas for listed entries z, those of open gates; relu(pi) is the second code."""

    penalty: Callable[[G], tuple[float, float]]
    """The weight of sum relu(pi)^power, and the power."""

    def bound(self, p: G) -> Float[Tensor, " m"]:
        """Where gates open."""
        return -p.encoder_bias

    def codes(self, p: G, z: Entries, at: At) -> list[Entries]:
        """Magnitudes, and openings."""
        return [(z * p.stretch.exp()[at] + p.magnitude_bias[at]).relu(), z + p.encoder_bias[at]]

    def slopes(self, p: G, z: Entries, at: At, toward: Sequence[Entries]) -> tuple[Entries, dict[str, Entries]]:
        """Through magnitudes where they are positive, and through openings, which are penalised."""
        stretch = p.stretch.exp()[at]
        weight, power = self.penalty(p)
        magnitude = toward[0] * (z * stretch + p.magnitude_bias[at] > 0)
        opening = z + p.encoder_bias[at]
        # below 0, where all entries are asked, nothing counts
        push = weight if power == 1 else weight * power * (opening.clamp(min=0) + EPSILON).pow(power - 1)
        opening = toward[1] + push
        stretched = magnitude * stretch
        named = {"encoder_bias": opening, "magnitude_bias": magnitude, "stretch": stretched * z}
        return stretched + opening, named

    def gradients(self, p: G, sums: dict[str, Float[Tensor, " m"]], l0: float) -> dict[str, Float[Tensor, " m"]]:  # noqa: ARG002
        """The means themselves."""
        return sums
