"""Coverage above the nulls where groups count alike, in closed form."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth, sparse
from benchmark.families.dictionary.metrics.coverage_above_null import coverage_above_null
from benchmark.families.dictionary.metrics.grouped_coverage import grouped_coverage
from benchmark.scores import Metric
from tests.support.measuring import measure

N, G = 600, 5
GROUPS = ("squares", "squares", "squares", "squares", "check")


def case(found: list[int]) -> tuple[DictionaryExplanation, DictionaryTruth, DictionaryQuestion]:
    """Five features that are on in a tenth of the rows, of which a dictionary detects some perfectly."""
    draw = torch.Generator().manual_seed(0)
    validation, test = (torch.rand(2, N, G, generator=draw) < 0.1).unbind()
    codes = [torch.zeros(N, G), torch.zeros(N, G)]
    for atom in found:
        codes[0][:, atom], codes[1][:, atom] = validation[:, atom].float(), test[:, atom].float()
    x = torch.zeros(N, 3)
    explanation = DictionaryExplanation(torch.zeros(G, 3), x[0], *sparse(codes[0]), *sparse(codes[1]))
    return explanation, DictionaryTruth(validation, test, groups=GROUPS), DictionaryQuestion(x, x, x, 5, 2, 0)


def scored(found: list[int]) -> float:
    explanation, truth, question = case(found)
    return grouped_coverage(explanation, truth, question)[""]


def test_all_found_is_one_and_nothing_found_is_nothing() -> None:
    assert scored([0, 1, 2, 3, 4]) == pytest.approx(1)
    assert scored([]) == 0


def test_a_group_counts_once_however_many_features_it_has() -> None:
    assert scored([4]) == pytest.approx(0.5, abs=0.05)  # the others' F1 is that of an atom of something else
    assert scored([0, 1, 2, 3]) == pytest.approx(0.5, abs=0.05)
    assert scored([0, 1]) == pytest.approx(0.25, abs=0.05)


def test_each_a_group_of_its_own_is_the_plain_mean() -> None:
    explanation, truth, question = case([0, 3])
    alone = dataclasses.replace(truth, groups=tuple("abcde"))
    assert grouped_coverage(explanation, alone, question) == pytest.approx(
        coverage_above_null(explanation, truth, question)
    )


def test_a_group_that_never_occurs_is_left_out() -> None:
    explanation, truth, question = case([0, 1, 2, 3])
    validation, test = truth.validation.clone(), truth.test.clone()
    validation[:, 4] = test[:, 4] = False
    rare = dataclasses.replace(truth, validation=validation, test=test)
    assert grouped_coverage(explanation, rare, question)[""] == pytest.approx(1)
    nothing = dataclasses.replace(truth, validation=validation & False, test=test & False)
    assert grouped_coverage(explanation, nothing, question)[""] == 0


def test_without_groups_it_is_not_measured() -> None:
    explanation, truth, question = case([0])
    metric = Metric("grouped_coverage", grouped_coverage, None, ("groups",))
    assert measure([metric], explanation, truth, question)["grouped_coverage"] > 0
    assert measure([metric], explanation, dataclasses.replace(truth, groups=()), question) == {}
