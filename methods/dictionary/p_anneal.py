"""p-annealing (Karvonen et al. 2024): a ReLU autoencoder whose penalty moves from sum f to sum f^p, p falling to 0.2.

At each of `updates` steps p falls, and the penalty's weight is set so that the penalty's value over the last batches
stays what it was. In the published trainer the last of these updates falls on a step that is never run, so that p ends
at 0.29 instead of 0.2; here the last update is followed by as much training as every other. The weight is also steered
to the asked L0, as for relu_l1.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.dictionary import Dictionary, DictionarySubject, dictionary_method
from benchmark.learning.dictionaries import Anneal, learn


@dictionary_method(cites="arXiv:2408.00113", batched=True, small={"steps": 300})
def p_anneal(
    subjects: Sequence[DictionarySubject],
    *,
    steps: int = 2000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    power: float = 0.2,
    updates: int = 10,
) -> list[Dictionary]:
    """Sparse autoencoder with a penalty on codes^p, p falling from 1 to `power` in `updates` steps."""
    rule = Anneal(power=power, updates=updates)
    return learn(subjects, rule, steps=steps, batch=batch, learning_rate=learning_rate)
