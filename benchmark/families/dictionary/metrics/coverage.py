"""Coverage: is there, for every true feature, an atom that detects it?

One atom may serve several features. The published code takes one threshold for all features, its text one for each;
both are given. Unlike there, atom and threshold are chosen on validation rows and scored on test rows, and features
that never occur are left out.

Published figures of Othello are lower by a third for the same dictionary: that code sums over mine and yours, masks the
empty class, and divides by all three (192 cells of an 8x8 board, where 128 count; its chess board is divided by what
counts). Its .519 (best dictionary) and .272 (random weights) are .779 and .408 on the scale used here.
"""

from __future__ import annotations

import torch

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.firing import best_detectors, test_f1
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2408.00113")
def coverage(explanation: DictionaryExplanation, truth: DictionaryTruth) -> dict[str, float]:
    """Mean over true features of the test F1 of the best detector, with a threshold for each feature.

    `@shared_threshold` takes for all features the one threshold of greatest mean F1 on the validation rows.
    """
    seen = truth.occurring
    f1 = explanation.firings.against(truth.validation).f1
    shared = int(f1.amax(1)[:, seen].mean(1).argmax())
    codes = explanation.validation_codes, explanation.test_codes
    atom = f1[shared].argmax(0)
    per_cell = test_f1(*codes, truth.test, *best_detectors(f1))
    one = test_f1(*codes, truth.test, torch.full_like(atom, shared), atom)
    value = float(per_cell[seen].mean())
    return {"": value, "per_cell_threshold": value, "shared_threshold": float(one[seen].mean())}
