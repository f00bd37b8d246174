"""Reproduced recall: the share of planted features that two seeds of a method both find.

    mean over pairs of seeds of  1/g sum_i  1[max_j cos(v_i, d_j) > 0.9] 1[max_j cos(v_i, d'_j) > 0.9]

`stability` asks whether another seed says the same, and a constant answer wins it; `recall_at_cosine_0.9` asks whether
an answer is right, and does not care whether it will be found again. This asks for both: atoms that always come back
but are wrong count nothing, and neither do right ones that the next seed misses. It is at most the recall of either
seed; at recall r, it is r^2 where seeds find features independently of each other, and r where always the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from benchmark.families.dictionary.metrics._cosines import cosines
from benchmark.families.dictionary.metrics._pairs import pairs_of_seeds
from benchmark.families.family import Labelled
from benchmark.plugins import metric

FOUND = 0.9
"""The cosine above which a direction is found, as in `recall_at_cosine_0.9`."""


@metric(
    range=(0.0, 1.0),
    direction="higher",
    perfect=1.0,
    needs=("directions",),
    cites="arXiv:2501.16615",
    scope="seeds",
)
def reproduced_recall(explanations: Sequence[Labelled]) -> float:
    """The mean share over all pairs of seeds; one value for all of them.

    Raises:
        Unsupported: there is one dictionary only, or they were not learned from the same activations.
    """
    pairs = pairs_of_seeds(explanations)
    return float(np.mean([float((_found(left) & _found(right)).float().mean()) for left, right in pairs]))


def _found(one: Labelled) -> Bool[Tensor, " g"]:
    """Which true directions have an atom."""
    nearest: Tensor = cosines(one.explanation, one.truth).amax(1)
    return torch.gt(nearest, FOUND)
