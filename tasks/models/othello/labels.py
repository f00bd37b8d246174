"""What a position of a game says: the board as the player to move sees it, and its legal moves.

    board_labels(tokens, index, size)                     -> int8 [n, squares], +1 mine, 0 empty, -1 yours
    board_state_properties(tokens, index, size)["board"]  -> bool [n, 2 * squares], as in the dictionary literature

`index` holds (game, ply) pairs; ply p is the position after move p, counted from 0: what a language model should know
when it has read token p. Mine and yours are those of the player who really moves next, also after a pass. The
properties are those of Karvonen et al. 2024 (arXiv:2408.00113): one binary cell per square and colour, blank squares
masked, and one per legal move.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Int, Int8, UInt64
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.othello.games import replayed


def board_labels(tokens: Int[Tensor, "games t"], index: Int[Tensor, "n 2"], size: int) -> Int8[Tensor, "n squares"]:
    """+1 where the player to move has a disc, -1 where the other player has one, 0 on empty squares."""
    mine, yours, _ = positions(tokens, index, size)
    return torch.from_numpy(unpacked(mine, size).astype(np.int8) - unpacked(yours, size).astype(np.int8))


def legal_labels(tokens: Int[Tensor, "games t"], index: Int[Tensor, "n 2"], size: int) -> Bool[Tensor, "n squares"]:
    """Whether each square is a legal move of the player to move; nowhere true once the game is over."""
    return torch.from_numpy(unpacked(positions(tokens, index, size)[2], size))


def board_state_properties(
    tokens: Int[Tensor, "games t"], index: Int[Tensor, "n 2"], size: int
) -> dict[str, Bool[Tensor, "n cells"]]:
    """Binary features of each position: "board" [n, 2 * squares] (mine, then yours) and "legal" [n, squares]."""
    mine, yours, legal = (unpacked(board, size) for board in positions(tokens, index, size))
    return {"board": torch.from_numpy(np.concatenate([mine, yours], 1)), "legal": torch.from_numpy(legal)}


def moves_read(tokens: Int[Tensor, "games t"], index: Int[Tensor, "n 2"], size: int) -> Int[Tensor, "n t"]:
    """What the model has read at each position: the squares of the game's moves so far, `size**2` behind them."""
    read = tokens[index[:, 0].long()]
    return torch.where(torch.arange(tokens.shape[1]) <= index[:, 1:], read, torch.full_like(read, size**2))


def square_names(size: int) -> list[str]:
    """Names of the squares, row by row: column letter, then row from 1, such as "c4"."""
    return [f"{'abcdefgh'[s % size]}{s // size + 1}" for s in range(size * size)]


def property_names(size: int) -> dict[str, list[str]]:
    """Names of the columns of `board_state_properties`, such as "mine c4"."""
    squares = square_names(size)
    return {
        "board": [f"{who} {s}" for who in ("mine", "yours") for s in squares],
        "legal": [f"legal {s}" for s in squares],
    }


def positions(
    tokens: Int[Tensor, "games t"], index: Int[Tensor, "n 2"], size: int
) -> tuple[UInt64[np.ndarray, " n"], ...]:
    """(mine, yours, legal) bit-boards of the indexed positions; only the games that occur in `index` are replayed."""
    where = index.cpu().numpy().astype(np.int64)
    if where.ndim != 2 or where.shape[1] != 2:
        raise TouchstoneError(f"index of positions: got shape {tuple(where.shape)}, expected [n, 2] pairs (game, ply)")
    if len(where) and (where.min() < 0 or (where.max(0) >= tokens.shape).any()):
        raise TouchstoneError(
            f"index of positions: got games {where[:, 0].min()} to {where[:, 0].max()} and plies {where[:, 1].min()} to"
            f" {where[:, 1].max()}, expected games below {tokens.shape[0]} and plies below {tokens.shape[1]}"
        )
    games, row = np.unique(where[:, 0], return_inverse=True)
    played = replayed(tokens.cpu().numpy()[games], size)
    at = (row.reshape(-1), where[:, 1] + 1)
    return played.mine[at], played.yours[at], played.legal[at]


def unpacked(boards: UInt64[np.ndarray, " *n"], size: int) -> Bool[np.ndarray, "*n squares"]:
    """The squares of bit-boards as booleans."""
    octets = np.ascontiguousarray(boards, dtype="<u8").view(np.uint8).reshape(*boards.shape, 8)
    return np.unpackbits(octets, axis=-1, count=size * size, bitorder="little").astype(bool)
