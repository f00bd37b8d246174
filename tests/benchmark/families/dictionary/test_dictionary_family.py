"""The dictionary family: what a method may return, the stored form, and the references."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import InvalidExplanation
from benchmark.families.dictionary import (
    Dictionary,
    DictionaryQuestion,
    DictionaryTruth,
    both_signs,
    check,
    dense,
    keep_largest,
    keep_largest_on_average,
    sparse,
)
from benchmark.families.dictionary.pictures import pictures
from benchmark.families.dictionary.references import oracle, random, sparsest_oracle
from benchmark.families.dictionary.trivial import trivial
from benchmark.families.family import Case
from benchmark.families.grid import Grid
from methods.dictionary.random_directions import random_directions


@pytest.fixture
def question():
    rows = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    return DictionaryQuestion(rows, rows[:10], rows[10:22], size=5, sparsity=2, seed=0)


@pytest.fixture
def good():
    return Dictionary(torch.eye(4), torch.zeros(4), torch.ones(10, 4), torch.ones(12, 4))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.floats(0, 1))
def test_sparse_codes_are_the_dense_ones(seed, size, share):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.rand(7, size, generator=generator) * (torch.rand(7, size, generator=generator) < share)
    assert torch.equal(dense(*sparse(codes), size), codes)


def test_check_stores_what_was_returned(question, good):
    explanation = check(good, question)
    assert torch.equal(explanation.validation_codes, good.validation)
    assert torch.equal(explanation.test_codes, good.test)
    given = dataclasses.replace(good, test=(torch.zeros(12, 1, dtype=torch.int64), torch.full((12, 1), 2.0)))
    assert float(check(given, question).test_codes.sum()) == 24


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"atoms": torch.eye(5)}, r"atoms of shape \(5, 5\), expected between 1 and 5 rows of length 4"),
        ({"atoms": torch.ones(6, 4)}, r"\(6, 4\), expected between 1 and 5"),
        ({"bias": torch.zeros(3)}, r"bias of shape \(3,\), expected \(4,\)"),
        ({"atoms": torch.full((4, 4), torch.nan)}, "NaN or infinity in atoms"),
        ({"test": torch.ones(12, 3)}, r"test codes of shape \(12, 3\), expected \(12, 4\)"),
        ({"validation": -torch.ones(10, 4)}, "negative validation codes"),
        ({"validation": torch.full((10, 4), torch.nan)}, "NaN or infinity in validation codes"),
        ({"test": (torch.full((12, 1), 4), torch.ones(12, 1))}, "indices from 4 to 4, expected 0 to 3"),
        ({"test": (torch.zeros(12, 1), torch.ones(12, 2))}, "expected two of"),
    ],
)
def test_what_is_no_dictionary_is_refused(question, good, change, message):
    with pytest.raises(InvalidExplanation, match=message):
        check(dataclasses.replace(good, **change), question)


def test_a_tensor_is_no_dictionary(question):
    with pytest.raises(InvalidExplanation, match="got Tensor, expected a Dictionary"):
        check(torch.eye(4), question)


def test_keep_largest_keeps_positive_ones_only():
    codes = torch.tensor([[3.0, -1.0, 2.0, 1.0], [-1.0, -2.0, 0.5, -3.0]])
    assert keep_largest(codes, 2).tolist() == [[3.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.5, 0.0]]


def test_a_signed_basis_reconstructs_when_all_is_kept(question):
    axes = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1))).Q
    full = dataclasses.replace(question, size=8, sparsity=4)
    explanation = check(both_signs(axes, question.train.mean(0), full), full)
    torch.testing.assert_close(explanation.test_codes @ explanation.atoms + explanation.bias, question.test)


def test_references(question):
    generator = torch.Generator().manual_seed(0)
    labels = [torch.rand(rows, 3, generator=generator) < 0.6 for rows in (10, 12)]
    truth = DictionaryTruth(*labels)
    planted = oracle(question, truth)
    assert torch.equal(planted.test_codes > 0, truth.test)
    assert planted.atoms.shape == (3, 4)
    cut = sparsest_oracle(question, truth)
    assert int((cut.test_codes > 0).sum(1).max()) <= question.sparsity
    drawn = random(question, generator)
    assert drawn.atoms.shape == (5, 4)
    assert 1 <= float((drawn.test_codes > 0).float().sum(1).mean()) <= question.sparsity


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 6))
def test_the_largest_codes_of_all_rows_are_kept(seed, sparsity):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.rand(20, 6, generator=generator) * (torch.rand(20, 6, generator=generator) < 0.5)
    kept = keep_largest_on_average(codes, sparsity)
    count = min(round(sparsity * 20), int((codes > 0).sum()))
    assert int((kept > 0).sum()) == count
    assert torch.equal(kept[kept > 0], codes[kept > 0])
    if 0 < count < int((codes > 0).sum()):
        assert kept[kept > 0].min() >= codes[(kept == 0) & (codes > 0)].max()


def test_of_equal_codes_none_is_favoured():
    kept = keep_largest_on_average(torch.ones(4000, 5), 2.0)
    torch.testing.assert_close(kept.mean(0), torch.full((5,), 0.4), rtol=0, atol=0.04)
    torch.testing.assert_close(kept.sum(1).mean(), torch.tensor(2.0))


def test_the_oracle_keeps_to_the_asked_l0_and_size(question):
    magnitudes = torch.arange(1.0, 9).repeat(12, 1)
    truth = DictionaryTruth(
        magnitudes[:10] > 0,
        magnitudes > 0,
        torch.eye(8)[:, :4],
        torch.zeros(4),
        validation_codes=magnitudes[:10],
        test_codes=magnitudes,
    )
    planted = oracle(question, truth)
    assert planted.atoms.tolist() == truth.directions[3:].tolist(), "size is 5: those with the largest codes"
    assert planted.test_codes.tolist() == [[0, 0, 0, 7, 8]] * 12, "L0 is 2"
    assert planted.validation_codes.tolist() == [[0, 0, 0, 7, 8]] * 10


def test_rows_with_many_features_keep_more_than_rows_with_few(question):
    codes = torch.zeros(12, 3)
    codes[:6] = 1.0
    truth = DictionaryTruth(
        codes[:10] > 0, codes > 0, torch.eye(4)[:3], torch.zeros(4), validation_codes=codes[:10], test_codes=codes
    )
    asked = dataclasses.replace(question, sparsity=2)
    assert torch.equal(oracle(asked, truth).test_codes, codes), "1.5 codes a row are within 2 on average"
    assert int((sparsest_oracle(asked, truth).test_codes > 0).sum()) == 12, "2 of 3 in every row"


def test_the_frontier_joins_the_variants_of_one_source_and_draws_the_primary_metric(question):
    truth = DictionaryTruth(
        validation=question.validation > 0,
        test=question.test > 0,
        names=("north", "east", "south", "west"),
        grid=Grid(rows=2, columns=2, cells=(0, 1, 2, 3)),
    )
    cases = []
    for variant, source, sparsity in (("few", "a", 1), ("many", "a", 2), ("other", "b", 2), ("nobody's", "", 2)):
        asked = dataclasses.replace(question, source=source, sparsity=sparsity)
        scores = {"primary_one": 0.1 * sparsity, "l0": float(sparsity), "explained_variance": 0.5}
        cases.append(Case("task", variant, 0, "oracle", asked, truth, oracle(question, truth), scores))
    _, frontier, atoms = pictures(cases)
    axis = frontier.draw().axes[0]
    assert axis.get_ylabel() == "primary one"
    assert axis.lines[0].get_xdata().tolist() == [1, 2], "the two of source a alone"
    assert atoms.name == "grid"
    assert {axis.get_title().split(":")[0] for axis in atoms.draw().axes[:4]} == set(truth.names)


@pytest.mark.parametrize("seed", range(5))
def test_learners_of_the_trivial_problem_do_not_begin_at_its_answer(seed: int) -> None:
    """The first atoms of a learner are the control's: drawn from the question's seed."""
    question, truth = trivial(seed)
    nearest = (truth.directions @ random_directions(question).atoms.T).amax(1)
    assert nearest.max() < 0.9999
