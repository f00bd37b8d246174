"""Linear probe on the moves: what a list of who played where says of the board, without any model.

A control. Moves are told apart by square and player, mover relative, and not by ply: with one-hot plies the same probe
has ten times the weights and predicts worse (accuracy .74 and .82 against .88 on 8000 positions of a 6x6 board).
"""

from __future__ import annotations

from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingQuestion, probing_method
from benchmark.learning.moves import known_from_moves


@probing_method(cites="arXiv:2309.00941", control=True, supervised=True, requires=("moves",))
def moves_probe(question: ProbingQuestion, *, penalty: float = 1.0) -> Tensor:
    """Multinomial logistic regression from the moves to every concept; it names no subspace."""
    if question.inputs is None:
        raise Unsupported("the question has no moves")
    moves = {split: part.to(question.train.device) for split, part in question.inputs.items()}
    return known_from_moves(moves["train"], moves["test"], question.labels, question.classes, penalty=penalty)
