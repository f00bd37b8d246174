"""The bit-board engine against a slow one that is obviously right, and against known counts of positions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from tasks.models.othello.games import Games, random_games, replayed
from tasks.models.othello.labels import board_labels, board_state_properties, legal_labels, property_names, unpacked
from tasks.models.othello.rules import rules, squares_of

DIRECTIONS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
sizes = st.sampled_from([4, 6, 8])


class SlowGame:
    """Othello by the book: a dictionary of discs, one disc at a time."""

    def __init__(self, size: int) -> None:
        low, high = size // 2 - 1, size // 2
        self.size, self.player = size, "black"
        self.discs = {(low, low): "white", (high, high): "white", (low, high): "black", (high, low): "black"}

    def captured(self, row: int, column: int, player: str) -> list[tuple[int, int]]:
        result = []
        for down, right in DIRECTIONS:
            line, place = [], (row + down, column + right)
            while place in self.discs and self.discs[place] != player:
                line.append(place)
                place = (place[0] + down, place[1] + right)
            if place in self.discs:
                result += line
        return result

    def moves(self, player: str) -> set[int]:
        places = ((r, c) for r in range(self.size) for c in range(self.size) if (r, c) not in self.discs)
        return {r * self.size + c for r, c in places if self.captured(r, c, player)}

    @property
    def other(self) -> str:
        return "white" if self.player == "black" else "black"

    def play(self, square: int) -> None:
        row, column = divmod(square, self.size)
        for place in [*self.captured(row, column, self.player), (row, column)]:
            self.discs[place] = self.player
        self.player = self.other
        if not self.moves(self.player) and self.moves(self.other):
            self.player = self.other

    def squares(self, player: str) -> set[int]:
        return {r * self.size + c for (r, c), who in self.discs.items() if who == player}


def some_games(size: int, count: int, seed: int) -> Games:
    return random_games(size, count, torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(0, 2**32))
def test_games_and_labels_agree_with_the_slow_engine(size: int, seed: int) -> None:
    games = some_games(size, 2, seed)
    for game in range(2):
        slow = SlowGame(size)
        for ply in range(games.tokens.shape[1] + 1):
            assert set(squares_of(games.mine[game, ply])) == slow.squares(slow.player)
            assert set(squares_of(games.yours[game, ply])) == slow.squares(slow.other)
            assert set(squares_of(games.legal[game, ply])) == slow.moves(slow.player)
            assert games.black[game, ply] == (slow.player == "black")
            if ply == games.lengths[game]:
                assert not slow.moves(slow.player)
                assert not slow.moves(slow.other)
                break
            assert int(games.tokens[game, ply]) in slow.moves(slow.player)
            slow.play(int(games.tokens[game, ply]))


@pytest.mark.parametrize("size", [4, 6, 8])
def test_passes_occur_and_change_who_moves(size: int) -> None:
    games = some_games(size, 2000, 1)
    alive = games.legal[:, 1:] != 0
    passed = alive & (games.black[:, 1:] == games.black[:, :-1])
    assert passed.any()
    game, ply = np.argwhere(passed)[0]
    index = torch.tensor([[game, ply]])
    labels = board_labels(torch.from_numpy(games.tokens), index, size)[0]
    slow = SlowGame(size)
    for token in games.tokens[game, : ply + 1]:
        before = slow.player
        slow.play(int(token))
    assert slow.player == before
    assert set(torch.nonzero(labels == 1).flatten().tolist()) == slow.squares(slow.player)
    assert set(torch.nonzero(labels == -1).flatten().tolist()) == slow.squares(slow.other)


@pytest.mark.parametrize("size", [4, 6])
def test_games_end_early_when_nobody_can_move(size: int) -> None:
    games = some_games(size, 2000, 2)
    early = games.lengths < size * size - 4
    assert early.any()
    assert (games.tokens[early, -1] == size * size).all()
    final = games.legal[np.arange(len(games)), games.lengths]
    assert (final == 0).all()


def test_perft_of_the_start_position() -> None:
    board = rules(8)
    mine, yours = np.array([board.start_mine]), np.array([board.start_yours])
    counts = []
    for _ in range(8):
        legal = unpacked(board.legal(mine, yours), 8)
        position, square = np.nonzero(legal)
        counts.append(len(square))
        mine, yours = board.play(mine[position], yours[position], np.uint64(1) << square.astype(np.uint64))
    assert counts == [4, 12, 56, 244, 1396, 8200, 55092, 390216]


@settings(max_examples=20, deadline=None)
@given(sizes, st.integers(0, 2**32))
def test_replaying_the_moves_gives_the_same_positions(size: int, seed: int) -> None:
    games = some_games(size, 5, seed)
    again = replayed(games.tokens, size)
    for name in ("tokens", "mine", "yours", "legal", "black"):
        assert np.array_equal(getattr(games, name), getattr(again, name)), name


def test_moves_are_chosen_uniformly() -> None:
    games = some_games(8, 40_000, 3)
    first = np.bincount(games.tokens[:, 0], minlength=64)
    assert np.count_nonzero(first) == 4
    chi_squared = ((first[first > 0] - 10_000) ** 2 / 10_000).sum()
    assert chi_squared < 16.3  # 0.999 quantile, three degrees of freedom
    # Given the first move, the rank of every later move among the legal ones is uniform as well.
    for ply in (10, 30, 50):
        legal = unpacked(games.legal[:, ply], 8)
        rows = np.flatnonzero(legal.sum(1) > 1)
        rank = legal.cumsum(1)[rows, games.tokens[rows, ply]] - 1
        relative = (rank + 0.5) / legal[rows].sum(1)
        assert abs(relative.mean() - 0.5) < 5 * np.sqrt(1 / 12 / len(rows))


def test_games_depend_on_the_seed_alone() -> None:
    assert np.array_equal(some_games(6, 50, 4).tokens, some_games(6, 50, 4).tokens)
    assert not np.array_equal(some_games(6, 50, 4).tokens, some_games(6, 50, 5).tokens)


@settings(max_examples=20, deadline=None)
@given(sizes, st.integers(0, 2**32))
def test_properties_restate_the_labels(size: int, seed: int) -> None:
    games = some_games(size, 3, seed)
    tokens = torch.from_numpy(games.tokens)
    index = torch.cartesian_prod(torch.tensor([2, 0]), torch.arange(tokens.shape[1]))
    labels, cells = board_labels(tokens, index, size), board_state_properties(tokens, index, size)
    assert labels.dtype == torch.int8
    assert torch.equal(cells["board"], torch.cat([labels == 1, labels == -1], 1))
    assert torch.equal(cells["legal"], legal_labels(tokens, index, size))
    assert not (cells["legal"] & (labels != 0)).any()
    names = property_names(size)
    assert [len(names[k]) for k in ("board", "legal")] == [cells[k].shape[1] for k in ("board", "legal")]
    assert names["board"][size + 2] == "mine c2"


@pytest.mark.parametrize("size", [2, 5, 10, 0, -4])
def test_a_board_size_out_of_range_names_the_allowed_ones(size: int) -> None:
    with pytest.raises(TouchstoneError, match=rf"got {size}, allowed are 4, 6, 8"):
        some_games(size, 1, 0)


def test_illegal_moves_and_indices_are_named() -> None:
    tokens = some_games(6, 3, 0).tokens.copy()
    tokens[1, 2] = tokens[1, 1]
    with pytest.raises(TouchstoneError, match=rf"game 1, move 2: got square {tokens[1, 1]}"):
        replayed(tokens, 6)
    with pytest.raises(TouchstoneError, match="games below 3 and plies below 32"):
        board_labels(torch.from_numpy(tokens), torch.tensor([[3, 0]]), 6)
    with pytest.raises(TouchstoneError, match=r"expected \[games, at most 32\]"):
        replayed(np.zeros((1, 33), np.uint8), 6)
