"""The amortisation gap: what an encoder misses of what its own atoms would have told.

An encoder answers in one pass what pursuit finds by search; the difference in F1 is the price of that (the gap of
amortised inference, Cremer, Li and Duvenaud 2018, arXiv:1801.03558, here in F1 instead of nats). Below 0, the encoder
knows better than greedy search: it was trained on the rates of the features, and with atoms that mix features it may
fire rightly where a reconstruction from them needs other codes. Atoms that found nothing have no gap, so it is no merit
by itself and has no direction.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.metrics.firing_f1 import firing_f1
from benchmark.families.dictionary.metrics.pursuit_f1 import pursuit_f1
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="none", cites="arXiv:1801.03558", draws=10)
def amortisation_gap(explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion) -> float:
    """F1 of pursuit minus F1 of the dictionary's own codes, both as `firing_f1` has it."""
    return pursuit_f1(explanation, truth, question) - firing_f1(explanation, truth)
