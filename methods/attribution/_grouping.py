"""Groups from distances: patches are merged by average linkage, as far as the silhouette says.

    grouped(distances [p, p]) -> the number of each patch's group [p]
    correlation_distances(columns [m, p]) -> distances [p, p]

Average linkage (Sokal and Michener 1958) merges the two groups with the least mean distance, again and again. Of all
the groupings on the way that one is taken in which patches are, on average, the nearest to their own group and the
farthest from the next (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7):

    s(i) = (b - a) / max(a, b),    a the mean distance to the own group, b the least one to another group

A patch alone has s = 0, so that patches stay alone where no grouping is better than none. There is nothing to choose.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

ROUNDING = 1e-6
"""A column that varies by less, as a share of its size, is constant (float32)."""


def grouped(distances: Float[Tensor, "p p"]) -> Int[Tensor, " p"]:
    """The groups, numbered from 0; distances are symmetric, with a diagonal of zeros."""
    count = len(distances)
    sums = distances.double().cpu().numpy().copy()  # from each patch to each group, all of its patches together
    between = sums.copy()
    np.fill_diagonal(between, np.inf)  # mean distances between groups
    sizes, labels = np.ones(count), np.arange(count)
    best, highest = labels.copy(), 0.0
    for _ in range(count - 2):
        kept, gone = sorted(divmod(int(between.argmin()), count))
        mixed = (sizes[kept] * between[kept] + sizes[gone] * between[gone]) / (sizes[kept] + sizes[gone])
        between[kept], between[:, kept] = mixed, mixed
        between[gone], between[:, gone], between[kept, kept] = np.inf, np.inf, np.inf
        sums[:, kept] += sums[:, gone]
        sums[:, gone] = np.inf
        sizes[kept] += sizes[gone]
        sizes[gone] = 0
        labels[labels == gone] = kept
        if (reached := _silhouette(sums, sizes, labels)) > highest:
            best, highest = labels.copy(), reached
    return torch.from_numpy(np.unique(best, return_inverse=True)[1]).long()


def _silhouette(sums: Float[np.ndarray, "p p"], sizes: Float[np.ndarray, " p"], labels: Int[np.ndarray, " p"]) -> float:
    """The mean silhouette of a grouping."""
    rows, own = np.arange(len(labels)), sizes[labels]
    within = sums[rows, labels] / np.maximum(own - 1, 1)
    means = sums / np.maximum(sizes, 1)
    means[rows, labels] = np.inf
    nearest = means.min(1)
    width = np.maximum(within, nearest)
    value = np.where((own > 1) & (width > 0), (nearest - within) / np.where(width > 0, width, 1), 0)
    return float(value.mean())


def correlation_distances(columns: Float[Tensor, "m p"]) -> Float[Tensor, "p p"]:
    """1 - |correlation| of each pair of columns; 1 where a column is constant."""
    centred = (columns - columns.mean(0)).double()
    spread = centred.norm(dim=0)
    moves = spread > ROUNDING * columns.double().norm(dim=0)
    unit = torch.where(moves, centred / spread.clamp_min(torch.finfo(spread.dtype).tiny), 0)
    return (1 - (unit.T @ unit).abs()).clamp(min=0).fill_diagonal_(0)
