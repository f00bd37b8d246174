"""The BatchTopK autoencoder (Bussmann et al. 2024): the k n largest codes of a batch of n rows survive.

    f = relu(E (x - b) + c) where it is among the k n largest of the batch, else 0;      loss = |f D + b - x|^2

A row may have more codes than k if another has fewer. Where there is no batch, a code survives above the threshold
that was the least surviving code on average in the second half of the training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.rules import STATE, Autoencoder, Rule, Step, tied

SLOWEST = 0.01
"""The share of a new step in the running mean of the threshold, at least."""


@dataclass(frozen=True)
class Thresholded(Autoencoder):
    """An autoencoder with the value above which a code survives alone."""

    threshold: Float[Tensor, "*k"] = field(metadata=STATE)


@dataclass(frozen=True)
class BatchTopK(Rule[Thresholded]):
    """Keep as many codes of a batch as are asked for."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Thresholded:
        """Random unit atoms, the encoder their copy, and no threshold."""
        return Thresholded(**vars(tied(generator, size, x.shape[1], asked)), threshold=torch.tensor(0.0))

    def encode(self, p: Thresholded, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Positive entries of E (x - b) + c above the threshold."""
        codes = linear(x - p.bias, p.encoder, p.encoder_bias).relu()
        return codes * (codes > p.threshold)

    def encode_batch(self, p: Thresholded, x: Float[Tensor, "B d"]) -> Float[Tensor, "B m"]:
        """The largest positive entries of the whole batch."""
        codes = linear(x - p.bias, p.encoder, p.encoder_bias).relu()
        count = min(int(p.asked) * len(x), codes.numel())
        return codes * (codes >= codes.detach().flatten().topk(count).values[-1])

    def after(self, p: Thresholded, step: Step) -> None:
        """In the second half, the running mean of the least code that survives."""
        since = step.number - step.steps // 2
        if since < 0:
            return
        least = [codes[codes > 0].min() if bool((codes > 0).any()) else codes.new_zeros(()) for codes in step.codes()]
        p.threshold.lerp_(torch.stack(least).to(p.threshold), max(SLOWEST, 1 / (1 + since)))


@dictionary_method(
    cites="arXiv:2412.06410",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def batch_topk(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder that keeps the asked number of codes a row on average over a batch."""
    return learn(questions, BatchTopK(), steps=steps, batch=batch, learning_rate=learning_rate)
