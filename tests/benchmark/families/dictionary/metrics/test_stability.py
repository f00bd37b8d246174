"""Stability over seeds against closed forms."""

from __future__ import annotations

from dataclasses import replace
from math import pi, sqrt

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryExplanation
from benchmark.families.dictionary.metrics.stability import agreement, stability
from benchmark.families.dictionary.trivial import trivial
from benchmark.families.family import Labelled

POSED, TRUTH = trivial(0)


def learned(atoms: torch.Tensor, seed: int = 0, question=POSED) -> Labelled:
    nothing = torch.zeros(1, 1)
    explanation = DictionaryExplanation(atoms, atoms[0], nothing.int(), nothing, nothing.int(), nothing)
    return Labelled("m", "v", seed, explanation, TRUTH, question)


def random(seed: int, atoms: int = 24, dimensions: int = 16) -> torch.Tensor:
    return torch.randn(atoms, dimensions, generator=torch.Generator().manual_seed(seed))


def test_order_signs_and_lengths_do_not_matter() -> None:
    atoms = random(0)
    turned = -3 * atoms[torch.randperm(len(atoms), generator=torch.Generator().manual_seed(1))]
    assert stability([learned(atoms), learned(turned), learned(atoms)]) == pytest.approx(1)


def test_two_axes_turned_by_an_angle() -> None:
    angle = torch.tensor(0.3)
    turned = torch.tensor([[angle.cos(), angle.sin()], [-angle.sin(), angle.cos()]])
    assert agreement(torch.eye(2), turned) == pytest.approx(float(angle.cos()))


def test_orthogonal_dictionaries_share_nothing_and_spare_or_empty_atoms_count_zero() -> None:
    assert agreement(torch.eye(4)[:2], torch.eye(4)[2:]) == 0
    assert agreement(torch.eye(4)[:1], torch.eye(4)) == pytest.approx(1 / 4)
    assert agreement(torch.eye(4), torch.eye(4) * torch.tensor([1.0, 1, 0, 0])[:, None]) == pytest.approx(1 / 2)


def test_one_random_atom_each_has_the_mean_cosine_of_random_directions() -> None:
    # E|cos| of two directions in d = 3 dimensions is 1/2; for large d it is sqrt(2 / (pi d))
    pairs = [(random(n, 1, 3), random(n + 5000, 1, 3)) for n in range(2000)]
    assert sum(agreement(*pair) for pair in pairs) / 2000 == pytest.approx(0.5, abs=4 * sqrt(1 / 12 / 2000))
    wide = [agreement(random(n, 1, 400), random(n + 5000, 1, 400)) for n in range(500)]
    assert sum(wide) / 500 == pytest.approx(sqrt(2 / (pi * 400)), abs=4 * 0.05 / sqrt(500))


def test_one_seed_or_other_activations_have_no_stability() -> None:
    with pytest.raises(Unsupported, match="one seed"):
        stability([learned(random(0))])
    with pytest.raises(Unsupported, match="different activations"):
        stability([learned(random(0)), learned(random(1), question=replace(POSED, train=POSED.train + 1))])
