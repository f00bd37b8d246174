"""References of the probing family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, ProbingTruth, check
from benchmark.plugins import reference


def _one_hot(labels: Int[Tensor, "m concepts"], classes: Sequence[int]) -> Float[Tensor, "m concepts classes"]:
    return torch.nn.functional.one_hot(labels.long(), max(classes)).float()


def _frequencies(question: ProbingQuestion) -> Float[Tensor, "concepts classes"]:
    """How often each class occurs among the train labels."""
    return _one_hot(question.labels, question.classes).mean(0)


@reference(draws=True)
def random(question: ProbingQuestion, generator: torch.Generator) -> ProbingExplanation:
    """Chance: classes guessed with the frequencies of the train labels, and a random subspace.

    It has as many dimensions as are allowed; where there is no limit, one per class but one, as linear methods name.
    """
    frequencies = _frequencies(question).cpu()
    guesses = torch.multinomial(frequencies, len(question.test), replacement=True, generator=generator).T
    ranks = question.ranks or tuple(count - 1 for count in question.classes)
    width, rank = question.train.shape[1], max(ranks)
    directions = torch.randn(question.concepts, width, rank, generator=generator)
    subspace = torch.linalg.qr(directions).Q.mT.contiguous()
    own = torch.arange(rank) < torch.tensor(ranks)[:, None]
    return check(
        ProbingExplanation(scores=_one_hot(guesses, question.classes), subspace=subspace * own[..., None]), question
    )


@reference()
def oracle(question: ProbingQuestion, truth: ProbingTruth) -> ProbingExplanation:
    """The planted truth: every test label, the planted subspaces and readers where there are some, and what is used."""
    labels = truth.labels.clone()
    for concept in truth.controls:
        # a control is not in the activations to be found: the truth about it is the commonest class
        labels[:, concept] = _frequencies(question)[concept].argmax()
    uses = None if truth.uses is None else torch.tensor(truth.uses)
    explanation = ProbingExplanation(
        scores=_one_hot(labels, question.classes), subspace=truth.subspaces, reader=truth.readers, uses=uses
    )
    return check(explanation, question)


@reference()
def majority(question: ProbingQuestion) -> ProbingExplanation:
    """The commonest class of the train labels, whatever the input, and no place: an exchange that edits nothing."""
    nowhere = torch.zeros(question.concepts, max(question.classes) - 1, question.train.shape[1])
    scores = _frequencies(question).expand(len(question.test), -1, -1).contiguous()
    return check(ProbingExplanation(scores=scores, subspace=nowhere), question)
