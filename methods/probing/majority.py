"""Majority: every input gets the class that most of the training inputs have. It never looks at an activation."""

from __future__ import annotations

import torch

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method


@probing_method(cites="arXiv:1909.03368", control=True)
def majority(question: ProbingQuestion) -> ProbingExplanation:
    """The share of each class among the training labels, the same scores for all inputs; it names no subspace."""
    scores = torch.full((len(question.test), question.concepts, max(question.classes)), -1.0)
    for concept, classes in enumerate(question.classes):
        counts = torch.bincount(question.labels[:, concept], minlength=classes)
        scores[:, concept, :classes] = counts / counts.sum()
    return ProbingExplanation(scores)
