"""The closed forms of Wilming et al. 2023 (arXiv:2306.01464) for a linear model, held against the methods."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from benchmark.families.attribution import AttributionQuestion
from benchmark.subjects import Run
from methods.attribution.conditional_shap import conditional_shap
from methods.attribution.feature_ablation import feature_ablation
from methods.attribution.gradient import gradient
from methods.attribution.input_x_gradient import input_x_gradient
from methods.attribution.integrated_gradients import integrated_gradients
from methods.attribution.pattern import pattern
from tasks.models.suppressors.plant import CLASS, SUPPRESSOR, Pair, Plant
from tasks.models.suppressors.subject import Suppressors

LAWS = [Pair(0.8, 0.5, 0.8), Pair(1.2, 1.0, -0.5)]


def posed(pair: Pair, count: int = 20_000) -> tuple[AttributionQuestion, torch.Tensor, torch.Tensor]:
    """The best linear score of the first pair; its columns' values at the inputs that are asked about."""
    generator = torch.Generator().manual_seed(0)
    plant = Plant.draw(pair, 2, generator)
    weights = torch.zeros(1, plant.width)
    weights[0, plant.columns[0]] = torch.tensor(pair.weights)
    layer = nn.Linear(plant.width, 1, bias=False)
    layer.load_state_dict({"weight": weights})
    model = nn.Sequential(layer, nn.Flatten(0)).eval().requires_grad_(False)
    background = plant.inputs(count, generator).inputs
    inputs = background[:50]
    question = AttributionQuestion(model, inputs, None, background, torch.zeros(plant.width), 0)
    return question, plant.columns[0], inputs[:, plant.columns[0]]


@pytest.mark.parametrize("pair", LAWS)
def test_the_best_score_uses_what_says_nothing(pair: Pair) -> None:
    assert pair.k == pytest.approx(pair.c * pair.s1 / pair.s2)
    drawn = Plant.draw(pair, 0, torch.Generator().manual_seed(1)).inputs(200_000, torch.Generator().manual_seed(2))
    plant = Plant.draw(pair, 0, torch.Generator().manual_seed(1))
    signs = 2.0 * drawn.classes[:, 0] - 1
    values = drawn.inputs[:, plant.columns[0]]
    assert float((values[:, SUPPRESSOR] * signs).mean()) == pytest.approx(0, abs=0.01)
    assert float((values[:, CLASS] * signs).mean()) == pytest.approx(1, abs=0.01)
    right = (plant.best(drawn.inputs, 0) == drawn.classes[:, 0]).double().mean()
    assert float(right) == pytest.approx(pair.accuracy, abs=0.004)
    noise = values[:, CLASS] - signs
    found = torch.corrcoef(torch.stack([noise, values[:, SUPPRESSOR]]))[0, 1]
    assert float(found) == pytest.approx(pair.c, abs=0.01)


def test_the_accuracies_are_those_of_the_notes() -> None:
    assert LAWS[0].accuracy == pytest.approx(0.981, abs=5e-4)
    assert LAWS[0].weights == pytest.approx((0.616, -0.788), abs=5e-4)


@pytest.mark.parametrize("pair", LAWS)
def test_gradient_path_and_removal_give_the_suppressor_its_weight(pair: Pair) -> None:
    question, columns, values = posed(pair, 2000)
    weights = torch.tensor(pair.weights)
    torch.testing.assert_close(gradient(question)[:, columns], weights.expand(50, 2))
    for method in (input_x_gradient, integrated_gradients, feature_ablation):
        torch.testing.assert_close(method(question)[:, columns], weights * values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pair", LAWS)
def test_a_pattern_gives_it_none(pair: Pair) -> None:
    question, columns, _ = posed(pair)
    found = pattern(question)[:, columns]
    alpha = pair.weights[0]
    assert found[0].tolist() == pytest.approx([1 / alpha, 0], abs=0.03)


def test_conditional_values_of_a_normal_law_leave_it_some() -> None:
    """With the class column's mixture taken as normal: phi2 = (f - E[f | x1] + E[f | x2] - E[f]) / 2."""
    pair = LAWS[0]
    question, columns, values = posed(pair)
    alpha, minus = pair.weights
    variance = 1 + pair.s1**2
    slope_on_first = alpha + minus * pair.c * pair.s1 * pair.s2 / variance
    slope_on_second = alpha * pair.c * pair.s1 / pair.s2 + minus
    assert slope_on_second == pytest.approx(0, abs=1e-9), "the score is independent of the suppressor"
    f = values @ torch.tensor(pair.weights)
    expected = (f - slope_on_first * values[:, 0]) / 2
    found = conditional_shap(question)[:, columns[SUPPRESSOR]]
    assert float((found - expected).abs().mean()) < 0.1 * float(expected.abs().mean()) + 0.02
    assert float(expected.abs().mean()) > 0.05


def test_a_trained_net_is_certified() -> None:
    for given in ({}, {"architecture": "mlp"}, {"training": "none"}):
        trained = Suppressors(steps=400, **given).train(Run(1))
        assert all(check.passed for check in trained.checks), trained.checks
    assert math.isclose(trained.checks[0].threshold, 0.75)
