"""The ReLU autoencoder with an L1 penalty (Bricken et al. 2023; Cunningham et al. 2023).

Codes are relu(E (x - b) + c); the loss is the squared error plus the penalty times the sum of codes; atoms keep unit
norm, the part of their gradient along the atom being removed. The penalty is not a parameter: it is adapted while
training until the asked number of codes is active, so that dictionaries are compared at equal L0.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.dictionary import Dictionary, DictionarySubject, dictionary_method
from benchmark.learning.dictionaries import L1, learn


@dictionary_method(cites="arXiv:2309.08600", batched=True, small={"steps": 300})
def relu_l1(
    subjects: Sequence[DictionarySubject], *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> list[Dictionary]:
    """Sparse autoencoder with ReLU codes and an L1 penalty that is steered to the asked L0."""
    return learn(subjects, L1(), steps=steps, batch=batch, learning_rate=learning_rate)
