"""What a method reads beyond what the model's inputs say by themselves.

Where a concept is a function of the input, a probe may read the input off the activations and work the concept out on
its own; accuracy does not tell. Here inputs are compared in *matched pairs*: they differ in the concept, and a simple
probe of the inputs (`known`) gives both the same log-odds. The score is the share of pairs that a method puts in the
right order. Whatever is a function of what `known` says has 0.5, be it right, wrong on purpose, or constant.

To score the inputs that `known` gets wrong, and no others, would not do: its opposite is right on all of them. Controls
that get more out of the inputs than `known` does have more than 0.5, and mark what is blind.

A rank statistic (van Elteren 1960, stratified by what is known) in the spirit of conditional probing (Hewitt et al.
2021, arXiv:2109.09234); scores need not be calibrated.
"""

from __future__ import annotations

from itertools import combinations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.plugins import metric

ALIKE, WITHIN = 16, 1.0
"""So many inputs that stand next to each other by what is known of them count as alike, if their log-odds are within
so much: where a class ends that the inputs tell from all others, neighbours are far apart."""


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:2109.09234", needs=("known",))
def beyond_inputs(explanation: ProbingExplanation, truth: ProbingTruth) -> float:
    """Share of matched pairs in the right order, over all real concepts and pairs of their classes; ties count half.

    In [0, 1], higher is better, 0.5 is chance. Groups of alike inputs are weighted by n m / (n + m), n and m being
    how many are of each class: a class that the inputs tell from all others decides nothing.
    """
    assert truth.known is not None, "declared in `needs`"
    won, weight = 0.0, 0.0
    for concept in truth.real:
        labels, scores, known = truth.labels[:, concept], explanation.scores[:, concept], truth.known[:, concept]
        for low, high in combinations(torch.unique(labels).tolist(), 2):
            among = ((labels == low) | (labels == high)).nonzero()[:, 0]
            some = _in_order(
                scores[among, high] - scores[among, low],
                labels[among] == high,
                known[among, high] - known[among, low],
            )
            won, weight = won + some[0], weight + some[1]
    return won / weight if weight else 0.5


def _in_order(
    score: Float[Tensor, " n"], positive: Bool[Tensor, " n"], known: Float[Tensor, " n"]
) -> tuple[float, float]:
    """The weighted share of pairs in which the positive has the higher score, and the weight, summed over groups."""
    order = known.argsort(stable=True)
    groups = -(-len(order) // ALIKE)
    place = torch.full((groups * ALIKE,), -1, device=order.device)
    place[: len(order)] = order
    place = place.view(groups, ALIKE)
    score, positive, there = score[place], positive[place], place >= 0
    spread = known[place].where(there, -torch.inf).amax(1) - known[place].where(there, torch.inf).amin(1)
    there &= (spread <= WITHIN)[:, None]
    pairs = (positive & there)[:, :, None] & (~positive & there)[:, None, :]
    ahead = score[:, :, None] - score[:, None, :]
    right = ((ahead > 0).double() + (ahead == 0).double() / 2).where(pairs, 0.0).sum((1, 2))
    count, present = pairs.sum((1, 2)), there.sum(1).clamp_min(1).double()
    return float((right / present).sum()), float((count / present).sum())
