"""Edit success: does exchanging an attribute's atoms give the activation of the counterfactual?

The edited activation is read by least squares with the planted directions, in units of the planted magnitudes: a
feature is on where its share exceeds 1/2. An edit succeeds where exactly the counterfactual's features are on: the
edited attribute has the donor's value and no longer its own, and no other attribute has changed. No edit and an
exchange of everything both score 0. After Makelov, Lange and Nanda 2024; `_edits` says what is exchanged, and where
this departs from them.
"""

from __future__ import annotations

import torch

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.metrics._edits import edits
from benchmark.plugins import metric


@metric(
    range=(0.0, 1.0),
    direction="higher",
    perfect=1.0,
    needs=("alternatives", "directions", "bias", "test_codes"),
    cites="arXiv:2405.08366",
)
def edit_success(
    explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion
) -> dict[str, float]:
    """Share of test rows whose edit is read as the counterfactual, averaged over attributes; sub-scores of each."""
    assert truth.directions is not None
    assert truth.bias is not None
    assert truth.test_codes is not None
    magnitude = truth.test_codes.sum(0) / truth.test.sum(0).clamp(min=1)
    read = torch.linalg.pinv(truth.directions * magnitude[:, None])
    scores = {}
    for edit in edits(explanation, truth, question):
        edited = question.test[edit.rows] + (edit.added - edit.removed) @ explanation.atoms
        shares = (edited - truth.bias) @ read
        right = ((shares > 0.5) == edit.wanted).all(1)
        scores[edit.attribute] = float(right.float().mean()) if len(right) else 0.0
    return {"": sum(scores.values()) / len(scores), **scores}
