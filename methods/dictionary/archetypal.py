"""The archetypal autoencoder (Fel et al. 2025): TopK codes of atoms that are convex combinations of points of the data.

    f = TopK(relu(E (x - b) + c)),      D = W C,      loss = |f D + b - x|^2

`shared` is how the paper starts: at points that are the same for every seed (see `_archetypes`), unless a task says how
seeds start.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from methods.dictionary._archetypes import Archetypal, together


@dictionary_method(
    cites="arXiv:2502.12892",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def archetypal(
    questions: Sequence[DictionaryQuestion],
    *,
    steps: int = 2000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    shared: bool = True,
) -> list[Dictionary]:
    """TopK autoencoder whose atoms lie in the hull of points of the data."""
    asked = together(questions) if shared else questions
    return learn(asked, Archetypal(), steps=steps, batch=batch, learning_rate=learning_rate)
