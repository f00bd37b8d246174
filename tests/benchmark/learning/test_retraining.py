"""Stacked small classifiers: each is what it would be alone."""

from __future__ import annotations

import torch

from benchmark.learning.retraining import Recipe, nets_at_once, retrained_accuracies

RECIPE = Recipe(hidden=8, steps=60, batch=16)


def problem(rows: int = 120, width: int = 30) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (rows,), generator=generator)
    inputs = torch.randn(rows, width, generator=generator)
    inputs[torch.arange(rows), labels] += 8
    return inputs, labels, torch.arange(rows) % 2 == 0


def test_what_tells_the_label_is_learned_and_what_does_not_is_not() -> None:
    inputs, labels, training = problem()
    views = [inputs, inputs.clone(), inputs * (torch.arange(30) > 2)]
    found = retrained_accuracies(views.__getitem__, 3, labels, training, Recipe(hidden=16, steps=200))
    assert found[0] > 0.9
    assert found[0] == found[1], "the same inputs, the same weights, the same order"
    assert found[2] < 0.6, "three classes, and the telling entries are gone"


def test_chunks_and_neighbours_change_no_accuracy() -> None:
    inputs, labels, training = problem()
    generator = torch.Generator().manual_seed(1)
    views = [inputs * (torch.rand(30, generator=generator) < 0.5) for _ in range(7)]
    together = retrained_accuracies(views.__getitem__, 7, labels, training, RECIPE)
    size = 1e-6 * 4 * 2.5 * 10_000  # megabytes: some two nets
    small = Recipe(hidden=8, steps=60, batch=16, memory_mb=size)
    assert 1 < nets_at_once(120, 30, 3, small) < 7
    assert torch.equal(retrained_accuracies(views.__getitem__, 7, labels, training, small), together)
    alone = Recipe(hidden=8, steps=60, batch=16, memory_mb=0)
    assert nets_at_once(120, 30, 3, alone) == 1
    assert torch.equal(retrained_accuracies(views.__getitem__, 7, labels, training, alone), together)
    assert together.unique().numel() > 1
