"""Adam (Kingma and Ba 2015, arXiv:1412.6980) on the CPU, in one pass over each row and with the rows' norms.

The same steps as `torch.optim.Adam`; rows are shared among the workers that already hold them, and rows that keep unit
norm are scaled back before they leave the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from benchmark.learning.compiled import compiled

DECAY, DECAY_SQUARES, EPSILON = 0.9, 0.999, 1e-8

Each = Callable[[Callable[[int], object], int], object]


@compiled
def _update(first, last, parameter, gradient, mean, square, rate, correction, unit):  # type: ignore[no-untyped-def]
    one, least = np.float32(1), np.float32(1e-12)
    fast, slow, epsilon = np.float32(DECAY), np.float32(DECAY_SQUARES), np.float32(EPSILON)
    d = parameter.shape[1]
    for j in range(first, last):
        row, slope, average, average_square = parameter[j], gradient[j], mean[j], square[j]
        total = np.float32(0)
        for q in range(d):
            average[q] += (one - fast) * (slope[q] - average[q])
            average_square[q] = slow * average_square[q] + (one - slow) * slope[q] * slope[q]
            row[q] -= rate * average[q] / (np.sqrt(average_square[q]) * correction + epsilon)
            total += row[q] * row[q]
        if unit:
            scale = one / max(np.sqrt(total), least)
            for q in range(d):
                row[q] *= scale


class Adam:
    """The optimiser of float32 tensors on the CPU; their last axis is a row, of norm 1 where `unit` says so."""

    def __init__(self, parameters: Sequence[Tensor], unit: Sequence[bool]) -> None:
        self.parameters, self.unit = parameters, unit
        self.moments = [
            (np.zeros(_rows(p).shape, np.float32), np.zeros(_rows(p).shape, np.float32)) for p in parameters
        ]
        self.steps = 0

    def step(self, learning_rate: float, each: Each, parts: int) -> None:
        """One step down the gradients in `.grad`, in `parts`; `each(work, n)` calls `work` with 0 to n - 1."""
        self.steps += 1
        rate = np.float32(learning_rate / (1 - DECAY**self.steps))
        correction = np.float32((1 - DECAY_SQUARES**self.steps) ** -0.5)
        tensors = []
        for parameter, moments, unit in zip(self.parameters, self.moments, self.unit, strict=True):
            assert parameter.grad is not None
            tensors.append((_rows(parameter), _rows(parameter.grad), *moments, rate, correction, unit))

        def update(part: int) -> None:
            for values in tensors:
                rows = len(values[0])
                _update(rows * part // parts, rows * (part + 1) // parts, *values)

        each(update, parts)


def _rows(tensor: Tensor) -> np.ndarray:
    return tensor.detach().view(-1, tensor.shape[-1]).numpy()
