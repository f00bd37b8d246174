"""Columns of a group act together, columns of two groups do not; and nothing but the seed says which is which."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.attribution.feature_groups import FeatureGroups as Task
from tasks.models.feature_groups import units
from tasks.models.feature_groups.subject import COLUMNS, FeatureGroups
from tasks.models.feature_groups.units import OUTPUTS, Plant

SIZES = (2, 3, 4, 6, 8, 12)


def planted(size: int, seed: int, noise: int = 8) -> Plant:
    return Plant.draw(COLUMNS // size, size, noise, torch.Generator().manual_seed(seed))


def together(plant: Plant, first: int, second: int, seed: int = 0) -> torch.Tensor:
    """What two columns do to the outputs beyond what each does alone."""
    generator = torch.Generator().manual_seed(seed)
    inputs, others = (units.draw(200, plant.width, generator).double() for _ in range(2))
    found = []
    for columns in ([first, second], [first], [second], []):
        mixed = inputs.clone()
        mixed[:, columns] = others[:, columns]
        found.append(plant.values(mixed))
    return found[0] - found[1] - found[2] + found[3]


@given(st.sampled_from(SIZES), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_every_output_divides_the_same_columns_into_groups_of_one_size(size: int, seed: int) -> None:
    plant = planted(size, seed)
    groups = plant.groups()
    assert groups.shape == (OUTPUTS, COLUMNS + 8)
    assert torch.equal(groups[0] >= 0, groups[1] >= 0)
    for row in groups:
        assert torch.bincount(row[row >= 0]).tolist() == [size] * (COLUMNS // size)
    for output, members in enumerate(plant.members):
        for number, columns in enumerate(members):
            assert set(groups[output, columns].tolist()) == {number}


@given(st.sampled_from((2, 4, 8)), st.integers(0, 1000), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_pairs_do_something_together_where_they_share_a_group_and_nowhere_else(size, seed, random) -> None:
    plant = planted(size, seed)
    groups = plant.groups()
    first, second = random.sample((groups[0] >= 0).nonzero()[:, 0].tolist(), 2)
    found = together(plant, first, second).abs().amax(0)
    for output in range(OUTPUTS):
        if groups[output, first] == groups[output, second]:
            assert found[output] > 0.01
        else:
            assert found[output] < 1e-9


def test_columns_in_no_group_do_nothing() -> None:
    plant = planted(4, 0)
    inputs = units.draw(50, plant.width, torch.Generator().manual_seed(1))
    changed = inputs.clone()
    changed[:, plant.groups()[0] < 0] = 1.0
    assert torch.equal(plant.values(inputs), plant.values(changed))


@pytest.mark.parametrize("size", SIZES)
def test_outputs_have_a_mean_of_0_and_a_variance_of_1(size: int) -> None:
    plant = planted(size, 3)
    values = plant.values(units.draw(20_000, plant.width, torch.Generator().manual_seed(2)))
    assert values.mean(0).tolist() == pytest.approx([0, 0], abs=0.05)
    assert values.var(0).tolist() == pytest.approx([1, 1], abs=0.08)


@pytest.mark.parametrize("size", [0, 1, 5, 24])
def test_a_size_that_makes_no_groups_is_refused(size: int) -> None:
    with pytest.raises(TouchstoneError, match=r"size: got \d+, expected a divisor of 24"):
        FeatureGroups(size=size)


def test_each_input_is_asked_about_with_the_groups_of_its_own_output() -> None:
    subject = FeatureGroups(training="none", tests=60)
    trained = subject.train(Run(5))
    assert all(check.passed for check in trained.checks)
    saved = Saved(subject, 5, torch.device("cpu"), trained.weights, trained.public)
    task = Task(inputs=20)
    question, truth = task.pose(saved), task.truth(saved)
    groups = subject.plant(saved).groups()
    assert question.targets is not None
    assert truth.groups is not None
    for row, target in enumerate(question.targets.tolist()):
        assert torch.equal(truth.groups[row], groups[target])
    assert torch.equal(truth.masks[""], truth.groups >= 0)
    assert (groups[0] != groups[1]).any()


def test_a_trained_net_is_certified() -> None:
    trained = FeatureGroups(steps=600, tests=400).train(Run(1))
    assert all(check.passed for check in trained.checks), trained.checks
