"""Averages over a group: what they leave, what they take away, and the mean written out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion
from methods.attribution.gradient import gradient
from methods.attribution.invariant_wrapper import BASES, invariant_wrapper
from methods.attribution.occlusion import occlusion

SIZE = 6
SHIFTS = torch.stack([torch.arange(SIZE).roll(number) for number in range(SIZE)])


def question_of(model: nn.Module) -> AttributionQuestion:
    inputs = torch.randn(5, 1, SIZE, generator=torch.Generator().manual_seed(0))
    model.eval().requires_grad_(False)
    baseline = torch.zeros(1, SIZE)
    return AttributionQuestion(model, inputs, torch.zeros(5, dtype=torch.int64), inputs, baseline, 0, symmetries=SHIFTS)


def perceptron() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(SIZE, 16), nn.ReLU(), nn.Linear(16, 2))


def shifted(question: AttributionQuestion, move: torch.Tensor) -> AttributionQuestion:
    return replace(question, inputs=question.inputs[:, :, move])


@pytest.mark.parametrize("base", sorted(BASES.keys() - {"smoothgrad"}))
def test_over_a_whole_group_it_moves_as_its_input_moves(base: str) -> None:
    question = question_of(perceptron())
    here = invariant_wrapper(question, base=base)
    for move in SHIFTS[[1, 4]]:
        torch.testing.assert_close(invariant_wrapper(shifted(question, move), base=base), here[:, :, move])
    assert not torch.allclose(BASES[base](shifted(question, SHIFTS[1])), BASES[base](question)[:, :, SHIFTS[1]])


def test_it_is_the_mean_of_maps_that_are_moved_back() -> None:
    question = question_of(perceptron())
    wanted = torch.zeros_like(question.inputs)
    for number in range(SIZE):
        wanted += occlusion(shifted(question, SHIFTS[number])).roll(-number, 2) / SIZE
    torch.testing.assert_close(invariant_wrapper(question, base="occlusion"), wanted)


def test_it_leaves_the_gradient_of_an_invariant_model_as_it_is() -> None:
    layer = nn.Conv1d(1, 4, 3, padding=1, padding_mode="circular")
    model = nn.Sequential(layer, nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    question = question_of(model)
    torch.testing.assert_close(invariant_wrapper(question, base="gradient"), gradient(question))


def test_some_elements_are_some_moves_that_the_seed_draws() -> None:
    question = question_of(perceptron())
    one = invariant_wrapper(question, base="occlusion", elements=1)
    moved = [occlusion(shifted(question, move))[:, :, move.argsort()] for move in SHIFTS]
    assert sum(torch.allclose(one, each) for each in moved) == 1
    others = [invariant_wrapper(replace(question, seed=s), base="occlusion", elements=1) for s in range(1, 9)]
    assert not all(torch.equal(one, other) for other in others)
    assert torch.equal(one, invariant_wrapper(question, base="occlusion", elements=1))


def test_without_known_moves_it_does_not_apply() -> None:
    with pytest.raises(Unsupported, match="the question names none"):
        invariant_wrapper(replace(question_of(perceptron()), symmetries=None))
