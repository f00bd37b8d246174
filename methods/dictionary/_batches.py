"""Codes that compete over a whole batch: the k n largest of n rows survive, whichever rows they are in.

Where there is no batch, a code survives above the threshold that was the least surviving code on average in the second
half of the training.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import STATE, Autoencoder, Backend, Rule, Step, tied

SLOWEST = 0.01
"""The share of a new step in the running mean of the threshold, at least."""


@dataclass(frozen=True)
class Thresholded(Autoencoder):
    """An autoencoder with the value above which a code survives alone."""

    threshold: Float[Tensor, "*k"] = field(metadata=STATE)


def above_threshold(p: Thresholded, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
    """Positive entries of E (x - b) + c above the threshold."""
    codes = linear(x - p.bias, p.encoder, p.encoder_bias).relu()
    return codes * (codes > p.threshold)


def largest_of_batch(p: Thresholded, x: Float[Tensor, "B d"]) -> Float[Tensor, "B m"]:
    """The largest positive entries of E (x - b) + c in the whole batch, as many as are asked for."""
    codes = linear(x - p.bias, p.encoder, p.encoder_bias).relu()
    count = min(int(p.asked) * len(x), codes.numel())
    return codes * (codes >= codes.detach().flatten().topk(count).values[-1])


def follow(p: Thresholded, step: Step) -> None:
    """In the second half of a training, keep the running mean of the least code that survives."""
    since = step.number - step.steps // 2
    if since >= 0:
        p.threshold.lerp_(step.least().to(p.threshold), max(SLOWEST, 1 / (1 + since)))


@dataclass(frozen=True)
class LargestOfBatch(Rule[Thresholded]):
    """Keep as many codes of a batch as are asked for."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Thresholded:
        """Random unit atoms, the encoder their copy, and no threshold."""
        return Thresholded(**vars(tied(generator, size, x.shape[1], asked)), threshold=torch.tensor(0.0))

    def encode(self, p: Thresholded, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """What exceeds the threshold."""
        return above_threshold(p, x)

    def encode_batch(self, p: Thresholded, x: Float[Tensor, "B d"]) -> Float[Tensor, "B m"]:
        """The largest of the whole batch."""
        return largest_of_batch(p, x)

    def after(self, p: Thresholded, step: Step) -> None:
        """Follow the least code that survives."""
        follow(p, step)

    def backend(self, p: Thresholded, batch: int, dtype: torch.dtype) -> Backend | None:
        """Gradients in closed form."""
        return RectifiedStep(p, batch, keep=p.asked, together=True, dtype=dtype)
