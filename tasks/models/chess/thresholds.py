"""What a model of chess must show before anything about its board is scored.

They were written down before the first model had been measured: those of reading and exchange are Othello's, for the
same reasons. A game of four moves, for quick looks, is nearly all opening moves that are legal in most games: there the
effects need only exceed the noise, and nothing is concluded from them.
"""

from __future__ import annotations

from dataclasses import dataclass

UNTRAINED = 0.05
"""Greatest share of legal moves with random weights: some 25 of 1,700 words are legal."""
SHORT = 4
"""Moves of both players up to which a game counts as a quick look."""


@dataclass(frozen=True)
class Thresholds:
    """What must be reached by a trained model."""

    legal: float
    """Least share of legal moves among those that the model finds most probable."""
    beyond: float
    """Least advance of that share over moves that other games have at the same number: legal without a board."""
    gap: float
    """Least advance of the board's linear read-out over random weights, in F1 of what has moved."""
    left: float
    """Greatest share of the surplus against another game's legal moves that is left when its activations are put
    in; an exchange without effect leaves all."""


FULL = Thresholds(legal=0.8, beyond=0.2, gap=0.10, left=0.6)
QUICK = Thresholds(legal=0.6, beyond=0.05, gap=0.05, left=0.8)


def thresholds(moves: int) -> Thresholds:
    """Those of games of so many moves of both players."""
    return QUICK if moves <= SHORT else FULL
