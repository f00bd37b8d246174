"""Lists of moves: who played where and when, by hand and against the games' own boards."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.learning.moves import Moves, bag, dated_bag, known_from_moves, squares_in

READ = torch.tensor([[3, 0, 2, 4], [1, 4, 4, 4]], dtype=torch.uint8)
"""Two games on four squares: three moves and one."""


def test_the_last_move_is_yours_and_the_one_before_is_mine():
    game = Moves.of(READ, 4)
    assert game.age.tolist() == [[2, 1, 0, -1], [0, -1, -2, -3]]
    assert bag(READ, 4).tolist() == [[1, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 1, 0, 0]]
    assert squares_in({"train": READ, "test": READ[:, :1]}) == 4


def test_dates_stand_beside_the_bag():
    dated = dated_bag(READ, 4)
    assert torch.equal(dated[:, :8], bag(READ, 4))
    assert dated[0, 8 + 7] == 2 / 2, "two moves ago, in units of half a game"
    assert dated[1, 16 + 5] == 1, "the last move has not faded"


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(9)), st.integers(1, 9))
def test_every_move_is_counted_once_whatever_comes_behind(squares, count):
    read = torch.tensor([[*squares[:count], *[9] * (9 - count)]])
    cells = bag(read, 9)
    assert cells.sum() == count
    assert (cells.view(2, 9).sum(0) > 0).nonzero()[:, 0].tolist() == sorted(squares[:count])
    assert cells[0, 9:].sum() == (count + 1) // 2, "the player who moved last has made as many or one more"


def test_a_linear_probe_reads_what_the_moves_hold_and_no_more():
    draw = torch.Generator().manual_seed(0)
    read = torch.stack([torch.randperm(9, generator=draw) for _ in range(900)])
    read[:, 6:] = 9
    owner = bag(read, 9)[:, :9] - bag(read, 9)[:, 9:]
    labels = torch.stack([owner[:, 4].long() + 1, torch.randint(3, (900,), generator=draw)], 1)
    said = known_from_moves(read[:600], read[600:], labels[:600], (3, 3)).argmax(2)
    right = (said == labels[600:]).float().mean(0)
    assert right[0] == 1
    assert right[1] < 0.45
