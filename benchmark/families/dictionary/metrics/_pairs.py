"""Pairs of dictionaries that seeds of one method have learned from the same activations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch

from benchmark.errors import Unsupported
from benchmark.families.family import Labelled


def pairs_of_seeds(explanations: Sequence[Labelled]) -> list[tuple[Labelled, Labelled]]:
    """All pairs. Raises `Unsupported` where there is one dictionary only, or they were learned from different rows."""
    if len(explanations) < 2:
        raise Unsupported("got the dictionary of one seed, expected those of several: the task sets `method_seeds`")
    first = explanations[0].question.train
    if not all(torch.equal(one.question.train, first) for one in explanations[1:]):
        raise Unsupported(
            "got dictionaries of different activations, expected one subject: the task sets `method_seeds`"
        )
    return list(combinations(explanations, 2))
