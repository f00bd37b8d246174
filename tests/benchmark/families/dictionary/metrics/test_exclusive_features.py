"""Exclusive features of two models, against closed forms."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.exclusive import owner, relative_norm
from benchmark.families.dictionary.metrics.exclusive_feature_f1 import exclusive_feature_f1
from benchmark.families.dictionary.metrics.false_exclusive_rate import false_exclusive_rate

WIDTHS = (4, 3)
ROWS = torch.zeros(5, 7)
QUESTION = DictionaryQuestion(ROWS, ROWS, ROWS, 20, 1, seed=0, parts={"a": 4, "b": 3})


def planted() -> torch.Tensor:
    """Two shared features, one weakened in the second model, one of the first model alone, one of the second alone."""
    first, second = torch.zeros(5, 4), torch.zeros(5, 3)
    first[0, 0] = first[1, 1] = first[2, 2] = first[3, 3] = 1
    second[0, 0] = second[1, 1] = second[4, 2] = 1
    second[2] = 0.4 * torch.tensor([0.6, 0.8, 0.0])
    return torch.nn.functional.normalize(torch.cat([first, second], 1), dim=1)


TRUTH = DictionaryTruth(torch.ones(5, 5, dtype=torch.bool), torch.ones(5, 5, dtype=torch.bool), planted())


def learned(atoms: torch.Tensor, silent: tuple[int, ...] = ()) -> DictionaryExplanation:
    codes = torch.tensor([[0.0 if atom in silent else 1.0 for atom in range(len(atoms))]])
    places = torch.arange(len(atoms), dtype=torch.int32)[None]
    return DictionaryExplanation(atoms, torch.zeros(7), places, codes, places, codes)


def scores(atoms: torch.Tensor, silent: tuple[int, ...] = ()) -> tuple[float, float]:
    explanation = learned(atoms, silent)
    return exclusive_feature_f1(explanation, TRUTH, QUESTION), false_exclusive_rate(explanation, TRUTH, QUESTION)


@given(st.floats(0.0, 5.0), st.floats(0.01, 5.0))
def test_the_relative_norm_of_a_weakened_atom_is_half_its_strength(weakening: float, length: float) -> None:
    atom = torch.zeros(1, 7)
    atom[0, 1], atom[0, 5] = length, weakening * length
    norm = float(relative_norm(atom, WIDTHS)[0])
    assert norm == pytest.approx(weakening / 2 if weakening <= 1 else 1 - 1 / (2 * weakening), abs=1e-5)
    turned = torch.cat([atom[:, 4:], atom[:, :4]], 1)
    assert float(relative_norm(turned, (3, 4))[0]) == pytest.approx(1 - norm, abs=1e-5)


def test_owners() -> None:
    atoms = torch.zeros(5, 7)
    atoms[:3, 0] = 1
    atoms[1, 4], atoms[2, 4], atoms[3, 5] = 0.1, 0.3, 2
    assert owner(atoms, WIDTHS).tolist() == [0, 0, -1, 1, -1]


def test_the_truth_is_perfect_whatever_its_lengths() -> None:
    assert scores(planted()) == (1, 0)
    assert scores(3 * planted()) == (1, 0)


def test_whoever_declares_nothing_finds_nothing_and_invents_nothing() -> None:
    assert scores(planted()[:3]) == (0, 0)
    assert scores(torch.zeros(2, 7)) == (0, 0)


def test_dictionaries_learned_apart_declare_everything() -> None:
    halves = planted().split(list(WIDTHS), dim=1)
    apart = torch.block_diag(halves[0][:4], halves[1][[0, 1, 2, 4]])
    share = 2 / 8
    assert scores(apart) == pytest.approx((2 * share / (1 + share), 1 - share))


def test_a_shrunken_half_is_an_invented_feature() -> None:
    atoms = planted()
    atoms[2, 4:] = 0
    assert scores(atoms) == pytest.approx((2 * (2 / 3) / (5 / 3), 1 / 3))


def test_atoms_that_never_fire_say_nothing_and_duplicates_find_one_feature() -> None:
    atoms = planted()
    atoms[2, 4:] = 0
    assert scores(atoms, silent=(2,)) == (1, 0)
    assert scores(torch.cat([planted(), planted()[3:4]])) == (1, 0)
    assert scores(planted(), silent=(3,)) == pytest.approx((2 / 3, 0))


def test_an_atom_between_two_features_finds_neither() -> None:
    atoms = planted()
    atoms[3, :4] = torch.tensor([0.0, 0.0, 0.7, 0.8])
    assert scores(atoms) == pytest.approx((1 / 2, 0)), "it points most at the exclusive one, but not along it"


def test_one_model_has_no_exclusive_features() -> None:
    alone = DictionaryQuestion(ROWS, ROWS, ROWS, 20, 1, seed=0)
    with pytest.raises(Unsupported, match="1 model"):
        exclusive_feature_f1(learned(planted()), TRUTH, alone)
