"""Blocks: a jigsaw says nothing about the label."""

import torch

from benchmark.subjects import generator_for
from tasks.models.blockmnist import blocks
from tasks.models.shared.digits import read_digits


def test_a_jigsaw_keeps_the_pixels_and_loses_the_digit():
    data = read_digits("digits", "", generator_for(0, "split"))
    mixed = blocks.jigsaw(data.test, generator_for(0, "jigsaw"))
    assert torch.equal(mixed.flatten(1).sort().values, data.test.flatten(1).sort().values)
    assert not (mixed == data.test).all((1, 2)).any()


def test_noise_is_independent_of_the_label():
    data = read_digits("digits", "", generator_for(0, "split"))
    nulls = blocks.noise(4000, data.train, generator_for(0, "noise")).flatten(1)
    labels = data.train_labels.repeat(4)[:4000]
    means = torch.stack([nulls[labels == label].mean(0) for label in range(10)])
    spread = nulls.std(0) / (4000 / 10) ** 0.5
    assert ((means - nulls.mean(0)) / spread).abs().max() < 5.5
