"""The Matryoshka BatchTopK autoencoder (Bussmann et al. 2025): every prefix of the dictionary has to rebuild alone.

    loss = mean over prefixes m' of |f[:m'] D[:m'] + b - x|^2,      f as in BatchTopK

The first atoms cannot leave to later ones what is general, so that features do not absorb their parents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import Seen
from methods.dictionary._batches import LargestOfBatch, Thresholded

GROUPS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 17 / 32)
"""Shares of the dictionary that a prefix adds to the one before it, as in the board-game sweep of arXiv:2408.00113."""


@dataclass(frozen=True)
class MatryoshkaBatchTopK(LargestOfBatch):
    """Rebuild from every prefix."""

    def error(self, p: Thresholded, seen: Seen) -> Float[Tensor, ""]:
        """The mean over prefixes of the mean squared distance."""
        left = p.bias - seen.targets
        errors = []
        for first, last in pairwise((0, *prefixes(len(p.atoms)))):
            left = left + seen.codes[:, first:last] @ p.atoms[first:last]
            errors.append(left.square().sum(-1).mean())
        return torch.stack(errors).mean()

    def backend(self, p: Thresholded, batch: int, dtype: torch.dtype) -> RectifiedStep:
        """Gradients in closed form."""
        return RectifiedStep(p, batch, keep=p.asked, together=True, prefixes=prefixes(p.atoms.shape[1]), dtype=dtype)


def prefixes(size: int) -> list[int]:
    """How many atoms each prefix has: growing, at least one, the last one all of them."""
    ends = [max(1, round(size * share)) for share in accumulate(GROUPS)]
    return sorted({*ends[:-1], size})


@dictionary_method(
    cites="arXiv:2503.17547",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def matryoshka_batch_topk(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """BatchTopK autoencoder of nested dictionaries, each of which rebuilds by itself."""
    return learn(questions, MatryoshkaBatchTopK(), steps=steps, batch=batch, learning_rate=learning_rate)
