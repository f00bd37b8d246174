"""The BatchTopK autoencoder (Bussmann et al. 2024): the k n largest codes of a batch of n rows survive.

    f = relu(E (x - b) + c) where it is among the k n largest of the batch, else 0;      loss = |f D + b - x|^2

A row may have more codes than k if another has fewer. Where there is no batch, a code survives above the threshold
that was the least surviving code on average in the second half of the training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.rules import Rule, Step, tied
from methods.dictionary._batches import Thresholded, above_threshold, follow, largest_of_batch


@dataclass(frozen=True)
class BatchTopK(Rule[Thresholded]):
    """Keep as many codes of a batch as are asked for."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Thresholded:
        """Random unit atoms, the encoder their copy, and no threshold."""
        return Thresholded(**vars(tied(generator, size, x.shape[1], asked)), threshold=torch.tensor(0.0))

    def encode(self, p: Thresholded, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """What exceeds the threshold."""
        return above_threshold(p, x)

    def encode_batch(self, p: Thresholded, x: Float[Tensor, "B d"]) -> Float[Tensor, "B m"]:
        """The largest of the whole batch."""
        return largest_of_batch(p, x)

    def after(self, p: Thresholded, step: Step) -> None:
        """Follow the least code that survives."""
        follow(p, step)


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
