"""Coverage above what needs no explanation.

A detector that is always on has F1 = 2p / (1 + p) for a feature on in a share p of rows, so frequent features look
covered by anything. Three nulls are taken for each feature: the always-on detector; the same atoms with the labels'
rows permuted; and, where the task has a twin with random weights, the principal axes and the neurons of the twin. The
score is how much of the way from the null to 1 is made.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.firing import best_detectors, test_f1
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2408.00113")
def coverage_above_null(
    explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion
) -> dict[str, float]:
    """Mean over true features of max(0, (F1 - null) / (1 - null)), null being the greatest; sub-scores take each."""
    seen = scored(truth)
    shares = shares_above_null(explanation, truth, question)
    return {name: float(share[seen].mean()) if bool(seen.any()) else 0.0 for name, share in shares.items()}


def scored(truth: DictionaryTruth) -> Bool[Tensor, g]:
    """Features that occur, and do not always: no other leaves anything to say."""
    return truth.occurring & ~truth.test.all(0)


def shares_above_null(
    explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion
) -> dict[str, Float[Tensor, g]]:
    """max(0, (F1 - null) / (1 - null)) of each feature, by null; "" takes the greatest."""
    validation, test = explanation.validation_codes, explanation.test_codes
    f1 = test_f1(validation, test, truth.test, *best_detectors(explanation.firings.against(truth.validation).f1))
    rate = truth.test.float().mean(0)
    nulls = {"always_on": 2 * rate / (1 + rate), "permuted": _permuted(explanation, truth, question.seed)}
    if truth.twin_validation is not None and truth.twin_test is not None:
        nulls["twin"] = truth.twin_f1
    shares = {name: _above(f1, null) for name, null in nulls.items()}
    return {**shares, "": _above(f1, torch.stack(list(nulls.values())).amax(0))}


def _above(f1: Float[Tensor, g], null: Float[Tensor, g]) -> Float[Tensor, g]:
    return ((f1 - null) / (1 - null).clamp(min=1e-6)).clamp(0, 1)


def _permuted(explanation: DictionaryExplanation, truth: DictionaryTruth, seed: int) -> Float[Tensor, g]:
    """F1 of the same atoms when rows of labels belong to other rows of activations."""
    generator = torch.Generator().manual_seed(seed)
    validation = truth.validation[torch.randperm(len(truth.validation), generator=generator)]
    test = truth.test[torch.randperm(len(truth.test), generator=generator)]
    codes = explanation.validation_codes, explanation.test_codes
    return test_f1(*codes, test, *best_detectors(explanation.firings.against(validation).f1))
