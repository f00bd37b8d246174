"""Legal moves and how they are written: standard algebraic notation without the marks of check and mate.

    moves, written = legal_moves(board)        two lists in one order; no two moves are written alike

All moves of a position are written at once, which costs a quarter of asking for one after the other: who needs a file
or a rank to be told apart is known from the list. `chess` is imported by whoever has a board to hand in.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tasks.models.chess.text import FILES, PIECES, RANKS, SQUARES

PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = range(1, 7)


def legal_moves(board: Any) -> tuple[list[Any], list[str]]:
    """The legal moves of a `chess.Board`, and each as text."""
    moves = list(board.generate_legal_moves())
    pieces = [board.piece_type_at(move.from_square) for move in moves]
    origins: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for move, piece in zip(moves, pieces, strict=True):
        origins[piece, move.to_square].append(move.from_square)
    occupied = board.occupied
    return moves, [
        _written(board, move, piece, bool(occupied >> move.to_square & 1), origins[piece, move.to_square])
        for move, piece in zip(moves, pieces, strict=True)
    ]


def _written(board: Any, move: Any, piece: int, taken: bool, origins: list[int]) -> str:
    """One move; `origins` are the squares from which pieces of its kind can go where it goes."""
    origin, target = move.from_square, SQUARES[move.to_square]
    if piece == PAWN:
        aside = origin % 8 != move.to_square % 8  # also where it takes in passing, and the target is empty
        promoted = f"={PIECES[move.promotion]}" if move.promotion else ""
        return f"{FILES[origin % 8]}x{target}{promoted}" if aside else target + promoted
    if piece == KING and board.is_castling(move):
        return "O-O" if move.to_square > origin else "O-O-O"
    return f"{PIECES[piece]}{_apart(origin, origins)}{'x' if taken else ''}{target}"


def _apart(origin: int, origins: list[int]) -> str:
    """What tells an origin from the others: nothing, its file, else its rank, else both."""
    others = [other for other in origins if other != origin]
    if not others:
        return ""
    if all(other % 8 != origin % 8 for other in others):
        return FILES[origin % 8]
    if all(other // 8 != origin // 8 for other in others):
        return RANKS[origin // 8]
    return SQUARES[origin]
