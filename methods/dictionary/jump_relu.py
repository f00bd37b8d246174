"""The JumpReLU autoencoder (Rajamanoharan et al. 2024): every atom has a trained threshold below which it is off.

    pi = relu(E (x - b) + c),      f = pi 1[pi > t],      L0 = mean over rows of sum 1[pi > t]
    loss = |f D + b - x|^2 + weight * (L0 / asked - 1)^2

Neither the jump nor the count has a slope, so thresholds learn from what lies close to them: with a window K of width
`bandwidth` (1 within half of it around 0, over its width, else 0)

    df / dt = -t K(pi - t),      d 1[pi > t] / dt = -K(pi - t)      where pi > 0: what is 0 is off at any threshold

The L0 that is aimed at falls to the asked one, as for penalties that are steered (`benchmark.learning.steering`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_entrywise import At, Entries, EntrywiseStep
from benchmark.learning.rules import STATE, Autoencoder, Rule, Seen, Step, tied
from benchmark.learning.steering import target

START = 0.01
"""The thresholds before the first step; activations have mean squared length 1."""


@dataclass(frozen=True)
class Jumping(Autoencoder):
    """An autoencoder with thresholds, and the L0 that is aimed at in this step."""

    threshold: Float[Tensor, "*k m"]
    aim: Float[Tensor, "*k"] = field(metadata=STATE)


class _Jump(torch.autograd.Function):
    """pi 1[pi > t], with the slopes above."""

    @staticmethod
    def forward(context: Any, pi: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        context.save_for_backward(pi, threshold)
        context.bandwidth = bandwidth
        return pi * (pi > threshold)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (gradient,) = gradients
        pi, threshold = context.saved_tensors
        near = _window(pi, threshold, context.bandwidth)
        return gradient * (pi > threshold), -(gradient * near).sum(0) * threshold, None


class _Count(torch.autograd.Function):
    """1[pi > t], with the slope above."""

    @staticmethod
    def forward(context: Any, pi: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        context.save_for_backward(pi, threshold)
        context.bandwidth = bandwidth
        return (pi > threshold).to(pi)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        (gradient,) = gradients
        pi, threshold = context.saved_tensors
        return None, -(gradient * _window(pi, threshold, context.bandwidth)).sum(0), None


def _window(pi: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    return (((pi - threshold).abs() < bandwidth / 2) & (pi > 0)).to(pi) / bandwidth


@dataclass(frozen=True)
class JumpEntries:
    """The formulas for listed entries z: those above their thresholds, or in a window below."""

    bandwidth: float
    weight: float

    def bound(self, p: Jumping) -> Float[Tensor, " m"]:
        """The lower ends of windows, but at least where pi is 0."""
        return (p.threshold - self.bandwidth / 2).clamp(min=0) - p.encoder_bias

    def codes(self, p: Jumping, z: Entries, at: At) -> list[Entries]:
        """pi above the threshold."""
        pi = z + p.encoder_bias[at]
        return [pi * (pi > p.threshold[at])]

    def slopes(self, p: Jumping, z: Entries, at: At, toward: Sequence[Entries]) -> tuple[Entries, dict[str, Entries]]:
        """Through codes, and along thresholds through what lies close to them."""
        pi, threshold = z + p.encoder_bias[at], p.threshold[at]
        slope, near = toward[0] * (pi > threshold), _window(pi, threshold, self.bandwidth)
        return slope, {"encoder_bias": slope.clone(), "threshold": -toward[0] * near * threshold, "near": near}

    def gradients(self, p: Jumping, sums: dict[str, Float[Tensor, " m"]], l0: float) -> dict[str, Float[Tensor, " m"]]:
        """With the slope of the penalty, which looks at all codes."""
        off = 2 * self.weight * (l0 / float(p.aim) - 1) / float(p.aim)
        return {"encoder_bias": sums["encoder_bias"], "threshold": sums["threshold"] - off * sums["near"]}


@dataclass(frozen=True)
class JumpReLU(Rule[Jumping]):
    """Penalise a number of codes that is not the asked one."""

    bandwidth: float = 0.03
    weight: float = 1.0

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Jumping:
        """Random unit atoms, the encoder their copy, and low thresholds."""
        p = tied(generator, size, x.shape[1], asked)
        return Jumping(**vars(p), threshold=torch.full((size,), START), aim=target(p.asked, 0, 1))

    def encode(self, p: Jumping, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Positive entries of E (x - b) + c above their thresholds."""
        return _sloped(_Jump, self._before(p, x), p.threshold, self.bandwidth)

    def penalty(self, p: Jumping, seen: Seen) -> Float[Tensor, ""]:
        """The squared share by which the number of codes is off, by its weight."""
        on = _sloped(_Count, self._before(p, seen.inputs), p.threshold, self.bandwidth)
        return self.weight * (on.sum(-1).mean() / p.aim - 1).square()

    def after(self, p: Jumping, step: Step) -> None:
        """Let the aim fall; no threshold is below 0."""
        p.aim.copy_(target(p.asked, step.number, step.steps))
        p.threshold.clamp_(min=0)

    def backend(self, p: Jumping, batch: int, dtype: torch.dtype) -> EntrywiseStep[Jumping]:
        """Gradients in closed form."""
        return EntrywiseStep(self, JumpEntries(self.bandwidth, self.weight), p, batch, dtype)

    def _before(self, p: Jumping, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        return linear(x - p.bias, p.encoder, p.encoder_bias).relu()


def _sloped(function: type[torch.autograd.Function], pi: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    found: Tensor = function.apply(pi, threshold, bandwidth)
    return found


@dictionary_method(
    cites="arXiv:2407.14435",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}, "bandwidth": (0.01, 0.03, 0.1)},
)
def jump_relu(
    questions: Sequence[DictionaryQuestion],
    *,
    steps: int = 2000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    bandwidth: float = 0.03,
) -> list[Dictionary]:
    """Sparse autoencoder with a trained threshold for every atom, held to the asked number of codes."""
    return learn(questions, JumpReLU(bandwidth), steps=steps, batch=batch, learning_rate=learning_rate)
