"""Null share (Shah et al. 2021, arXiv:2102.12781): how much of the strongest k percent lies where nothing can matter.

    null_share@k% = |top-k% entries by |attribution|  intersected with  zero set| / |top-k% entries|

Lower is better. It is the published measure of feature leakage on BlockMNIST; chance is the zero set's share of all
entries (there a half). Only tasks with a zero set can use it.
"""

from __future__ import annotations

import torch

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import expected_share_of_top, fitting
from benchmark.plugins import metric

PERCENT = (2.5, 5, 10, 20, 30)


@metric(range=(0.0, 1.0), direction="lower", perfect=0.0, cites="arXiv:2102.12781", needs=("zero_set",))
def null_share(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The share of the strongest 2.5 to 30 percent of the entries that lies in the zero set; ties count with their
    expected value. Inputs whose zero set is empty or holds all entries are left out.

    Raises:
        Unsupported: no input is left.
    """
    assert truth.zero_set is not None, "declared in `needs`"
    strengths, zero = explanation.magnitudes, fitting(explanation, truth.zero_set)
    defined = zero.any(1) & ~zero.all(1)
    if not bool(defined.any()):
        raise Unsupported("on every input the zero set is empty or holds all entries: any explanation scores the same")
    descending = explanation.ranking.values

    def share(percent: float) -> float:
        count = max(1, round(strengths.shape[1] * percent / 100))
        counts = torch.full((len(strengths),), count)
        return float(expected_share_of_top(strengths, descending[:, count - 1], zero, counts)[defined].mean())

    return {f"{percent}%": share(percent) for percent in PERCENT}
