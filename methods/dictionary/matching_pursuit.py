"""Matching pursuit as the encoder, in training as well (Mallat and Zhang 1993): there is no other encoder to learn.

    repeat k times:      i = the atom most along the residual r,      f_i += r.a_i / |a_i|^2,      r -= f_i a_i
    loss = |f D + b - x|^2

An atom is taken for positive correlations alone. Slopes go through the products of residuals and atoms, not through
which atom is taken. An atom that was taken may be taken again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_pursuit import PursuitStep
from benchmark.learning.rules import Rule
from methods.dictionary._codebook import Codebook, pursued


@dataclass(frozen=True)
class MatchingPursuit(Rule[Codebook]):
    """Take as many atoms, one after the other, as codes are asked for."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Codebook:
        """Random unit atoms."""
        return Codebook.drawn(generator, size, x.shape[1], asked)

    def encode(self, p: Codebook, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The sums of what each atom took."""
        codes, _ = pursued(p, x - p.bias, rounds=int(p.asked), each=1)
        return codes

    def backend(self, p: Codebook, batch: int, dtype: torch.dtype) -> PursuitStep[Codebook] | None:  # noqa: ARG002
        """Gradients in closed form, on the CPU."""
        return PursuitStep(self, p) if p.atoms.device.type == "cpu" and dtype == torch.float32 else None


@dictionary_method(
    cites="doi:10.1109/78.258082",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def matching_pursuit(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Atoms learned under matching pursuit, which is their encoder."""
    return learn(questions, MatchingPursuit(), steps=steps, batch=batch, learning_rate=learning_rate)
