"""The crosscoder with an L1 penalty (Lindsey et al. 2024): a dictionary of several models at once.

    f = relu(sum_l E^l (x^l - b^l) + c),      loss = sum_l |f D^l + b^l - x^l|^2 + weight * sum_i f_i sum_l |d_i^l|

One code for a feature of all models, and a decoder for each. A code is penalised by the sum of its decoders' lengths,
so that no length has to be fixed; a length that is near 0 says that the model lacks the feature. The weight is steered
to the asked L0, as for `relu_l1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.rules import Rule, Seen, Step, tied
from benchmark.learning.steering import Steered, steer, steered
from methods.dictionary._crosscoders import learn_parts, lengths


@dataclass(frozen=True)
class Crosscoder(Rule[Steered]):
    """Penalise codes by the lengths of what they write."""

    widths: tuple[int, ...]
    unit_rows = ()

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Steered:
        """Random unit atoms, and the encoder their copy."""
        return steered(tied(generator, size, x.shape[1], asked))

    def encode(self, p: Steered, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The positive entries of E (x - b) + c."""
        return linear(x - p.bias, p.encoder, p.encoder_bias).relu()

    def penalty(self, p: Steered, seen: Seen) -> Float[Tensor, ""]:
        """The sum of codes, each by its lengths, by its weight."""
        return p.weight * (seen.codes * lengths(p.atoms, self.widths)).sum(-1).mean()

    def after(self, p: Steered, step: Step) -> None:
        """Steer the weight to the asked L0."""
        steer(p, step)


@dictionary_method(
    cites="Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer Features and Model Diffing",
    batched=True,
    requires=("parts",),
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def crosscoder(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder of several models with an L1 penalty by the lengths of each model's decoder."""
    return learn_parts(questions, Crosscoder, steps=steps, batch=batch, learning_rate=learning_rate)
