"""Iterative codebook feature learning (ICFL, Donhauser et al. 2024): a codebook of whitened activations, no encoder.

    x is whitened by principal components
    repeat `rounds` times:      the atoms most along the residual take their part of it, k codes in all
    loss = |f D + b - x|^2 with the codes f held fixed

What a residual has left over is what the next atoms are chosen by, so that few atoms die. Atoms are returned in the
activations' own space, to which whitening is undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.dictionaries import learn
from benchmark.learning.rules import Rule, Seen
from methods.dictionary._codebook import Codebook, pursued

LEAST = 1e-4
"""Of the largest variance: directions with less are left as they are, for whitening would blow up their noise."""


@dataclass(frozen=True)
class ICFL(Rule[Codebook]):
    """Choose by residuals, learn with the choice held fixed."""

    rounds: int = 4

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Codebook:
        """Random unit atoms."""
        return Codebook.drawn(generator, size, x.shape[1], asked)

    def encode(self, p: Codebook, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """As many codes as are asked for, in equal shares a round; what does not divide comes in a last round."""
        asked = int(p.asked)
        each, rest = divmod(asked, min(self.rounds, asked))
        codes, left = pursued(p, x - p.bias, rounds=min(self.rounds, asked), each=each)
        if rest:
            codes = codes + pursued(p, left, rounds=1, each=rest)[0]
        return codes

    def error(self, p: Codebook, seen: Seen) -> Float[Tensor, ""]:
        """Mean squared distance, of which the codes learn nothing."""
        return (self.decode(p, seen.codes.detach()) - seen.targets).square().sum(-1).mean()


@dictionary_method(
    cites="arXiv:2412.16247",
    batched=True,
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}, "rounds": (1, 2, 4, 8)},
)
def icfl(
    questions: Sequence[DictionaryQuestion],
    *,
    steps: int = 2000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    rounds: int = 4,
) -> list[Dictionary]:
    """A codebook of whitened activations, whose atoms are chosen by what earlier ones left over."""
    whitened = [whitening(question.train) for question in questions]
    asked = [
        replace(
            question,
            train=(question.train - mean) @ forth,
            validation=(question.validation - mean) @ forth,
            test=(question.test - mean) @ forth,
        )
        for question, (mean, forth, _) in zip(questions, whitened, strict=True)
    ]
    found = learn(asked, ICFL(rounds), steps=steps, batch=batch, learning_rate=learning_rate)
    return [
        replace(
            one,
            atoms=one.atoms @ back,
            bias=one.bias @ back + mean,
            start=None if one.start is None else one.start @ back,
        )
        for one, (mean, _, back) in zip(found, whitened, strict=True)
    ]


def whitening(x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"], Float[Tensor, "d d"]]:
    """Mean, the matrix to whitened coordinates, (x - mean) @ forth, and the one back."""
    mean = x.mean(0)
    values, axes = torch.linalg.eigh(torch.cov((x - mean).T.double()))
    spread = values.clamp(min=LEAST * float(values[-1])).sqrt()
    return mean, (axes / spread).to(x), (axes * spread).T.to(x)
