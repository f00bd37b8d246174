"""Exchange one concept between two inputs: does the model answer as if it had changed, and nothing else had?

    edited = base + component(source - base)        the model runs on from there

    cause      the concept's own answer becomes the source's
    isolate    all other answers stay the base's
    both       what counts: exchanging everything causes and does not isolate, exchanging nothing isolates and does not
               cause

A concept that the model never uses has pairs as well: exchanging it must change no answer. A method may say that a
concept is not used; nothing is exchanged then. Saying of such a concept that it is used is a false claim, and worth
nothing.

Exchanging nothing is therefore right about what is not used and wrong about what is. The floor, random subspaces, lies
a little lower, so that the blind mark of a task is best set by `majority`, which edits nothing.

Where two models with the same activations differ in what they use (`Rival`), a pair counts by how far this model
follows minus how far the other one does. Whoever gives the same explanation of both has then 0 on the average of the
two, whatever that explanation is.

Sources: interchange interventions (Geiger et al. 2021, arXiv:2106.02997); cause and isolate (Huang et al. 2024,
arXiv:2402.17700, there as a mean of two numbers and not as their conjunction).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingExplanation, ProbingQuestion, ProbingTruth
from benchmark.families.probing.metrics._subspaces import NO_SUBSPACE
from benchmark.plugins import metric


@metric(range=(-1e999, 1.0), direction="higher", cites="arXiv:2106.02997", needs=("interchange",), draws=12)
def interchange_accuracy(
    explanation: ProbingExplanation, truth: ProbingTruth, question: ProbingQuestion
) -> dict[str, float]:
    """Mean over all pairs of how far the answer is the counterfactual one; at most 1, higher is better.

    Where the task says yes or no of a pair, this is a share, from 0, or a difference of two shares, from -1; where it
    counts errors against those of no edit, an edit that makes more of them is below 0. Every pair weighs the same,
    however many each concept has. Sub-scores: the pairs of each group of concepts, and the parts (`cause`, `isolate`)
    that the task tells apart. Declines a method that names no subspace.
    """
    pairs = truth.interchange
    assert pairs is not None, "declared in `needs`"
    if explanation.subspace is None:
        raise Unsupported(NO_SUBSPACE)
    base, source = question.test[pairs.base], question.test[pairs.source]
    difference, edited = source - base, base.clone()
    for concept in torch.unique(pairs.concept).tolist():
        if explanation.uses is None or explanation.uses[concept]:
            rows = pairs.concept == concept
            edited[rows] += explanation.component(concept, difference[rows])
    outputs = question.run_from(question.layer, edited, pairs.base)
    follows = pairs.follows(outputs)
    if pairs.rival is not None:
        follows = follows - pairs.rival.follows(pairs.rival.run_from(question.layer, edited, pairs.base))
    follows = torch.where(_false_claims(explanation, truth)[pairs.concept], 0.0, follows)
    scores = {"": _mean(follows)}
    for name, members in truth.groups.items():
        scores[name] = _mean(follows[_among(pairs.concept, members)])
    scores |= {name: _mean(part(outputs)) for name, part in pairs.parts.items()}
    return {name: score for name, score in scores.items() if score is not None}


def _false_claims(explanation: ProbingExplanation, truth: ProbingTruth) -> Bool[Tensor, " concepts"]:
    """The concepts that the model never uses although the method says so."""
    if explanation.uses is None or truth.uses is None:
        return torch.zeros(len(truth.names), dtype=torch.bool, device=truth.labels.device)
    return explanation.uses & ~torch.tensor(truth.uses, device=explanation.uses.device)


def _among(concepts: Tensor, members: Sequence[int]) -> Bool[Tensor, " p"]:
    return torch.isin(concepts, torch.tensor(members, device=concepts.device))


def _mean(values: Float[Tensor, " p"]) -> float | None:
    """The mean of those that apply; None where none does."""
    applies = values[~values.isnan()]
    return float(applies.mean()) if len(applies) else None
