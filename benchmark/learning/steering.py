"""Steering a penalty to the asked L0, so that dictionaries of different methods are compared at equal sparsity.

After every step the weight of the penalty is multiplied by (measured L0 / target L0)^gain, the gain falling in the last
tenth of the training. The target falls from four times the asked L0 to the asked one over the first three quarters:
a dictionary that is forced to so few codes from the start drops features before it has found them, and a penalty does
not bring them back. That matters where the learning rate is too low to find all features in as many steps: then relu_l1
misses a quarter of them without the fall and some hundredths with it; at rates that suffice it finds all either way.
A rule whose parameters are `Steered` weighs its penalty with `p.weight` and calls `steer(p, step)` in `after`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.rules import STATE, Autoencoder, Step

GAIN, SHORT, MOST = 0.01, 2000, 10.0
"""The exponent of one step's correction; the steps below which it is larger, to correct as much in all; and how many
times larger at most, because the measured L0 is a mean of ten steps and quicker corrections would swing."""
ABOVE, UNTIL = 4.0, 0.75
"""The first target, as a multiple of the asked L0; the share of the steps after which the target is the asked L0."""


@dataclass(frozen=True)
class Steered(Autoencoder):
    """An autoencoder whose codes are made sparse by a penalty."""

    weight: Float[Tensor, "*k"] = field(metadata=STATE)
    """Of the penalty, in the objective."""
    average_l0: Float[Tensor, "*k"] = field(metadata=STATE)
    """Running mean of the measured L0."""


def steered(p: Autoencoder, weight: float = 0.03) -> Steered:
    """`p` with a penalty whose weight starts at `weight`."""
    return Steered(**vars(p), weight=torch.tensor(weight), average_l0=torch.tensor(0.0))


def target(asked: Float[Tensor, "*k"], number: int, steps: int) -> Float[Tensor, "*k"]:
    """The L0 steered to in step `number`: falls geometrically from `ABOVE` times the asked one, then stays there."""
    above: float = ABOVE ** max(0.0, 1 - number / (UNTIL * steps))
    return asked * above


def steer(p: Steered, step: Step) -> None:
    """Correct the weight by the L0 that was just measured."""
    l0 = step.measured.l0.float()
    p.average_l0.copy_(l0 if step.number == 0 else p.average_l0.lerp(l0, 0.1))
    gain = GAIN * max(1.0, min(MOST, SHORT / step.steps)) * min(1.0, max(0.1, 10 * (1 - step.number / step.steps)))
    ratio = (p.average_l0 / target(p.asked, step.number, step.steps)).clamp(1e-2, 1e2)
    p.weight.copy_((p.weight * ratio.pow(gain)).clamp(1e-6, 1e3))
