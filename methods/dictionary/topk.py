"""The TopK autoencoder (Gao et al. 2024): only the k largest codes of a row survive, and nothing is penalised.

Atoms start as copies of the encoder and keep unit norm. Plain form: no auxiliary loss revives dead atoms.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.dictionary import Dictionary, DictionarySubject, dictionary_method
from benchmark.learning.dictionaries import TopK, learn


@dictionary_method(cites="arXiv:2406.04093", batched=True, small={"steps": 300})
def topk(
    subjects: Sequence[DictionarySubject], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder that keeps the asked number of codes in every row."""
    return learn(subjects, TopK(), steps=steps, batch=batch, learning_rate=learning_rate)
