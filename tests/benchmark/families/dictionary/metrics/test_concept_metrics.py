"""Soft identifiability, plausibility and out of data in closed form."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth, sparse
from benchmark.families.dictionary.metrics import soft_identifiability as module
from benchmark.families.dictionary.metrics.out_of_data import out_of_data
from benchmark.families.dictionary.metrics.plausibility import plausibility
from benchmark.families.dictionary.metrics.soft_identifiability import best_cuts, soft_identifiability


def explain(validation, test=None, atoms=None, bias=None):
    test = validation if test is None else test
    atoms = torch.eye(validation.shape[1]) if atoms is None else atoms
    return DictionaryExplanation(
        atoms, torch.zeros(atoms.shape[1]) if bias is None else bias, *sparse(validation), *sparse(test)
    )


def truth_of(labels, **parts):
    return DictionaryTruth(labels, labels, **parts)


@pytest.fixture
def labels():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(500, 3, generator=generator) < 0.2


def test_a_code_that_is_on_with_its_concept_has_all_of_it(labels):
    found = soft_identifiability(explain(labels.float()), truth_of(labels))
    assert found == pytest.approx({"": 1.0, "accuracy": 1.0})


def test_a_threshold_may_lie_anywhere(labels):
    """On with the concept at 1, without it at .97: no tenth of the greatest code parts the two."""
    codes = torch.where(labels, 1.0, 0.97)
    assert soft_identifiability(explain(codes), truth_of(labels))[""] == pytest.approx(1)


def test_a_code_that_is_on_at_all_counts_where_no_false_one_is_as_low(labels):
    """The weakest code of a test row is a tenth of the weakest that was seen."""
    codes = labels.float() * (1 + torch.rand(500, 3, generator=torch.Generator().manual_seed(1)))
    assert soft_identifiability(explain(codes, test=codes / 10), truth_of(labels))[""] == pytest.approx(1)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_silence_and_noise_without_end_are_chance(labels, level):
    found = soft_identifiability(explain(torch.full((500, 3), level)), truth_of(labels))
    share = labels.float().mean(0)
    assert found[""] == pytest.approx(0.5, abs=1e-6)
    assert found["accuracy"] == pytest.approx(float((1 - share).mean()), abs=1e-6)


def test_one_atom_may_serve_several_concepts(labels):
    alike = labels[:, :1].expand(-1, 3)
    assert soft_identifiability(explain(alike[:, :1].float()), truth_of(alike))[""] == pytest.approx(1)


def test_half_of_the_rows_with_a_concept_are_half_of_what_they_count():
    labels = torch.tensor([[True]] * 4 + [[False]] * 16)
    codes = torch.zeros(20, 1)
    codes[:2] = 1
    found = soft_identifiability(explain(codes), truth_of(labels))
    assert found == pytest.approx({"": 0.75, "accuracy": 0.9})


def test_what_is_chosen_on_validation_rows_is_scored_on_test_rows(labels):
    explanation = explain(labels.float(), test=1 - labels.float())
    assert soft_identifiability(explanation, truth_of(labels)) == pytest.approx({"": 0.0, "accuracy": 0.0})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.integers(1, 60))
def test_no_other_cut_of_any_atom_is_better(seed, balanced, chunk):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(4, (30, 5), generator=generator).float()
    labels = torch.rand(30, 3, generator=generator) < 0.4
    before = module.CHUNK
    module.CHUNK = chunk
    try:
        atom, level = best_cuts(codes, labels, balanced=balanced)
    finally:
        module.CHUNK = before

    def accuracy(fires, on):
        right = fires == on
        if not balanced:
            return float(right.float().mean())
        parts = [float(right[on == side].float().mean()) if (on == side).any() else 0.0 for side in (True, False)]
        return sum(parts) / 2

    for concept in range(3):
        on = labels[:, concept]
        found = accuracy(codes[:, atom[concept]] > level[concept], on)
        every = [accuracy(codes[:, j] > cut, on) for j in range(5) for cut in (0, 1, 2, math.inf)]
        assert found == pytest.approx(max(every), abs=1e-5)


def test_plausibility_takes_the_nearest_atom_with_its_sign(labels):
    truth = truth_of(labels, class_directions=torch.eye(2))
    codes = torch.zeros(500, 2)
    assert plausibility(explain(codes, atoms=torch.eye(2) * 7), truth) == pytest.approx(1)
    assert plausibility(explain(codes, atoms=-torch.eye(2)), truth) == pytest.approx(0)
    assert plausibility(explain(codes, atoms=torch.tensor([[1.0, 1], [0, 0]])), truth) == pytest.approx(2**-0.5)
    assert plausibility(explain(codes, atoms=-torch.ones(2, 2)), truth) == pytest.approx(-(2**-0.5))


def test_rows_are_in_the_data_as_seen_from_the_bias():
    rows = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    question = DictionaryQuestion(rows, rows, rows, size=8, sparsity=1, seed=0)
    bias, codes = torch.tensor([1.0, 2, 3, 4]), torch.zeros(200, 3)
    of_rows = explain(codes, atoms=3 * (rows[:3] - bias), bias=bias)
    assert out_of_data(of_rows, question) == pytest.approx(0, abs=1e-6)
    assert out_of_data(explain(codes, atoms=torch.zeros(3, 4)), question) == pytest.approx(1)


def test_the_farthest_atom_points_away_from_all_rows():
    rows = torch.tensor([[1.0, 0], [1, 0]])
    question = DictionaryQuestion(rows, rows, rows, size=8, sparsity=1, seed=0)
    atoms = torch.tensor([[-1.0, 0], [0, 1], [2, 0]])
    assert out_of_data(explain(torch.zeros(2, 3), atoms=atoms), question) == pytest.approx((2 + 1 + 0) / 3)
