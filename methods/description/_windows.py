"""Which window of neighbouring points, left out, lets a shape of the library fit the others best?

All windows and all grid points of a form are solved at once: the normal equations of the points outside a window are
the sums over all points less the sums over the window, which cumulative sums give.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from methods.description._library import FORMS, Form

Points = Float64[ndarray, " n"]
_EXACT = 1e-6


def best_window(
    x: Points, y: Points, low: float, high: float, *, lengths: tuple[float, ...] = (0.08, 0.13, 0.18)
) -> tuple[int, int] | None:
    """First and last index of the window that pays most by BIC; None if no window pays. `lengths`: shares of the
    points."""
    n = len(x)
    widths = sorted({max(2, round(share * n)) for share in lengths})
    starts, ends = zip(*((s, s + w) for w in widths for s in range(n - w + 1)), strict=True)
    first, last = np.array((0, *starts)), np.array((0, *ends))  # the empty window comes first
    stuck = _spread_inside(y, first, last)
    scores = []
    for form in FORMS:
        parameters, rss = _explained(form, x, y, first, last, stuck, low, high)
        total = rss / n + _EXACT * max(float(y.var()), 1e-12)
        scores.append(n * np.log(total) + parameters * np.log(n))
    score = np.min(scores, axis=0)
    score[1:] += 3 * np.log(n)  # two edges and a level
    best = int(np.argmin(score))
    return None if best == 0 else (int(first[best]), int(last[best]) - 1)


def _spread_inside(y: Points, first: ndarray, last: ndarray) -> Float64[ndarray, " w"]:
    """Sum of squares about the mean within each window."""
    one, two = (np.concatenate([[0.0], np.cumsum(v)]) for v in (y - y.mean(), (y - y.mean()) ** 2))
    count = np.maximum(last - first, 1)
    spread: Float64[ndarray, " w"] = np.maximum(two[last] - two[first] - (one[last] - one[first]) ** 2 / count, 0.0)
    return spread


def _explained(
    form: Form, x: Points, y: Points, first: ndarray, last: ndarray, stuck: ndarray, low: float, high: float
) -> tuple[int, Float64[ndarray, " w"]]:
    """The form's parameters, and its least residual sum of squares with each window taken for an exception.

    Inside a window the rule may be replaced by a constant (`stuck` is what that leaves) or shifted by one.
    """
    grids = list(form.grids(low, high, len(x)))
    theta = np.array(list(product(*(grid[:: max(1, len(grid) // 20)] for grid in grids))))
    features = form.features(x, theta)
    features = features / (features.std(axis=1, keepdims=True) + 1e-12)
    features = features - features.mean(axis=1, keepdims=True)
    design = np.concatenate([np.ones((*features.shape[:2], 1)), features], axis=2)
    target = (y - y.mean()) / (y.std() + 1e-300)
    k = design.shape[2]
    gram, gram_in = _sums(design[..., :, None] * design[..., None, :], first, last)
    right, right_in = _sums(design * target[:, None], first, last)
    square, square_in = _sums((target**2)[None, :, None], first, last)
    solved = np.linalg.solve(gram + 1e-8 * len(x) * np.eye(k), right[..., None])[..., 0]
    outside = square[..., 0] - np.einsum("gwk,gwk->gw", solved, right)
    # Residuals of the rule inside the window: their sum of squares about their mean.
    sum_in = right_in[..., 0] - np.einsum("gwk,gwk->gw", solved, gram_in[..., 0, :])
    cross = np.einsum("gwk,gwk->gw", solved, right_in)
    squares_in = square_in[..., 0] - 2 * cross + np.einsum("gwk,gwkl,gwl->gw", solved, gram_in, solved)
    shifted = np.maximum(squares_in - sum_in**2 / np.maximum(gram_in[..., 0, 0], 1), 0.0)
    variance = float(y.var())
    rss = np.maximum(outside, 0.0) * variance + np.minimum(shifted * variance, stuck)
    return k + len(grids), rss.min(axis=0)


def _sums(values: ndarray, first: ndarray, last: ndarray) -> tuple[ndarray, ndarray]:
    """Sums over axis 1 of the points outside and inside each window: [g, n, ...] -> twice [g, w, ...]."""
    total = np.concatenate([np.zeros_like(values[:, :1]), np.cumsum(values, axis=1)], axis=1)
    inside = total[:, last] - total[:, first]
    return total[:, -1:] - inside, inside
