"""Shapes, grounds, and what is exchanged between images."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run
from tasks.models.tetrominoes import backgrounds, images, shapes
from tasks.models.tetrominoes.subject import Tetrominoes

SCENARIOS = ("linear", "multiplicative", "rigid", "xor")


def drawn(scenario: str, count: int = 200, seed: int = 0, scale: int = 1) -> images.Images:
    return images.draw(scenario, "white", 0.5, scale, count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_half_shows_what_its_class_says_and_nothing_outside_of_the_truth(scenario: str) -> None:
    halves = drawn(scenario).halves
    shown = halves.signal != 0
    assert not (shown & ~halves.truth).any()
    assert set(shown.flatten(2).sum(2).flatten().tolist()) == {8 if scenario == "xor" else 4}
    assert set(halves.truth.flatten(2).sum(2).flatten().tolist()) == {4 if scenario == "rigid" else 8}
    if scenario == "xor":
        same = halves.signal.flatten(2).sum(2).abs() == 8
        assert torch.equal(same, halves.classes == 0)


def test_turned_and_shifted_shapes_are_all_places_of_one_shape() -> None:
    halves = drawn("rigid", 4000).halves
    for number in (0, 1):
        seen = halves.signal[halves.classes == number].flatten(1).unique(dim=0)
        assert len(seen) == 2 * (3 * 6) + 2 * (2 * 7)  # two turns lie in 2 x 3 cells, two stand in 3 x 2
    assert not (shapes.T == shapes.L).all()


@pytest.mark.parametrize("kind", ["white", "correlated", "image"])
def test_grounds_have_unit_variance_and_their_own_smoothness(kind: str) -> None:
    found = backgrounds.draw(kind, 4000, 8, torch.Generator().manual_seed(0))
    assert float(found.var()) == pytest.approx(1, abs=0.1)
    assert float(found.mean()) == pytest.approx(0, abs=0.05)
    beside = float((found[:, :, 1:] * found[:, :, :-1]).mean())
    low, high = {"white": (-0.02, 0.02), "image": (0.4, 0.9), "correlated": (0.85, 1.0)}[kind]
    assert low <= beside <= high


def test_shapes_dim_the_ground_or_lie_on_it() -> None:
    dimmed, laid = drawn("multiplicative"), drawn("linear")
    on = laid.halves.signal.flatten(1, 2) != 0
    torch.testing.assert_close(laid.pixels()[:, 0] - laid.background, 0.5 * on)
    torch.testing.assert_close(dimmed.pixels()[:, 0], dimmed.background * (1 - 0.5 * on))


@pytest.mark.parametrize("scale", [1, 8])
def test_a_half_is_exchanged_alone_and_its_truth_with_it(scale: int) -> None:
    one, two = drawn("rigid", 20, scale=scale), drawn("rigid", 20, seed=1, scale=scale)
    mixed = one.with_half(1, two)
    assert torch.equal(mixed.background, one.background)
    assert torch.equal(mixed.truth()[:, 0], one.truth()[:, 0])
    assert torch.equal(mixed.truth()[:, 1], two.truth()[:, 1])
    assert torch.equal(mixed.classes, torch.stack([one.classes[:, 0], two.classes[:, 1]], 1))
    assert one.truth().any((2, 3)).all()


def test_a_linear_model_is_not_asked_what_it_cannot_tell() -> None:
    with pytest.raises(TouchstoneError, match="no linear model"):
        Tetrominoes(architecture="linear", scenario="xor")


def test_trained_nets_are_certified() -> None:
    for given in ({}, {"scenario": "xor"}, {"architecture": "linear"}, {"training": "none"}):
        trained = Tetrominoes(steps=600, **given).train(Run(1))
        assert all(check.passed for check in trained.checks), (given, trained.checks)
