"""The hedging rate: how much of the features that fire along with its own does an atom mix in?

A dictionary too narrow for all features reconstructs better if the atom of one also points a little at those that fire
along with it (Chanin et al. 2025, arXiv:2505.11756). There, without the truth, a dictionary is trained on with k more
atoms, and what its old atoms lose within the span of the new ones is hedging: `rate = max(0, (share - baseline) /
(1 - baseline))`, share being the mean length of that part over the mean length of the atoms, baseline the same for
random spans. Here the span is known: that of the planted relatives of the atom's feature (parent, children, siblings).

Atoms are assigned one to one to true directions; one within 45 degrees has *found* its feature, more of it being this
feature than all else together. With what is left of the unit atom aside from its feature,

    share     mean length of the part of it that lies in the span of the relatives (aside from the feature, too)
    baseline  the mean length that this part would have if what is left pointed in a random direction

A mixture with features that do not fire along with it is no hedging and is in the baseline. A dictionary that finds
nothing has nothing to hedge with, so places without a found feature count as fully hedged: as many places as the
dictionary may have atoms, at most one for each feature. That puts chance at 1.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.metrics._cosines import cosines
from benchmark.families.dictionary.metrics._trees import relatives
from benchmark.plugins import metric

NEARER = math.sqrt(0.5)


@metric(range=(0.0, 1.0), direction="lower", perfect=0.0, needs=("parents", "directions"), cites="arXiv:2505.11756")
def hedging_rate(
    explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion
) -> dict[str, float]:
    """Mean over places of the rate, 1 where no feature was found.

    `@found` is the rate over the found ones (no value where there is none), `@features_found` their share of places.
    """
    assert truth.directions is not None
    similarity = cosines(explanation, truth)
    features, atoms = linear_sum_assignment(similarity.numpy(), maximize=True)
    kin = relatives(truth)
    unit = torch.nn.functional.normalize
    lengths, chances = [], []
    for feature, atom in zip(features.tolist(), atoms.tolist(), strict=True):
        if not float(similarity[feature, atom]) > NEARER:
            continue
        own = unit(truth.directions[feature], dim=0)
        rest = _aside(unit(explanation.atoms[atom], dim=0), own)
        span = _aside(truth.directions[kin[feature]], own)
        basis = torch.linalg.svd(span, full_matrices=False).Vh[: len(span)] if len(span) else span
        lengths.append(float((basis @ rest).norm()))
        chances.append(float(rest.norm()) * expected_length(len(basis), len(own) - 1))
    places = min(question.size, len(truth.directions))
    found = len(lengths)
    if not found:
        return {"": 1.0, "features_found": 0.0}
    share, baseline = sum(lengths) / found, sum(chances) / found
    rate = max(0.0, (share - baseline) / (1 - baseline))
    return {"": (found * rate + places - found) / places, "found": rate, "features_found": found / places}


def _aside(vectors: Float[Tensor, "*k d"], own: Float[Tensor, d]) -> Float[Tensor, "*k d"]:
    """What is left of vectors without their part along a unit vector."""
    return vectors - (vectors @ own)[..., None] * own


def expected_length(k: int, dimensions: int) -> float:
    """The mean length of the projection of a random unit vector onto k of the dimensions."""
    if k == 0:
        return 0.0
    k = min(k, dimensions)
    logarithm = math.lgamma((k + 1) / 2) - math.lgamma(k / 2) + math.lgamma(dimensions / 2)
    return math.exp(logarithm - math.lgamma((dimensions + 1) / 2))
