"""Splitting: how many atoms share one feature among them?

For each feature, atoms are united one by one, each at its own best threshold: first the best detector, then whichever
raises the F1 of "one of them fires" most, as long as it gains more than 0.03. Every further atom is a split. This is
the rule for split latents of Chanin et al. 2024 (arXiv:2409.14507), with firing in the place of a logistic probe on the
atoms' codes. A feature may be split among atoms for its own kinds, or because others absorbed it.

Random atoms are added too, as they catch a few rows more each; a dictionary that found nothing may have no splits.
So it describes and has no direction.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.firing import SHARES
from benchmark.plugins import metric

GAIN, MOST = 0.03, 10


@metric(range=(0.0, MOST - 1.0), direction="none", perfect=0.0, cites="arXiv:2409.14507", draws=10)
def splitting(explanation: DictionaryExplanation, truth: DictionaryTruth) -> dict[str, float]:
    """Mean number of further atoms over the features of which some atom tells anything, at most 9; no value without."""
    share = explanation.firings.against(truth.validation).f1.argmax(0)
    codes = explanation.validation_codes
    level = torch.tensor(SHARES)[share] * codes.amax(0)[:, None]
    counts = [
        united(codes > level[:, feature], truth.validation[:, feature])
        for feature in truth.occurring.nonzero().flatten().tolist()
    ]
    some = [count - 1 for count in counts if count]
    return {"": sum(some) / len(some)} if some else {}


def united(fires: Bool[Tensor, "v m"], on: Bool[Tensor, v]) -> int:
    """How many atoms are united for one feature; 0 where none fires while it is on."""
    union, reached = torch.zeros_like(on), 0.0
    for count in range(MOST):
        joined = union[:, None] | fires
        f1 = 2 * (joined & on[:, None]).sum(0) / (joined.sum(0) + on.sum()).clamp(min=1)
        best = int(f1.argmax())
        if float(f1[best]) <= reached + (GAIN if count else 0.0):
            return count
        union, reached = joined[:, best], float(f1[best])
    return MOST
