"""p-annealing (Karvonen et al. 2024): a ReLU autoencoder whose penalty moves from sum f to sum f^p, p falling to 0.2.

    f = relu(E (x - b) + c),      loss = |f D + b - x|^2 + weight * sum f^p

How p falls is in `_annealing`. The weight is also steered to the asked L0, as for relu_l1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import Rule, Seen, Step, tied
from benchmark.learning.steering import steer, steered
from methods.dictionary._annealing import Annealed, anneal, annealed, powers, schedule


@dataclass(frozen=True)
class PAnneal(Rule[Annealed]):
    """Penalise the sum of codes^p; p falls in `updates` steps from 1 to `power`, each held equally long."""

    power: float = 0.2
    updates: int = 10

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Annealed:
        """Random unit atoms, the encoder their copy, and p = 1."""
        return annealed(steered(tied(generator, size, x.shape[1], asked)))

    def encode(self, p: Annealed, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The positive entries of E (x - b) + c."""
        return linear(x - p.bias, p.encoder, p.encoder_bias).relu()

    def penalty(self, p: Annealed, seen: Seen) -> Float[Tensor, ""]:
        """The sum of codes^p, by its weight."""
        return p.weight * powers(seen.codes, float(p.power)) / len(seen.codes)

    def after(self, p: Annealed, step: Step) -> None:
        """Steer the weight, and let p fall where the schedule says so."""
        steer(p, step)
        anneal(p, step, schedule(step.steps, self.power, self.updates), step.codes)

    def backend(self, p: Annealed, batch: int, dtype: torch.dtype) -> RectifiedStep:
        """Gradients in closed form."""
        return RectifiedStep(p, batch, penalty=lambda: (p.weight, float(p.power[0])), dtype=dtype)


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
