"""Is a parent told from its absence, and its child from the parent alone? Only without absorption both are.

A parent feature that fires whenever one of its children does can be absorbed: an atom stands for child and parent at
once, and the parent's own atom is silent there (Chanin et al. 2024, arXiv:2409.14507). So each parent and child are
asked about together. A row is in one of three states, and two atoms tell which:

    state                     parent   child      the parent's atom   the child's atom
    off                       off      off        silent              silent
    the parent without it     on       off        fires               silent
    both                      on       on         fires               fires

The two are the detectors of greatest validation F1 (atom and threshold). The score of a pair is the F1, on test rows,
of the state that is told worst, so that nothing can be bought with another state: 0 where the parent is absorbed by the
child (`both` is never told) and for atoms that always or never fire. It is 0 as well where one atom is the best
detector of either: the sum of parent and children, read at two thresholds, is one atom and not two features.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.firing import SHARES, best_detectors
from benchmark.families.dictionary.metrics._trees import edges
from benchmark.plugins import metric

STATES = ((False, False), (True, False), (True, True))


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("parents",), cites="arXiv:2409.14507")
def absorption_free_f1(explanation: DictionaryExplanation, truth: DictionaryTruth) -> dict[str, float]:
    """Mean over pairs of parent and child of the least F1 among the three states, 0 where one atom tells both.

    `@parent_under_child` is the share of rows with both in which the parent's detector fires, a mean over pairs: what
    absorption takes away, without what it costs elsewhere (an atom that always fires has 1).
    """
    share, atom = best_detectors(explanation.firings.against(truth.validation).f1)
    level = torch.tensor(SHARES)[share] * explanation.validation_codes.amax(0)[atom]
    told = explanation.test_codes[:, atom] > level
    parent, child = edges(truth)
    pairs = (truth.test[:, parent], truth.test[:, child]), (told[:, parent], told[:, child])
    scores = torch.stack([_f1(_in_state(pairs[0], state), _in_state(pairs[1], state)) for state in STATES])
    least = scores.amin(0) * (atom[parent] != atom[child])
    both = _in_state(pairs[0], (True, True)).float()
    under = (told[:, parent] * both).sum(0) / both.sum(0).clamp(min=1)
    return {"": float(least.mean()), "parent_under_child": float(under.mean())}


def _in_state(pair: tuple[Tensor, Tensor], state: tuple[bool, bool]) -> Bool[Tensor, "n e"]:
    return (pair[0] == state[0]) & (pair[1] == state[1])


def _f1(truth: Bool[Tensor, "n e"], told: Bool[Tensor, "n e"]) -> Float[Tensor, e]:
    return 2 * (truth & told).sum(0) / (truth.sum(0) + told.sum(0)).clamp(min=1)
