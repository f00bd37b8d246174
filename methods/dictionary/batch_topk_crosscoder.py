"""The BatchTopK crosscoder (Minder et al. 2025): the largest codes of a batch survive, measured by what they write.

    v = relu(sum_l E^l (x^l - b^l) + c),      f = v where v_i sum_l |d_i^l| is among the k n largest of n rows, else 0
    loss = sum_l |f D^l + b^l - x^l|^2

Without a penalty, nothing shrinks an atom's part in a model that has a little of a feature. After every step each atom
is brought to sum_l |d_i^l| = 1 and its encoder to the inverse scale, which changes no reconstruction and makes codes
what is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.rules import Rule, Step
from methods.dictionary._batches import LargestOfBatch, Thresholded
from methods.dictionary._crosscoders import learn_parts, lengths


@dataclass(frozen=True)
class BatchTopKCrosscoder(LargestOfBatch):
    """Rebuild from the largest codes of the batch, of atoms whose lengths sum to 1."""

    widths: tuple[int, ...]
    unit_rows = ()
    backend = Rule.backend

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Thresholded:
        """As an autoencoder, in the crosscoder's lengths."""
        p = super().start(generator, x, size, asked)
        self.measure(p)
        return p

    def after(self, p: Thresholded, step: Step) -> None:
        """Bring atoms to their length, and follow the least code that survives."""
        self.measure(p)
        super().after(p, step)

    def measure(self, p: Thresholded) -> None:
        """Scale atoms to length 1, and codes by the inverse."""
        length = lengths(p.atoms, self.widths).clamp(min=1e-12)
        p.atoms.div_(length[..., None])
        p.encoder.mul_(length[..., None])
        p.encoder_bias.mul_(length)


@dictionary_method(
    cites="arXiv:2504.02922",
    batched=True,
    requires=("parts",),
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def batch_topk_crosscoder(
    questions: Sequence[DictionaryQuestion], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder of several models that keeps the asked number of codes a row on average over a batch."""
    return learn_parts(questions, BatchTopKCrosscoder, steps=steps, batch=batch, learning_rate=learning_rate)
