"""The rules of Othello on bit-boards, for a whole batch of positions at once.

A position is two numbers of 64 bits: the discs of the player to move (`mine`) and those of the other player
(`yours`). Square (row, column) of a board of side s is bit `s * row + column`. A move captures along eight
directions; in each, the discs between the move and the next own disc are a run of the other player's discs. Such runs
grow out of the own discs, all at once, by parallel prefix ("Kogge-Stone fill",
chessprogramming.org/Kogge-Stone_Algorithm): lengths 1, 2, 4 and 6 in four steps. The legal moves are the empty
squares just behind a run, and the captured discs are the runs that a fill from the move back along the same runs
reaches. Every step is one numpy operation on the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from jaxtyping import UInt64

from benchmark.errors import TouchstoneError

SIZES = (4, 6, 8)
"""Sides of the boards that fit into 64 bits and have a start position."""

Boards = UInt64[np.ndarray, " n"]


def check_size(size: int) -> int:
    """Return `size` if a board of that side exists, else raise a `TouchstoneError`."""
    if size not in SIZES:
        raise TouchstoneError(
            f"board size: got {size!r}, allowed are {', '.join(map(str, SIZES))} (even sides from 4 to 8)"
        )
    return size


@lru_cache(maxsize=len(SIZES))
def rules(size: int) -> Rules:
    """The rules for a board of side `size`, made once."""
    return Rules(size)


class Rules:
    """Othello on a board of side `size`; every method works on a batch of positions."""

    def __init__(self, size: int) -> None:
        self.size = check_size(size)
        self.squares = size * size
        inner = [s for s in range(self.squares) if 0 < s % size < size - 1]
        everywhere, inner_columns = _bits(range(self.squares)), _bits(inner)
        self.board = np.uint64(everywhere)
        # A run that goes sideways never leaves the inner columns, so that no shift wraps around the edge of the board.
        self.axes = [
            (np.uint64(1), inner_columns),
            (np.uint64(size - 1), inner_columns),
            (np.uint64(size), everywhere),
            (np.uint64(size + 1), inner_columns),
        ]
        low, high = size // 2 - 1, size // 2
        self.start_mine = _bits([low * size + high, high * size + low])  # Black moves first
        self.start_yours = _bits([low * size + low, high * size + high])
        self.centre = tuple(r * size + c for r in (low, high) for c in (low, high))
        self.playable = tuple(s for s in range(self.squares) if s not in self.centre)

    def legal(self, mine: Boards, yours: Boards) -> Boards:
        """The empty squares on which the player to move captures something, [n] bit-boards."""
        return Position(self, len(mine)).legal(mine, yours)

    def flips(self, mine: Boards, yours: Boards, move: Boards) -> Boards:
        """The discs captured by a legal `move`, one bit a position (no bit: nothing), [n] bit-boards."""
        position = Position(self, len(mine))
        position.legal(mine, yours)
        return position.flips(move)

    def play(self, mine: Boards, yours: Boards, move: Boards) -> tuple[Boards, Boards]:
        """The position after `move`: (discs of the other player, discs of the mover), whoever moves next."""
        captured = self.flips(mine, yours, move)
        return yours ^ captured, mine | captured | move


class Position:
    """Scratch memory for one batch of `n` positions: `legal` leaves the runs behind from which `flips` is read off."""

    def __init__(self, rules: Rules, n: int) -> None:
        self.rules = rules
        self.runs = np.zeros((8, n), np.uint64)
        self._inside, self._pairs, self._empty, self._spare = (np.empty(n, np.uint64) for _ in range(4))

    def legal(self, mine: Boards, yours: Boards, out: Boards | None = None) -> Boards:
        """As `Rules.legal`."""
        moves = np.empty_like(mine) if out is None else out
        moves.fill(0)
        empty, spare = self._empty, self._spare
        np.bitwise_or(mine, yours, out=empty)
        np.bitwise_xor(empty, self.rules.board, out=empty)
        for (shift, columns), forward, backward in zip(self.rules.axes, self.runs[:4], self.runs[4:], strict=True):
            np.bitwise_and(yours, columns, out=self._inside)
            np.left_shift(self._inside, shift, out=self._pairs)
            np.bitwise_and(self._pairs, self._inside, out=self._pairs)
            self._fill(np.left_shift, mine, self._inside, shift, forward)
            np.right_shift(self._pairs, shift, out=self._pairs)
            self._fill(np.right_shift, mine, self._inside, shift, backward)
            for run, move in ((forward, np.left_shift), (backward, np.right_shift)):
                move(run, shift, out=spare)
                np.bitwise_or(moves, spare, out=moves)
        np.bitwise_and(moves, empty, out=moves)
        return moves

    def flips(self, move: Boards, out: Boards | None = None) -> Boards:
        """As `Rules.flips`, of the position given to `legal` last."""
        captured = np.empty_like(move) if out is None else out
        captured.fill(0)
        for (shift, _), forward, backward in zip(self.rules.axes, self.runs[:4], self.runs[4:], strict=True):
            for run, back in ((forward, np.right_shift), (backward, np.left_shift)):
                back(run, shift, out=self._pairs)
                np.bitwise_and(self._pairs, run, out=self._pairs)
                self._fill(back, move, run, shift, self._inside)
                np.bitwise_or(captured, self._inside, out=captured)
        return captured

    def _fill(self, shift_by: np.ufunc, seeds: Boards, inside: Boards, shift: np.uint64, out: Boards) -> None:
        """Write to `out` what `seeds` reach inside; `_pairs` are the squares whose predecessor is inside too."""
        spare = self._spare
        shift_by(seeds, shift, out=out)
        np.bitwise_and(out, inside, out=out)
        shift_by(out, shift, out=spare)
        np.bitwise_and(spare, inside, out=spare)
        np.bitwise_or(out, spare, out=out)
        for _ in range((self.rules.size - 4) // 2):
            shift_by(out, shift + shift, out=spare)
            np.bitwise_and(spare, self._pairs, out=spare)
            np.bitwise_or(out, spare, out=out)


def _bits(squares: range | list[int]) -> np.uint64:
    return np.uint64(sum(1 << square for square in squares))


def squares_of(board: int) -> Iterator[int]:
    """The squares whose bit is set in one bit-board, in ascending order."""
    return (square for square in range(64) if int(board) >> square & 1)
