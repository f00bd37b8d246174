"""Firing F1 per true feature: does some atom fire exactly when the feature is on?

Atoms are assigned to features one to one, so as to maximise the sum of validation F1 (each pair at its best
threshold). A feature that gets no atom scores 0: missing features cost, where averages over atoms (SynthSAEBench,
arXiv:2602.14687) hide them.
"""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.firing import test_f1
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2602.14687")
def firing_f1(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Mean over the true features that occur of the test F1 of the atom assigned to each."""
    best, share = explanation.firings.against(truth.validation).f1.max(0)
    atom, feature = (torch.from_numpy(side) for side in linear_sum_assignment(best.numpy(), maximize=True))
    scores = torch.zeros(truth.test.shape[1])
    scores[feature] = test_f1(
        explanation.validation_codes, explanation.test_codes, truth.test[:, feature], share[atom, feature], atom
    )
    return float(scores[truth.occurring].mean())
