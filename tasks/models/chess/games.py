"""Games of chess as text with their moves: random legal ones, and recorded ones from a PGN file.

    games = random_games(count, moves, generator)     games.tokens [n, t], .targets [n, t, v], .played [n, p]
    games, problems = recorded_games(path, moves)

Both players of a random game choose uniformly among their legal moves. What character follows is then known but for
that choice: `targets` counts, for each character read, the legal moves that go on with each next one. Of a recorded
game only the one that was written is counted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Int, Int32, UInt8
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.chess.notation import legal_moves
from tasks.models.chess.text import NUMBER, START, VOCABULARY, encoded

EACH = 11
"""Characters that a move of both players takes: 9.4 on average, and a little more for games of many captures."""
NOTHING = -1
"""Stands behind the last move of a game."""


@dataclass(frozen=True)
class Games:
    """Games cut to the same length."""

    tokens: UInt8[np.ndarray, "n t"]
    """The text; the start's character behind the end."""
    targets: UInt8[np.ndarray, "n t v"]
    """How many legal moves go on with each character, behind each character read; nothing behind the end."""
    played: Int32[np.ndarray, "n p"]
    """The moves, as `code` writes them; `NOTHING` behind the last."""

    def __len__(self) -> int:
        return len(self.tokens)

    def taken(self, which: Int[np.ndarray, " m"]) -> Games:
        """The games of these numbers."""
        return Games(self.tokens[which], self.targets[which], self.played[which])


def length(moves: int) -> int:
    """Characters of the text of a game of so many moves of both players."""
    return 2 + EACH * moves


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
    written = [_Written(moves) for _ in range(count)]
    for game in written:
        board = chess.Board()
        for _ in range(2 * moves):
            legal, texts = legal_moves(board)
            if not legal:
                break
            chosen = draw.randrange(len(legal))
            game.add(
                board.turn, texts[chosen], texts, code(legal[chosen], board.piece_type_at(legal[chosen].from_square))
            )
            board.push(legal[chosen])
    return _joined(written, moves)


class _Written:
    """The text of one game, and what might have followed each character of it."""

    def __init__(self, moves: int) -> None:
        self.text, self.played = START, [NOTHING] * (2 * moves)
        self.follows: list[dict[str, int]] = []
        self.plies = 0

    def add(self, white: bool, text: str, texts: Sequence[str], code: int) -> None:
        """Write one move, chosen among `texts`."""
        if white:
            number = f"{self.plies // 2 + 1}."
            self.follows += [{character: 1} for character in number]
            self.text += number
        possible = [f"{other} " for other in texts]
        for place, character in enumerate(f"{text} "):
            counts: dict[str, int] = {}
            for other in possible:
                counts[other[place]] = counts.get(other[place], 0) + 1
            self.follows.append(counts)
            possible = [other for other in possible if other[place] == character]
        self.text += f"{text} "
        self.played[self.plies] = code
        self.plies += 1


def _joined(written: Sequence[_Written], moves: int) -> Games:
    n, t = len(written), length(moves)
    tokens = np.full((n, t), NUMBER[START], np.uint8)
    targets = np.zeros((n, t, len(VOCABULARY)), np.uint8)
    played = np.full((n, 2 * moves), NOTHING, np.int32)
    for i, game in enumerate(written):
        text = game.text[:t]
        tokens[i, : len(text)] = encoded(text)
        played[i] = game.played
        for place, counts in enumerate(game.follows[:t]):
            for character, number in counts.items():
                targets[i, place, NUMBER[character]] = number
    return Games(tokens, targets, played)


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
    written: list[_Written] = []
    problems: list[str] = []
    for number, words in enumerate(_games(text), 1):
        board, game = chess.Board(), _Written(moves)
        for line, word in words:
            if game.plies == 2 * moves:
                break
            try:
                move = board.parse_san(word)
            except ValueError:
                who = "White" if board.turn else "Black"
                where = f"{path.name}, line {line}: {word!r} is no legal move of {who} (game {number}, "
                problems.append(where + f"move {board.fullmove_number}); the game is kept up to there")
                break
            legal, texts = legal_moves(board)
            text_of = texts[legal.index(move)]
            game.add(board.turn, text_of, [text_of], code(move, board.piece_type_at(move.from_square)))
            board.push(move)
        if game.plies:
            written.append(game)
    if not written:
        raise TouchstoneError(f"games: {path} holds no game" + "".join(f"\n  - {problem}" for problem in problems))
    return _joined(written, moves), problems


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
