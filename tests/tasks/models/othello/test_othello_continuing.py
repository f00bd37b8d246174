"""Running on single positions says what the whole games say when only these positions are replaced."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import TouchstoneError
from tasks.models.othello.continuing import RunOn
from tasks.models.othello.games import random_games
from tasks.models.othello.gpt import OthelloGPT, initialised

MODEL = initialised(OthelloGPT(4, layers=2, width=16, heads=2), torch.Generator().manual_seed(0)).eval()
TOKENS = torch.from_numpy(random_games(4, 7, torch.Generator().manual_seed(9)).tokens)
INDEX = torch.tensor([[0, 0], [3, 4], [3, 9], [5, 2], [0, 10], [6, 7]])


@pytest.mark.parametrize("place", MODEL.stream)
@torch.no_grad()
def test_a_replaced_position_is_as_in_its_whole_game(place: str) -> None:
    positions = torch.tensor([4, 1, 2, 2, 0, 5])
    given = torch.randn(len(positions), 16, generator=torch.Generator().manual_seed(1))
    found = RunOn(MODEL, place, TOKENS, INDEX)(given, positions)
    for one, at, x in zip(found, INDEX[positions], given, strict=True):
        stream = MODEL.read(TOKENS[at[0], None, :-1].long(), [place])[place].clone()
        stream[0, at[1]] = x
        torch.testing.assert_close(one, MODEL.run_from(place, stream)[0, at[1], :16])


@torch.no_grad()
def test_its_own_activations_change_nothing() -> None:
    place = "block0.middle"
    game, ply = INDEX.T
    tokens = TOKENS[game, :-1].long()
    given = MODEL.read(tokens, [place])[place][torch.arange(len(game)), ply]
    found = RunOn(MODEL, place, TOKENS, INDEX)(given, torch.arange(len(game)))
    torch.testing.assert_close(found, MODEL(tokens)[torch.arange(len(game)), ply, :16])


def test_a_part_of_a_block_is_refused() -> None:
    with pytest.raises(TouchstoneError, match=r"block0\.neurons"):
        RunOn(MODEL, "block0.neurons", TOKENS, INDEX)
