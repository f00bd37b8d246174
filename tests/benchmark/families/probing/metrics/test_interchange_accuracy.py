"""Interchange on a linear network written by hand, whose answers are known."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.probing import (
    Interchange,
    ProbingExplanation,
    ProbingQuestion,
    ProbingTruth,
    Rival,
    check,
    run_from_layers,
)
from benchmark.families.probing.metrics.interchange_accuracy import interchange_accuracy
from benchmark.families.probing.references import majority, oracle

AXES = torch.eye(6)
CONCEPTS = ("left", "right", "ignored")


def problem(each=(8, 8, 8), reads=0):
    """The network answers the signs of two of the dimensions 0, 1 and 2; a third concept, in 3, is never read.

    Base inputs have -1 everywhere and sources 1, so that every exchange has one right answer.
    """
    test = torch.cat([-torch.ones(1, 6), torch.ones(1, 6)])
    concept = torch.repeat_interleave(torch.arange(3), torch.tensor(each))

    def reading(first):
        return lambda activations, _: activations[:, [first, 1]]

    def follows(outputs):
        wanted = torch.where(torch.stack([concept == 0, concept == 1], 1), 1.0, -1.0)
        return (outputs.sign() == wanted).all(1).float()

    truth = ProbingTruth(
        names=CONCEPTS,
        labels=torch.tensor([[0, 0, 0], [1, 1, 1]]),
        control_of=(-1, -1, -1),
        subspaces=AXES[[reads, 1, 3], None],
        uses=(True, True, False),
        interchange=Interchange(
            concept=concept,
            base=torch.zeros(len(concept), dtype=torch.long),
            source=torch.ones(len(concept), dtype=torch.long),
            follows=follows,
            parts={"cause": lambda outputs: torch.where(concept == 0, (outputs[:, 0] > 0).float(), torch.nan)},
            rival=None if reads == 0 else Rival(run_from=run_from_layers({"hidden": reading(0)}), follows=follows),
        ),
        groups={name: (i,) for i, name in enumerate(CONCEPTS)},
    )
    question = ProbingQuestion(
        layer="hidden",
        train=test,
        test=test,
        labels=truth.labels,
        classes=(2, 2, 2),
        run_from=run_from_layers({"hidden": reading(reads)}),
        seed=0,
    )
    return question, truth


def scored(rows, uses=None, reader=None, **settings):
    question, truth = problem(**settings)
    explanation = ProbingExplanation(
        scores=torch.zeros(2, 3, 2),
        subspace=torch.stack(rows)[:, None],
        uses=None if uses is None else torch.tensor(uses),
        reader=None if reader is None else torch.stack(reader)[:, None],
    )
    return interchange_accuracy(check(explanation, question), truth, question)


def test_the_truth_has_one_and_no_edit_what_is_not_used():
    question, truth = problem()
    assert interchange_accuracy(oracle(question, truth), truth, question) == {
        "": 1, "left": 1, "right": 1, "ignored": 1, "cause": 1,
    }  # fmt: skip
    nothing = interchange_accuracy(majority(question), truth, question)
    assert nothing == pytest.approx({"": 1 / 3, "left": 0, "right": 0, "ignored": 1, "cause": 0})


def test_every_pair_weighs_the_same():
    found = scored([AXES[0], AXES[4], AXES[3]], each=(10, 30, 0))
    assert found == {"": 0.25, "left": 1, "right": 0, "cause": 1}, (
        "a quarter of the pairs; a group without pairs has none"
    )


def test_what_reaches_a_second_answer_causes_and_does_not_isolate():
    # half of the exchange, to 0 and further, goes into the other answer
    tilted = (AXES[0] + AXES[1]) / 2**0.5
    found = scored([tilted, AXES[1], AXES[3]])
    assert found["cause"] == 1
    assert found["left"] == 0
    assert found["right"] == 1


def test_a_concept_that_is_not_used_has_a_place_that_is_not_read():
    assert scored([AXES[0], AXES[1], AXES[5]])["ignored"] == 1, "no answer depends on it"
    assert scored([AXES[0], AXES[1], AXES[0]])["ignored"] == 0, "its exchange changes an answer"


def test_statements_about_use():
    right = [AXES[0], AXES[1], AXES[3]]
    assert scored(right, uses=(True, True, False))[""] == 1
    assert scored(right, uses=(True, True, True))["ignored"] == 0, "a false claim, however well located"
    assert scored(right, uses=(False, True, False))["left"] == 0, "not used: nothing is exchanged"
    assert scored([AXES[0], AXES[1], AXES[0]], uses=(True, True, False))["ignored"] == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 2))
def test_one_explanation_of_two_rivals_has_nothing_on_average(seed, oblique):
    """Reads dimension 0, or 2: whoever says the same of both has as much on one as is taken off on the other."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.nn.functional.normalize(torch.randn(6, generator=generator), dim=0) for _ in CONCEPTS]
    away = [torch.randn(6, generator=generator) for _ in CONCEPTS]
    readers = [row + oblique * (far - (far @ row) * row) for row, far in zip(rows, away, strict=True)]
    (first, truth), (second, other) = problem(), problem(reads=2)
    rival = Rival(run_from=second.run_from, follows=other.interchange.follows)
    truth = dataclasses.replace(truth, interchange=dataclasses.replace(truth.interchange, rival=rival))
    explanation = ProbingExplanation(
        scores=torch.zeros(2, 3, 2), subspace=torch.stack(rows)[:, None], reader=torch.stack(readers)[:, None]
    )
    one = interchange_accuracy(explanation, truth, first)
    two = interchange_accuracy(explanation, other, second)
    assert one[""] + two[""] == pytest.approx(0, abs=1e-6)
    assert interchange_accuracy(oracle(second, other), other, second)["left"] == 1


def test_an_edit_may_be_worse_than_none():
    question, truth = problem()
    errors = dataclasses.replace(truth.interchange, follows=lambda outputs: 1 - outputs.abs().sum(1), parts={})
    counted = dataclasses.replace(truth, interchange=errors)
    assert interchange_accuracy(majority(question), counted, question)[""] == -1
    far = ProbingExplanation(
        scores=torch.zeros(2, 3, 2),
        subspace=AXES[[0, 1, 3], None],
        reader=(AXES[[0, 1, 3]] + 4 * AXES[[4, 4, 4]])[:, None],
    )
    assert interchange_accuracy(far, counted, question)[""] < -1, "no clamp hides it"
