"""Controls that list moves: what they list, within the sparsity that is asked for, and without the model."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryQuestion, blinded, check
from benchmark.learning.moves import Moves
from methods.dictionary.exposed_moves import exposed_moves, exposures, in_line
from methods.dictionary.moves_played import moves_played

METHODS = (moves_played, exposed_moves)


def posed(sparsity=6, size=72, games=60, count=6, seed=0):
    draw = torch.Generator().manual_seed(seed)
    moves = torch.stack([torch.randperm(16, generator=draw) for _ in range(games)])
    moves = moves.where(torch.arange(16) < count, 16)
    x = torch.randn(games, 5, generator=draw)
    return DictionaryQuestion(
        x, x, x, size=size, sparsity=sparsity, seed=0, inputs=dict.fromkeys(("train", "validation", "test"), moves)
    )


def test_every_move_has_a_code_at_its_square_and_player():
    question = posed()
    found = check(moves_played(question), question).test_codes
    assert torch.equal(found, Moves.of(question.inputs["test"], 16).played(torch.ones(60, 16)))


def test_the_oldest_are_left_out_first():
    question = posed(sparsity=2)
    found = check(moves_played(question), question).test_codes
    last = question.inputs["test"][:, 4:6]
    assert found.sum(1).tolist() == [2.0] * 60
    assert found.gather(1, last[:, :1]).eq(1).all(), "mine: the move before the last"
    assert found.gather(1, 16 + last[:, 1:]).eq(1).all(), "yours: the last move"


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000), st.sampled_from(METHODS))
def test_no_more_codes_than_are_asked_for(sparsity, count, seed, method):
    question = posed(sparsity, count=count, seed=seed)
    codes = check(method(question), question).test_codes
    assert (codes > 0).sum(1).float().mean() <= sparsity
    assert set(codes.unique().tolist()) <= {0.0, 1.0}


def test_exposures_by_hand():
    assert in_line(4)[0].nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 8, 10, 12, 15]
    game = Moves.of(torch.tensor([[0, 1, 6, 3, 16]]), 16)
    # square 0 shares its row with the other player's 1 and 3; square 1 its diagonal with 6; 6 a diagonal with 3
    assert exposures(game)[0, :4].tolist() == [2, 1, 1, 0]


def test_safe_discs_are_told_from_exposed_ones():
    question = posed(size=64)
    codes = check(exposed_moves(question), question).test_codes
    game = Moves.of(question.inputs["test"], 16)
    safe = game.played((exposures(game) == 0).float())
    assert torch.equal(codes[:, ::2], safe)
    assert torch.equal(codes[:, 1::2], game.played((exposures(game) > 0).float()))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_it_never_touches_the_model_nor_the_labels(method):
    question = posed(sparsity=4)
    x = torch.full((60, 5), 7.0)
    other = dataclasses.replace(question, train=x, validation=x, test=x, labels=torch.ones(60, 3) > 0)
    ours, theirs = method(question), method(other)
    for name in ("atoms", "bias", "validation", "test"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_contestants_see_no_moves_and_too_few_atoms_are_declined(method):
    with pytest.raises(Unsupported, match="no moves"):
        method(blinded(posed()))
    with pytest.raises(Unsupported, match="32 atoms, and 20 are allowed"):
        method(posed(size=20))
