"""Stacks questions of equal shape, so that probes for all of them are fitted as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.probing import ProbingExplanation, ProbingQuestion
from benchmark.learning.class_means import class_means as means_of
from benchmark.learning.class_means import span

__all__ = ["Answer", "Batch", "class_means", "solve", "span"]


@dataclass(frozen=True)
class Batch:
    """Some questions with the same numbers of inputs, widths and classes."""

    train: Float[Tensor, "b n d"]
    test: Float[Tensor, "b m d"]
    labels: Int[Tensor, "b n concepts"]
    classes: tuple[int, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """Explanations of a whole batch."""

    scores: Float[Tensor, "b m concepts classes"]
    subspace: Float[Tensor, "b concepts k d"] | None = None
    reader: Float[Tensor, "b concepts k d"] | None = None


def solve(questions: Sequence[ProbingQuestion], answer: Callable[[Batch], Answer]) -> list[ProbingExplanation]:
    """Answer batch by batch and hand the explanations back in the order of the questions."""
    shapes: dict[tuple[object, ...], list[int]] = {}
    for i, question in enumerate(questions):
        shapes.setdefault((question.train.shape, question.test.shape, question.classes), []).append(i)
    explanations: dict[int, ProbingExplanation] = {}
    for members in shapes.values():
        chosen = [questions[i] for i in members]
        found = answer(
            Batch(
                train=torch.stack([question.train for question in chosen]),
                test=torch.stack([question.test for question in chosen]),
                labels=torch.stack([question.labels for question in chosen]),
                classes=chosen[0].classes,
                seeds=tuple(question.seed for question in chosen),
            )
        )
        for place, i in enumerate(members):
            explanations[i] = ProbingExplanation(
                scores=found.scores[place],
                subspace=None if found.subspace is None else found.subspace[place],
                reader=None if found.reader is None else found.reader[place],
            )
    return [explanations[i] for i in range(len(questions))]


def class_means(batch: Batch) -> tuple[Float[Tensor, "b concepts classes d"], Float[Tensor, "b concepts classes"]]:
    """Mean activation and frequency of every class; one without train inputs has the overall mean and frequency 0."""
    return means_of(batch.train, batch.labels, batch.classes)
