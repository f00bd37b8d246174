"""The TopK autoencoder (Gao et al. 2024): only the k largest codes of a row survive, and nothing is penalised.

    f = TopK(relu(E (x - b) + c)),      loss = |f D + b - x|^2

Atoms start as copies of the encoder and keep unit norm. Plain form: no auxiliary loss revives dead atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method, keep_largest
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import Autoencoder, Rule, tied


@dataclass(frozen=True)
class TopK(Rule[Autoencoder]):
    """Keep as many codes of every row as are asked for."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Autoencoder:
        """Random unit atoms, and the encoder their copy."""
        return tied(generator, size, x.shape[1], asked)

    def encode(self, p: Autoencoder, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The largest positive entries of E (x - b) + c."""
        return keep_largest(linear(x - p.bias, p.encoder, p.encoder_bias).relu(), int(p.asked))

    def backend(self, p: Autoencoder, batch: int, dtype: torch.dtype) -> RectifiedStep:
        """Gradients in closed form."""
        return RectifiedStep(p, batch, keep=p.asked, dtype=dtype)


@dictionary_method(
    cites="arXiv:2406.04093",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def topk(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder that keeps the asked number of codes in every row."""
    return learn(questions, TopK(), steps=steps, batch=batch, learning_rate=learning_rate)
