"""A control of training, no method to use: a TopK encoder learns to write with atoms that stay as they were drawn.

    f = TopK(relu(E (x - b) + c)),      loss = |f D + b - x|^2,      D random and never changed

Proxies without a truth (variance explained, interpretability by judges) hardly tell it from trained dictionaries
(arXiv:2602.14111); it cannot have found a direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method, keep_largest
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import STATE, Autoencoder, Rule, tied


@dataclass(frozen=True)
class Frozen(Autoencoder):
    """An autoencoder whose atoms are given."""

    atoms: Float[Tensor, "*k m d"] = field(metadata=STATE)


@dataclass(frozen=True)
class FrozenDecoder(Rule[Frozen]):
    """Train the encoder alone."""

    unit_rows = ()

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Frozen:
        """Random unit atoms, and the encoder their copy."""
        return Frozen(**vars(tied(generator, size, x.shape[1], asked)))

    def encode(self, p: Frozen, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The largest positive entries of E (x - b) + c."""
        return keep_largest(linear(x - p.bias, p.encoder, p.encoder_bias).relu(), int(p.asked))

    def backend(self, p: Frozen, batch: int, dtype: torch.dtype) -> RectifiedStep:
        """Gradients in closed form; those of the atoms change nothing."""
        return RectifiedStep(p, batch, keep=p.asked, dtype=dtype)


@dictionary_method(
    cites="arXiv:2602.14111",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def frozen_decoder(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """TopK autoencoder whose atoms are random and stay so."""
    return learn(questions, FrozenDecoder(), steps=steps, batch=batch, learning_rate=learning_rate)
