"""p-annealing: a penalty on sum v^p of non-negative values v whose p falls from 1 while the dictionary learns.

At each of some updates p falls, and the penalty's weight is set so that the penalty's value over the last batches stays
what it was. In the published trainer the last of these updates falls on a step that is never run, so that p ends at
0.29 instead of 0.2; here the last update is followed by as much training as every other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.learning.dictionary_sparse import EPSILON
from benchmark.learning.rules import STATE, Step
from benchmark.learning.steering import Steered

START, WINDOW = 0.3, 10
"""Share of the steps before p first falls; batches over which the penalty before and after that is set equal."""


@dataclass(frozen=True)
class Annealed(Steered):
    """A steered autoencoder with the p of its penalty, how often it fell, and sums v^p and v^(next p) so far."""

    power: Float[Tensor, "*k"] = field(metadata=STATE)
    fallen: Int[Tensor, "*k"] = field(metadata=STATE)
    before: Float[Tensor, "*k"] = field(metadata=STATE)
    later: Float[Tensor, "*k"] = field(metadata=STATE)


def annealed(p: Steered) -> Annealed:
    """`p` with a penalty whose p is 1."""
    one, zero = torch.tensor(1.0, dtype=torch.float64), torch.zeros(())
    return Annealed(**vars(p), power=one, fallen=zero.long(), before=zero, later=zero)


def schedule(steps: int, power: float, updates: int) -> list[tuple[int, float]]:
    """(step, p) of every update; the last one leaves as many steps as lie between two updates."""
    first = round(START * steps)
    length, fall = (steps - first) / updates, (1 - power) / updates
    return [(first + round(i * length), 1 - fall * (i + 1)) for i in range(updates)]


def anneal(
    p: Annealed, step: Step, updates: list[tuple[int, float]], values: Callable[[], Iterator[Float[Tensor, "B m"]]]
) -> None:
    """Let p fall where the schedule says so, the penalty on `values`, one dictionary after the other, keeping its
    value."""
    for at, power in updates[int(p.fallen[0]) :][:1]:
        if at - WINDOW <= step.number + 1:
            for i, each in enumerate(values()):
                p.before[i] += powers(each, float(p.power[i])) / len(each)
                p.later[i] += powers(each, power) / len(each)
        if step.number + 1 >= at:
            p.weight.copy_(p.weight * p.before / p.later.clamp(min=1e-12))
            p.power.fill_(power)
            p.fallen.add_(1)
            p.before.zero_()
            p.later.zero_()


def powers(values: Float[Tensor, "n m"], power: float) -> Float[Tensor, ""]:
    """The sum of positive values^power, with a finite slope at zero."""
    return (values[values > 0].float() + EPSILON).pow(power).sum()
