"""What a position says, one function a property: each is exact, and of a `chess.Board` with White to move.

    BOARD(board)         -> 768 cells: which piece stands on which square, but for those that have not moved
    STRATEGY["pin"](board) -> a list of truth values, one for most properties and 64 for those of squares

The properties are those of Karvonen et al. 2024 (arXiv:2408.00113), whose board masks blanks and the initial position
and whose strategy set has these fourteen. Where the published code and the rules part, the rules are followed: a fork
is one piece that attacks two others, not two pieces that attack one each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.models.chess.notation import (
    BISHOP,
    KING,
    KNIGHT,
    PAWN,
    QUEEN,
    ROOK,
    legal_moves,
)
from tasks.models.chess.text import SQUARES

NAMES = {PAWN: "pawn", KNIGHT: "knight", BISHOP: "bishop", ROOK: "rook", QUEEN: "queen", KING: "king"}
PLACES = 64 * len(NAMES)
"""Cells of one player: piece by piece, and square by square within."""
WORTH_MORE = {
    PAWN: (KNIGHT, BISHOP, ROOK, QUEEN, KING),
    KNIGHT: (ROOK, QUEEN, KING),
    BISHOP: (ROOK, QUEEN, KING),
    ROOK: (QUEEN, KING),
}
"""What a piece may fork: only what is worth more."""
BACK = (ROOK, KNIGHT, BISHOP, QUEEN, KING, BISHOP, KNIGHT, ROOK)
INITIAL = {
    **{square: (piece, True) for square, piece in enumerate(BACK)},
    **dict.fromkeys(range(8, 16), (PAWN, True)),
    **dict.fromkeys(range(48, 56), (PAWN, False)),
    **{56 + square: (piece, False) for square, piece in enumerate(BACK)},
}
"""Piece and whether it is White's, by square, before the first move."""

BOARD_NAMES = tuple(
    f"{player} {NAMES[piece]} {square}" for player in ("white", "black") for piece in NAMES for square in SQUARES
)


def cell(piece: int, square: int, white: bool) -> int:
    """The cell of a piece on a square."""
    return (0 if white else PLACES) + 64 * (piece - 1) + square


def board_cells(board: Any) -> list[int]:
    """The cells that are on: pieces on squares where they did not stand before the first move."""
    found = ((square, piece.piece_type, piece.color) for square, piece in board.piece_map().items())
    return [cell(piece, square, white) for square, piece, white in found if INITIAL.get(square) != (piece, white)]


def squares_of(mask: int) -> list[int]:
    """The squares of a bit-board."""
    return [square for square in range(64) if mask >> square & 1]


def threat(board: Any) -> list[bool]:
    """Each square: whether Black attacks it."""
    attacked = 0
    for square in squares_of(board.occupied_co[False]):
        attacked |= board.attacks_mask(square)
    return [bool(attacked >> square & 1) for square in range(64)]


def legal(board: Any) -> list[bool]:
    """Each square: whether a legal move ends there."""
    targets = {move.to_square for move in board.generate_legal_moves()}
    return [square in targets for square in range(64)]


def check(board: Any) -> bool:
    """White is in check."""
    return bool(board.is_check())


def can_check(board: Any) -> bool:
    """White has a legal move that gives check."""
    return any(board.gives_check(move) for move in board.generate_legal_moves())


def has_queen(board: Any) -> bool:
    """White has a queen."""
    return bool(board.pieces_mask(QUEEN, True))


def can_capture_queen(board: Any) -> bool:
    """White has a legal move that takes a queen."""
    queens = board.pieces_mask(QUEEN, False)
    return any(queens >> move.to_square & 1 for move in board.generate_legal_moves())


def bishop_pair(board: Any) -> bool:
    """White has two bishops or more."""
    return int(board.pieces_mask(BISHOP, True)).bit_count() >= 2


def castling(board: Any) -> bool:
    """White may still castle to one side at least, now or later."""
    return bool(board.has_castling_rights(True))


def castling_king(board: Any) -> bool:
    """White may still castle to the king's side."""
    return bool(board.has_kingside_castling_rights(True))


def castling_queen(board: Any) -> bool:
    """White may still castle to the queen's side."""
    return bool(board.has_queenside_castling_rights(True))


def fork(board: Any) -> bool:
    """A white piece that is not pinned attacks two black ones that are worth more."""
    for piece, more in WORTH_MORE.items():
        targets = 0
        for other in more:
            targets |= board.pieces_mask(other, False)
        for square in board.pieces(piece, True):
            if (board.attacks_mask(square) & targets).bit_count() >= 2 and not board.is_pinned(True, square):
                return True
    return False


def pin(board: Any) -> bool:
    """A piece of either player is pinned to its king."""
    return any(
        board.is_pinned(player, square) for player in (True, False) for square in squares_of(board.occupied_co[player])
    )


def en_passant(board: Any) -> bool:
    """White may take a pawn in passing."""
    return bool(board.has_legal_en_passant())


def ambiguous(board: Any) -> bool:
    """Two white pieces of a kind, other than pawns, can go to one square, so that a move must say which."""
    return any(len(text.replace("x", "")) > 3 and text[0] in "NBRQ" for text in legal_moves(board)[1])


STRATEGY: dict[str, Callable[[Any], list[bool] | bool]] = {
    "threat": threat,
    "legal move": legal,
    "check": check,
    "can check": can_check,
    "has queen": has_queen,
    "can capture queen": can_capture_queen,
    "bishop pair": bishop_pair,
    "castling": castling,
    "castling kingside": castling_king,
    "castling queenside": castling_queen,
    "fork": fork,
    "pin": pin,
    "en passant": en_passant,
    "ambiguous move": ambiguous,
}
OF_SQUARES = ("threat", "legal move")

STRATEGY_NAMES, STRATEGY_GROUPS = (
    tuple(
        f"{name} {square}" if with_square and square else name
        for name in STRATEGY
        for square in (SQUARES if name in OF_SQUARES else ("",))
    )
    for with_square in (True, False)
)
"""Names of the strategy's columns, and the property that each belongs to."""


def strategy(board: Any) -> list[bool]:
    """All properties of the strategy set, in the order of `STRATEGY_NAMES`."""
    found: list[bool] = []
    for ask in STRATEGY.values():
        answer = ask(board)
        found += answer if isinstance(answer, list) else [answer]
    return found
