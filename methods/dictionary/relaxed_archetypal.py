"""The relaxed archetypal autoencoder (Fel et al. 2025): atoms may leave the hull of the data by a short way.

    f = TopK(relu(E (x - b) + c)),      D = exp(s) (W C + L),      rows of L no longer than `slack`

With s, a number for all atoms, they lie in a cone instead of the hull.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from methods.dictionary._archetypes import TINY, Archetypal, Archetypes, together


@dataclass(frozen=True)
class Relaxed(Archetypes):
    """Archetypes that may be left, and a common length."""

    away: Float[Tensor, "*k m d"]
    log_scale: Float[Tensor, "*k"]


@dataclass(frozen=True)
class RelaxedArchetypal(Archetypal):
    """Atoms near the hull of the points."""

    slack: float = 1.0

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Relaxed:
        """As without relaxation."""
        p = super().start(generator, x, size, asked)
        return Relaxed(**vars(p), away=torch.zeros_like(p.atoms), log_scale=torch.tensor(0.0))

    def directions(self, p: Archetypes) -> Float[Tensor, "*k m d"]:
        """The atoms that follow from weights, ways and scale."""
        inside = super().directions(p)
        if not isinstance(p, Relaxed):
            return inside  # before the first step
        short = (self.slack / (p.away.norm(dim=-1, keepdim=True) + TINY)).clamp(max=1)
        atoms: Tensor = p.log_scale.exp()[..., None, None] * (inside + p.away * short)
        return atoms


@dictionary_method(
    cites="arXiv:2502.12892",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}, "slack": (0.3, 1.0, 3.0)},
)
def relaxed_archetypal(
    questions: Sequence[DictionaryQuestion],
    *,
    steps: int = 2000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    shared: bool = True,
    slack: float = 1.0,
) -> list[Dictionary]:
    """TopK autoencoder whose atoms lie near the hull of points of the data."""
    asked = together(questions) if shared else questions
    return learn(asked, RelaxedArchetypal(slack), steps=steps, batch=batch, learning_rate=learning_rate)
