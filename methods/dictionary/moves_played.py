"""Who played where: two atoms for each square, from the moves alone, without any model.

A control. A disc stays where it was played and usually keeps its colour, so that the list of moves covers the board; an
atom of a model says something only where it says more. Where fewer codes are asked for than there are moves, the oldest
moves are left out.
"""

from __future__ import annotations

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from methods.dictionary._moves import listed, squares_of


@dictionary_method(cites="arXiv:2408.00113", control=True, supervised=True, requires=("moves",))
def moves_played(question: DictionaryQuestion) -> Dictionary:
    """An atom for "I played here" and one for "you did", as the player to move sees it."""
    squares = squares_of(question)
    return listed(question, 2 * squares, lambda game: (game.square + squares * game.yours, game.age))
