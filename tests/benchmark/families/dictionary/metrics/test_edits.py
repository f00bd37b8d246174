"""Edits through a dictionary in closed form: the truth, nothing, one attribute, everything at once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth, sparse
from benchmark.families.dictionary.metrics._edits import best, donors, edits
from benchmark.families.dictionary.metrics.edit_success import edit_success
from benchmark.families.dictionary.metrics.edit_weight import edit_weight
from benchmark.families.dictionary.references import oracle

VALUES, RATIO, ROWS = 4, 2.0, 300
LARGER, SMALLER = tuple(range(VALUES)), tuple(range(VALUES, 2 * VALUES))


def posed(sparsity: int = 2) -> tuple[DictionaryQuestion, DictionaryTruth]:
    """Two attributes of four values on the axes of eight dimensions, without noise."""
    drawn = torch.randint(VALUES, (2, ROWS, 2), generator=torch.Generator().manual_seed(0))
    on = torch.nn.functional.one_hot(drawn, VALUES).float()
    on[:, :, 1] /= RATIO
    validation, test = on.flatten(2)
    question = DictionaryQuestion(validation, validation, test, size=16, sparsity=sparsity, seed=0)
    truth = DictionaryTruth(
        validation > 0,
        test > 0,
        torch.eye(2 * VALUES),
        torch.zeros(2 * VALUES),
        validation_codes=validation,
        test_codes=test,
        alternatives={"larger": LARGER, "smaller": SMALLER},
    )
    return question, truth


def explain(atoms: torch.Tensor, validation: torch.Tensor, test: torch.Tensor) -> DictionaryExplanation:
    return DictionaryExplanation(atoms, torch.zeros(atoms.shape[1]), *sparse(validation), *sparse(test))


def combinations(codes: torch.Tensor) -> torch.Tensor:
    """One code for each combination of values."""
    larger, smaller = codes[:, :VALUES] > 0, codes[:, VALUES:] > 0
    return (larger[:, :, None] & smaller[:, None]).float().flatten(1)


def test_the_truth_edits_either_attribute_and_takes_out_its_own_weight() -> None:
    question, truth = posed()
    planted = oracle(question, truth)
    assert edit_success(planted, truth, question) == {"": 1.0, "larger": 1.0, "smaller": 1.0}
    assert edit_weight(planted, truth, question) == pytest.approx(0, abs=1e-6)


def test_no_codes_edit_nothing() -> None:
    question, truth = posed()
    nothing = explain(torch.eye(8), torch.zeros(ROWS, 8), torch.zeros(ROWS, 8))
    assert edit_success(nothing, truth, question)[""] == 0
    assert edit_weight(nothing, truth, question) == pytest.approx(0.5), "own weights are 4/5 and 1/5"


def test_one_attribute_is_half() -> None:
    question, truth = posed()
    half = explain(torch.eye(8)[:VALUES], question.validation[:, :VALUES], question.test[:, :VALUES])
    assert edit_success(half, truth, question) == {"": 0.5, "larger": 1.0, "smaller": 0.0}


def test_an_atom_for_each_combination_reconstructs_everything_and_edits_nothing() -> None:
    question, truth = posed()
    atoms = (torch.eye(8)[:VALUES, None] + torch.eye(8)[None, VALUES:] / RATIO).flatten(0, 1)
    every = explain(atoms, combinations(question.validation), combinations(question.test))
    torch.testing.assert_close(every.test_codes @ every.atoms, question.test)
    assert edit_success(every, truth, question)[""] == 0


def test_what_puts_in_without_taking_out_fails() -> None:
    question, truth = posed()
    silent = explain(torch.eye(8), question.validation, question.test)
    rows, donor = 0, int(donors([truth.test[:, list(part)].int().argmax(1) for part in (LARGER, SMALLER)])[0])
    both = question.test[rows] + silent.test_codes[donor, :VALUES] @ silent.atoms[:VALUES]
    assert int((both > 0.5 * question.test.amax(0)).sum()) == 3


def test_no_more_atoms_are_exchanged_than_codes_are_asked_for() -> None:
    """A value told by three atoms together can be edited where three codes are asked for, and not where two are."""
    for sparsity, success in ((3, 1.0), (1, 0.0)):
        question, truth = posed(sparsity)
        atoms = torch.cat([torch.eye(8)[:VALUES] / 3] * 3 + [torch.eye(8)[VALUES:]])
        codes = [
            torch.cat([part[:, :VALUES]] * 3 + [part[:, VALUES:]], 1) for part in (question.validation, question.test)
        ]
        assert edit_success(explain(atoms, *codes), truth, question)["larger"] == success


def test_the_greatest_codes_are_chosen_among_those_that_fire() -> None:
    found = best(torch.tensor([[1.0, 2.0, 0.0, 3.0]]), torch.tensor([[0.5, 0.1, 0.9, 0.2]]), 2)
    assert found.tolist() == [[1.0, 0.0, 0.0, 3.0]]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_donors_differ_in_every_attribute_and_are_found_where_there_are_any(n: int, a: int, b: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    values = [torch.randint(many, (n,), generator=draw) for many in (a, b)]
    found = donors(values)
    for row, donor in enumerate(found.tolist()):
        differ = (values[0] != values[0][row]) & (values[1] != values[1][row])
        assert bool(differ[donor]) if donor >= 0 else not differ.any()


def test_the_counterfactual_has_one_value_of_each_attribute() -> None:
    question, truth = posed()
    for edit in edits(oracle(question, truth), truth, question):
        assert edit.wanted[:, :VALUES].sum(1).eq(1).all()
        assert edit.wanted[:, VALUES:].sum(1).eq(1).all()
        changed = (edit.wanted != truth.test[edit.rows]).any(0)
        own = LARGER if edit.attribute == "larger" else SMALLER
        assert changed.nonzero()[:, 0].tolist() == list(own)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_scores_do_not_depend_on_the_units_of_codes(seed: int) -> None:
    question, truth = posed()
    draw = torch.Generator().manual_seed(seed)
    codes = [part.relu() for part in torch.randn(2, ROWS, 6, generator=draw)]
    atoms, unit = torch.randn(6, 8, generator=draw), 2.0 ** torch.randint(-3, 4, (6,), generator=draw)
    one, other = explain(atoms, *codes), explain(atoms / unit[:, None], *(part * unit for part in codes))
    assert edit_success(one, truth, question) == edit_success(other, truth, question)
    assert edit_weight(one, truth, question) == pytest.approx(edit_weight(other, truth, question), rel=1e-4)
