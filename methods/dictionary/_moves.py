"""What the controls of the dictionary family that list moves have in common: cells of a list as atoms, cut to size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion
from benchmark.learning.moves import Moves, squares_in

Listed = Callable[[Moves], tuple[Tensor, Tensor]]
"""From moves [n, t] to the atom of each and its rank [n, t]: the lower, the longer it is kept."""


def listed(question: DictionaryQuestion, atoms: int, entries: Listed) -> Dictionary:
    """A dictionary whose codes are 1 at the atoms of the moves of lowest rank, as many on average as are asked for.

    It reconstructs nothing: atoms are zero, since nobody has looked where the model writes moves.
    """
    moves = _moves(question)
    squares = squares_in(moves)
    if atoms > question.size:
        raise Unsupported(f"it needs {atoms} atoms, and {question.size} are allowed")
    game = Moves.of(moves["train"], squares)
    ranks = entries(game)[1][game.on].sort().values
    most = question.sparsity * len(moves["train"])
    # of equal ranks all are kept or none: the list stays below what is asked for
    cut = ranks[most] if most < len(ranks) else ranks[-1] + 1

    def codes(split: str) -> Tensor:
        game = Moves.of(moves[split], squares)
        atom, rank = entries(game)
        kept = (game.on & (rank < cut)).float()
        return torch.zeros(len(atom), atoms).scatter_reduce_(1, atom, kept, "amax")

    zeros = torch.zeros(atoms, question.train.shape[1])
    return Dictionary(zeros, zeros[0], codes("validation"), codes("test"))


def squares_of(question: DictionaryQuestion) -> int:
    """The number of squares of the board."""
    return squares_in(_moves(question))


def _moves(question: DictionaryQuestion) -> Mapping[str, Tensor]:
    if question.inputs is None:
        raise Unsupported("the question has no moves")
    return question.inputs
