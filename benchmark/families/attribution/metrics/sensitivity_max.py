"""Sensitivity (Yeh et al. 2019, arXiv:1901.09392): how much does the map change where the input hardly does?

    sensitivity_max = mean over inputs of  max over near copies x' of  |a(x') - a(x)| / |a(x)|

with Euclidean norms over the entries. 0 is a map that stays; unrelated maps of one size have about sqrt 2, and so has
one that says nothing (see `_copies`). Lower is called better, but a map that looks at nothing has 0, and the gradient
of a net that bends sharply is right to change. The near copies are those of the question, drawn or searched by its
task.
"""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._copies import chosen, least, maps
from benchmark.plugins import metric


@metric(
    range=(0.0, 1e999), direction="lower", perfect=0.0, truth_free=True, cites="arXiv:1901.09392", needs=("copies",)
)
def sensitivity_max(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """The greatest relative change of the map over the near copies of an input, mean over inputs.

    Raises:
        Unsupported: no input has a near copy.
    """
    assert truth.copies is not None, "declared in `needs`"
    rows, told = chosen(truth.copies, near=True), maps(explanation)
    of = truth.copies.of.cpu()[rows]
    changes = (told[rows] - told[of]).norm(dim=1) / told[of].norm(dim=1)
    return float(-least(-changes, of, torch.ones_like(of, dtype=torch.bool)).mean())
