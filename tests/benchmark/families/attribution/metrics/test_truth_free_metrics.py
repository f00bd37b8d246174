"""Metrics that ask the model and no truth, on models whose answers are known in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.metrics._curves import STEPS
from benchmark.families.attribution.metrics.completeness_gap import completeness_gap
from benchmark.families.attribution.metrics.deletion import deletion
from benchmark.families.attribution.metrics.infidelity import infidelity
from benchmark.families.attribution.metrics.insertion import insertion

COUNT, WIDTH = 40, 20
WEIGHTS = torch.tensor([3.0, -2.0, 1.0] + [0.0] * (WIDTH - 3))


def linear(weights: torch.Tensor = WEIGHTS) -> AttributionQuestion:
    """f(x) = w.x, without classes."""
    layer = nn.Linear(len(weights), 1, bias=False)
    layer.load_state_dict({"weight": weights[None]})
    inputs = torch.randn(COUNT, len(weights), generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(layer, nn.Flatten(0)).requires_grad_(False)
    return AttributionQuestion(model, inputs, None, inputs, torch.zeros(len(weights)), 0)


def explained(values: torch.Tensor) -> AttributionExplanation:
    return AttributionExplanation(values.float().expand(COUNT, -1).contiguous())


def test_contributions_add_up_and_nothing_misses_everything() -> None:
    question = linear()
    assert completeness_gap(explained(question.inputs * WEIGHTS), question) == pytest.approx(0, abs=1e-6)
    assert completeness_gap(explained(torch.zeros(WIDTH)), question) == pytest.approx(1)
    assert completeness_gap(explained(3 * question.inputs * WEIGHTS), question) == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize("scale", [1.0, -0.01, 1000.0])
def test_the_gradient_of_a_linear_model_foretells_all_of_it_at_any_scale(scale: float) -> None:
    assert infidelity(explained(scale * WEIGHTS), linear()) == pytest.approx(0, abs=1e-6)


def test_what_a_map_does_not_foretell_is_the_angle_between_it_and_the_gradient() -> None:
    question = linear()
    assert infidelity(explained(torch.zeros(WIDTH)), question) == 1
    first = torch.zeros(WIDTH)
    first[0] = 1
    expected = 1 - 9 / float((WEIGHTS**2).sum())
    assert infidelity(explained(first), question) == pytest.approx(expected, abs=0.1)


def decided_by_first(sure: float) -> AttributionQuestion:
    """Two classes; the first entry, 1 in all inputs, gives the first class a logit of `sure`."""
    layer = nn.Linear(WIDTH, 2, bias=False)
    weights = torch.zeros(2, WIDTH)
    weights[0, 0] = sure
    layer.load_state_dict({"weight": weights})
    inputs = torch.ones(COUNT, WIDTH)
    targets = torch.zeros(COUNT, dtype=torch.int64)
    return AttributionQuestion(layer.requires_grad_(False), inputs, targets, inputs, torch.zeros(WIDTH), 0)


def test_the_curves_of_a_model_that_reads_one_entry_are_steps() -> None:
    question, sure = decided_by_first(4.0), 1 / (1 + math.exp(-4.0))
    found = torch.zeros(WIDTH)
    found[0] = 1
    first_step = (0.5 + sure) / 2 / STEPS  # twenty entries, twenty steps: the first one inserts it
    assert insertion(explained(found), question) == pytest.approx(first_step + sure * (1 - 1 / STEPS))
    assert deletion(explained(found), question) == pytest.approx(first_step + 0.5 * (1 - 1 / STEPS))
    missed = 1 - found
    assert insertion(explained(missed), question) == pytest.approx(first_step + 0.5 * (1 - 1 / STEPS))
    assert deletion(explained(missed), question) == pytest.approx(first_step + sure * (1 - 1 / STEPS))


def test_a_constant_map_inserts_at_random() -> None:
    question = decided_by_first(4.0)
    sure = 1 / (1 + math.exp(-4.0))
    for metric in (insertion, deletion):
        assert metric(explained(torch.ones(WIDTH)), question) == pytest.approx((0.5 + sure) / 2, abs=0.05)


def test_a_number_a_pixel_stands_for_its_channels() -> None:
    inputs = torch.randn(COUNT, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).requires_grad_(False)
    targets = torch.zeros(COUNT, dtype=torch.int64)
    question = AttributionQuestion(model, inputs, targets, inputs, torch.zeros(3, 2, 2), 0, per_pixel=True)
    values = torch.rand(COUNT, 1, 2, 2, generator=torch.Generator().manual_seed(2))
    few = AttributionExplanation(values, per_pixel=True)
    many = AttributionExplanation(values.expand(-1, 3, -1, -1).contiguous(), per_pixel=True)
    for metric in (insertion, deletion, infidelity):
        assert metric(few, question) == pytest.approx(metric(many, question), abs=1e-6)
