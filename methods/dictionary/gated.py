"""The gated autoencoder (Rajamanoharan et al. 2024): whether an atom is on and how strongly are said apart.

    pi = E (x - b) + c,      f = 1[pi > 0] relu(exp(r) * E (x - b) + c')
    loss = |f D + b - x|^2 + weight * sum relu(pi) + |relu(pi) D + b - x|^2 with D and b held fixed

The penalty acts on the gates, so that it makes codes rare without making them small. Its weight is steered to the asked
L0, as for relu_l1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_entrywise import EntrywiseStep
from benchmark.learning.rules import Rule, Seen, Step, tied
from benchmark.learning.steering import Steered, steer, steered
from methods.dictionary._gates import GateEntries, Magnitudes, auxiliary, opened
from methods.dictionary._gates import gated as gated_codes


@dataclass(frozen=True)
class GatedAutoencoder(Steered, Magnitudes):
    """A steered autoencoder with gates."""


@dataclass(frozen=True)
class Gated(Rule[GatedAutoencoder]):
    """Penalise how far gates are open."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> GatedAutoencoder:
        """Random unit atoms, the encoder their copy, and gates that open as codes do."""
        return GatedAutoencoder(
            **vars(steered(tied(generator, size, x.shape[1], asked))), **vars(Magnitudes.zero(size))
        )

    def encode(self, p: GatedAutoencoder, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Magnitudes where gates are open."""
        return gated_codes(p, x)

    def penalty(self, p: GatedAutoencoder, seen: Seen) -> Float[Tensor, ""]:
        """The openings by their weight, and what they have to rebuild."""
        gates = opened(p, seen.inputs)
        return p.weight * gates.sum(-1).mean() + auxiliary(p, seen, gates)

    def after(self, p: GatedAutoencoder, step: Step) -> None:
        """Steer the weight to the asked L0."""
        steer(p, step)

    def backend(self, p: GatedAutoencoder, batch: int, dtype: torch.dtype) -> EntrywiseStep[GatedAutoencoder]:
        """Gradients in closed form."""
        formulas = GateEntries[GatedAutoencoder](lambda p: (float(p.weight), 1.0))
        return EntrywiseStep(self, formulas, p, batch, dtype)


@dictionary_method(
    cites="arXiv:2404.16014",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def gated(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder with gates, whose openings are penalised instead of its codes."""
    return learn(questions, Gated(), steps=steps, batch=batch, learning_rate=learning_rate)
