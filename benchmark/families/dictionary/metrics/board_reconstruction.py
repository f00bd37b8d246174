"""Board reconstruction: read the whole board off the atoms that mean something precise.

On the validation rows an atom (at a threshold) is labelled with every feature that it implies: precision at least
0.95, and on together in at least 10 rows. In a test row the predicted features are all labels of the atoms that fire.
The threshold, one for all atoms, is chosen on the validation rows (the published code chooses it on the test games).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.firing import SHARES
from benchmark.plugins import metric

PRECISION, TOGETHER = 0.95, 10


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2408.00113")
def board_reconstruction(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """F1 of predicted against true features, counted over all features and test rows together."""
    counts = explanation.firings.against(truth.validation)
    means = (counts.hits >= PRECISION * counts.fires[..., None]) & (counts.hits >= TOGETHER)
    top = explanation.validation_codes.amax(0)
    on_validation = [
        micro_f1(_predict(explanation.validation_codes, share * top, labels), truth.validation)
        for share, labels in zip(SHARES, means, strict=True)
    ]
    best = max(range(len(SHARES)), key=on_validation.__getitem__)
    return micro_f1(_predict(explanation.test_codes, SHARES[best] * top, means[best]), truth.test)


def _predict(codes: Float[Tensor, "n m"], level: Float[Tensor, m], labels: Bool[Tensor, "m g"]) -> Bool[Tensor, "n g"]:
    """Features that some firing atom is labelled with; atoms without a label are left out of the product."""
    useful = labels.any(1)
    if not useful.any():
        return torch.zeros(len(codes), labels.shape[1], dtype=torch.bool)
    return (codes[:, useful] > level[useful]).float() @ labels[useful].float() > 0


def micro_f1(predicted: Bool[Tensor, "n g"], labels: Bool[Tensor, "n g"]) -> float:
    """2 TP / (2 TP + FP + FN) over all entries; 0 where nothing is predicted and nothing is on."""
    hits = float((predicted & labels).sum())
    return 2 * hits / max(1.0, float(predicted.sum()) + float(labels.sum()))
