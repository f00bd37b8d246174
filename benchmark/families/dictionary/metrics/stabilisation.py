"""Stabilisation: do two seeds of a learner come closer to each other while they learn?

    a0, a1 = matched |cosine| of the two dictionaries' first atoms, and of their last      (`stability.agreement`)
    stabilisation = (a1 - a0) / (1 - a0)   where a1 > a0:    the share of the way to the same atoms that learning went
                    (a1 - a0) / a0         where a1 < a0:    the share of the agreement that learning lost

averaged over all pairs of seeds. Brzozowski and Chung 2026 (arXiv:2606.02061) tell stability, agreement at the end,
from stabilisation, convergence of independent starts: who starts every seed at the same atoms has the one without the
other. The words are theirs; the formula is this suite's, for their paper was read second-hand.

1: whatever the starts, the same dictionary. 0: as alike as they began, which is also the value of those who began at
the same atoms and keep them. Below 0: less alike than they began; who shares the start can have nothing better than 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.errors import Unsupported
from benchmark.families.dictionary.metrics._pairs import pairs_of_seeds
from benchmark.families.dictionary.metrics.stability import agreement
from benchmark.families.family import Labelled
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="higher", cites="arXiv:2606.02061", scope="seeds")
def stabilisation(explanations: Sequence[Labelled]) -> float:
    """The mean gain in matched |cosine| over all pairs of seeds; one value for all of them.

    Raises:
        Unsupported: one of the methods' dictionaries says nothing of its first atoms; there is one dictionary only, or
            they were not learned from the same activations.
    """
    pairs = pairs_of_seeds(explanations)
    if any(one.explanation.start is None for one in explanations):
        raise Unsupported("got a dictionary without its first atoms, expected `start`: the method has none to tell of")
    gains = []
    for left, right in pairs:
        before = agreement(left.explanation.start, right.explanation.start)
        gains.append(gained(before, agreement(left.explanation.atoms, right.explanation.atoms)))
    return float(np.mean(gains))


def gained(before: float, after: float) -> float:
    """The change of an agreement from 0 to 1, as a share of what it could have changed in that direction."""
    change = after - before
    return change / max(1 - before if change > 0 else before, 1e-9)
