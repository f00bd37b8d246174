"""The supervised ceiling: what linear detectors reach when they are told which features are on (Makelov et al. 2024).

It reads `question.labels`, which dictionary learners are not shown, and is free of the asked sparsity: it shows how
much of the truth the activations hold for linear detectors. Each true feature gets a logistic probe, all fitted in one
batch; its code is how far the probe's logit exceeds the cut of greatest F1 on the training rows, and atoms are
least-squares directions from codes to activations.
"""

from __future__ import annotations

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.decoding import written
from benchmark.learning.detectors import fit_detectors


@dictionary_method(cites="arXiv:2405.08366", supervised=True)
def supervised(question: DictionaryQuestion, *, steps: int = 150, ridge: float = 1e-4, rows: int = 10000) -> Dictionary:
    """A logistic probe for each true feature (the most frequent ones, if not all fit): not a dictionary learner, but
    their ceiling.
    """
    if question.labels is None:
        raise Unsupported("the question has no labels of its training rows")
    chosen = question.labels.float().mean(0).argsort(descending=True, stable=True)[: question.size]
    labels = question.labels[:rows, chosen]
    shown = question.train[: len(labels)]
    detectors = fit_detectors(question.train, labels, steps=steps, ridge=ridge)
    atoms, bias = written(detectors.excess(shown), shown)
    return Dictionary(atoms, bias, detectors.excess(question.validation), detectors.excess(question.test))
