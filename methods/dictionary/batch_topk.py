"""The BatchTopK autoencoder (Bussmann et al. 2024): the k n largest codes of a batch of n rows survive.

    f = relu(E (x - b) + c) where it is among the k n largest of the batch, else 0;      loss = |f D + b - x|^2

A row may have more codes than k if another has fewer. Where there is no batch, a code survives above the threshold
that was the least surviving code on average in the second half of the training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from methods.dictionary._batches import LargestOfBatch


@dataclass(frozen=True)
class BatchTopK(LargestOfBatch):
    """Rebuild from the largest codes of the batch, and nothing else."""


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
