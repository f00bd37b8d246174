"""References of the probing family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.probing import ProbingExplanation, ProbingSubject, ProbingTruth, check
from benchmark.plugins import reference


def _one_hot(labels: Int[Tensor, "m concepts"], classes: Sequence[int]) -> Float[Tensor, "m concepts classes"]:
    return torch.nn.functional.one_hot(labels.long(), max(classes)).float()


def _frequencies(posed: ProbingSubject) -> Float[Tensor, "concepts classes"]:
    """How often each class occurs among the train labels."""
    return _one_hot(posed.labels, posed.classes).mean(0)


@reference(draws=True)
def random(posed: ProbingSubject, generator: torch.Generator) -> ProbingExplanation:
    """Chance: classes guessed with the frequencies of the train labels, and a random subspace.

    It has one dimension per class but one, as the linear methods name.
    """
    frequencies = _frequencies(posed).cpu()
    guesses = torch.multinomial(frequencies, len(posed.test), replacement=True, generator=generator).T
    width, rank = posed.train.shape[1], max(posed.classes) - 1
    directions = torch.randn(posed.concepts, width, rank, generator=generator)
    subspace = torch.linalg.qr(directions).Q.mT.contiguous()
    own = torch.arange(rank) < torch.tensor(posed.classes)[:, None] - 1
    return check(ProbingExplanation(scores=_one_hot(guesses, posed.classes), subspace=subspace * own[..., None]), posed)


@reference()
def oracle(posed: ProbingSubject, truth: ProbingTruth) -> ProbingExplanation:
    """The planted truth: every test label, and the planted subspaces where the task has some."""
    labels = truth.labels.clone()
    for (
        concept
    ) in truth.controls:  # a control is not in the activations to be found: the truth about it is the commonest class
        labels[:, concept] = _frequencies(posed)[concept].argmax()
    return check(ProbingExplanation(scores=_one_hot(labels, posed.classes), subspace=truth.subspaces), posed)


@reference()
def majority(posed: ProbingSubject) -> ProbingExplanation:
    """The commonest class of the train labels, whatever the input."""
    return check(_frequencies(posed).expand(len(posed.test), -1, -1).contiguous(), posed)
