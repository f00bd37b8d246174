"""The supervised ceiling: what linear detectors reach when they are told which features are on (Makelov et al. 2024).

It reads `subject.labels`, which dictionary learners are not shown, and is free of the asked sparsity: it shows how
much of the truth the activations hold for linear detectors. Each true feature gets a logistic probe, all fitted in one
batch; its code is how far the probe's logit exceeds the cut of greatest F1 on the training rows, and atoms are
least-squares directions from codes to activations.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionarySubject, dictionary_method


@dictionary_method(cites="arXiv:2405.08366", supervised=True)
def supervised(subject: DictionarySubject, *, steps: int = 150, ridge: float = 1e-4, rows: int = 10000) -> Dictionary:
    """A logistic probe for each true feature (the most frequent ones, if not all fit): not a dictionary learner, but
    their ceiling.
    """
    if subject.labels is None:
        raise Unsupported("the subject has no labels of its training rows")
    chosen = subject.labels.float().mean(0).argsort(descending=True, stable=True)[: subject.size]
    labels = subject.labels[:rows, chosen]
    mean, axes = whitening(subject.train)

    def design(activations: Tensor) -> Tensor:
        return torch.cat([(activations - mean) @ axes, torch.ones(len(activations), 1)], 1)

    inputs = design(subject.train[:rows])
    weights = logistic(inputs, labels, steps=steps, ridge=ridge)
    cut = best_cut(inputs @ weights, labels)
    codes = [
        (design(part) @ weights - cut).clamp(min=0) for part in (subject.train[:rows], subject.validation, subject.test)
    ]
    fit = torch.cat([codes[0], torch.ones(len(inputs), 1)], 1)
    gram = fit.T @ fit
    gram.diagonal().add_(1e-6 * gram.diagonal().mean() + 1e-12)
    solved = torch.linalg.solve(gram, fit.T @ subject.train[:rows])
    return Dictionary(solved[:-1], solved[-1], codes[1], codes[2])


def whitening(activations: Float[Tensor, "n d"]) -> tuple[Float[Tensor, d], Float[Tensor, "d d"]]:
    """Mean, and the matrix that makes the centred activations white (directions without variance are left small)."""
    mean = activations.mean(0)
    centred = activations - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    return mean, vectors / (values.clamp(min=0) + 1e-4 * values.max() + 1e-12).sqrt()


def logistic(
    inputs: Float[Tensor, "n p"], labels: Bool[Tensor, "n g"], *, steps: int, ridge: float
) -> Float[Tensor, "p g"]:
    """Weights of g logistic regressions on the same white inputs, by Nesterov's accelerated gradient.

    The logistic loss is 1/4-smooth on white inputs, which gives the step length; `ridge` is the weight of |w|^2 / 2.
    """
    truth = labels.float()
    # adding the constant column keeps the largest eigenvalue of the inputs' second moment near 1
    length = 1 / (0.25 * 1.1 + ridge)
    weights = ahead = torch.zeros(inputs.shape[1], labels.shape[1])
    for step in range(steps):
        slope = inputs.T @ (torch.sigmoid(inputs @ ahead) - truth) / len(inputs) + ridge * ahead
        moved = ahead - length * slope
        ahead = moved + step / (step + 3) * (moved - weights)
        weights = moved
    return weights


def best_cut(logits: Float[Tensor, "n g"], labels: Bool[Tensor, "n g"]) -> Float[Tensor, g]:
    """For every column the cut above which predicting "on" has the greatest F1."""
    ordered, order = logits.sort(0, descending=True)
    hits = labels.float().gather(0, order).cumsum(0)
    predicted = torch.arange(1, len(logits) + 1)[:, None]
    f1 = 2 * hits / (predicted + labels.sum(0)).clamp(min=1)
    at = f1.argmax(0, keepdim=True)
    following = ordered.gather(0, (at + 1).clamp(max=len(logits) - 1))
    return ((ordered.gather(0, at) + following) / 2).squeeze(0)
