"""Linear detectors of binary features: a logistic regression for each, and the cut at which it says "on".

    detectors = fit_detectors(x, labels, steps=150, ridge=1e-4)
    detectors.logits(x_test)                                          [m, g]; on where they exceed `detectors.cut`

All detectors share their inputs, made white, so that one step length is right for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Detectors:
    """Fitted detectors of g features of activations in d dimensions."""

    mean: Float[Tensor, " d"]
    axes: Float[Tensor, "d d"]
    weights: Float[Tensor, "d+1 g"]
    """Of the white coordinates, the last row being the intercepts."""
    cut: Float[Tensor, " g"]
    """The logit above which predicting "on" had the greatest F1 on the fitted rows."""

    def logits(self, x: Float[Tensor, "m d"]) -> Float[Tensor, "m g"]:
        """Log-odds that each feature is on."""
        return _design(x, self.mean, self.axes) @ self.weights

    def excess(self, x: Float[Tensor, "m d"]) -> Float[Tensor, "m g"]:
        """How far the logits exceed the cut, 0 where they do not."""
        return (self.logits(x) - self.cut).clamp(min=0)


def fit_detectors(
    x: Float[Tensor, "n d"],
    labels: Bool[Tensor, "r g"],
    *,
    steps: int = 150,
    ridge: float = 1e-4,
) -> Detectors:
    """Fit a detector for each column of `labels`, which tell of the first r rows; all rows tell what is white.

    `steps` are those of the accelerated gradient, `ridge` is the weight of |w|^2 / 2 (intercepts included).
    """
    mean, axes = whitening(x)
    inputs = _design(x[: len(labels)], mean, axes)
    weights = logistic(inputs, labels, steps=steps, ridge=ridge)
    return Detectors(mean, axes, weights, best_cut(inputs @ weights, labels))


def _design(x: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """White coordinates and a constant."""
    return torch.cat([(x - mean) @ axes, torch.ones(len(x), 1)], 1)


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
