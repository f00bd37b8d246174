"""The probing family: what it refuses, what it hands back, and its references."""

import dataclasses

import pytest
import torch

from benchmark.errors import InvalidExplanation, TouchstoneError, UnknownNameError
from benchmark.families.family import Case
from benchmark.families.grid import Grid
from benchmark.families.probing import ProbingExplanation, ProbingQuestion, check
from benchmark.families.probing.pictures import pictures
from benchmark.families.probing.references import majority, oracle, random
from benchmark.families.probing.trivial import trivial
from benchmark.subjects import generator_for


@pytest.fixture
def question():
    return trivial(0)[0]


def test_a_concept_with_one_class_is_refused(question):
    labels = question.labels.clone()
    labels[:, 1] = 2
    with pytest.raises(TouchstoneError, match=r"concept 1 has one class \(\[2\]"):
        dataclasses.replace(question, labels=labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": (2, 2, 2)}, "concept 1 has labels"),
        ({"classes": (2, 3)}, "expected labels"),
        ({"test": torch.zeros(3, 7)}, "of one width"),
        ({"train": torch.full((120, 8), torch.nan)}, "NaN"),
        ({"ranks": (1, 2)}, "got 2 ranks, expected one for each of 3"),
    ],
)
def test_subjects_that_do_not_fit_together_are_refused(question, change, message):
    with pytest.raises(TouchstoneError, match=message):
        dataclasses.replace(question, **change)


def test_unknown_layers_are_named_with_those_that_exist(question):
    with pytest.raises(UnknownNameError, match="did you mean 'hidden'"):
        question.run_from("hiden", question.test, torch.arange(80))
    with pytest.raises(TouchstoneError, match="expected"):
        question.run_from("hidden", question.test, torch.arange(3))


def test_plain_scores_are_an_explanation(question):
    scores = torch.zeros(80, 3, 3)
    scores[:, :, 2] = 1.0
    explanation = check(scores, question)
    assert explanation.subspace is None
    assert (explanation.scores.argmax(2)[:, [0, 2]] < 2).all(), "classes beyond a concept's own are never chosen"


def bad(question):
    scores, axes = torch.zeros(80, 3, 3), torch.eye(8)[:2].expand(3, -1, -1)
    return {
        "a ProbingExplanation or": "text",
        "got scores": torch.zeros(80, 3, 2),
        "NaN or infinity": torch.full((80, 3, 3), torch.nan),
        "got subspace": ProbingExplanation(scores=scores, subspace=torch.eye(8)[None]),
        "orthonormal": ProbingExplanation(scores=scores, subspace=2 * axes),
        "reader and subspace": ProbingExplanation(scores=scores, subspace=axes, reader=2 * axes),
        r"uses torch.float32 \[3\]": ProbingExplanation(scores=scores, uses=torch.ones(3)),
        r"uses torch.bool \[2\]": ProbingExplanation(scores=scores, uses=torch.ones(2, dtype=torch.bool)),
    }


@pytest.mark.parametrize("message", bad(None))
def test_bad_explanations_are_named(question, message):
    with pytest.raises(InvalidExplanation, match=message):
        check(bad(question)[message], question)


def test_a_subspace_is_no_larger_than_allowed(question):
    allowed = dataclasses.replace(question, ranks=(1, 2, 1))
    scores, axes = torch.zeros(80, 3, 3), torch.eye(8)[:2].expand(3, -1, -1)
    with pytest.raises(InvalidExplanation, match="2 dimensions for concept 0, expected at most 1"):
        check(ProbingExplanation(scores=scores, subspace=axes), allowed)
    fewer = axes * torch.tensor([[1.0, 0], [1, 1], [0, 0]])[..., None]
    assert torch.equal(check(ProbingExplanation(scores=scores, subspace=fewer), allowed).subspace, fewer)
    drawn = random(dataclasses.replace(question, ranks=(3, 2, 1)), generator_for(0, "r"))
    assert (drawn.subspace.norm(dim=2) > 0.5).sum(1).tolist() == [3, 2, 1], (
        "random explanations are as large as allowed"
    )


def test_component_is_a_projection(question):
    axes = torch.eye(8)
    subspace = axes[:1].expand(3, 1, 8)
    oblique = (axes[:1] + 0.5 * axes[1:2]).expand(3, 1, 8)
    explanation = check(ProbingExplanation(scores=torch.zeros(80, 3, 3), subspace=subspace, reader=oblique), question)
    once = explanation.component(0, question.test)
    torch.testing.assert_close(explanation.component(0, once), once)
    torch.testing.assert_close(once[:, 0], question.test[:, 0] + 0.5 * question.test[:, 1])


def test_references_are_valid_and_reproducible():
    question, truth = trivial(3)
    first, second = (random(question, generator_for(1, "r")) for _ in range(2))
    assert torch.equal(first.scores, second.scores)
    assert torch.equal(first.subspace, second.subspace)
    torch.testing.assert_close(first.subspace.norm(dim=2).sum(1), torch.tensor([1.0, 2.0, 1.0]))
    best = oracle(question, truth)
    assert (best.scores.argmax(2) == truth.labels)[:, truth.real].all()
    assert len(set(best.scores.argmax(2)[:, 2].tolist())) == 1, "nothing is known about a control"
    assert not majority(question).component(0, question.test).any(), "it edits nothing"


def test_explanations_do_not_reveal_the_controls(question):
    assert {f.name for f in dataclasses.fields(ProbingQuestion)} == {
        "layer", "train", "test", "labels", "classes", "run_from", "seed", "ranks", "inputs",
    }  # fmt: skip


def test_pictures_of_planted_dimensions_and_of_a_grid():
    question, truth = trivial(0)
    cases = [
        Case("task", "aligned", 0, name, question, truth, explanation, {})
        for name, explanation in (
            ("oracle", oracle(question, truth)),
            ("majority", majority(question)),
            ("some", random(question, generator_for(0, "some"))),
        )
    ]
    _, picture = pictures(cases)
    assert picture.name == "task-aligned-dimensions"
    assert [label.get_text() for label in picture.draw().axes[0].get_yticklabels()] == ["planted", "some"]
    # the same two concepts in the first and the last cell of a grid, the control in none
    grid = Grid(rows=2, columns=2, cells=(0, 3, None))
    placed = dataclasses.replace(truth, grid=grid, class_names=("low", "high"))
    _, picture = pictures([dataclasses.replace(case, truth=placed) for case in cases])
    assert "(low, high)" in picture.caption
    grid = picture.draw().axes[-2].images[0].get_array()
    assert grid.shape == (2, 2)
    assert grid.mask.tolist() == [[False, True], [True, False]]
