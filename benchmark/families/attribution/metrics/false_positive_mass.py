"""False-positive mass: how much attribution lies where nothing can matter.

    false_positive_mass = sum over the zero set of |attribution| / sum over all entries of |attribution|

The zero set holds entries that cannot move the output, by construction of the inputs or of the model: no opinion about
what should be highlighted is needed to call that wrong (the idea of DiFull, Rao, Boehle and Schiele 2022,
arXiv:2205.10435). Lower is better; chance is the zero set's share of all entries, and an all-zero map counts as an even
one.
"""

from __future__ import annotations

import torch

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import fitting
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="lower", perfect=0.0, cites="arXiv:2205.10435", needs=("zero_set",))
def false_positive_mass(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """The share of the absolute attribution in the zero set; mean over the inputs that have one.

    Raises:
        Unsupported: the zero set is empty, or holds everything, on every input.
    """
    assert truth.zero_set is not None, "declared in `needs`"
    zero = fitting(explanation, truth.zero_set)
    asked = zero.any(1) & ~zero.all(1)
    if not bool(asked.any()):
        raise Unsupported("no input has entries inside and outside of the zero set")
    strengths = explanation.magnitudes.double()
    total = strengths.sum(1, keepdim=True)
    shares = torch.where(total > 0, strengths / total, 1 / strengths.shape[1])
    return float((shares * zero).sum(1)[asked].mean())
