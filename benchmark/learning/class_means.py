"""Means of classes, and what they span, for many concepts at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor


def class_means(
    x: Float[Tensor, "b n d"], labels: Int[Tensor, "b n concepts"], classes: Sequence[int]
) -> tuple[Float[Tensor, "b concepts classes d"], Float[Tensor, "b concepts classes"]]:
    """Mean and frequency of every class; one without inputs has the overall mean and frequency 0."""
    one_hot = torch.nn.functional.one_hot(labels.long(), max(classes)).to(x)
    counts = one_hot.sum(1)
    # about the overall mean, so that float32 does not lose small differences beside large offsets
    overall = x.mean(1, keepdim=True)
    sums = (one_hot.flatten(2).mT @ (x - overall)).unflatten(1, counts.shape[1:])
    return sums / counts.clamp_min(1)[..., None] + overall[:, None], counts / one_hot.shape[1]


def span(
    rows: Float[Tensor, "b concepts r d"], classes: Sequence[int], tolerance: float = 1e-4
) -> Float[Tensor, "b concepts k d"]:
    """Orthonormal basis of each concept's rows, at most one direction per class but one, zeros beyond the rank.

    Singular values below `tolerance` times the largest count as zero.
    """
    k = max(classes) - 1
    _, size, directions = torch.linalg.svd(rows, full_matrices=False)
    room = torch.arange(k, device=rows.device) < torch.tensor(classes, device=rows.device)[:, None] - 1
    kept: Tensor = (size[..., :k] > tolerance * size[..., :1].clamp_min(1e-30)) & room
    basis: Tensor = directions[..., :k, :] * kept[..., None]
    return basis
