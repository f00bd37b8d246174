"""Which piece was moved where, and whether it may have moved on: an atom for each piece, square and player.

A control. Its code is 1 for a piece whose player has moved none of that kind since, 1/2 after one such move, and so on:
the text names the piece of a move and not where it came from. Where a later move ended, nothing else stands. That is
all it knows of the game.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method, keep_largest_on_average
from benchmark.learning.moves import Moves, squares_in

SQUARES = 64


@dictionary_method(cites="arXiv:2408.00113", control=True, supervised=True, requires=("moves", "pieces"))
def moved_since(question: DictionaryQuestion) -> Dictionary:
    """Codes of the pieces that may still stand where they were moved; those that moved last are kept."""
    if question.inputs is None:
        raise Unsupported("the question has no moves")
    places = squares_in(question.inputs)
    if 2 * places > question.size:
        raise Unsupported(f"it needs {2 * places} atoms, and {question.size} are allowed")

    def codes(inputs: Int[Tensor, "n t"]) -> Float[Tensor, "n m"]:
        game = Moves.of(inputs, places)
        found = game.square.new_zeros(len(inputs), 2 * places, dtype=torch.float)
        found.scatter_reduce_(1, game.square + places * game.yours, certainty(game), "amax")
        return keep_largest_on_average(found, question.sparsity)

    zeros = torch.zeros(2 * places, question.train.shape[1])
    return Dictionary(zeros, zeros[0], codes(question.inputs["validation"]), codes(question.inputs["test"]))


def certainty(game: Moves) -> Float[Tensor, "n t"]:
    """1 / (1 + later moves of the same player's pieces of that kind); 0 where a later move ended on the square."""
    sure = torch.zeros(game.square.shape)
    for ply in range(game.square.shape[1]):
        later = game.on & (game.age < game.age[:, ply, None])
        alike = game.square // SQUARES == game.square[:, ply, None] // SQUARES
        onto = game.square % SQUARES == game.square[:, ply, None] % SQUARES
        repeats = (later & alike & (game.yours == game.yours[:, ply, None])).sum(1)
        sure[:, ply] = (game.on[:, ply] & ~(later & onto).any(1)) / (1 + repeats)
    return sure
