"""The stability task: what its arms hold fixed, and that learners follow."""

from __future__ import annotations

import pytest
import torch

from benchmark.families.dictionary import check
from benchmark.subjects import Run, Saved
from methods.dictionary.archetypal import archetypal
from methods.dictionary.ica import ica
from methods.dictionary.kmeans import kmeans
from methods.dictionary.random_directions import random_directions
from methods.dictionary.relaxed_archetypal import relaxed_archetypal
from methods.dictionary.topk import topk
from methods.dictionary.training_rows import training_rows
from tasks.dictionary.stability import StabilityTask
from tasks.models.superposition.subject import Superposition

SUBJECT = Superposition(features=16, dimensions=8, active=1.5, rows=3000, held_out=400)


@pytest.fixture(scope="module")
def public() -> dict[str, torch.Tensor]:
    return SUBJECT.train(Run(0)).public


def posed(public, starts: str):
    saved = [Saved(SUBJECT, 0, torch.device("cpu"), {}, public, method_seed=number) for number in (4, 5)]
    return [StabilityTask(size=20, sparsity=2, starts=starts).pose(one) for one in saved]


def answers(method, questions, **settings):
    batched = method.__touchstone__.options["batched"]
    found = method(questions, **settings) if batched else [method(question, **settings) for question in questions]
    return [check(one, question) for one, question in zip(found, questions, strict=True)]


@pytest.mark.parametrize("method", [topk, archetypal, relaxed_archetypal, kmeans])
def test_learners_start_together_or_apart_as_they_are_told(method, public) -> None:
    settings = {} if method is kmeans else {"steps": 30, "batch": 64}
    for starts, together in (("shared", True), ("independent", False)):
        one, other = answers(method, posed(public, starts), **settings)
        assert torch.equal(one.start, other.start) is together
        assert not torch.equal(one.atoms, other.atoms), "the order of the rows is the seed's own"


@pytest.mark.parametrize("method", [random_directions, training_rows])
def test_controls_are_their_start(method, public) -> None:
    for starts, together in (("shared", True), ("independent", False)):
        one, other = answers(method, posed(public, starts))
        assert torch.equal(one.atoms, other.atoms) is together


def test_ica_starts_where_it_is_told(public) -> None:
    shared, apart = posed(public, "shared"), posed(public, "independent")
    rows = len(shared[0].train)
    one, other = answers(ica, shared, rows=rows, iterations=1)
    torch.testing.assert_close(one.atoms, other.atoms, rtol=1e-2, atol=1e-2)
    first, second = answers(ica, apart, rows=rows, iterations=1)
    assert not torch.allclose(first.atoms, second.atoms, rtol=1e-2, atol=1e-2)


def test_seeds_see_the_same_rows_and_a_start_that_is_not_their_seed(public) -> None:
    for starts in ("shared", "independent"):
        one, other = posed(public, starts)
        assert torch.equal(one.train, other.train)
        assert one.seed != other.seed
        assert one.start_seed not in (one.seed, other.seed)
