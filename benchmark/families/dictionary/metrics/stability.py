"""Stability: does another seed of the method find the same atoms in the same activations?

    stability(D, D') = max over permutations of  1/n sum_i |cos(d_i, d'_pi(i))|,   n the larger number of atoms

averaged over all pairs of seeds (Fel et al. 2025, arXiv:2502.12892, who match atoms of a signed decoder by cosine; here
by its absolute value, since an atom's sign is a convention). Atoms that stay without a partner count 0, as do atoms of
length 0. 1 is the same dictionary up to order, signs and lengths.

It says nothing about the truth: a method that always returns the same wrong atoms, or whose seeds start from the same
place, has stability 1. "Stability" is agreement at the end; that learners *converge* from independent starts is another
thing (`stabilisation`; Brzozowski and Chung 2026, arXiv:2606.02061), and `reproduced_recall` counts what is right.
Chance is above 0: the best of many random cosines (see the test).

A task asks for it with `method_seeds=3` or so: seeds of the method, on one subject.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from benchmark.families.dictionary.metrics._pairs import pairs_of_seeds
from benchmark.families.family import Labelled
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:2502.12892", scope="seeds")
def stability(explanations: Sequence[Labelled]) -> float:
    """The mean matched |cosine| over all pairs of seeds; one value for all of them.

    Raises:
        Unsupported: there is one dictionary only, or they were not learned from the same activations.
    """
    pairs = pairs_of_seeds(explanations)
    return float(np.mean([agreement(left.explanation.atoms, right.explanation.atoms) for left, right in pairs]))


def agreement(left: Float[Tensor, "m d"], right: Float[Tensor, "k d"]) -> float:
    """The mean |cosine| of the best one-to-one matching of two dictionaries' atoms, from 0 to 1."""
    unit = torch.nn.functional.normalize
    similarity = (unit(left.double(), dim=1) @ unit(right.double(), dim=1).T).abs().numpy()
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    return float(similarity[rows, columns].sum() / max(similarity.shape))
