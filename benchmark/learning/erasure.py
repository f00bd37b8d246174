"""LEACE: the smallest change that leaves nothing for any linear classifier (Belrose et al. 2023, arXiv:2306.03819).

    eraser = fit_leace(x, labels, classes)
    eraser.erase(x_test, 0)                              activations [b, m, d] without the first concept
    eraser.scores(x_test)                                what the erased component says, [b, m, concepts, classes]

With W the whitening map of the activations x and u an orthonormal basis of the columns of W cov(x, z), z the one-hot
classes, the erased activations are x - W^+ u u^T W (x - mean): an oblique projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.learning.class_means import class_means, span


@dataclass(frozen=True)
class Eraser:
    """Fitted erasers of b sets of activations, one for every concept; in float64 but for `mean`."""

    mean: Float[Tensor, "b 1 d"]
    subspace: Float[Tensor, "b concepts k d"]
    """Orthonormal rows that span what is removed, zeros beyond the rank."""
    reader: Float[Tensor, "b concepts k d"]
    """How much of each row of `subspace` is removed: its product with x - mean."""
    whitened: Float[Tensor, "b concepts k d"]
    """u^T W: the removed component in coordinates in which the total covariance is the identity."""
    offsets: Float[Tensor, "b concepts classes d"]
    """Class means about the mean."""
    frequency: Float[Tensor, "b concepts classes"]

    def erase(self, x: Float[Tensor, "b m d"], concept: int) -> Float[Tensor, "b m d"]:
        """The activations without the concept, in the precision of `x`."""
        removed = (x - self.mean).double() @ self.reader[:, concept].mT @ self.subspace[:, concept]
        return x - removed.to(x)

    def scores(self, x: Float[Tensor, "b m d"]) -> Float[Tensor, "b m concepts classes"]:
        """Linear discriminant scores of the removed component: nothing else is read, and nothing linear is missed."""
        centred, read, weight = (x - self.mean).double(), self.whitened, self.frequency
        means = self.offsets @ read.mT
        identity = torch.eye(read.shape[2]).to(centred)
        within = identity - (weight[..., None] * means).mT @ means
        towards = torch.linalg.solve(within + 1e-9 * identity, means.mT).mT
        direction = towards @ read
        projected = (centred @ direction.flatten(1, 2).mT).unflatten(2, direction.shape[1:3])
        found: Tensor = projected + (weight.clamp_min(1e-12).log() - (means * towards).sum(-1) / 2)[:, None]
        return found


def fit_leace(
    x: Float[Tensor, "b n d"], labels: Int[Tensor, "b n concepts"], classes: Sequence[int], *, tolerance: float = 0.01
) -> Eraser:
    """Fit the eraser of every concept in closed form.

    `labels` count from 0, `classes` is their number for each concept. Singular values of the whitened cross-covariance
    below `tolerance` are dropped, as in the authors' package (`concept-erasure`).
    """
    centre = x.mean(1, keepdim=True)
    centred = (x - centre).double()
    variance, axes = torch.linalg.eigh(centred.mT @ centred / centred.shape[1])
    kept = variance > variance[:, -1:] * 1e-10
    root = torch.where(kept, variance.clamp_min(1e-300).sqrt(), 0.0)
    inverse = torch.where(kept, 1 / root.clamp_min(1e-150), 0.0)
    whiten, colour = (axes * inverse[:, None]) @ axes.mT, (axes * root[:, None]) @ axes.mT

    means, frequency = class_means(x, labels, classes)
    weight, offsets = frequency.double(), (means - centre[:, None]).double()
    # columns of W cov(x, one-hot): class means about the centre, times how often they occur
    columns = weight[..., None] * offsets @ whiten[:, None]
    left, size, _ = torch.linalg.svd(columns.mT, full_matrices=False)
    u = (left * (size > tolerance)[..., None, :])[..., : max(classes) - 1]
    subspace = span(u.mT @ colour[:, None], classes)
    reader = subspace @ (colour[:, None] @ (u @ u.mT) @ whiten[:, None])
    return Eraser(centre, subspace, reader, u.mT @ whiten[:, None], offsets, weight)
