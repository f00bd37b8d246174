"""Sequences that ask two questions, what their answers depend on, and what is exchanged."""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.attribution.token_dependencies import TokenDependenciesTask
from tasks.models.token_dependencies.lookups import KEYS, Lookups
from tasks.models.token_dependencies.negations import (
    BEHIND,
    FIRST_ASPECT,
    KEEPING,
    TURNING,
    WORDS,
    Negations,
)
from tasks.models.token_dependencies.sequences import Law, Sequences, drawn_other, marked, with_number
from tasks.models.token_dependencies.subject import TokenDependencies

LAWS: list[Law] = [
    *(Lookups(distance) for distance in (2, 3, 6)),
    *(Lookups(distance, scattered=True) for distance in (2, 3)),
    *(Negations(distance) for distance in (1, 3, 6)),
]
laws = pytest.mark.parametrize("law", LAWS, ids=str)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def looked_up(law: Lookups, row: list[int], question: int) -> int:
    """The answer as whoever reads the sequence finds it: the token behind the only other place of the key."""
    asking = law.body + question
    (found,) = [place for place, token in enumerate(row[: law.body]) if token == row[asking]]
    return row[found + law.distance] - (0 if law.scattered else KEYS)


def judged(law: Negations, row: list[int], question: int) -> int:
    word = row.index(FIRST_ASPECT + question) + BEHIND
    assert row[word] < WORDS
    return int((row[word] < WORDS // 2) != (row[word - law.distance] == TURNING))


def answered(law: Law, sequences: Sequences) -> list[list[int]]:
    """Both answers, read from the tokens alone."""
    rows = sequences.tokens.tolist()
    if isinstance(law, Lookups):
        return [[looked_up(law, row, question) for question in (0, 1)] for row in rows]
    assert isinstance(law, Negations)
    return [[judged(law, row, question) for question in (0, 1)] for row in rows]


@laws
def test_answers_are_what_the_tokens_say_whatever_was_redrawn_or_exchanged(law: Law) -> None:
    drawn = law.draw(60, random())
    assert drawn.tokens.shape == (60, law.places)
    assert drawn.used.shape == (60, 2, law.places)
    assert int(drawn.tokens.max()) < law.vocabulary
    assert int(drawn.answers.max()) < law.classes
    for question in (0, 1):
        changed = [drawn.redrawn(question, random(1)), *drawn.exchanged(question, random(2)).values()]
        for sequences in (drawn, *changed):
            assert sequences.answers.tolist() == answered(law, sequences)


@laws
@pytest.mark.parametrize("question", [0, 1])
def test_what_is_redrawn_leaves_what_is_used_and_nothing_else(law: Law, question: int) -> None:
    drawn = law.draw(300, random())
    other = drawn.redrawn(question, random(1))
    own = drawn.used[:, question]
    assert torch.equal(other.used[:, question], own)
    assert torch.equal(other.tokens[own], drawn.tokens[own])
    assert torch.equal(other.answers[:, question], drawn.answers[:, question])
    changed = (other.tokens != drawn.tokens).any(0)
    fixed = own.all(0) | (drawn.tokens == law.vocabulary - 1).all(0)
    if isinstance(law, Negations):  # the aspects always stand there
        fixed |= ((drawn.tokens == FIRST_ASPECT) | (drawn.tokens == FIRST_ASPECT + 1)).all(0)
    assert torch.equal(changed, ~fixed), "all other places are drawn anew"


@laws
@pytest.mark.parametrize("question", [0, 1])
def test_each_exchange_changes_places_that_are_used(law: Law, question: int) -> None:
    drawn = law.draw(300, random())
    touched = torch.zeros(300, law.places, dtype=torch.bool)
    for name, other in drawn.exchanged(question, random(1)).items():
        moved = other.tokens != drawn.tokens
        assert (moved & drawn.used[:, question]).any(1).all(), name
        assert (moved.sum(1) <= 2).all(), name
        touched |= moved
    assert (touched | ~drawn.used[:, question]).all(), "a place of the truth that is never exchanged"


@laws
def test_the_two_questions_share_no_place_and_are_alike(law: Law) -> None:
    drawn = law.draw(2000, random())
    assert not drawn.used.all(1).any()
    assert (drawn.address & ~drawn.used).sum() == 0
    assert drawn.used.sum(2).unique().tolist() == [3]
    assert (drawn.associated & drawn.used).any(2).all()
    assert not drawn.associated[:, :, law.body :].any()
    same = (drawn.answers[:, 0] == drawn.answers[:, 1]).double().mean()
    chance = {Negations: 1 / 2}.get(type(law), 0) or (1 / 13 if law.classes == 16 else 1 / 8)
    assert float(same) == pytest.approx(chance, abs=0.04)


def test_an_induction_has_no_fixed_places() -> None:
    used = Lookups(3, scattered=True).draw(3000, random()).used[:, 0].double().mean(0)
    assert (used[:15] > 0).all()


def test_a_modifier_counts_at_its_distance_alone() -> None:
    drawn = Negations(6).draw(500, random())
    modifiers = ((drawn.tokens == TURNING) | (drawn.tokens == KEEPING)).sum(1)
    assert (modifiers > 2).any(), "strays"
    assert int(modifiers.min()) >= 2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(2, 9), st.integers(0, 2**31))
def test_a_permutation_with_a_number_at_a_place_is_one(count: int, length: int, seed: int) -> None:
    draw = random(seed)
    order = torch.rand(count, length, generator=draw).argsort(1)
    at, number = torch.randint(length, (2, count), generator=draw)
    found = with_number(order, at, number)
    assert torch.equal(found.gather(1, at[:, None])[:, 0], number)
    assert torch.equal(found.sort(1).values, torch.arange(length).expand(count, -1))
    assert ((found != order).sum(1) <= 2).all()
    taken = order[:, : length - 1]
    assert torch.equal(drawn_other(taken, length, draw), order[:, -1])
    assert marked(length, at[:, None].expand(-1, 2)).sum(2).eq(1).all()


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (lambda: Lookups(1), "at least 2"),
        (lambda: Lookups(4), "a multiple of the distance"),
        (lambda: Lookups(2, slots=4), "6 to 17"),
        (lambda: Lookups(2, slots=18), "6 to 17"),
        (lambda: Negations(2), "where the aspect stands"),
        (lambda: Negations(0), "at least 1"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(law, message: str) -> None:
    with pytest.raises(TouchstoneError, match=message):
        law()


@functools.cache
def saved(reads: str, **parameters) -> Saved:
    subject = TokenDependencies(reads=reads, tests=300, **parameters)
    trained = subject.train(Run(1))
    assert all(check.passed for check in trained.checks), (reads, parameters, trained.checks)
    return Saved(subject, 1, torch.device("cpu"), trained.weights, trained.public)


def test_rivals_are_asked_the_same_and_have_other_truths() -> None:
    for parameters in ({"training": "none"}, {"training": "none", "rule": "negation"}):
        both = {reads: saved(reads, **parameters) for reads in ("first", "second")}
        posed = [TokenDependenciesTask(reader=reads, inputs=10).pose(both) for reads in ("first", "second")]
        truths = [TokenDependenciesTask(reader=reads, inputs=10).truth(both) for reads in ("first", "second")]
        assert torch.equal(posed[0].inputs, posed[1].inputs)
        assert torch.equal(posed[0].targets, posed[1].targets)
        assert posed[0].inputs.shape[2] == posed[0].model.layers[0].attention.near.shape[1]
        used = [truth.masks[""] for truth in truths]
        assert not (used[0] & used[1]).any()
        assert torch.equal(used[0] | used[1], truths[0].figure)
        assert torch.equal(truths[0].figure, truths[1].figure)
        associated = TokenDependenciesTask(reader="first", inputs=10, truth_of="associated").truth(both)
        assert torch.equal(associated.masks[""], associated.masks[""] & associated.figure)


def test_a_net_that_hardly_learned_fails_its_certificate() -> None:
    trained = TokenDependencies(steps=2, tests=300).train(Run(0))
    assert not all(check.passed for check in trained.checks)


def test_trained_nets_are_certified() -> None:
    saved("first", rule="negation", steps=200)
    saved("second", steps=200)
