"""Sense F1 in closed form: an atom for a sense, for a word, for a context, and for one sense of two words."""

from __future__ import annotations

import pytest
import torch

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth, sparse
from benchmark.families.dictionary.metrics.sense_f1 import sense_f1

WORDS, SENSES, TIMES = 3, 2, 20
"""The last word is none that has senses."""


def posed() -> tuple[torch.Tensor, torch.Tensor, DictionaryTruth]:
    """The word and the sense of every row, each pair as often; the truth is the same in both splits."""
    rows = torch.cartesian_prod(torch.arange(WORDS), torch.arange(SENSES)).repeat(TIMES, 1)
    word, sense = rows.T
    on = (word * SENSES + sense)[:, None] == torch.arange((WORDS - 1) * SENSES)
    return word, sense, DictionaryTruth(on, on, alternatives={"first": (0, 1), "second": (2, 3)})


def explain(codes: torch.Tensor) -> DictionaryExplanation:
    return DictionaryExplanation(torch.ones(codes.shape[1], 2), torch.zeros(2), *sparse(codes), *sparse(codes))


def test_an_atom_for_each_sense_is_perfect() -> None:
    _, _, truth = posed()
    assert sense_f1(explain(truth.test.float()), truth) == {"": 1.0, "within": 1.0}


def test_knowing_the_word_is_nothing() -> None:
    word, _, truth = posed()
    found = sense_f1(explain(torch.nn.functional.one_hot(word, WORDS).float()), truth)
    assert found == pytest.approx({"": 0.0, "within": 0.0}, abs=1e-6)


def test_knowing_the_sense_whatever_the_word_tells_it_within_a_word_alone() -> None:
    """Of three words that have it, precision is a third: F1 is a half, below the two thirds of the word."""
    _, sense, truth = posed()
    found = sense_f1(explain(torch.nn.functional.one_hot(sense, SENSES).float()), truth)
    assert found == {"": 0.0, "within": 1.0}


def test_half_of_a_sense_is_no_more_than_the_word() -> None:
    _, _, truth = posed()
    half = truth.test.float() * (torch.arange(len(truth.test)) % (4 * WORDS) < 2 * WORDS)[:, None]
    found = sense_f1(explain(half), truth)
    assert found == pytest.approx({"": 0.0, "within": 0.0}, abs=1e-6), "precision 1 and recall 1/2 are two thirds, too"


def test_one_of_two_senses_is_half() -> None:
    _, _, truth = posed()
    assert sense_f1(explain(truth.test[:, ::2].float()), truth) == pytest.approx({"": 0.5, "within": 0.5}, abs=1e-6)


def test_a_word_that_never_occurs_is_left_out() -> None:
    _, _, truth = posed()
    on = truth.test.clone()
    on[:, 2:] = False
    gone = DictionaryTruth(on, on, alternatives=truth.alternatives)
    assert sense_f1(explain(on.float()), gone) == {"": 1.0, "within": 1.0}
    nothing = DictionaryTruth(on & False, on & False, alternatives=truth.alternatives)
    assert sense_f1(explain(on.float()), nothing) == {"": 0.0, "within": 0.0}
