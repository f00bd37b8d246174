"""LEACE: the smallest change that leaves nothing for any linear classifier (Belrose et al. 2023).

With W the whitening map of the activations x and u an orthonormal basis of the columns of W cov(x, z), z the one-hot
classes, the erased activations are x - W^+ u u^T W (x - mean). That is an oblique projection: what is removed lies in
the span of the class means (the `subspace`); how much of it is read off by u^T W (the `reader`), which allows for noise
that is shared with other directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.probing import ProbingExplanation, ProbingSubject, probing_method
from methods.probing._batches import Answer, Batch, class_means, solve, span


@probing_method(cites="arXiv:2306.03819", batched=True)
def leace(subjects: Sequence[ProbingSubject], *, tolerance: float = 0.01) -> list[ProbingExplanation]:
    """Fit the eraser of every concept in closed form.

    Scores are those of the Gaussian rule with one covariance (linear discriminant analysis) on the component that is
    erased: nothing outside it is read, and nothing linear is missed. Singular values of the whitened cross-covariance
    below `tolerance` are dropped, as in the authors' package.
    """

    def answer(batch: Batch) -> Answer:
        centre = batch.train.mean(1, keepdim=True)
        x = (batch.train - centre).double()
        variance, axes = torch.linalg.eigh(x.mT @ x / x.shape[1])
        kept = variance > variance[:, -1:] * 1e-10
        root = torch.where(kept, variance.clamp_min(1e-300).sqrt(), 0.0)
        inverse = torch.where(kept, 1 / root.clamp_min(1e-150), 0.0)
        whiten, colour = (axes * inverse[:, None]) @ axes.mT, (axes * root[:, None]) @ axes.mT

        means, frequency = class_means(batch)
        weight, offsets = frequency.double(), (means - centre[:, None]).double()
        # columns of W cov(x, one-hot): class means about the centre, times how often they occur
        columns = weight[..., None] * offsets @ whiten[:, None]
        left, size, _ = torch.linalg.svd(columns.mT, full_matrices=False)
        rank = max(batch.classes) - 1
        u = (left * (size > tolerance)[..., None, :])[..., :rank]
        subspace = span(u.mT @ colour[:, None], batch.classes)
        reader = subspace @ (colour[:, None] @ (u @ u.mT) @ whiten[:, None])
        read = u.mT @ whiten[:, None]
        scores = _discriminant((batch.test - centre).double(), read, offsets, weight)
        return Answer(scores.float(), subspace.float(), reader.float())

    return solve(subjects, answer)


def _discriminant(
    x: Float[Tensor, "b m d"],
    read: Float[Tensor, "b concepts k d"],
    offsets: Float[Tensor, "b concepts classes d"],
    weight: Float[Tensor, "b concepts classes"],
) -> Float[Tensor, "b m concepts classes"]:
    """Linear discriminant scores of the coordinates `read x`, in which the total covariance is the identity."""
    means = offsets @ read.mT
    identity = torch.eye(read.shape[2]).to(x)
    within = identity - (weight[..., None] * means).mT @ means
    towards = torch.linalg.solve(within + 1e-9 * identity, means.mT).mT
    direction = towards @ read
    projected = (x @ direction.flatten(1, 2).mT).unflatten(2, direction.shape[1:3])
    return projected + (weight.clamp_min(1e-12).log() - (means * towards).sum(-1) / 2)[:, None]
