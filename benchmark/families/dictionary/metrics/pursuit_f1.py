"""Firing F1 given the atoms: would the dictionary's directions, well used, tell which features are on?

A dictionary is judged by its encoder as long as its own codes are scored, and an encoder that is held to an L0 loses to
that constraint what its atoms have found. Here the codes are those of orthogonal matching pursuit with the dictionary's
own atoms and bias, at the asked L0 on average. It is greedy: where true directions overlap much it misses some codes
with the true atoms too, and then the ceiling is below 1.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.metrics.firing_f1 import firing_f1
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="doi:10.1109/TIT.2004.834793", draws=10)
def pursuit_f1(explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion) -> float:
    """`firing_f1` of the codes that pursuit finds with the explanation's atoms."""
    return firing_f1(explanation.pursued.on(question), truth)
