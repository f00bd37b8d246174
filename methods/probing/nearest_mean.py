"""Nearest mean: the class whose mean activation is closest (Rocchio's classifier). It names no subspace."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method
from methods.probing._batches import Answer, Batch, class_means, solve


@probing_method(cites="doi:10.1073/pnas.082099299", batched=True)
def nearest_mean(questions: Sequence[ProbingQuestion]) -> list[ProbingExplanation]:
    """Score a class by minus half the squared distance to its mean, up to a term that all classes share."""

    def answer(batch: Batch) -> Answer:
        means, frequency = class_means(batch)
        centre = batch.train.mean(1, keepdim=True)
        means = means - centre[:, None]
        projected = ((batch.test - centre) @ means.flatten(1, 2).mT).unflatten(2, means.shape[1:3])
        scores = projected - means.square().sum(-1)[:, None] / 2
        return Answer(torch.where(frequency[:, None] > 0, scores, scores.amin((1, 3), keepdim=True) - 1))

    return solve(questions, answer)
