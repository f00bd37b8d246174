"""Difference in means: read a class along the line from the other inputs' mean to its own (Marks and Tegmark 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method
from methods.probing._batches import Answer, Batch, class_means, solve, span


@probing_method(cites="arXiv:2310.06824", batched=True)
def difference_in_means(questions: Sequence[ProbingQuestion]) -> list[ProbingExplanation]:
    """Score a class by the position between the two means: 0 at the rest's, 1 at its own; no fitting, no covariance.

    The subspace is what the class means span about their centre: where a concept is written, whatever noise lies in it.
    """

    def answer(batch: Batch) -> Answer:
        means, frequency = class_means(batch)
        overall = batch.train.mean(1)[:, None, None]
        rest = (overall - frequency[..., None] * means) / (1 - frequency).clamp_min(1e-6)[..., None]
        towards = means - rest
        length = towards.square().sum(-1)
        direction = towards / length.clamp_min(1e-12)[..., None]
        projected = (batch.test @ direction.flatten(1, 2).mT).unflatten(2, length.shape[1:])
        scores = projected - (rest * direction).sum(-1)[:, None]
        seen = frequency[:, None] > 0
        return Answer(
            torch.where(seen, scores, scores.amin((1, 3), keepdim=True) - 1), span(means - overall, batch.classes)
        )

    return solve(questions, answer)
