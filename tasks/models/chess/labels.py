"""The positions behind the text: boards, and the moves before them, exactly.

    board_labels(played, index)      -> bool [n, 768]      pieces on squares where they did not stand at first
    strategy_labels(played, index)   -> bool [n, 140]      `properties.STRATEGY`, column by column
    moves_read(played, index)        -> int [n, plies]     which piece went where, for controls

`index` holds (game, number) pairs: `number` counts the moves that both players have made. White is to move there, and
the model has read the word of Black's last move, token `2 * number`; published evaluations take White's turns as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.chess.games import NOTHING, origin, piece, promotion, target
from tasks.models.chess.notation import PAWN
from tasks.models.chess.properties import BOARD_NAMES, PLACES, STRATEGY_NAMES, board_cells, strategy


def points(played: Int[Tensor, "games plies"]) -> Int[Tensor, "n 2"]:
    """(game, number) of all positions but the first with White to move, in which the game goes on."""
    return (played[:, 2::2] != NOTHING).nonzero() + torch.tensor([0, 1])


def at_tokens(index: Int[Tensor, "n 2"]) -> Int[Tensor, "n 2"]:
    """(game, token) of positions (game, number)."""
    return index * torch.tensor([1, 2])


def boards(played: Int[Tensor, "games plies"], index: Int[Tensor, "n 2"]) -> Iterator[tuple[int, Any]]:
    """(row of `index`, `chess.Board`) of all indexed positions, game by game; the board moves on with the next one."""
    import chess

    where = index.cpu().numpy()
    if len(where) and (where.min() < 0 or where[:, 0].max() >= len(played) or 2 * where[:, 1].max() > played.shape[1]):
        raise TouchstoneError(
            f"index of positions: expected games below {len(played)} and at most {played.shape[1] // 2} moves of both,"
            f" got up to {where[:, 0].max()} and {where[:, 1].max()}"
        )
    order = np.lexsort((where[:, 1], where[:, 0]))
    game, board, done = -1, chess.Board(), 0
    for row in order.tolist():
        if where[row, 0] != game:
            game, board, done = int(where[row, 0]), chess.Board(), 0
        for move in played[game, done : 2 * int(where[row, 1])].tolist():
            board.push(chess.Move(origin(move), target(move), promotion(move) or None))
        done = 2 * int(where[row, 1])
        yield row, board


def board_labels(played: Int[Tensor, "games plies"], index: Int[Tensor, "n 2"]) -> Bool[Tensor, "n cells"]:
    """Which pieces stand on which squares, those left out that have not moved; columns as `BOARD_NAMES`."""
    labels = torch.zeros(len(index), len(BOARD_NAMES), dtype=torch.bool)
    for row, board in boards(played, index):
        labels[row, board_cells(board)] = True
    return labels


def strategy_labels(played: Int[Tensor, "games plies"], index: Int[Tensor, "n 2"]) -> Bool[Tensor, "n properties"]:
    """The properties of the strategy set; columns as `STRATEGY_NAMES`."""
    labels = torch.zeros(len(index), len(STRATEGY_NAMES), dtype=torch.bool)
    for row, board in boards(played, index):
        labels[row] = torch.tensor(strategy(board))
    return labels


def moves_read(played: Int[Tensor, "games plies"], index: Int[Tensor, "n 2"]) -> Int[Tensor, "n plies"]:
    """The moves before each position as 64 * kind of piece + square; `PLACES` behind the last.

    A pawn that is promoted counts as what it becomes, castling as the king's move. All of it stands in the text.
    """
    kind = torch.where(promotion(played) > 0, promotion(played), piece(played))
    kinds = torch.where(played == NOTHING, PLACES, 64 * (kind - PAWN) + target(played))
    before = torch.arange(played.shape[1]) < 2 * index[:, 1:]
    return torch.where(before, kinds[index[:, 0].long()], PLACES)
