"""Inputs, each with one rule whose output is to be explained, and what the rule says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion
from benchmark.subjects import Saved
from tasks.models.planted_rules.rules import RULES, Planted, Rule
from tasks.models.planted_rules.subject import PlantedRules

PATH = 64
"""Points of a path integral."""


@dataclass(frozen=True, eq=False)
class Asked:
    """Inputs, and which rule is asked about with each."""

    inputs: Float[Tensor, "n d"]
    rules: Int[Tensor, " n"]

    def question(self, saved: Saved) -> AttributionQuestion:
        """The net with these inputs and targets, inputs of the training distribution, and 0 as baseline."""
        subject: PlantedRules = saved.subject
        background = saved.public["background"].to(saved.device)
        return AttributionQuestion(
            model=subject.load(saved),
            inputs=self.inputs.to(saved.device),
            targets=self.rules.to(saved.device),
            background=background,
            baseline=torch.zeros_like(background[0]),
            seed=saved.method_seed,
        )


def asked(saved: Saved, count: int, about: Callable[[Rule], bool] = lambda _: True) -> Asked:
    """The first `count` test inputs of the rules that are asked about; the rules take the inputs in turn."""
    subject: PlantedRules = saved.subject
    inputs = saved.public["inputs"].cpu()
    wanted = torch.tensor([about(rule) for rule in RULES[subject.rules]])
    rules = torch.arange(len(inputs)) % len(wanted)
    chosen = wanted[rules].nonzero()[:count, 0]
    return Asked(inputs[chosen], rules[chosen])


def relevant(plant: Planted, given: Asked) -> Bool[Tensor, "n d"]:
    """Of each input, the columns that its rule depends on."""
    return _of_each(plant, given, plant.relevant).bool()


def columns(plant: Planted, given: Asked) -> Bool[Tensor, "n d"]:
    """Of each input, all columns of its rule."""

    def own(number: int, inputs: Float[Tensor, "m d"]) -> Bool[Tensor, "m d"]:
        found = torch.zeros(inputs.shape, dtype=torch.bool)
        found[:, plant.places[number]] = True
        return found

    return _of_each(plant, given, own).bool()


def references(plant: Planted, given: Asked) -> dict[str, Float[Tensor, "n d"]]:
    """What three definitions of an attribution give for the rules themselves.

    derivative   of the rule at the input
    ablation     what the rule loses where a column is set to 0
    integral     of the derivative along the straight path from 0, times the input
    """

    def slope(number: int, inputs: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
        inputs = inputs.clone().requires_grad_()
        (found,) = torch.autograd.grad(plant.value(number, inputs).sum(), inputs)
        return torch.as_tensor(found)

    def lost(number: int, inputs: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
        found, whole = torch.zeros_like(inputs), plant.value(number, inputs)
        for column in plant.places[number].tolist():
            without = inputs.clone()
            without[:, column] = 0
            found[:, column] = whole - plant.value(number, without)
        return found

    def along(number: int, inputs: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
        points = (torch.arange(PATH) + 0.5) / PATH
        return inputs * torch.stack([slope(number, share * inputs) for share in points.tolist()]).mean(0)

    made = {"derivative": slope, "ablation": lost, "integral": along}
    return {name: _of_each(plant, given, of) for name, of in made.items()}


def copied(sets: Sequence[Planted], given: Asked) -> Asked:
    """Inputs whose second columns of every rule have the values of the first."""
    inputs = given.inputs.clone()
    for first, second in zip(sets[0].places, sets[1].places, strict=True):
        inputs[:, second] = inputs[:, first]
    return replace(given, inputs=inputs)


def _of_each(plant: Planted, given: Asked, of: Callable[[int, Float[Tensor, "m d"]], Tensor]) -> Float[Tensor, "n d"]:
    """Rows of `of(rule, inputs of that rule)`, in the inputs' order."""
    found = torch.zeros(given.inputs.shape)
    for number in range(len(plant.rules)):
        own = given.rules == number
        found[own] = of(number, given.inputs[own]).float()
    return found
