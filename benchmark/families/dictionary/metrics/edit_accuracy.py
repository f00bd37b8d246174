"""Edit accuracy: does the model follow when a feature's atoms are taken out, and those of another put in?

    x' = x + s (sum_{j in B} c_j d_j - sum_{j in A} f_j d_j)

A and B are the n atoms that best detect the feature that goes and the one that comes, by F1 on the validation rows; f_j
are the codes of the row, and c_j is the mean code of atom j where it fires and the feature that comes is on. What the
dictionary does not reconstruct stays as it is. Two things are chosen on the validation rows: n, of the powers of two up
to `truth.edited_atoms`, as the second best atom of a feature may be another feature's; and the strength s, as atoms are
scaled by what reconstructs and not by what a model reads.

The score is the mean over the test rows of how far the model follows: 0 where nothing is edited, 1 where the model
answers as after the edited input. Sources: edits of a board in Li et al. 2023 (arXiv:2210.13382); of features of a
dictionary in Makelov, Lange and Nanda 2024 (arXiv:2405.08366).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth, Edits
from benchmark.plugins import metric

STRENGTHS = (0.5, 1.0, 2.0, 3.0)


@metric(range=(-1e999, 1.0), direction="higher", needs=("edits",), cites="arXiv:2405.08366", draws=12)
def edit_accuracy(explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion) -> float:
    """Mean over edits of how far the model follows, at most 1; 0 where no atom detects a feature."""
    assert truth.edits is not None, "declared in `needs`"
    validation, test = truth.edits["validation"], truth.edits["test"]
    base, level = question.validation[validation.rows], _levels(explanation, truth)
    tried = []
    for count in counts(truth.edited_atoms):
        chosen = _detectors(explanation, truth, count)
        change = _change(explanation, explanation.validation_codes, validation, chosen, level)
        tried += [(float(validation.follows(base + s * change).mean()), count, s) for s in STRENGTHS]
    _, count, strength = max(tried, key=lambda one: one[0])
    change = _change(explanation, explanation.test_codes, test, _detectors(explanation, truth, count), level)
    return float(test.follows(question.test[test.rows] + strength * change).mean())


def counts(most: int) -> list[int]:
    """The powers of two up to `most`."""
    return [2**power for power in range(most.bit_length())]


def _detectors(explanation: DictionaryExplanation, truth: DictionaryTruth, count: int) -> Bool[Tensor, "g m"]:
    """The `count` atoms that detect each feature best, each at its best threshold; only those that ever hit it."""
    f1 = explanation.firings.against(truth.validation).f1.amax(0).T
    best = f1.topk(min(count, f1.shape[1]), dim=1)
    return torch.zeros_like(f1, dtype=torch.bool).scatter_(1, best.indices, best.values > 0)


def _levels(explanation: DictionaryExplanation, truth: DictionaryTruth) -> Float[Tensor, "g m"]:
    """The mean code with which each atom fires where a feature is on."""
    on, codes = truth.validation.float(), explanation.validation_codes
    return (on.T @ codes) / (on.T @ (codes > 0).float()).clamp(min=1)


def _change(
    explanation: DictionaryExplanation,
    codes: Float[Tensor, "n m"],
    edits: Edits,
    chosen: Bool[Tensor, "g m"],
    level: Float[Tensor, "g m"],
) -> Float[Tensor, "p d"]:
    """What an edit adds to each of its rows."""
    removed = codes[edits.rows] * chosen[edits.off]
    added = level[edits.on] * chosen[edits.on]
    return (added - removed) @ explanation.atoms
