"""The mixture of baselines: its integrals, its bandits, and the map that it chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from benchmark.families import attribution as family
from benchmark.families.attribution import AttributionQuestion
from methods.attribution.baseline_mixture import ARMS, Bandit, baseline_mixture, contrast, integrated
from methods.attribution.integrated_gradients import integrated_gradients


def asked(shape: tuple[int, ...] = (6,), linear: bool = False, single: bool = False) -> AttributionQuestion:
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    size = int(np.prod(shape))
    hidden = [nn.Linear(size, 3)] if linear else [nn.Linear(size, 8), nn.Tanh(), nn.Linear(8, 3)]
    if single:
        hidden += [nn.Linear(3, 1), nn.Flatten(0)]
    return AttributionQuestion(
        model=nn.Sequential(nn.Flatten(), *hidden).eval().requires_grad_(False),
        inputs=torch.randn((5, *shape), generator=generator),
        targets=None if single else torch.arange(5) % 3,
        background=torch.randn((40, *shape), generator=generator),
        baseline=torch.full(shape, 0.1),
        seed=3,
    )


def test_of_a_linear_model_it_is_the_weights_times_the_way_from_one_of_the_baselines():
    question = asked(linear=True)
    weights = question.model[1].weight[question.targets]
    # with a constant background all arms but the blurred one are that constant
    constant = replace(question, background=question.baseline[None].expand(40, -1))
    blurred, neutral = question.inputs.mean(1, keepdim=True).expand(5, 6), question.baseline.expand(5, 6)
    expected = torch.stack([weights * (question.inputs - one) for one in (blurred, neutral)])
    found = baseline_mixture(constant)
    assert torch.isclose(expected, found, atol=1e-5).all(2).any(0).all()


@pytest.mark.parametrize("shape", [(6,), (4, 7), (1, 6, 6), (2, 3, 4, 5)])
@pytest.mark.parametrize("single", [False, True])
def test_it_is_never_worse_than_integrated_gradients_by_its_own_metric(shape, single):
    question = asked(shape, single=single)
    found = family.check(baseline_mixture(question, rounds=2), question).attributions
    plain = integrated(question, question.baseline.expand_as(question.inputs), 8)
    assert (contrast(question, found) >= contrast(question, plain) - 1e-6).all()
    assert torch.equal(found, baseline_mixture(question, rounds=2))


def test_more_rounds_are_no_worse():
    question = asked()
    few, many = (contrast(question, baseline_mixture(question, rounds=rounds)) for rounds in (0, 8))
    assert float(many.mean()) >= float(few.mean())


def test_its_integrals_are_those_of_captum_and_complete():
    question = asked()
    neutral = question.baseline.expand_as(question.inputs)
    torch.testing.assert_close(
        integrated(question, neutral, 200), integrated_gradients(question, steps=200), atol=1e-4, rtol=1e-3
    )
    other = question.background[:5]
    outputs = [question.model(points).gather(1, question.targets[:, None])[:, 0] for points in (question.inputs, other)]
    torch.testing.assert_close(integrated(question, other, 400).sum(1), outputs[0] - outputs[1], atol=1e-4, rtol=1e-3)


def test_contrast_of_a_linear_model_is_what_the_strongest_entries_give():
    question = asked(linear=True)
    given = question.model[1].weight[question.targets] * (question.inputs - question.baseline)
    order = given.abs().argsort(1, descending=True)
    ranked = given.gather(1, order)
    expected = torch.stack([ranked[:, :many].sum(1) - ranked[:, 6 - many :].sum(1) for many in (1, 2, 3, 4)]).mean(0)
    torch.testing.assert_close(contrast(question, given), expected, atol=1e-5, rtol=1e-4)


def test_places_are_ranked_where_they_are_asked_for():
    question = replace(asked((4, 7)), per_pixel=True)
    whole = torch.zeros(5, 4, 7)
    whole[:, 0, 2] = 1.0
    shared = torch.zeros(5, 4, 7)
    shared[:, :, 2] = 0.25
    torch.testing.assert_close(contrast(question, whole), contrast(question, shared))


@pytest.mark.parametrize("place", range(len(ARMS)))
def test_arms_draw_a_baseline_for_each_input(place):
    for shape in ((6,), (4, 7), (1, 6, 6)):
        question = asked(shape)
        drawn = ARMS[place](question, torch.Generator().manual_seed(0))
        assert drawn.shape == question.inputs.shape
        assert bool(torch.isfinite(drawn).all())


def test_a_bandit_is_the_logistic_regression_of_chapelle_and_li():
    generator = np.random.default_rng(0)
    context = generator.normal(size=(30, 3))
    won = generator.random(30) < 1 / (1 + np.exp(-2 * context[:, 0]))
    bandit = Bandit(3)
    bandit.learn(torch.from_numpy(context[:10]), torch.from_numpy(won[:10]))
    mean, precision = bandit.mean.numpy(), bandit.precision.numpy()
    bandit.learn(torch.from_numpy(context[10:]), torch.from_numpy(won[10:]))
    sign = 2.0 * won[10:] - 1

    def loss(weights):
        prior = (precision * (weights - mean) ** 2).sum() / 2
        return prior + np.log1p(np.exp(-sign * (context[10:] @ weights))).sum()

    best = minimize(loss, mean, tol=1e-12).x
    np.testing.assert_allclose(bandit.mean.numpy(), best, atol=1e-5)
    chance = 1 / (1 + np.exp(-context[10:] @ best))
    expected = precision + ((chance * (1 - chance))[:, None] * context[10:] ** 2).sum(0)
    np.testing.assert_allclose(bandit.precision.numpy(), expected, rtol=1e-5)


def test_hope_follows_what_was_learned_and_nothing_is_learned_from_nothing():
    context = torch.ones(400, 1, dtype=torch.float64)
    won, lost, fresh = Bandit(1), Bandit(1), Bandit(1)
    won.learn(context, torch.ones(400, dtype=torch.bool))
    lost.learn(context, torch.zeros(400, dtype=torch.bool))
    fresh.learn(context[:0], torch.zeros(0, dtype=torch.bool))
    draws = [one.hope(context, torch.Generator().manual_seed(0)) for one in (won, lost, fresh)]
    assert (draws[0] > draws[1]).all()
    assert float(draws[2].std()) > 2 * float(draws[0].std()), "what was pulled often is known"
