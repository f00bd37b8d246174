"""Who played where, and how often the other player has had a move on a line through it since: a list of safe moves.

A control. A disc that no later move of the other player lies in line with cannot have been turned over, so that these
atoms mean what `moves_played` only suggests, each in fewer positions. Geometry is all it knows of the rules.
"""

from __future__ import annotations

from math import isqrt

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.moves import Moves
from methods.dictionary._moves import listed, squares_of


@dictionary_method(cites="arXiv:2408.00113", control=True, supervised=True, requires=("moves",))
def exposed_moves(question: DictionaryQuestion) -> Dictionary:
    """Atoms for square, player and number of exposures, as many of these as the size allows, the last one open."""
    squares = squares_of(question)
    if isqrt(squares) ** 2 != squares:
        raise Unsupported(f"the moves name {squares} places, which are no square board")
    kinds = max(1, question.size // (2 * squares))

    def entries(game: Moves) -> tuple[Tensor, Tensor]:
        seen = exposures(game)
        atom = (game.square + squares * game.yours) * kinds + seen.clamp_max(kinds - 1)
        return atom, seen * game.square.shape[1] + game.age

    return listed(question, 2 * squares * kinds, entries)


def exposures(game: Moves) -> Int[Tensor, "n t"]:
    """How many later moves of the other player share a row, a column or a diagonal with each move."""
    line = in_line(isqrt(game.squares)).to(game.square.device)
    counts = torch.zeros_like(game.age)
    for ply in range(game.square.shape[1]):
        later = game.on & (game.age < game.age[:, ply, None]) & (game.yours != game.yours[:, ply, None])
        counts[:, ply] = (later & line[game.square[:, ply, None], game.square]).sum(1)
    return counts


def in_line(side: int) -> Bool[Tensor, "squares squares"]:
    """Whether two squares share a row, a column or a diagonal."""
    row, column = torch.arange(side * side) // side, torch.arange(side * side) % side
    down, across = row[:, None] - row, column[:, None] - column
    found: Tensor = (down == 0) | (across == 0) | (down.abs() == across.abs())
    return found
