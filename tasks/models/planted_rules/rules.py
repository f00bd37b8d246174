"""Rules over columns that are independent and even on [-1, 1]; every column of a rule moves it.

    FORMULAS       fifteen of 1 to 10 columns, as symbolic regression has them
    SELECTION      which columns matter depends on the input
    INTERACTIONS   products: no column says anything without the others

The formulas are our own. Those of Shi et al. 2024 (arXiv:2406.12150) name columns that do not move the result by as
much as its noise, so that no explanation can find them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Values = Float[Tensor, "n k"]
RuleSet = Literal["formulas", "selection", "interactions"]


def _all(x: Values) -> Bool[Tensor, "n k"]:
    return torch.ones_like(x, dtype=torch.bool)


@dataclass(frozen=True)
class Rule:
    """What one output of a net is to be."""

    name: str
    columns: int
    value: Callable[[Values], Float[Tensor, " n"]]
    relevant: Callable[[Values], Bool[Tensor, "n k"]] = _all
    """Which of its columns the value depends on, around each input."""
    switched: bool = False
    """Whether other columns matter on other inputs."""
    order: int = 1
    """How many columns are multiplied, where the value is a product or a sum of products."""


def _sine(x: Tensor) -> Tensor:
    return torch.sin(math.pi * x)


def _step(x: Tensor) -> Tensor:
    return torch.tanh(4 * x)


def _skin(x: Values) -> Float[Tensor, " n"]:
    """A shell around the origin."""
    return torch.as_tensor((x**2).sum(1) - x.shape[1] / 3)


def _terms(x: Values) -> Float[Tensor, " n"]:
    """Four columns, each by a curve of its own."""
    return torch.as_tensor(torch.sin(3 * x[:, 0]) + 2 * x[:, 1].abs() - 1 + x[:, 2] + _step(x[:, 3]))


FORMULAS = (
    Rule("sine", 1, lambda x: _sine(x[:, 0])),
    Rule("absolute", 1, lambda x: x[:, 0].abs()),
    Rule("step", 1, lambda x: _step(x[:, 0])),
    Rule("bump", 1, lambda x: torch.exp(-4 * x[:, 0] ** 2)),
    Rule("cube", 1, lambda x: x[:, 0] ** 3),
    Rule("ramp", 1, lambda x: x[:, 0].relu()),
    Rule("product", 2, lambda x: x[:, 0] * x[:, 1]),
    Rule("product and absolute", 3, lambda x: x[:, 0] * x[:, 1] + x[:, 2].abs()),
    Rule("sine, product, square", 4, lambda x: _sine(x[:, 0]) + 2 * x[:, 1] * x[:, 2] - 2 * x[:, 3] ** 2),
    Rule("two products and a wave", 5, lambda x: _step(x[:, 0]) * x[:, 1] + x[:, 2] * x[:, 3] + _sine(x[:, 4]) / 2),
    Rule("three products", 6, lambda x: x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4] * x[:, 5]),
    Rule("sum and product", 7, lambda x: _terms(x[:, :4]) + 2 * x[:, 4] * x[:, 5] - 2 * x[:, 6] ** 2),
    Rule(
        "greater of pairs", 8, lambda x: sum((torch.maximum(x[:, i], x[:, i + 1]) for i in (0, 2, 4, 6)), x[:, 0] * 0)
    ),
    Rule("mixed", 9, lambda x: _terms(x[:, :4]) + x[:, 4] * x[:, 5] + x[:, 6] * x[:, 7] + _sine(x[:, 8])),
    Rule("line and shell", 10, lambda x: x[:, :5].sum(1) + 1.5 * (x[:, 5:] ** 2).sum(1)),
)


def _switched(x: Values) -> Float[Tensor, " n"]:
    return torch.where(x[:, 0] > 0, _skin(x[:, 1:5]) * 2, _terms(x[:, 5:9]))


def _of_switch(x: Values) -> Bool[Tensor, "n k"]:
    return _relevant([1, 4, 4], [_always(x), x[:, 0] > 0, x[:, 0] <= 0])


def _always(x: Values) -> Bool[Tensor, " n"]:
    return torch.ones(len(x), dtype=torch.bool)


def _relevant(sizes: list[int], when: list[Bool[Tensor, " n"]]) -> Bool[Tensor, "n k"]:
    """Blocks of columns, each relevant on some inputs."""
    return torch.cat([on[:, None].expand(-1, size) for size, on in zip(sizes, when, strict=True)], dim=1)


SELECTION = (
    Rule("xor", 2, lambda x: x[:, 0] * x[:, 1]),
    Rule("shell", 4, _skin),
    Rule("additive", 4, _terms),
    Rule("switch", 9, _switched, _of_switch, switched=True),
    Rule(
        "choice",
        3,
        lambda x: torch.where(x[:, 0] > 0, x[:, 1], x[:, 2]),
        lambda x: _relevant([1, 1, 1], [_always(x), x[:, 0] > 0, x[:, 0] <= 0]),
        switched=True,
    ),
    Rule(
        "gate",
        3,
        lambda x: x[:, 0].relu() * (x[:, 1] + x[:, 2]),
        lambda x: _relevant([1, 2], [_always(x), x[:, 0] > 0]),
        switched=True,
    ),
)

INTERACTIONS = (
    *(Rule(f"pair {number}", 2, lambda x: x.prod(1), order=2) for number in (1, 2)),
    *(Rule(f"triple {number}", 3, lambda x: x.prod(1), order=3) for number in (1, 2)),
    Rule("sum of pairs", 4, lambda x: x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3], order=2),
    Rule("pair of steps", 2, lambda x: _step(x[:, 0]) * _step(x[:, 1]), order=2),
)

RULES: Mapping[RuleSet, tuple[Rule, ...]] = {
    "formulas": FORMULAS,
    "selection": SELECTION,
    "interactions": INTERACTIONS,
}
SAMPLE = 20_000
"""Inputs by which a rule's mean and spread are found."""


@dataclass(frozen=True)
class Planted:
    """Rules with the columns that each reads, on a common scale: mean 0 and variance 1."""

    rules: tuple[Rule, ...]
    places: tuple[Tensor, ...]
    """Of each rule, its columns in the order that the rule has them."""

    def values(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n rules"]:
        """What each output is to be."""
        return torch.stack([self.value(number, inputs) for number in range(len(self.rules))], dim=1)

    def value(self, number: int, inputs: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """What one output is to be."""
        mean, spread = _scale(self.rules[number])
        return torch.as_tensor((self.rules[number].value(inputs[:, self.places[number]]) - mean) / spread)

    def relevant(self, number: int, inputs: Float[Tensor, "n d"]) -> Bool[Tensor, "n d"]:
        """Which columns a rule depends on, around each input."""
        found = torch.zeros(inputs.shape, dtype=torch.bool)
        found[:, self.places[number]] = self.rules[number].relevant(inputs[:, self.places[number]])
        return found


def planted(
    rules: RuleSet, noise: int, generator: torch.Generator, *, copies: bool = False
) -> tuple[tuple[Planted, ...], int]:
    """Draw the columns of the rules, with `copies` as many others for the same rules, and `noise` that are nobody's.

    Returns the rules on their columns, once or twice, and how many columns there are.
    """
    chosen = RULES[rules]
    sizes = [rule.columns for rule in chosen]
    sets, width = 1 + copies, sum(sizes)
    order = torch.randperm(sets * width + noise, generator=generator)
    blocks = order[: sets * width].split(width)
    return tuple(Planted(chosen, tuple(block.split(sizes))) for block in blocks), len(order)


@functools.cache
def _scale(rule: Rule) -> tuple[float, float]:
    """Mean and standard deviation of a rule on even columns."""
    values = rule.value(draw(SAMPLE, rule.columns, torch.Generator().manual_seed(0)))
    return float(values.mean()), float(values.std())


def draw(count: int, width: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Inputs: all columns independent and even on [-1, 1]."""
    return 2 * torch.rand(count, width, generator=generator) - 1
