"""p-annealing of a gated autoencoder (Karvonen et al. 2024): its penalty moves from sum relu(pi) to sum relu(pi)^p.

    pi = E (x - b) + c,      f = 1[pi > 0] relu(exp(r) * E (x - b) + c')
    loss = |f D + b - x|^2 + weight * sum relu(pi)^p + |relu(pi) D + b - x|^2 with D and b held fixed

How p falls is in `_annealing`; the weight is steered to the asked L0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.dictionary_entrywise import EntrywiseStep
from benchmark.learning.rules import Rule, Seen, Step, tied
from benchmark.learning.steering import steer, steered
from methods.dictionary._annealing import Annealed, anneal, annealed, powers, schedule
from methods.dictionary._gates import GateEntries, Magnitudes, auxiliary, gated, opened


@dataclass(frozen=True)
class AnnealedGates(Annealed, Magnitudes):
    """A gated autoencoder with the p of its penalty."""


@dataclass(frozen=True)
class GatedPAnneal(Rule[AnnealedGates]):
    """Penalise the sum of openings^p; p falls in `updates` steps from 1 to `power`, each held equally long."""

    power: float = 0.2
    updates: int = 10

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> AnnealedGates:
        """Random unit atoms, the encoder their copy, gates that open as codes do, and p = 1."""
        plain = annealed(steered(tied(generator, size, x.shape[1], asked)))
        return AnnealedGates(**vars(plain), **vars(Magnitudes.zero(size)))

    def encode(self, p: AnnealedGates, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Magnitudes where gates are open."""
        return gated(p, x)

    def penalty(self, p: AnnealedGates, seen: Seen) -> Float[Tensor, ""]:
        """The sum of openings^p by its weight, and what they have to rebuild."""
        gates = opened(p, seen.inputs)
        return p.weight * powers(gates, float(p.power)) / len(gates) + auxiliary(p, seen, gates)

    def after(self, p: AnnealedGates, step: Step) -> None:
        """Steer the weight, and let p fall where the schedule says so."""
        steer(p, step)
        openings = (opened(p.one(i), inputs) for i, inputs in enumerate(step.inputs))
        anneal(p, step, schedule(step.steps, self.power, self.updates), lambda: openings)

    def backend(self, p: AnnealedGates, batch: int, dtype: torch.dtype) -> EntrywiseStep[AnnealedGates]:
        """Gradients in closed form."""
        formulas = GateEntries[AnnealedGates](lambda p: (float(p.weight), float(p.power)))
        return EntrywiseStep(self, formulas, p, batch, dtype)


@dictionary_method(
    cites="arXiv:2408.00113",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}, "power": (0.1, 0.2, 0.3, 0.5), "updates": (5, 10, 20)},
)
def gated_p_anneal(
    questions: Sequence[DictionaryQuestion],
    *,
    steps: int = 2000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    power: float = 0.2,
    updates: int = 10,
) -> list[Dictionary]:
    """Gated sparse autoencoder with a penalty on openings^p, p falling from 1 to `power` in `updates` steps."""
    return learn(questions, GatedPAnneal(power, updates), steps=steps, batch=batch, learning_rate=learning_rate)
