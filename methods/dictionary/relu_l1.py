"""The ReLU autoencoder with an L1 penalty (Bricken et al. 2023; Cunningham et al. 2023).

    f = relu(E (x - b) + c),      loss = |f D + b - x|^2 + weight * sum f

Atoms keep unit norm, the part of their gradient along the atom being removed. The weight is not a parameter: it is
adapted while training until the asked number of codes is active, so that dictionaries are compared at equal L0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import Rule, Seen, Step, tied
from benchmark.learning.steering import Steered, steer, steered


@dataclass(frozen=True)
class ReluL1(Rule[Steered]):
    """Penalise the sum of codes."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Steered:
        """Random unit atoms, and the encoder their copy."""
        return steered(tied(generator, size, x.shape[1], asked))

    def encode(self, p: Steered, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The positive entries of E (x - b) + c."""
        return linear(x - p.bias, p.encoder, p.encoder_bias).relu()

    def penalty(self, p: Steered, seen: Seen) -> Float[Tensor, ""]:
        """The sum of codes, by its weight."""
        return p.weight * seen.codes.sum(-1).mean()

    def after(self, p: Steered, step: Step) -> None:
        """Steer the weight to the asked L0."""
        steer(p, step)

    def backend(self, p: Steered, batch: int, dtype: torch.dtype) -> RectifiedStep:
        """Gradients in closed form."""
        return RectifiedStep(p, batch, penalty=lambda: (p.weight, 1.0), dtype=dtype)


@dictionary_method(
    cites="arXiv:2309.08600",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def relu_l1(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder with ReLU codes and an L1 penalty that is steered to the asked L0."""
    return learn(questions, ReluL1(), steps=steps, batch=batch, learning_rate=learning_rate)
