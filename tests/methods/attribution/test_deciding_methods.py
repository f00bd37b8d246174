"""Tests of importance and evaluations at a distance: closed forms, and the rates of errors that they promise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, check
from methods.attribution._counterfactuals import Counterfactuals
from methods.attribution.irt import irt, significant
from methods.attribution.osft import osft, threshold
from methods.attribution.repeated_evaluation import repeated_evaluation

LEVEL = 0.1


class Absolute(nn.Module):
    """The sum of |x| over all entries but the last."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.flatten(1)[:, :-1].abs().sum(1)


def question_of(inputs: torch.Tensor, background: torch.Tensor, model: nn.Module, seed: int = 0) -> AttributionQuestion:
    return AttributionQuestion(model, inputs, None, background, torch.zeros_like(inputs[0]), seed)


def noise(count: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def decided(method, question: AttributionQuestion, **parameters) -> AttributionExplanation:
    found = check(method(question, **parameters), question)
    assert found.selected is not None
    return found


def shifted(count: int = 100, width: int = 20) -> tuple[AttributionQuestion, torch.Tensor]:
    """Entries of which three in ten are shifted by 4; the output does not depend on the last one."""
    important = torch.rand(count, width, generator=torch.Generator().manual_seed(5)) < 0.3
    inputs = noise(count, width, 6) + 4 * important
    important[:, -1] = False
    return question_of(inputs, noise(1000, width, 7), Absolute()), important


small = arrays(np.float64, (3, 8), elements=st.sampled_from([-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 2.0, 3.0, 4.0]))


@given(small, st.sampled_from([0.1, 0.25, 0.5]))
@settings(max_examples=60, deadline=None)
def test_the_cut_is_the_least_at_which_the_mirror_image_is_small(values, level):
    cuts = [
        t
        for t in sorted({abs(v) for v in values.flatten()} - {0.0})
        if (1 + (values <= -t).sum()) <= level * (values >= t).sum()
    ]
    assert threshold(torch.from_numpy(values), level) == (cuts[0] if cuts else math.inf)


@given(arrays(np.float64, (4, 10), elements=st.floats(0.0005, 1)), st.sampled_from([0.05, 0.1, 0.3]))
@settings(max_examples=60, deadline=None)
def test_significant_is_what_scipy_says(values, level):
    adjusted = false_discovery_control(values.flatten()).reshape(values.shape)
    clear = np.abs(adjusted - level) > 1e-9
    assert (significant(torch.from_numpy(values), level).numpy() == (adjusted <= level))[clear].all()


def test_an_exchange_is_that_of_one_patch():
    inputs, background = torch.rand(2, 1, 4, 4), torch.full((1, 1, 4, 4), 9.0)
    tests = Counterfactuals.of(question_of(inputs, background, nn.Flatten(1)), across=2)
    where = torch.zeros(2, 4, dtype=torch.bool)
    where[0, 1] = where[1, 2] = True
    model = nn.Sequential(nn.Flatten(1), nn.Linear(16, 1, bias=False))
    model[1].weight.data[:] = torch.arange(16.0)
    tests = replace(tests, question=replace(tests.question, model=model))
    first, second = inputs[0].clone(), inputs[1].clone()
    first[:, :2, 2:] = second[:, 2:, :2] = 9
    expected = model(torch.stack([first, second]))[:, 0].double()
    torch.testing.assert_close(tests.draw(where), expected.detach())


@pytest.mark.parametrize("method", [osft, irt])
def test_entries_that_the_model_ignores_are_never_selected(method):
    question, _ = shifted(40)
    found = decided(method, question)
    assert not found.selected[:, -1].any()
    assert not found.attributions[:, -1].any()


def test_the_least_p_value_is_that_of_all_draws_and_its_sign_that_of_the_output():
    weights = torch.tensor([[2.0, -0.01, 1.0]])
    model = nn.Sequential(nn.Linear(3, 1, bias=False), nn.Flatten(0))
    model[0].weight.data[:] = weights
    question = question_of(torch.tensor([[50.0, 50, 0]]), noise(500, 3, 0), model)
    found = decided(irt, question, draws=99, stop=99)
    assert found.attributions[0, :2].tolist() == pytest.approx([2, -2], abs=1e-6)
    assert found.attributions[0, 2].abs() < 1
    assert found.selected.tolist() == [[True, True, False]], "however small what it moves"


def test_p_values_are_valid_whether_draws_end_early_or_not():
    question = question_of(noise(200, 10, 1), noise(2000, 10, 2), Absolute())
    for stop in (3, 10_000):
        p = 10.0 ** -decided(irt, question, draws=99, stop=stop).attributions[:, :-1].abs().double()
        for bound in (0.01, 0.05, 0.1, 0.3, 0.5):
            error = math.sqrt(bound * (1 - bound) / p.numel())
            assert float((p <= bound + 1e-6).double().mean()) <= bound + 4 * error, (stop, bound)


@pytest.mark.parametrize("method", [osft, irt])
def test_where_nothing_is_important_next_to_nothing_is_selected(method):
    nulls = [question_of(noise(30, 10, 10 + n), noise(500, 10, 99), Absolute(), seed=n) for n in range(10)]
    wrong = [bool(decided(method, question).selected.any()) for question in nulls]
    assert sum(wrong) <= 4, "at a level of 0.1, more than four of ten has a probability of 0.002"


@pytest.mark.parametrize("method", [osft, irt])
def test_large_effects_are_found_and_few_others(method):
    question, important = shifted()
    selected = decided(method, question).selected
    assert float((selected & important).sum() / important.sum()) > 0.8
    assert float((selected & ~important).sum() / selected.sum()) < 1.5 * LEVEL


def test_a_test_answers_for_patches_and_classes():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 2, bias=False))
    model[1].weight.data[:] = 0
    model[1].weight.data[1, :6] = 1
    generator = torch.Generator().manual_seed(0)
    inputs, background = (torch.randn(count, 1, 6, 6, generator=generator) for count in (50, 300))
    inputs[:, :, :2, :2] += 6
    question = replace(question_of(inputs, background, model), targets=torch.arange(50) % 2)
    for method in (osft, irt):
        found = decided(method, question, across=3)
        corner = found.selected[:, 0, :2, :2].flatten(1)
        assert corner[1::2].all(1).double().mean() > 0.9, "all of a patch, where the class reads it"
        assert not found.selected[::2].any()
        assert (found.attributions[1::2, 0, :2, :2] >= 0).all()
        assert (
            found.attributions
            == found.attributions.view(50, 1, 3, 2, 3, 2)[..., :1, :, :1]
            .expand(-1, -1, -1, 2, -1, 2)
            .reshape(50, 1, 6, 6)
        ).all()


def test_evaluations_say_where_the_output_goes_and_whether_it_moves_on_the_way():
    inputs = torch.tensor([[-1.0, -0.1, 0.3, 7.0], [-0.2, 0.0, -0.5, 7.0]])
    question = replace(question_of(inputs, inputs, Absolute()), reach=0.4)
    found = check(repeated_evaluation(question), question).attributions
    # -0.1 moves to 0, then to 0.3; -0.2 comes back to where it was and has no direction
    expected = torch.tensor([[-0.4, 0.2, 0.4, 0], [0, 0.4, -0.4, 0]])
    found[1, 0] = 0 if abs(float(found[1, 0])) < 0.21 else found[1, 0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_evaluations_need_a_distance():
    with pytest.raises(Unsupported, match="names none"):
        repeated_evaluation(question_of(torch.rand(2, 3), torch.rand(2, 3), Absolute()))
