"""Games of chess as words with their moves: random legal ones, and recorded ones from a PGN file.

    games = random_games(count, moves, generator)     games.tokens [n, t], .follows [n, t, w], .played [n, p]
    games, problems = recorded_games(path, moves)

Both players of a random game choose uniformly among their legal moves. What follows is then known but for that choice:
`follows` holds the words of all legal moves. Of a recorded game it holds the one that was played.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Int, Int16, Int32
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.chess.notation import legal_moves
from tasks.models.chess.text import NUMBER, START, word

NOTHING = -1
"""Stands where there is no move."""


@dataclass(frozen=True)
class Games:
    """Games cut to the same length. The first token is the start's; token p is the word of the p-th move."""

    tokens: Int16[np.ndarray, "n t"]
    """The words; the start's behind the end."""
    follows: Int16[np.ndarray, "n t w"]
    """The words of the legal moves behind each token, `NOTHING` behind the last of them."""
    played: Int32[np.ndarray, "n p"]
    """The moves, as `code` writes them; `NOTHING` behind the last."""

    def __len__(self) -> int:
        return len(self.tokens)

    def taken(self, which: Int[np.ndarray, " m"]) -> Games:
        """The games of these numbers."""
        return Games(self.tokens[which], self.follows[which], self.played[which])


def length(moves: int) -> int:
    """Tokens of a game of so many moves of both players."""
    return 1 + 2 * moves


T = TypeVar("T", int, Tensor)


def code(move: Any, piece: int) -> int:
    """A `chess.Move` as a number: origin, target, what a pawn becomes (0: nothing), and the piece that moves."""
    return int(move.from_square + 64 * move.to_square + 4096 * (move.promotion or 0) + 32768 * piece)


def origin(code: T) -> T:
    """The square that a move leaves."""
    return code % 64


def target(code: T) -> T:
    """The square where a move ends."""
    return code // 64 % 64


def promotion(code: T) -> T:
    """The kind of piece that a pawn becomes; 0 where it stays a pawn, and for other pieces."""
    return code // 4096 % 8


def piece(code: T) -> T:
    """The kind of piece that moves, 1 (pawn) to 6 (king)."""
    return code // 32768


def random_games(count: int, moves: int, generator: torch.Generator) -> Games:
    """`count` games of `moves` moves of both players, fewer where one ends; the generator determines them."""
    import chess

    draw = random.Random(int(torch.randint(2**63 - 1, (), generator=generator)))
    games = _Writing(moves)
    for _ in range(count):
        games.begin()
        board = chess.Board()
        for _ in range(2 * moves):
            legal, texts = legal_moves(board)
            if not legal:
                break
            chosen = draw.randrange(len(legal))
            games.add(board, legal[chosen], texts[chosen], texts)
            board.push(legal[chosen])
    return games.written()


class _Writing:
    """Games as they are written, one after the other."""

    def __init__(self, moves: int) -> None:
        self.moves = moves
        self.tokens: list[list[int]] = []
        self.follows: list[list[list[int]]] = []
        self.played: list[list[int]] = []

    def begin(self) -> None:
        """A new game."""
        self.tokens.append([NUMBER[START]])
        self.follows.append([])
        self.played.append([])

    @property
    def plies(self) -> int:
        """Moves of the game that is being written."""
        return len(self.played[-1])

    def add(self, board: Any, move: Any, text: str, texts: Sequence[str]) -> None:
        """Write one move, before it is made on the board; `texts` are those among which it was chosen."""
        self.tokens[-1].append(NUMBER[word(text)])
        self.follows[-1].append([NUMBER[word(other)] for other in texts])
        self.played[-1].append(code(move, board.piece_type_at(move.from_square)))

    def written(self) -> Games:
        """All games that have a move, as arrays."""
        kept = [game for game, played in enumerate(self.played) if played]
        n, t = len(kept), length(self.moves)
        tokens = np.full((n, t), NUMBER[START], np.int16)
        most = max((len(words) for game in kept for words in self.follows[game]), default=0)
        follows = np.full((n, t, most), NOTHING, np.int16)
        played = np.full((n, t - 1), NOTHING, np.int32)
        for row, game in enumerate(kept):
            tokens[row, : len(self.tokens[game])] = self.tokens[game]
            played[row, : len(self.played[game])] = self.played[game]
            for place, words in enumerate(self.follows[game]):
                follows[row, place, : len(words)] = words
        return Games(tokens, follows, played)


def recorded_games(path: Path, moves: int) -> tuple[Games, list[str]]:
    """The first `moves` moves of each game of a PGN file, and a sentence on each illegal one.

    A game ends before a move that is illegal or makes no sense; what follows it there is not read, other games are.

    Raises:
        TouchstoneError: where the file cannot be read, or holds no move at all.
    """
    import chess

    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TouchstoneError(f"games: {path} cannot be read: {error.strerror}") from None
    games = _Writing(moves)
    problems: list[str] = []
    for number, words in enumerate(_games(text), 1):
        board = chess.Board()
        games.begin()
        for line, given in words:
            if games.plies == 2 * moves:
                break
            try:
                move = board.parse_san(given)
            except ValueError:
                who = "White" if board.turn else "Black"
                where = f"{path.name}, line {line}: {given!r} is no legal move of {who} (game {number}, "
                problems.append(where + f"move {board.fullmove_number}); the game is kept up to there")
                break
            legal, texts = legal_moves(board)
            text_of = texts[legal.index(move)]
            games.add(board, move, text_of, [text_of])
            board.push(move)
    found = games.written()
    if not len(found):
        raise TouchstoneError(f"games: {path} holds no game" + "".join(f"\n  - {problem}" for problem in problems))
    return found, problems


RESULTS = ("1-0", "0-1", "1/2-1/2", "*")


def _games(text: str) -> Iterator[list[tuple[int, str]]]:
    """The moves of each game with their lines; headers, comments, variations and numbers are left out."""
    words: list[tuple[int, str]] = []
    commented, depth = False, 0
    for number, line in enumerate(text.splitlines(), 1):
        if not commented and line.startswith("["):
            if words:
                yield words
                words = []
            continue
        if line.startswith("%"):
            continue
        for part in _parts(line):
            if commented:
                commented = part != "}"
            elif part == ";":
                break
            elif part in "{()":
                commented = part == "{"
                depth = max(0, depth + (part == "(") - (part == ")"))
            elif depth == 0 and part in RESULTS:
                yield words
                words = []
            elif depth == 0 and (word := part.lstrip("0123456789.") if part[0].isdigit() else part.lstrip(".")):
                words += [] if word.startswith("$") else [(number, word)]
    if words:
        yield words


def _parts(line: str) -> list[str]:
    """The words of a line, with each bracket and comment mark as a word of its own."""
    for mark in "{}();":
        line = line.replace(mark, f" {mark} ")
    return line.split()
