"""p-annealing (Karvonen et al. 2024): a ReLU autoencoder whose penalty moves from sum f to sum f^p, p falling to 0.2.

At each of `updates` steps p falls, and the penalty's weight is set so that the penalty's value over the last batches
stays what it was. In the published trainer the last of these updates falls on a step that is never run, so that p ends
at 0.29 instead of 0.2; here the last update is followed by as much training as every other. The weight is also steered
to the asked L0, as for relu_l1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_sparse import EPSILON
from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import STATE, Rule, Seen, Step, tied
from benchmark.learning.steering import Steered, steer, steered

START, WINDOW = 0.3, 10
"""Share of the steps before p first falls; batches over which the penalty before and after that is set equal."""


@dataclass(frozen=True)
class Annealed(Steered):
    """A steered autoencoder with the p of its penalty, how often it fell, and sums f^p and f^(next p) so far."""

    power: Float[Tensor, "*k"] = field(metadata=STATE)
    fallen: Int[Tensor, "*k"] = field(metadata=STATE)
    before: Float[Tensor, "*k"] = field(metadata=STATE)
    later: Float[Tensor, "*k"] = field(metadata=STATE)


@dataclass(frozen=True)
class PAnneal(Rule[Annealed]):
    """Penalise the sum of codes^p; p falls in `updates` steps from 1 to `power`, each held equally long."""

    power: float = 0.2
    updates: int = 10

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Annealed:
        """Random unit atoms, the encoder their copy, and p = 1."""
        p, one, zero = tied(generator, size, x.shape[1], asked), torch.tensor(1.0, dtype=torch.float64), torch.zeros(())
        return Annealed(**vars(steered(p)), power=one, fallen=zero.long(), before=zero, later=zero)

    def encode(self, p: Annealed, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The positive entries of E (x - b) + c."""
        return linear(x - p.bias, p.encoder, p.encoder_bias).relu()

    def penalty(self, p: Annealed, seen: Seen) -> Float[Tensor, ""]:
        """The sum of codes^p, by its weight."""
        return p.weight * powers(seen.codes, float(p.power)) / len(seen.codes)

    def schedule(self, steps: int) -> list[tuple[int, float]]:
        """(step, p) of every update; the last one leaves as many steps as lie between two updates."""
        first = round(START * steps)
        length, fall = (steps - first) / self.updates, (1 - self.power) / self.updates
        return [(first + round(i * length), 1 - fall * (i + 1)) for i in range(self.updates)]

    def after(self, p: Annealed, step: Step) -> None:
        """Steer the weight, and let p fall where the schedule says so, the penalty keeping its value."""
        steer(p, step)
        for at, power in self.schedule(step.steps)[int(p.fallen[0]) :][:1]:
            if at - WINDOW <= step.number + 1:
                for i, codes in enumerate(step.codes()):
                    p.before[i] += powers(codes, float(p.power[i])) / len(codes)
                    p.later[i] += powers(codes, power) / len(codes)
            if step.number + 1 >= at:
                p.weight.copy_(p.weight * p.before / p.later.clamp(min=1e-12))
                p.power.fill_(power)
                p.fallen.add_(1)
                p.before.zero_()
                p.later.zero_()

    def backend(self, p: Annealed, batch: int, dtype: torch.dtype) -> RectifiedStep:
        """Gradients in closed form."""
        return RectifiedStep(p, batch, penalty=lambda: (p.weight, float(p.power[0])), dtype=dtype)


def powers(codes: Float[Tensor, "n m"], power: float) -> Float[Tensor, ""]:
    """The sum of active codes^power, with a finite slope at zero."""
    return (codes[codes > 0].float() + EPSILON).pow(power).sum()


@dictionary_method(
    cites="arXiv:2408.00113",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}, "power": (0.1, 0.2, 0.3, 0.5), "updates": (5, 10, 20)},
)
def p_anneal(
    questions: Sequence[DictionaryQuestion],
    *,
    steps: int = 2000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    power: float = 0.2,
    updates: int = 10,
) -> list[Dictionary]:
    """Sparse autoencoder with a penalty on codes^p, p falling from 1 to `power` in `updates` steps."""
    return learn(questions, PAnneal(power, updates), steps=steps, batch=batch, learning_rate=learning_rate)
