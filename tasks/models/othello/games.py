"""Random legal games of Othello with exact labels, thousands at a time.

    games = random_games(size=8, count=4096, generator)      games.tokens [4096, 60], games.legal [4096, 61], ...

State t of a game is the position after t moves, seen by the player who really moves next. A player without a legal
move passes; a pass is no token, as in the published game transcripts (Li et al. 2023, arXiv:2210.13382). Labels that
take the side to move from the parity of t, as published ones do, are therefore wrong from the first pass on; here
`black` says who moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8, UInt64

from benchmark.errors import TouchstoneError
from tasks.models.othello.rules import Position, Rules, rules

CHUNK = 8192
"""Games simulated together: enough to hide Python's overhead, few enough for the cache. What is drawn depends on it."""

_ONES, _HIGH = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_SPREAD = tuple(np.uint64(m) for m in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
_0, _1, _2, _3, _4, _7, _8, _32, _56, _255 = (np.uint64(i) for i in (0, 1, 2, 3, 4, 7, 8, 32, 56, 255))


@dataclass(frozen=True)
class Games:
    """`n` games of at most `t = size**2 - 4` moves and the positions they pass through.

    States after a game's end mean nothing.
    """

    size: int
    tokens: UInt8[np.ndarray, "n t"]
    """The square of each move; `size**2` where the game is over."""
    mine: UInt64[np.ndarray, "n t+1"]
    """Discs of the player to move in each state."""
    yours: UInt64[np.ndarray, "n t+1"]
    """Discs of the other player."""
    legal: UInt64[np.ndarray, "n t+1"]
    """Legal moves of the player to move; none once the game is over."""
    black: Bool[np.ndarray, "n t+1"]
    """Whether the player to move is Black, who made the first move."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lengths(self) -> Int[np.ndarray, " n"]:
        """The number of moves of each game."""
        moves: Int[np.ndarray, " n"] = (self.tokens != self.size**2).sum(1)
        return moves


def random_games(size: int, count: int, generator: torch.Generator) -> Games:
    """`count` games in which both players choose uniformly among their legal moves; the generator determines them."""
    board = rules(size)
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    chunks = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    streams = np.random.SeedSequence(seed).spawn(len(chunks))
    played = [_Playing(board, n).random(np.random.PCG64(s)) for n, s in zip(chunks, streams, strict=True)]
    return _joined(size, played)


def replayed(tokens: Int[np.ndarray, "n t"], size: int) -> Games:
    """The positions of known games; padding ends a game. An illegal move raises a `TouchstoneError` that names it."""
    board, tokens = rules(size), np.asarray(tokens)
    if tokens.ndim != 2 or tokens.shape[1] > len(board.playable):
        raise TouchstoneError(f"game tokens: got shape {tokens.shape}, expected [games, at most {len(board.playable)}]")
    starts = range(0, max(1, len(tokens)), CHUNK)
    return _joined(size, [_Playing(board, len(c)).given(c, i) for i in starts for c in (tokens[i : i + CHUNK],)])


class _Playing:
    """One chunk of games being played. States are rows here, so that each is written in one piece."""

    def __init__(self, board: Rules, n: int) -> None:
        self.board, self.n = board, n
        moves = len(board.playable)
        self.tokens = np.full((moves, n), board.squares, np.uint8)
        self.mine, self.yours, self.legal = (np.zeros((moves + 1, n), np.uint64) for _ in range(3))
        self.black = np.ones((moves + 1, n), bool)
        self.position = Position(board, n)
        self.mine[0], self.yours[0] = board.start_mine, board.start_yours
        self._look(0)

    def random(self, source: np.random.PCG64) -> _Playing:
        """Play uniformly random legal moves to the end."""
        choose = _Choice(self.n)
        for ply in range(len(self.tokens)):
            square, move = choose(self.legal[ply], source.random_raw(self.n))
            np.minimum(square, np.uint64(self.board.squares), out=square)
            self.tokens[ply] = square
            self._move(ply, move)
        return self

    def given(self, tokens: Int[np.ndarray, "n t"], first: int) -> _Playing:
        """Play known moves; `first` is the number of the first game, for the message about an illegal one."""
        for ply in range(len(self.tokens)):
            square = tokens[:, ply] if ply < tokens.shape[1] else np.full(self.n, self.board.squares)
            known = (square >= 0) & (square < self.board.squares)
            move = np.where(known, _1 << np.where(known, square, 0).astype(np.uint64), _0)
            bad = np.flatnonzero(((move & self.legal[ply]) != move) | (~known & (square != self.board.squares)))
            if len(bad):
                game = bad[0]
                raise TouchstoneError(
                    f"game {first + game}, move {ply}: got square {int(square[game])}, which is not a legal move"
                    f" on a board of side {self.board.size} (padding is {self.board.squares})"
                )
            self.tokens[ply] = square
            self._move(ply, move)
        return self

    def _move(self, ply: int, move: UInt64[np.ndarray, " n"]) -> None:
        """Make `move` in state `ply` and write the next state."""
        captured = self.position.flips(move)
        np.bitwise_xor(self.yours[ply], captured, out=self.mine[ply + 1])
        np.bitwise_or(self.mine[ply], captured, out=captured)
        np.bitwise_or(captured, move, out=self.yours[ply + 1])
        np.logical_not(self.black[ply], out=self.black[ply + 1])
        self._look(ply + 1)

    def _look(self, ply: int) -> None:
        """Find the legal moves of state `ply`; who has none passes, unless neither has any and the game is over."""
        mine, yours, legal = self.mine[ply], self.yours[ply], self.legal[ply]
        self.position.legal(mine, yours, out=legal)
        stuck = np.flatnonzero(legal == 0)
        if len(stuck):
            other = Position(self.board, len(stuck))
            after = other.legal(yours[stuck], mine[stuck])
            go = after != 0
            passing = stuck[go]
            mine[passing], yours[passing] = yours[passing], mine[passing]
            legal[passing] = after[go]
            self.black[ply, passing] ^= True
            self.position.runs[:, passing] = other.runs[:, go]


class _Choice:
    """Choose one set bit of each bit-board uniformly: the k-th, for a random k below their number."""

    def __init__(self, n: int) -> None:
        self._counts, self._spare, self._byte, self._square, self._move = (np.empty(n, np.uint64) for _ in range(5))

    def __call__(
        self, boards: UInt64[np.ndarray, " n"], random: UInt64[np.ndarray, " n"]
    ) -> tuple[UInt64[np.ndarray, " n"], UInt64[np.ndarray, " n"]]:
        """(square, its bit) of each board; (64, no bit) for an empty one. Overwrites `random`, uniform 64-bit words.

        The probability of each of c bits lies within 2**-32 of 1 / c.
        """
        counts, spare, byte, square = self._counts, self._spare, self._byte, self._square
        np.right_shift(boards, _1, out=spare)
        np.bitwise_and(spare, _SPREAD[0], out=spare)
        np.subtract(boards, spare, out=counts)
        np.right_shift(counts, _2, out=spare)
        np.bitwise_and(spare, _SPREAD[1], out=spare)
        np.bitwise_and(counts, _SPREAD[1], out=counts)
        np.add(counts, spare, out=counts)
        np.right_shift(counts, _4, out=spare)
        np.add(counts, spare, out=counts)
        np.bitwise_and(counts, _SPREAD[2], out=counts)
        np.multiply(counts, _ONES, out=counts)  # byte i: the bits set in bytes 0 to i
        rank = random
        np.right_shift(rank, _32, out=rank)
        np.right_shift(counts, _56, out=spare)
        np.multiply(rank, spare, out=rank)
        np.right_shift(rank, _32, out=rank)
        np.multiply(rank, _ONES, out=byte)  # compare all eight bytes with the rank at once
        np.bitwise_or(byte, _HIGH, out=byte)
        np.subtract(byte, counts, out=byte)
        np.bitwise_and(byte, _HIGH, out=byte)
        np.right_shift(byte, _7, out=byte)
        np.multiply(byte, _ONES, out=byte)
        np.right_shift(byte, _56, out=byte)
        np.left_shift(byte, _3, out=byte)  # eight times the number of the byte that holds the bit
        np.left_shift(counts, _8, out=counts)
        np.right_shift(counts, byte, out=counts)
        np.bitwise_and(counts, _255, out=counts)
        np.subtract(rank, counts, out=rank)  # its rank within the byte
        np.right_shift(boards, byte, out=spare)
        np.bitwise_and(spare, _255, out=spare)
        np.left_shift(spare, _3, out=spare)
        np.bitwise_or(spare, rank, out=spare)
        np.take(_bit_of_byte(), spare.view(np.int64), out=square, mode="wrap")
        np.add(square, byte, out=square)
        np.left_shift(_1, square, out=self._move)
        return square, self._move


@lru_cache(maxsize=1)
def _bit_of_byte() -> UInt64[np.ndarray, " entries"]:
    """Entry `8 * byte + k`: the position of the k-th set bit of `byte` (0 where there is none)."""
    table = np.zeros((256, 8), np.uint64)
    for byte in range(256):
        bits = [bit for bit in range(8) if byte >> bit & 1]
        table[byte, : len(bits)] = bits
    return table.reshape(-1)


def _joined(size: int, chunks: list[_Playing]) -> Games:
    names = ("tokens", "mine", "yours", "legal", "black")
    arrays = {name: [getattr(chunk, name).T for chunk in chunks] for name in names}
    return Games(
        size, **{name: parts[0] if len(parts) == 1 else np.concatenate(parts) for name, parts in arrays.items()}
    )
