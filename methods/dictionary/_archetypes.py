"""Atoms that cannot leave the data: convex combinations of points (archetypal analysis, Cutler and Breiman 1994).

    D = W C (+ L),      rows of W are not negative and sum to 1; C are points of the data; L, if any, is short

Each dictionary starts at the first points, an atom at each. Where all seeds draw the same points (`together`), their
dictionaries are alike before they have learnt anything, and whoever measures stability over seeds measures that, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear, normalize

from benchmark.families.dictionary import DictionaryQuestion, keep_largest
from benchmark.learning.rules import STATE, Autoencoder, Rule, tied

MOST, TINY = 4, 1e-12
"""So many points an atom; what keeps a row of zeros finite."""


@dataclass(frozen=True)
class Archetypes(Autoencoder):
    """An autoencoder whose atoms follow from trained weights of given points."""

    atoms: Float[Tensor, "*k m d"] = field(metadata=STATE)
    points: Float[Tensor, "*k c d"] = field(metadata=STATE)
    mixture: Float[Tensor, "*k m c"]


@dataclass(frozen=True)
class Archetypal(Rule[Archetypes]):
    """Keep the largest codes of atoms inside the hull of the points."""

    unit_rows = ()

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Archetypes:
        """Points of the data, drawn by lot; the first atoms are the first points, the encoder their directions."""
        points = x[torch.randperm(len(x), generator=generator)[: MOST * size]]
        enough = len(points) >= size
        mixture = torch.eye(size, len(points)) if enough else torch.rand(size, len(points), generator=generator)
        mixture = mixture / mixture.sum(1, keepdim=True)
        p = tied(generator, size, x.shape[1], asked)
        made = Archetypes(**vars(p), points=points, mixture=mixture)
        made.atoms.copy_(self.directions(made))
        made.encoder.copy_(normalize(made.atoms, dim=-1))
        return made

    def directions(self, p: Archetypes) -> Float[Tensor, "*k m d"]:
        """The atoms that follow from the weights."""
        return p.mixture @ p.points

    def encode(self, p: Archetypes, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The largest positive entries of E (x - b) + c."""
        return keep_largest(linear(x - p.bias, p.encoder, p.encoder_bias).relu(), int(p.asked))

    def decode(self, p: Archetypes, codes: Float[Tensor, "n m"]) -> Float[Tensor, "n e"]:
        """The reconstruction, by atoms as the weights have them now."""
        return codes @ self.directions(p) + p.bias

    def after(self, p: Archetypes, _step: object) -> None:
        """Bring the weights back to where they are not negative and sum to 1, and keep the atoms that follow."""
        p.mixture.clamp_(min=0)
        p.mixture.div_(p.mixture.sum(-1, keepdim=True).clamp(min=TINY))
        p.atoms.copy_(self.directions(p))


def together(questions: Sequence[DictionaryQuestion]) -> list[DictionaryQuestion]:
    """The questions with one start for all seeds, but where their task says how seeds start."""
    return [replace(one, start_seed=0) if one.start_seed is None else one for one in questions]
