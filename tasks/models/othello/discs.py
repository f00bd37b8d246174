"""Positions with one disc turned over: which moves are legal then, and how far the model says so."""

from __future__ import annotations

import numpy as np
import torch

from benchmark.families.dictionary import Edits
from tasks.models.othello.certificate import errors, errors_removed
from tasks.models.othello.labels import positions, unpacked
from tasks.models.othello.questions import Asked
from tasks.models.othello.rules import rules

TRIES = 20
"""Times as many positions are drawn as are wanted: turning a disc over often changes no legal move."""


def turned_discs(asked: Asked, split: str, count: int) -> Edits:
    """`count` pairs of a position and a disc whose turning changes the legal moves, and leaves some.

    Features are those of `Asked.boards`: the disc goes from mine to yours, or from yours to mine. How far the model
    follows is the share of its errors against the turned board that are gone, as in `errors_removed`.
    """
    size, index = asked.subject.size, asked.of(split, "index").long()
    squares = size**2
    mine, yours, legal = positions(asked.tokens(split), index, size)
    draw = asked.saved.generator(f"turned discs of {split}")
    row = torch.randint(len(index), (TRIES * count,), generator=draw)
    square = torch.randint(squares, (TRIES * count,), generator=draw)
    bit = np.uint64(1) << square.numpy().astype(np.uint64)
    is_mine, is_yours = ((board[row] & bit) != 0 for board in (mine, yours))
    turned = rules(size).legal(mine[row] ^ bit, yours[row] ^ bit)
    use = torch.from_numpy((is_mine | is_yours) & (turned != legal[row]) & (turned != 0))
    kept = use.nonzero()[:, 0][:count]
    want = torch.from_numpy(unpacked(turned, size))[kept]
    was_mine = torch.from_numpy(is_mine)[kept]
    row, square = row[kept], square[kept]
    logits = asked.continued(split)
    unedited = errors(logits(asked.of(split, "activations").float()[row], row), want)
    return Edits(
        rows=row,
        off=torch.where(was_mine, square, squares + square),
        on=torch.where(was_mine, squares + square, square),
        follows=lambda activations: errors_removed(logits(activations, row), want, unedited),
    )
