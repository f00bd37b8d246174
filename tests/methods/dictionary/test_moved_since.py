"""The control that lists pieces by where they were moved, and by whether they may have moved on."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryQuestion, check
from benchmark.learning.moves import Moves
from methods.dictionary.exposed_moves import exposed_moves
from methods.dictionary.moved_since import certainty, moved_since

PLACES = 384
PAWN, KNIGHT = 0, 64


def posed(moves: list[list[int]], sparsity: int = 8, size: int = 768) -> DictionaryQuestion:
    inputs = torch.tensor([[*game, *[PLACES] * (7 - len(game))] for game in moves])
    x = torch.zeros(len(moves), 3)
    splits = dict.fromkeys(("train", "validation", "test"), inputs)
    return DictionaryQuestion(x, x, x, size=size, sparsity=sparsity, seed=0, inputs=splits)


def test_a_piece_is_less_certain_after_each_move_of_its_kind() -> None:
    # mine: pawn to 20, knight to 21, knight to 30; the other player: pawn to 40, knight to 21, pawn to 41
    game = [PAWN + 20, PAWN + 40, KNIGHT + 21, KNIGHT + 21, KNIGHT + 30, PAWN + 41]
    sure = certainty(Moves.of(torch.tensor([[*game, PLACES]]), PLACES))[0]
    assert sure.tolist() == [1.0, 0.5, 0.0, 1.0, 1.0, 1.0, 0.0]
    question = posed([game])
    codes = check(moved_since(question), question).test_codes[0]
    expected = {
        PAWN + 20: 1.0,
        KNIGHT + 30: 1.0,
        PLACES + PAWN + 40: 0.5,
        PLACES + KNIGHT + 21: 1.0,
        PLACES + PAWN + 41: 1.0,
    }
    assert {int(atom): float(codes[atom]) for atom in codes.nonzero()[:, 0]} == expected


def test_the_uncertain_are_left_out_first() -> None:
    question = posed([[PAWN + 20, PAWN + 40, PAWN + 21, PAWN + 41]], sparsity=2)
    codes = check(moved_since(question), question).test_codes[0]
    assert codes.nonzero()[:, 0].tolist() == [PAWN + 21, PLACES + PAWN + 41]


def test_what_does_not_fit_is_unsupported() -> None:
    question = posed([[PAWN + 20]], size=700)
    with pytest.raises(Unsupported, match="768 atoms, and 700 are allowed"):
        moved_since(question)
    with pytest.raises(Unsupported, match="384 places, which are no square board"):
        exposed_moves(posed([[PAWN + 20]]))
